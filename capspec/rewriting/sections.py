"""Sections at the root and below `capability` to one place each, which is the one that every engine reads."""

from __future__ import annotations

from typing import Final

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from capspec.rewriting.nodes import Editor
from capspec.rewriting.tree import value_of

_BELOW: Final = ("consumes", "exposes", "aggregates")
"""What stands below `capability` when a file has one; `binds` stand at the root."""


def gather_sections(root: MappingNode, edit: Editor) -> None:
    """The root's entries come first, as they do when both places are read together."""
    capability = value_of(root, "capability")
    places = [root, capability] if isinstance(capability, MappingNode) else [root]
    for place in places:
        for section in (*_BELOW, "binds"):
            _listed(place, section, edit)
        _joined(place, "imports", place, "consumes", edit)
        _joined(place, "externalRefs", place, "binds", edit)
    if isinstance(capability, MappingNode):
        for section in _BELOW:
            _joined(root, section, capability, section, edit, first=True)
        _joined(capability, "binds", root, "binds", edit)


def _listed(place: MappingNode, section: str, edit: Editor) -> None:
    """A section that is a map by namespace, as a list."""
    value = value_of(place, section)
    if (
        isinstance(value, MappingNode)
        and value.value
        and all(isinstance(item, MappingNode) for _, item in value.value)
    ):
        edit.put(place, section, edit.as_list(value, "namespace"))


def _joined(
    source: MappingNode, old: str, target: MappingNode, new: str, edit: Editor, *, first: bool = False
) -> None:
    """The entries of one list moved into another; `first` puts them before those that are there."""
    moved, there = value_of(source, old), value_of(target, new)
    if not isinstance(moved, SequenceNode) or not _takes(there):
        return
    edit.remove(source, old)
    if isinstance(there, SequenceNode):
        there.value = [*moved.value, *there.value] if first else [*there.value, *moved.value]
        there.flow_style = there.flow_style and moved.flow_style
    else:
        edit.put(target, new, moved)


def _takes(there: Node | None) -> bool:
    return there is None or isinstance(there, SequenceNode)
