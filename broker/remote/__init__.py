"""Remote MCP servers: how they are found out about, and how users connect accounts there."""
