"""The `idempotency` and `webhook` blocks of a consumed operation, as the author wrote them."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.model.jobs import Written, mapping_below, scalars, written
from capspec.node import Node
from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateSpec:
    """`duplicate`: how an answer says that the key was used before. `recover` is a call with its `with`."""

    code: int | None
    path: Written | None
    values: tuple[Json, ...]
    recover: Written | None
    arguments: dict[str, Json]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class IdempotencySpec:
    """An `idempotency` block."""

    location: Written | None
    name: str
    key: Written | None
    window: Written | None
    duplicate: DuplicateSpec | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class PlacementSpec:
    """Where a request carries a value."""

    location: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookSpec:
    """A `webhook` block. It is kept, and has no effect yet."""

    url: PlacementSpec | None
    secret: PlacementSpec | None
    signature: dict[str, Json]
    carries_result: bool | None
    place: Place


def parse_idempotency(operation: Node) -> IdempotencySpec | None:
    """The `idempotency` block of an operation, None without one."""
    node = mapping_below(operation, "idempotency")
    if node is None:
        return None
    spec = IdempotencySpec(
        location=written(node, "in"),
        name=node.text("name"),
        key=written(node, "key"),
        window=written(node, "window"),
        duplicate=_duplicate(node),
        place=node.place,
    )
    node.finish("'idempotency'")
    return spec


def _duplicate(node: Node) -> DuplicateSpec | None:
    child = mapping_below(node, "duplicate")
    if child is None:
        return None
    recover = mapping_below(child, "recover")
    spec = DuplicateSpec(
        code=child.integer("code"),
        path=written(child, "path"),
        values=scalars(child, "equals"),
        recover=None if recover is None else written(recover, "call"),
        arguments={} if recover is None else recover.mapping("with"),
        place=child.place,
    )
    if recover is not None:
        recover.finish("'recover'")
    child.finish("'duplicate'")
    return spec


def parse_webhook(operation: Node) -> WebhookSpec | None:
    """The `webhook` block of an operation, None without one; one that is there gets a warning."""
    node = mapping_below(operation, "webhook")
    if node is None:
        return None
    spec = WebhookSpec(
        url=_placement(node, "url"),
        secret=_placement(node, "secret"),
        signature=node.mapping("signature"),
        carries_result=node.flag("carriesResult"),
        place=node.place,
    )
    node.finish("'webhook'")
    node.warn("CAP125", "webhooks are not received yet", hint="the job is followed as 'poll' says")
    return spec


def _placement(node: Node, name: str) -> PlacementSpec | None:
    child = mapping_below(node, name)
    if child is None:
        return None
    spec = PlacementSpec(location=child.text("in", default="body"), name=child.text("name"))
    child.finish(f"'{name}' of a webhook")
    return spec
