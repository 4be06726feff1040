"""The `steps` of an orchestration as the author wrote them: what each does, when, and how often."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node
from capspec.values import MISSING, Json, Missing

BLOCK = ("block", "try", "group")
"""Words for a step that is made of steps."""

_BY_KEY = {
    "call": "call", "operation": "call", "index": "lookup", "file": "script", "job": "wait-for",
    "outputParameters": "transform", "value": "transform",
}  # fmt: skip
"""What a step without a `type` is, by a key that it has; the first counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSpec:
    """`for-each`: the list, the name of its element within the step, and how many run at once."""

    items: Json
    variable: str
    concurrency: int | None
    limit: int | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSpec:
    """Steps that belong together. `parallel` False lets one run after the other.

    `lost` says that there is something written for them, and that none of it can be read, which is reported.
    """

    steps: tuple[StepSpec, ...] = ()
    mappings: tuple[tuple[str, Json], ...] = ()
    parallel: bool | None = None
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySpec:
    """`on-error`: go on without an output, with a `value`, or with what the steps of `block` give."""

    value: Json | Missing
    block: BlockSpec | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class StepSpec:
    """One step. `node` is what its kind reads; the rest governs it and is the same for every kind."""

    name: str
    type: str
    node: Node
    when: Json | Missing
    loop: LoopSpec | None
    recovery: RecoverySpec | None
    after: tuple[str, ...]
    parallel: bool | None
    block: BlockSpec | None
    place: Place


def parse_block(node: Node, *names: str) -> BlockSpec:
    """The steps under one of `names` (`steps` if none), and `mappings` and `parallel` beside them."""
    steps = [_step(name or f"step-{at}", item) for at, (name, item) in _numbered(node, names or ("steps",))]
    child = node.get(*(names or ("steps",)))
    return BlockSpec(
        steps=tuple(steps),
        mappings=parse_mappings(node),
        parallel=node.flag("parallel"),
        lost=not steps and child is not None and bool(child.value),
    )


def parse_mappings(node: Node) -> tuple[tuple[str, Json], ...]:
    found: list[tuple[str, Json]] = []
    for item in node.members("mappings"):
        value = item.raw("value")
        target = item.text("target", "targetName")
        item.finish("a mapping")
        for key, there in (("target", bool(target)), ("value", value is not MISSING)):
            if not there:
                place, hint = item.report.instead(item.place, key) or (item.place, f"add '{key}'")
                item.warn("CAP155", f"a mapping has no '{key}' and does nothing", hint=hint, place=place)
        found.append((target, value))
    return tuple(found)


def _numbered(node: Node, names: tuple[str, ...]) -> list[tuple[int, tuple[str, Node]]]:
    return list(enumerate(node.named(*names), start=1))


def _step(name: str, node: Node) -> StepSpec:
    kind = node.text("type") or _kind(node)
    nested = kind in BLOCK
    spec = StepSpec(
        name=name,
        type=kind,
        node=node,
        when=node.raw("when", "condition", "if"),
        loop=_loop(node),
        recovery=_recovery(node),
        after=node.texts("dependsOn", "depends-on"),
        parallel=None if nested else node.flag("parallel"),
        block=parse_block(node, "steps", "try", "do") if nested else None,
        place=node.place,
    )
    node.has("name", "id", "step", "description", "label", "display")
    if nested:
        node.finish("a block of steps")
    return spec


def _kind(node: Node) -> str:
    if any(isinstance(node.raw(key), (list, dict)) for key in ("steps", "try", "do")):
        return BLOCK[0]
    value = node.value if isinstance(node.value, dict) else {}
    return next((kind for key, kind in _BY_KEY.items() if key in value), "")


def _loop(node: Node) -> LoopSpec | None:
    child = node.get("for-each", "forEach")
    if child is None:
        return None
    if not isinstance(child.value, dict):
        return LoopSpec(items=child.value, variable="item", concurrency=None, limit=None, place=child.place)
    items = child.raw("in", "items", "list")
    if items is MISSING:
        child.error("CAP126", "'for-each' does not say what it runs over", hint="add 'in', a list or a name")
    spec = LoopSpec(
        items=items,
        variable=child.text("as", default="item"),
        concurrency=_positive(child, "concurrency"),
        limit=_positive(child, "max-items", "maxItems"),
        place=child.place,
    )
    child.finish("'for-each'")
    return spec


def _positive(node: Node, *names: str) -> int | None:
    found = node.integer(*names)
    if found is not None and found < 1:
        node.error("CAP126", f"'{names[0]}' is {found}, and should be 1 or more", place=node.at(*names))
    return found


def _recovery(node: Node) -> RecoverySpec | None:
    child = node.get("on-error", "onError", "catch")
    if child is None:
        return None
    if isinstance(child.value, list):
        block = parse_block(node, "on-error", "onError", "catch")
        return RecoverySpec(value=MISSING, block=BlockSpec(steps=block.steps), place=child.place)
    if isinstance(child.value, dict):
        spec = RecoverySpec(
            value=child.raw("value"),
            block=parse_block(child) if child.has("steps") else None,
            place=child.place,
        )
        child.has("continue")
        child.finish("'on-error'")
        return spec
    word = child.as_text()
    if word == "continue":
        return RecoverySpec(value=MISSING, block=None, place=child.place)
    if word not in ("fail", "stop", "abort"):
        child.error(
            "CAP129",
            f"'{word}' is not something that 'on-error' can do",
            hint="use 'continue', 'fail', a mapping with 'value', or steps",
        )
    return None
