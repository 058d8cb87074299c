"""The user."""
