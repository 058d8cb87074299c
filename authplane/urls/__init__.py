"""Which routes a listener has. Each module is a URLconf; a process loads the one it serves."""
