"""What proxy servers ask before they forward a request, and the credential they forward it with."""
