"""OAuth proxies: issuers of their own in front of services that have an account of the user's."""
