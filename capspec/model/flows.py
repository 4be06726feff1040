"""What one REST operation, tool, resource or aggregate function does, as the author wrote it."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from capspec.errors import Place
from capspec.model.consumes import METHODS
from capspec.model.groups import NO_GROUP, GroupSpec
from capspec.model.parameters import OutputSpec, ParameterSpec, parse_outputs, parse_parameters
from capspec.model.responses import ResponseSpec, parse_responses
from capspec.model.steps import BlockSpec, parse_block
from capspec.node import Node
from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSpec:
    """Which consumed operation to call, and with what."""

    target: str
    arguments: dict[str, Json]
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class HintsSpec:
    """What a tool does to the world, as MCP's tool annotations say it; None is "not said"."""

    read_only: bool | None = None
    destructive: bool | None = None
    idempotent: bool | None = None
    open_world: bool | None = None

    def over(self, other: HintsSpec) -> HintsSpec:
        """These, and the other ones where these say nothing."""
        own = {field.name: getattr(self, field.name) for field in fields(self)}
        return replace(other, **{name: value for name, value in own.items() if value is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """One REST operation or one MCP tool: how it is reached, and what it does.

    `method` and `path` are "" for tools. `declares_inputs` is true for an empty list too, `own_inputs`
    when they are not only those of all the operations of a resource. `block` stands for `call` in
    orchestrations. `ref` names an aggregate's function, and `preset` is the `with` that goes to it.
    `media_type` is the function's `outputMediaType`; `responses` and `group` are a REST operation's.
    """

    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    method: str
    path: str
    inputs: tuple[ParameterSpec, ...]
    declares_inputs: bool
    own_inputs: bool
    call: CallSpec | None
    block: BlockSpec
    ref: str
    preset: dict[str, Json]
    outputs: tuple[OutputSpec, ...]
    hints: HintsSpec
    timeout: str
    media_type: str = ""
    responses: tuple[ResponseSpec, ...] = ()
    group: GroupSpec = NO_GROUP
    place: Place


def parse_flow(
    name: str, node: Node, *, path: str, inputs: tuple[ParameterSpec, ...], kind: str = "a tool"
) -> FlowSpec:
    method = node.text("method", default="GET").upper() if path else ""
    if path and method not in METHODS:
        hint = f"use one of {', '.join(METHODS)}"
        node.error("CAP124", f"'{method}' is not an HTTP method", hint=hint, place=node.at("method"))
    block = parse_block(node)
    spec = FlowSpec(
        name=name
        or node.text("operationId")
        or node.text("ref").strip().rpartition(".")[2]
        or (f"{method.lower()}-{path.strip('/') or 'root'}" if path else ""),
        title=node.text("label", "display", "title"),
        description=node.text("description"),
        tags=node.texts("tags"),
        method=method,
        path=path,
        inputs=(*inputs, *parse_parameters(node)),
        declares_inputs=bool(inputs) or node.has("inputParameters"),
        own_inputs=node.has("inputParameters"),
        call=parse_call(node),
        block=block,
        ref=node.text("ref").strip(),
        preset=dict(node.mapping("with")) if node.has("ref") else {},
        outputs=parse_outputs(node),
        hints=parse_hints(node),
        timeout=node.text("timeout"),
        responses=parse_responses(node) if path else (),
        place=node.place,
    )
    node.finish("an exposed operation" if path else kind)
    return spec


def parse_call(node: Node) -> CallSpec | None:
    """`call: ns.op` with `with` beside it, or `call: {operation: ns.op, with: {…}}`."""
    child = node.get("call")
    arguments = dict(node.mapping("with"))
    if child is None:
        return None
    if isinstance(child.value, dict):
        target = child.text("operation", "call", "target")
        return CallSpec(target=target, arguments={**arguments, **child.mapping("with")}, place=child.place)
    return CallSpec(target=child.as_text(), arguments=arguments, place=child.place)


def parse_hints(node: Node) -> HintsSpec:
    child = node.get("hints")
    if child is None:
        return HintsSpec()
    if not isinstance(child.value, dict):
        child.wrong("a mapping", hint="write it like hints: {readOnly: true}")
        return HintsSpec()
    spec = HintsSpec(
        read_only=child.flag("readOnly", "readOnlyHint"),
        destructive=child.flag("destructive", "destructiveHint"),
        idempotent=child.flag("idempotent", "idempotentHint"),
        open_world=child.flag("openWorld", "openWorldHint"),
    )
    child.finish("hints")
    return spec
