"""A place in a file to the place where the word there is declared, in this file or another."""

from __future__ import annotations

from pathlib import Path

from capspec import document as documents
from capspec.document import Document
from capspec.errors import CapspecError, Place
from capspec.folders import locate
from capspec.language.walking import walk
from capspec.language_server import names
from capspec.language_server.cursor import Spot
from capspec.language_server.meaning import Meaning, meaning
from capspec.language_server.reading import Reading


def definition(reading: Reading, document: Document, spot: Spot) -> Place | None:
    """The place; its `source` is the path of the file. None when there is no such thing."""
    found = meaning(reading, document, spot)
    if found is None:
        return None
    match found.kind:
        case "operation":
            called = names.operation_called(reading, found.name)
            return called[1].place if called else None
        case "function":
            function = names.functions(reading).get(found.name)
            return function.place if function else None
        case "step":
            step = names.steps(reading, found.pointer).get(found.name)
            return document.place(step.pointer) if step else None
        case "input" | "argument":
            return _declared(reading, document, found)
        case "variable":
            variable = names.variables(reading).get(found.name.removeprefix("env.").removeprefix("secrets."))
            return variable.place if variable else None
        case "import" | "file":
            return _in_file(reading, document, found)
        case _:
            return None


def _declared(reading: Reading, document: Document, found: Meaning) -> Place | None:
    """Where an input or a prompt's argument is declared: here, or at the operation that takes it."""
    known = names.arguments if found.kind == "argument" else names.inputs
    pointer = known(reading, found.pointer).get(found.name)
    if pointer is not None:
        return document.place(pointer)
    flow = names.flow_around(reading, found.pointer)
    called = names.operation_called(reading, flow.text("call")) if flow and flow.text("call") else None
    inputs = called[1].inputs if called else ()
    return next((item.place for item in inputs if item.name == found.name), None)


def _in_file(reading: Reading, document: Document, found: Meaning) -> Place | None:
    """The file that is named, and in it the entry that an import takes."""
    holder = document.value(found.pointer[:-1])
    written = holder if isinstance(holder, dict) else {}
    location = found.name if found.kind == "file" else written.get("from", written.get("location"))
    if not isinstance(location, str):
        return None
    try:
        path = locate(location, reading.path.parent)
    except ValueError:
        return None
    if not path.is_file():
        return None
    name = written.get("import")
    return _entry(path, name) if isinstance(name, str) else Place(str(path), 1, 1)


def _entry(path: Path, name: str) -> Place:
    try:
        other = documents.read(path)
    except CapspecError:
        return Place(str(path), 1, 1)
    for item in walk(other.data):
        if (
            item.kind in ("api", "aggregate", "bind", "rest", "mcp")
            and item.text("namespace", "name") == name
        ):
            return other.place(item.pointer)
    return Place(str(path), 1, 1)
