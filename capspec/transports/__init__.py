"""Transports: each module carries requests with one HTTP library."""
