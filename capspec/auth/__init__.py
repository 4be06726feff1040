"""Outbound authentication: each module adds one scheme's credentials to requests."""
