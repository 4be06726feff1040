"""An imported entry under another namespace, and the namespace that its own file gives it."""

from __future__ import annotations

from capspec.node import Node
from capspec.values import Json

_JOBS = ("poll", "idempotency")
"""Blocks of a consumed operation in which it calls others of its own API."""

_DATA = ("with", "body", "headers")
"""What is sent: a key `call` in it is somebody else's."""


def renamed(node: Node, section: str, name: str) -> Node:
    """The entry with another namespace. What a consumed API calls of itself keeps its meaning."""
    old = node.text("namespace", "name", "id")
    value = {**node.value, "namespace": name}
    if section == "consumes" and old and old != name:
        value = _retold(value, f"{old}.", f"{name}.", inside=False)
    return Node(node.document, node.pointer, value, node.report)


def written_namespace(node: Node) -> str:
    """The namespace of an entry in the file where it stands, whatever it was imported as; "" for none."""
    value = node.document.value((*node.pointer, "namespace"))
    if value is None and node.pointer and isinstance(node.pointer[-1], str):
        return node.pointer[-1]
    return value if isinstance(value, str) else ""


def _retold(value: Json, old: str, new: str, *, inside: bool) -> Json:
    if isinstance(value, list):
        return [_retold(item, old, new, inside=inside) for item in value]
    if not isinstance(value, dict):
        return value
    found: dict[str, Json] = {}
    for key, item in value.items():
        if inside and key == "call" and isinstance(item, str) and item.startswith(old):
            found[key] = new + item.removeprefix(old)
        else:
            within = (inside or key in _JOBS) and key not in _DATA
            found[key] = _retold(item, old, new, inside=within)
    return found
