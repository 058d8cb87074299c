"""Keys of the data plane: who holds them, what their groups may reach, and how often."""
