"""What a user allowed a client, and the page that asks."""
