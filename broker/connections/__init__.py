"""Users' accounts at upstream services: how a credential is stored, found and ended."""
