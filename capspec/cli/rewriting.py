"""What the commands share that rewrite files: reading them, checking what would be written, and writing it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable
from pathlib import Path

import click

from capspec import app, document
from capspec.document import Document
from capspec.plan import Plan
from capspec.rewriting.verifying import Load
from capspec.saving import replace_file


def read(file: str) -> Document:
    """A file, or standard input for "-". Raises LoadError."""
    return document.read(file)


def loader(before: Document) -> Load:
    """How texts are compiled that stand for a document. Variables have no values: what they are changes nothing."""
    source = before.source if before.path is None else str(before.path)

    def load(content: bytes) -> Plan:
        return app.load_plan(source, environ={}, content=content)

    return load


def write(before: Document, text: str) -> None:
    """Put a text in the place of the file that a document was read from; print it for standard input."""
    if before.path is None:
        click.echo(text, nl=False)
    else:
        replace_file(before.path, text.encode())


def print_diff(before: Document, text: str) -> None:
    """Unified, as `diff -u` and patch have it; coloured on a terminal."""
    old, new = before.text.splitlines(keepends=True), text.splitlines(keepends=True)
    for line in _ended(difflib.unified_diff(old, new, before.source, before.source)):
        click.echo(click.style(line, fg=_COLOURS.get(line[:1])) if sys.stdout.isatty() else line, nl=False)


_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


def _ended(lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def is_same(before: Document, text: str) -> bool:
    """Whether a text is what the file holds, byte for byte but for a byte order mark."""
    if before.path is None:
        return before.text == text
    return Path(before.path).read_bytes() == text.encode()
