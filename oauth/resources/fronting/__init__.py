"""Fronting: tokens for one resource may be exchanged into tokens for another, scope by scope."""

from oauth.resources.fronting.links import Link, drop, find_link

__all__ = ["Link", "drop", "find_link"]
