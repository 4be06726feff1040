"""Text to a Document: plain data, with the place of every node in the file."""

from capspec.document.document import Document, Pointer, parse, read
from capspec.document.text import Limits

__all__ = ["Document", "Limits", "Pointer", "parse", "read"]
