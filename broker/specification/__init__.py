"""The OpenAPI document of the public listener, and what it says about the broker."""
