"""Remote MCP servers of users: whose they are, and everything a user can do with them over HTTP."""
