"""OpenAPI documents: how schemas are written, what every document says, how it is served."""
