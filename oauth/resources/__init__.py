"""Protected resources: what tokens are for, under which names, with which scopes."""
