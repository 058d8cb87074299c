"""REST for operators."""
