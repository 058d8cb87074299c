"""Tokens of upstream services for exchanges that this server has allowed."""
