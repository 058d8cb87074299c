"""Where upstream secrets and credentials are kept, and how they are opened."""
