"""The `forward` of an exposed resource: requests that go on to a consumed API, as the author wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node, kind_of

_SHAPE = "write 'forward: {targetNamespace: NAME}', with NAME a namespace of 'consumes'"


@dataclass(frozen=True, slots=True, kw_only=True)
class ForwardSpec:
    """A resource's `forward`. `methods` None means: those that no operation at this path takes.

    `trusted_headers` and `methods` are as written, each with its place; `max_request_size` is "" for none.
    """

    name: str
    path: str
    title: str
    description: str
    tags: tuple[str, ...]
    target: str
    trusted_headers: tuple[tuple[str, Place], ...]
    methods: tuple[tuple[str, Place], ...] | None
    max_request_size: str
    place: Place
    target_place: Place


def parse_forwards(listener: Node) -> tuple[ForwardSpec, ...]:
    """The forwards of a listener's `resources`, in the order of the file."""
    return tuple(_forwards(listener))


def _forwards(listener: Node) -> Iterable[ForwardSpec]:
    for name, resource in listener.named("resources"):
        node = resource.get("forward")
        if node is None:
            continue
        if not isinstance(node.value, dict):
            node.error("CAP107", f"'forward' should be a mapping, and is {kind_of(node.value)}", hint=_SHAPE)
            continue
        yield _forward(name, resource, node)


def _forward(name: str, resource: Node, node: Node) -> ForwardSpec:
    target = node.get("targetNamespace")
    spec = ForwardSpec(
        name=name,
        path=resource.text("path", default=f"/{name}"),
        title=resource.text("label", "display"),
        description=resource.text("description"),
        tags=resource.texts("tags"),
        target="" if target is None else target.as_text().strip(),
        trusted_headers=_words(node, "trustedHeaders") or (),
        methods=_words(node, "methods"),
        max_request_size=node.text("maxRequestSize"),
        place=node.place,
        target_place=node.place if target is None else target.place,
    )
    node.finish("'forward'")
    return spec


def _words(node: Node, name: str) -> tuple[tuple[str, Place], ...] | None:
    """The texts of a list; a single one counts as a list of one. None when it is not there."""
    child = node.get(name)
    if child is None:
        return None
    items = list(child.items()) if isinstance(child.value, list) else [child]
    return tuple((item.as_text().strip(), item.place) for item in items)
