"""What is known of every diagnostic, and problems in the forms that people and programs read."""

from capspec.diagnostics.catalogue import Entry, Example, codes, doc_of, entries, entry_of, why

__all__ = ["Entry", "Example", "codes", "doc_of", "entries", "entry_of", "why"]
