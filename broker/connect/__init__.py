"""Hops to upstream services and back: how one begins, how its answer is believed, what follows."""
