"""Identity assertions between authorization servers: redeemed here, and made for others."""
