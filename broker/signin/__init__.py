"""Signing in here with an account at an identity provider of somebody else's."""
