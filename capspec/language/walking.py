"""A file's data to every object of the language in it, each with its kind, its name and where it stands."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from capspec.document import Pointer
from capspec.language.shapes import ADAPTERS, SHAPES

_IMPORTABLE = ("bind", "api", "aggregate", "adapter")
_OWN = {
    "bind": {"keys", "location"},
    "api": {"baseUri", "baseUrl", "resources", "operations"},
    "aggregate": {"functions", "flows"},
    "adapter": {"type"},
}
_FILE = ("from", "location", "url")


@dataclass(frozen=True, slots=True)
class Found:
    """One object. `name` is what its entry goes by: its key in a map, or its own `name`; "" for none.

    `parents` are the objects around it, the nearest one last.
    """

    kind: str
    value: dict[str, Any]
    pointer: Pointer
    name: str
    parents: tuple[Found, ...] = ()

    def parent(self, *kinds: str) -> Found | None:
        """The nearest object around it that is of one of these kinds."""
        return next((item for item in reversed(self.parents) if item.kind in kinds), None)

    def text(self, *keys: str) -> str:
        """The first of these that is a text; "" for none."""
        return next((self.value[key] for key in keys if isinstance(self.value.get(key), str)), "")


def walk(value: dict[str, Any], kind: str = "file") -> Iterator[Found]:
    """The object and all objects below it, in the order of the file, what holds others first."""
    yield from _object(Found(kind, value, (), ""))


def entries(value: Any) -> list[tuple[str | int, str, dict[str, Any]]]:
    """The objects of a named collection in either shape: key or position, name, object."""
    if isinstance(value, dict):
        return [(key, str(key), item) for key, item in value.items() if isinstance(item, dict)]
    if isinstance(value, list):
        return [(at, _name(item), item) for at, item in enumerate(value) if isinstance(item, dict)]
    return []


def refined(kind: str, value: dict[str, Any]) -> str:
    """The kind of an entry of a section: an import, or by its `type`."""
    if kind in _IMPORTABLE and _is_import(kind, value):
        return "import"
    if kind == "adapter":
        return ADAPTERS.get(str(value.get("type", "")).lower(), "other")
    return kind


def _object(found: Found) -> Iterator[Found]:
    yield found
    shape = SHAPES[found.kind]
    around = (*found.parents, found)
    for key, value in found.value.items():
        if key in shape.named and isinstance(value, dict | list):
            for at, name, item in entries(value):
                kind = refined(shape.named[key], item)
                yield from _object(Found(kind, item, (*found.pointer, key, at), name, around))
        elif key in shape.listed and isinstance(value, dict | list):
            for at, name, item in entries(value):
                kind = refined(shape.listed[key], item)
                yield from _object(
                    Found(kind, item, (*found.pointer, key, at), _namespace(item) or name, around)
                )
        elif key in shape.one:
            yield from _below(shape.one[key], key, value, found, around)


def _below(kind: str, key: str, value: Any, found: Found, around: tuple[Found, ...]) -> Iterator[Found]:
    """What stands at a key; `items` of a list of fields are several."""
    at = (*found.pointer, key)
    if kind == "output" and key == "items" and _is_fields(value):
        for index, name, item in entries(value):
            yield from _object(Found(kind, item, (*at, index), name, around))
    elif isinstance(value, dict):
        yield from _object(Found(kind, value, at, "", around))


def _is_fields(value: Any) -> bool:
    """Whether `items` names the fields of an element, and not the element."""
    if isinstance(value, list):
        return True
    return (
        isinstance(value, dict)
        and not isinstance(value.get("type"), str)
        and all(isinstance(item, dict) for item in value.values())
    )


def _is_import(kind: str, value: dict[str, Any]) -> bool:
    said = {key for key, item in value.items() if item is not None}
    if "import" in said:
        return not said & {"baseUri", "baseUrl"}
    return not said.isdisjoint(_FILE) and not said & _OWN[kind]


def _name(value: dict[str, Any]) -> str:
    found = value.get("name", value.get("id"))
    return found if isinstance(found, str) else ""


def _namespace(value: dict[str, Any]) -> str:
    found = value.get("namespace")
    return found if isinstance(found, str) else ""
