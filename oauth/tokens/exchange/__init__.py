"""What decides about a token exchange, one rule a module."""
