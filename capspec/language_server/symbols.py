"""A file to its outline: APIs with their operations, adapters with their tools, functions and variables."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from capspec.document import Document
from capspec.errors import Place
from capspec.language.walking import Found, walk

_SHOWN: Final = {
    "bind", "import", "api", "apiOperation", "rest", "mcp", "skillAdapter", "control", "other",
    "restOperation", "tool", "mcpResource", "prompt", "skill", "aggregate", "function", "step",
}  # fmt: skip


@dataclass(slots=True, kw_only=True)
class Symbol:
    """One object, and those that are shown below it. `end` is the line of the last thing in it."""

    name: str
    detail: str
    kind: str
    place: Place
    end: int
    children: list[Symbol] = field(default_factory=list)


def symbols(document: Document) -> list[Symbol]:
    """In the order of the file."""
    top: list[Symbol] = []
    open_: list[tuple[Found, Symbol]] = []
    for found in walk(document.data):
        if found.kind not in _SHOWN:
            continue
        symbol = _symbol(document, found)
        while open_ and found.pointer[: len(open_[-1][0].pointer)] != open_[-1][0].pointer:
            open_.pop()
        (open_[-1][1].children if open_ else top).append(symbol)
        open_.append((found, symbol))
    return top


def _symbol(document: Document, found: Found) -> Symbol:
    detail = " ".join(
        filter(None, (found.text("method"), found.text("path", "baseUri", "uri")))
    ) or found.text("type")
    return Symbol(
        name=found.name or found.text("namespace", "import", "operationId") or found.kind,
        detail=detail,
        kind=found.kind,
        place=document.place(found.pointer, key=isinstance(found.pointer[-1], str)),
        end=_last_line(document, found),
    )


def _last_line(document: Document, found: Found) -> int:
    """The line that the last node in an object begins on."""
    pointer = found.pointer
    value: object = found.value
    lines = [document.place(pointer).line]
    while isinstance(value, dict | list) and value:
        key = list(value)[-1] if isinstance(value, dict) else len(value) - 1
        pointer = (*pointer, key)
        value = value[key]
        lines.append(document.place(pointer).line)
    return max(lines)
