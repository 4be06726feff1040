"""Capability and Bindings to Plan: every name resolved to an object, every text compiled, once."""

from capspec.compiler.capability import compile_capability

__all__ = ["compile_capability"]
