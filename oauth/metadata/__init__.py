"""What clients discover: authorization server, keys, protected resources."""
