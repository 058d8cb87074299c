"""Fresh access tokens out of connections: one upstream call, however many ask at once."""
