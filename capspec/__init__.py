"""capspec: one YAML capability file, served as REST and MCP."""

__version__ = "0.1.0"
