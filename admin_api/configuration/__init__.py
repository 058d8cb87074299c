"""The configuration as one document that another server takes."""
