"""Adapters: a listener and an engine to an edge; they decode calls and encode results."""
