"""The MCP adapter: flows as tools, resources and prompts, over Streamable HTTP and stdio."""
