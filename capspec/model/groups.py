"""What an author says of what holds others: of the resource of operations, the aggregate of functions."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupSpec:
    """Words for people."""

    name: str = ""
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()


NO_GROUP = GroupSpec()


def parse_group(name: str, node: Node) -> GroupSpec:
    return GroupSpec(
        name=name,
        title=node.text("label", "display"),
        description=node.text("description"),
        tags=node.texts("tags"),
    )
