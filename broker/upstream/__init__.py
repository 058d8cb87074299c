"""How this server speaks with services of others, and what it makes of their answers."""
