"""Text to a Document: plain data, with the place of every node in the file."""

from capspec.document.document import STDIN, Document, Pointer, parse, read
from capspec.document.text import Limits

__all__ = ["STDIN", "Document", "Limits", "Pointer", "parse", "read"]
