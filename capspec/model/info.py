"""The `info` of a file: what people should know of it, as the author wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.node import Node


@dataclass(frozen=True, slots=True, kw_only=True)
class StakeholderSpec:
    """Somebody who has to do with the capability."""

    role: str
    name: str
    email: str


@dataclass(frozen=True, slots=True, kw_only=True)
class InfoSpec:
    """What a file says of itself. `version` is the capability's own; dates are as written."""

    title: str
    description: str
    version: str
    tags: tuple[str, ...]
    created: str
    modified: str
    stakeholders: tuple[StakeholderSpec, ...]
    labels: dict[str, str]


def parse_info(root: Node) -> InfoSpec:
    """The `info` of a file, and the `stakeholders` beside it, where older files have them."""
    node = Node(root.document, ("info",), root.mapping("info"), root.report)
    spec = InfoSpec(
        title=node.text("label", "display", "title", "name"),
        description=node.text("description"),
        version=node.text("version"),
        tags=node.texts("tags"),
        created=node.text("created"),
        modified=node.text("modified"),
        stakeholders=(*_stakeholders(node), *_stakeholders(root)),
        labels=_labels(node),
    )
    node.finish("'info'")
    return spec


def _stakeholders(node: Node) -> list[StakeholderSpec]:
    found = []
    for item in node.members("stakeholders"):
        name = item.text("fullName", "name")
        found.append(StakeholderSpec(role=item.text("role"), name=name, email=item.text("email")))
        item.finish("a stakeholder")
    return found


def _labels(node: Node) -> dict[str, str]:
    child = node.get("labels")
    if child is None or not isinstance(child.value, dict):
        return {}
    return {str(item.pointer[-1]): item.as_text() for item in child.items() if item.value is not None}
