"""Upstream credentials on behalf of users."""
