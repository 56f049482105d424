"""The platform as an MCP server: graphs and blocks of an account as tools."""
