"""What is known of a file to the objects of the Language Server Protocol (3.17), and positions back.

Lines and columns count from 1 here, and from 0 there, where a column counts the units of an encoding.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from lsprotocol import types
from pygls.uris import from_fs_path, to_fs_path

from capspec.errors import Place, Problem
from capspec.folders import locate
from capspec.language_server.completion import Offer, OfferKind
from capspec.language_server.cursor import lines_of
from capspec.language_server.reading import Reading
from capspec.language_server.symbols import Symbol

_SEVERITY: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "info": types.DiagnosticSeverity.Information,
}
_OFFERED: Final[dict[OfferKind, types.CompletionItemKind]] = {
    "operation": types.CompletionItemKind.Function,
    "function": types.CompletionItemKind.Function,
    "step": types.CompletionItemKind.Variable,
    "input": types.CompletionItemKind.Field,
    "variable": types.CompletionItemKind.Constant,
    "key": types.CompletionItemKind.Property,
    "value": types.CompletionItemKind.EnumMember,
}
_SYMBOLS: Final = {
    "api": types.SymbolKind.Package,
    "import": types.SymbolKind.Package,
    "apiOperation": types.SymbolKind.Method,
    "bind": types.SymbolKind.Key,
    "aggregate": types.SymbolKind.Class,
    "step": types.SymbolKind.Event,
    "tool": types.SymbolKind.Function,
    "restOperation": types.SymbolKind.Function,
    "function": types.SymbolKind.Function,
}
_WORD: Final = re.compile(r"\"(?:[^\"\\]|\\.)*\"|'(?:[^']|'')*'|[^\s,{}\[\]]+")


class Text:
    """A text by its lines, with columns in an encoding of the protocol."""

    def __init__(self, text: str, encoding: str) -> None:
        self.lines = lines_of(text)
        self._encoding = encoding

    def line(self, number: int) -> str:
        return self.lines[number - 1] if 1 <= number <= len(self.lines) else ""

    def place(self, position: types.Position) -> tuple[int, int]:
        """Line and column, from 1."""
        line = self.line(position.line + 1)
        units = 0
        for column, char in enumerate(line, start=1):
            if units >= position.character:
                return position.line + 1, column
            units += self._units(char)
        return position.line + 1, len(line) + 1

    def position(self, line: int, column: int) -> types.Position:
        before = self.line(line)[: column - 1]
        return types.Position(line=line - 1, character=self._units(before))

    def range(self, line: int, start: int, end: int) -> types.Range:
        return types.Range(start=self.position(line, start), end=self.position(line, end))

    def word(self, line: int, column: int) -> types.Range:
        """The word, or the quoted text, that begins at a place; at least one character when there is one."""
        found = _WORD.match(self.line(line), column - 1)
        length = len(found[0].rstrip(":")) if found else 0
        return self.range(line, column, column + max(length, 1))

    def _units(self, text: str) -> int:
        if self._encoding == "utf-8":
            return len(text.encode("utf-8", "surrogatepass"))
        return (
            len(text) if self._encoding == "utf-32" else len(text.encode("utf-16-le", "surrogatepass")) // 2
        )


def uri_of(path: str | Path) -> str:
    return from_fs_path(str(path)) or ""


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None for a text that was never saved."""
    found = to_fs_path(uri) if uri.startswith("file:") else None
    return Path(found) if found else None


def diagnostics(reading: Reading, text: Text, read: Callable[[str], Text]) -> list[types.Diagnostic]:
    """Every problem, with its range. `read` gives the text of another file."""
    return [_diagnostic(problem, reading, text, read) for problem in reading.problems]


def _diagnostic(
    problem: Problem, reading: Reading, text: Text, read: Callable[[str], Text]
) -> types.Diagnostic:
    elsewhere = problem.place is not None and not _is_own(problem.place, reading)
    related = [(item.place, item.message) for item in problem.related]
    if elsewhere and problem.place is not None:
        related = [(problem.place, problem.message), *related]
    hint = f"\n{problem.hint}" if problem.hint else ""
    return types.Diagnostic(
        range=_importing(problem.place, reading, text) if elsewhere else _range(problem, text),
        message=f"{problem.message}{problem.others}{hint}",
        severity=_SEVERITY[problem.severity],
        code=problem.code,
        source="capspec",
        related_information=[
            types.DiagnosticRelatedInformation(
                location=location(place, text if _is_own(place, reading) else read(place.source)),
                message=message,
            )
            for place, message in related
        ]
        or None,
    )


def _is_own(place: Place, reading: Reading) -> bool:
    return place.source == str(reading.path)


def _range(problem: Problem, text: Text) -> types.Range:
    place, end = problem.place, problem.end
    if place is None:
        return text.word(1, 1)
    if end is None:
        return text.word(place.line, place.column)
    return types.Range(start=text.position(place.line, place.column), end=text.position(end.line, end.column))


def _importing(place: Place | None, reading: Reading, text: Text) -> types.Range:
    """Where the file is named that a problem is in."""
    for found in reading.objects if place is not None else ():
        name = found.text("from", "location", "url") if found.kind == "import" else ""
        if place is None or not name or reading.document is None:
            continue
        if locate(name, reading.path.parent).resolve() == Path(place.source).resolve():
            key = next(key for key in ("from", "location", "url") if found.value.get(key) == name)
            at = reading.document.place((*found.pointer, key))
            return text.word(at.line, at.column)
    return text.word(1, 1)


def location(place: Place, text: Text) -> types.Location:
    return types.Location(uri=uri_of(place.source), range=text.word(place.line, place.column))


def completion_item(offer: Offer, text: Text, line: int, column: int) -> types.CompletionItem:
    typed = offer.typed if text.line(line)[: column - 1].endswith(offer.typed) else ""
    return types.CompletionItem(
        label=offer.label,
        kind=_OFFERED[offer.kind],
        detail=offer.detail or None,
        documentation=types.MarkupContent(kind=types.MarkupKind.Markdown, value=offer.documentation)
        if offer.documentation
        else None,
        filter_text=offer.label,
        sort_text=f"{int(offer.later)}{offer.label}",
        text_edit=types.TextEdit(range=text.range(line, column - len(typed), column), new_text=offer.insert),
    )


def document_symbol(symbol: Symbol, text: Text) -> types.DocumentSymbol:
    start = text.position(symbol.place.line, symbol.place.column)
    end = text.position(symbol.end, len(text.line(symbol.end)) + 1)
    return types.DocumentSymbol(
        name=symbol.name,
        detail=symbol.detail or None,
        kind=_SYMBOLS.get(symbol.kind, types.SymbolKind.Object),
        range=types.Range(start=start, end=end),
        selection_range=text.word(symbol.place.line, symbol.place.column),
        children=[document_symbol(child, text) for child in symbol.children],
    )
