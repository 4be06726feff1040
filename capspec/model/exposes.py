"""The `exposes` section: what a capability offers, and on which adapter, as the author wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capspec.errors import Place
from capspec.model.agents import PromptSpec, parse_prompts
from capspec.model.consumes import METHODS, ExtensionSpec, parse_authentication
from capspec.model.parameters import OutputSpec, ParameterSpec, parse_outputs, parse_parameters
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


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowSpec:
    """One REST operation or one MCP tool: how it is reached, and what it does.

    `method` and `path` are "" for tools. `declares_inputs` is true for an empty list too. `steps` and
    `mappings` stand for `call` in orchestrations.
    """

    name: str
    title: str
    description: str
    tags: tuple[str, ...]
    method: str
    path: str
    inputs: tuple[ParameterSpec, ...]
    declares_inputs: bool
    call: CallSpec | None
    steps: tuple[ExtensionSpec, ...]
    step_names: tuple[str, ...]
    mappings: tuple[tuple[str, Json], ...]
    ref: str
    outputs: tuple[OutputSpec, ...]
    hints: HintsSpec
    timeout: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceSpec:
    """An MCP resource: what a flow reads, or files at a `location`.

    A `uri` with `{x}` in it is a template (RFC 6570). `binary` says that the content is bytes.
    """

    uri: str
    media_type: str
    location: str
    binary: bool
    flow: FlowSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenerSpec:
    """One entry of `exposes`: an adapter, where it listens, and its flows in the order of the file."""

    type: str
    namespace: str
    address: str
    port: int | None
    transport: str
    description: str
    auth: ExtensionSpec | None
    flows: tuple[FlowSpec, ...]
    resources: tuple[ResourceSpec, ...]
    prompts: tuple[PromptSpec, ...]
    node: Node
    place: Place


def parse_exposes(nodes: Iterable[Node]) -> tuple[ListenerSpec, ...]:
    return tuple(_listener(node) for node in nodes)


def _listener(node: Node) -> ListenerSpec:
    kind = node.text("type").lower()
    kind = {"api": "rest"}.get(kind, kind)
    if not kind:
        node.error("CAP130", "this entry of exposes has no 'type'", hint="add 'type: rest' or 'type: mcp'")
    if node.get("import") is not None:
        node.warn("CAP120", "imports are not supported here; this entry is left out")
    namespace = node.text("namespace", default=kind)
    spec = ListenerSpec(
        type=kind,
        namespace=namespace,
        address=node.text("address"),
        port=node.integer("port"),
        transport=node.text("transport", default="http").lower(),
        description=node.text("description"),
        auth=parse_authentication(node),
        flows=tuple(_rest_flows(node)) if kind == "rest" else tuple(_tools(node)),
        resources=tuple(_resource(name, item) for name, item in node.named("resources"))
        if kind == "mcp"
        else (),
        prompts=parse_prompts(node) if kind == "mcp" else (),
        node=node,
        place=node.place,
    )
    if kind in ("rest", "mcp"):
        node.has("name", "label", "display", "tags", "maxBinarySize", "ttlMs", "cacheScope")
        node.finish(f"an exposed {kind} adapter")
    return spec


def _rest_flows(node: Node) -> Iterable[FlowSpec]:
    inherited = parse_parameters(node)
    for name, resource in node.named("resources"):
        inputs = (*inherited, *parse_parameters(resource))
        path = resource.text("path", default=f"/{name}")
        for operation_name, operation in resource.named("operations"):
            own = operation.text("path")
            yield _flow(operation_name, operation, path=own or path, inputs=inputs)
        if resource.get("forward") is not None:
            resource.warn("CAP131", "'forward' is not served yet; this resource's operations are")
        resource.has("name", "id", "label", "display", "description", "tags", "method")
        resource.finish("an exposed resource")


def _tools(node: Node) -> Iterable[FlowSpec]:
    for name, tool in node.named("tools"):
        yield _flow(name, tool, path="", inputs=())


def _resource(name: str, node: Node) -> ResourceSpec:
    return ResourceSpec(
        uri=node.text("uri"),
        media_type=node.text("mimeType"),
        location=node.text("location"),
        binary=node.flag("binary") or False,
        flow=_flow(name, node, path="", inputs=(), kind="a resource"),
    )


def _flow(
    name: str, node: Node, *, path: str, inputs: tuple[ParameterSpec, ...], kind: str = "a tool"
) -> FlowSpec:
    method = node.text("method", default="GET").upper() if path else ""
    if path and method not in METHODS:
        node.error("CAP124", f"'{method}' is not an HTTP method", hint=f"use one of {', '.join(METHODS)}")
    steps = node.named("steps")
    spec = FlowSpec(
        name=name or (f"{method.lower()}-{path.strip('/') or 'root'}" if path else ""),
        title=node.text("label", "display", "title"),
        description=node.text("description"),
        tags=node.texts("tags"),
        method=method,
        path=path,
        inputs=(*inputs, *parse_parameters(node)),
        declares_inputs=bool(inputs) or node.has("inputParameters"),
        call=parse_call(node),
        steps=tuple(ExtensionSpec(type=step.text("type"), node=step, place=step.place) for _, step in steps),
        step_names=tuple(step_name for step_name, _ in steps),
        mappings=_mappings(node),
        ref=node.text("ref"),
        outputs=parse_outputs(node),
        hints=_hints(node),
        timeout=node.text("timeout"),
        place=node.place,
    )
    node.has("path", "responses", "responseBinary", "operationId", "binary")
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


def _mappings(node: Node) -> tuple[tuple[str, Json], ...]:
    found = []
    for item in node.members("mappings"):
        value = item.raw("value")
        found.append((item.text("target", "targetName"), value))
        item.finish("a mapping")
    return tuple(found)


def _hints(node: Node) -> HintsSpec:
    child = node.get("hints")
    if child is None:
        return HintsSpec()
    spec = HintsSpec(
        read_only=child.flag("readOnly", "readOnlyHint"),
        destructive=child.flag("destructive", "destructiveHint"),
        idempotent=child.flag("idempotent", "idempotentHint"),
        open_world=child.flag("openWorld", "openWorldHint"),
    )
    child.finish("hints")
    return spec
