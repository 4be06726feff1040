"""MCP clients, and the files in which each is told of a server."""
