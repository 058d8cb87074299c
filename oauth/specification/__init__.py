"""What the document of the public listener says about the authorization server."""
