"""`outputParameters` to an Output, compiled once: what callers get of an answer, and the schema of that."""

from capspec.mapping.outputs import Mode, Output, compile_outputs

__all__ = ["Mode", "Output", "compile_outputs"]
