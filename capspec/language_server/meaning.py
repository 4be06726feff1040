"""A place in a file to what the word there stands for: an operation, a step, an input, a variable…"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import urlsplit

from capspec.document import Document, Pointer
from capspec.language_server import names
from capspec.language_server.cursor import Spot
from capspec.language_server.reading import Reading

Kind = Literal[
    "operation", "function", "step", "input", "argument", "variable", "import", "file", "path", "key"
]

CALLS: Final = ("operation", "call", "target")
_STEPS: Final = ("index", "dependsOn", "depends-on")
_WITH_FILES: Final = ("import", "bind", "prompt", "skill", "mcpResource")
_FILES: Final = ("from", "location", "url", "uri")
_TEMPLATE: Final = re.compile(r"\{\{(.*?)\}\}")
_NAME: Final = re.compile(r"[A-Za-z_][\w-]*(?:\.[A-Za-z_][\w-]*)*")
_ROOTED: Final = re.compile(r"\$\.([A-Za-z_][\w-]*)|\$\[['\"]([^'\"]+)['\"]\]")
_WORD: Final = re.compile(r"(?:\$this\.)?([\w-]+)\.([\w.\[\]-]+)")
_PATH_KEYS: Final = (
    "mapping",
    "path",
    "url",
    "done",
    "failedIf",
    "position",
    "id",
    "message",
    "code",
    "value",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What is meant: its kind, its name, and the node that the word stands in."""

    kind: Kind
    name: str
    pointer: Pointer


def meaning(reading: Reading, document: Document, spot: Spot) -> Meaning | None:
    """None when nothing is known of what stands there."""
    if spot.key:
        return _of_key(reading, spot)
    for look in (_template, _reference, _named):
        found = look(reading, document, spot)
        if found is not None:
            return found
    text = document.value(spot.pointer)
    if isinstance(text, str) and text.lstrip().startswith("$") and _last(spot.pointer) in _PATH_KEYS:
        return Meaning(kind="path", name=text.strip(), pointer=spot.pointer)
    if spot.pointer and isinstance(spot.pointer[-1], str):
        return Meaning(kind="key", name=spot.pointer[-1], pointer=spot.pointer)
    return None


def is_call(pointer: Pointer) -> bool:
    """Whether the value of a node names a consumed operation."""
    if _last(pointer) == "call":
        return True
    return len(pointer) > 1 and pointer[-2] == "call" and pointer[-1] in CALLS


def names_steps(pointer: Pointer) -> bool:
    """Whether the value of a node, or an entry of its list, names a step."""
    way = pointer[:-1] if pointer and isinstance(pointer[-1], int) else pointer
    return _last(way) in _STEPS


def _of_key(reading: Reading, spot: Spot) -> Meaning:
    name = str(spot.pointer[-1])
    if len(spot.pointer) > 1 and spot.pointer[-2] == "keys" and reading.around(spot.pointer, "bind"):
        return Meaning(kind="variable", name=name, pointer=spot.pointer)
    return Meaning(kind="key", name=name, pointer=spot.pointer)


def _template(reading: Reading, document: Document, spot: Spot) -> Meaning | None:
    """A name within `{{ }}`."""
    around = spot.around(_TEMPLATE)
    if around is None:
        return None
    offset = around.start(1)
    for found in _NAME.finditer(around[1]):
        if found.start() + offset <= spot.column - 1 <= found.end() + offset:
            return _by_name(reading, found[0], spot.pointer)
    return None


def _by_name(reading: Reading, name: str, pointer: Pointer) -> Meaning | None:
    first, _, rest = name.partition(".")
    if rest and first in names.prefixes(reading, pointer):
        return Meaning(kind="input", name=rest.partition(".")[0], pointer=pointer)
    if first in names.steps(reading, pointer):
        return Meaning(kind="step", name=first, pointer=pointer)
    if first in names.arguments(reading, pointer):
        return Meaning(kind="argument", name=first, pointer=pointer)
    if first in names.inputs(reading, pointer) and not rest:
        return Meaning(kind="input", name=first, pointer=pointer)
    if name in names.variables(reading) or first in ("env", "secrets") or name.isupper():
        return Meaning(kind="variable", name=name, pointer=pointer)
    return None


def _reference(reading: Reading, document: Document, spot: Spot) -> Meaning | None:
    """`$.step`, and `tools.x` or `namespace.x`."""
    rooted = spot.around(_ROOTED)
    if rooted is not None:
        name = rooted[1] or rooted[2]
        if name in names.steps(reading, spot.pointer):
            return Meaning(kind="step", name=name, pointer=spot.pointer)
        return None
    word = spot.around(_WORD)
    if word is None or is_call(spot.pointer) or _last(spot.pointer) == "ref":
        return None
    if word[1] in names.prefixes(reading, spot.pointer) and "with" in spot.pointer:
        return Meaning(kind="input", name=re.split(r"[.\[]", word[2])[0], pointer=spot.pointer)
    return None


def _named(reading: Reading, document: Document, spot: Spot) -> Meaning | None:
    """A value that is nothing but a name."""
    text = document.value(spot.pointer)
    if not isinstance(text, str):
        return None
    key, text = _last(spot.pointer), text.strip()
    if is_call(spot.pointer):
        return Meaning(kind="operation", name=text, pointer=spot.pointer)
    if key == "ref" and names.flow_around(reading, spot.pointer) is not None:
        return Meaning(kind="function", name=text, pointer=spot.pointer)
    if names_steps(spot.pointer):
        return Meaning(kind="step", name=text, pointer=spot.pointer)
    holder = reading.around(spot.pointer)
    if holder is not None and holder.kind == "import" and key == "import":
        return Meaning(kind="import", name=text, pointer=spot.pointer)
    if holder is None or holder.kind not in _WITH_FILES or holder.pointer != spot.pointer[:-1]:
        return None
    if key in _FILES and urlsplit(text).scheme in ("", "file"):
        return Meaning(kind="file", name=text, pointer=spot.pointer)
    return None


def _last(pointer: Pointer) -> str | int:
    return pointer[-1] if pointer else ""
