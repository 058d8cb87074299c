"""Proof of possession at the application layer (RFC 9449)."""
