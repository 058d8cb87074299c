"""Clients that register themselves, and the rules for what any client may say about itself."""
