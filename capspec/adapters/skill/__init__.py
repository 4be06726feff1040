"""The skill adapter: what agents read to know what a capability is good for."""
