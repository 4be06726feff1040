"""The `assets` block of a consumed operation, as the author wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.model.jobs import Written, written
from capspec.node import Node, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetsSpec:
    """`assets`: a single word, which is the `mode`, or a mapping. `None` and empty mean: not written."""

    mode: Written | None
    paths: tuple[Written, ...] = ()
    allow_hosts: tuple[Written, ...] = ()
    max_size: Written | None = None
    keep: Written | None = None
    types: tuple[Written, ...] = ()
    place: Place


def parse_assets(operation: Node) -> AssetsSpec | None:
    """The `assets` block of an operation, None without one."""
    node = operation.get("assets")
    if node is None:
        return None
    if isinstance(node.value, list):
        message = f"'assets' should be a word or a mapping, and is {kind_of(node.value)}"
        node.error("CAP107", message, hint="write 'assets: proxy' or 'assets: save'")
        return None
    if not isinstance(node.value, dict):
        return AssetsSpec(mode=Written(node.as_text(), node.place), place=node.place)
    spec = AssetsSpec(
        mode=written(node, "mode"),
        paths=_listed(node, "url"),
        allow_hosts=_listed(node, "allowHosts"),
        max_size=written(node, "maxSize"),
        keep=written(node, "keep"),
        types=_listed(node, "types"),
        place=node.place,
    )
    node.finish("'assets'")
    return spec


def _listed(node: Node, name: str) -> tuple[Written, ...]:
    """The texts of a list under a name; a single one counts as a list of one."""
    child = node.get(name)
    if child is None:
        return ()
    items = list(child.items()) if isinstance(child.value, list) else [child]
    return tuple(Written(item.as_text(), item.place) for item in items)
