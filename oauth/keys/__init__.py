"""Keys that sign access tokens: where they live, when they sign, when they leave."""
