"""The `exposes` section: what a capability offers, and on which adapter, as the author wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capspec.errors import Place
from capspec.model.agents import PromptSpec, parse_prompts
from capspec.model.consumes import ExtensionSpec, parse_authentication
from capspec.model.control import ControlSpec, parse_control
from capspec.model.flows import FlowSpec, parse_flow
from capspec.model.forward import ForwardSpec, parse_forwards
from capspec.model.parameters import parse_parameters
from capspec.model.skills import SkillSpec, parse_skills
from capspec.node import Node


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
    forwards: tuple[ForwardSpec, ...]
    skills: tuple[SkillSpec, ...] = ()
    control: ControlSpec | None = None
    node: Node
    place: Place


def parse_exposes(nodes: Iterable[Node]) -> tuple[ListenerSpec, ...]:
    return tuple(_listener(node) for node in nodes)


def _listener(node: Node) -> ListenerSpec:
    kind = node.text("type").lower()
    kind = {"api": "rest", "agent-skill": "skill"}.get(kind, kind)
    if not kind:
        node.error("CAP130", "this entry of exposes has no 'type'", hint="add 'type: rest' or 'type: mcp'")
    namespace = node.text("namespace", default=kind)
    spec = ListenerSpec(
        type=kind,
        namespace=namespace,
        address=node.text("address"),
        port=node.integer("port"),
        transport=node.text("transport", default="http").lower(),
        description=node.text("description"),
        auth=parse_authentication(node),
        flows=_flows(kind, node),
        resources=tuple(_resource(name, item) for name, item in node.named("resources"))
        if kind == "mcp"
        else (),
        prompts=parse_prompts(node) if kind == "mcp" else (),
        forwards=parse_forwards(node) if kind == "rest" else (),
        skills=parse_skills(node) if kind == "skill" else (),
        control=parse_control(node) if kind == "control" else None,
        node=node,
        place=node.place,
    )
    if kind in ("rest", "mcp", "skill", "control"):
        node.has("name", "label", "display", "tags")
        if kind in ("rest", "mcp"):
            node.has("maxBinarySize", "ttlMs", "cacheScope")
        node.finish(f"an exposed {kind} adapter")
    return spec


def _flows(kind: str, node: Node) -> tuple[FlowSpec, ...]:
    if kind in ("skill", "control"):
        return ()
    return tuple(_rest_flows(node)) if kind == "rest" else tuple(_tools(node))


def _rest_flows(node: Node) -> Iterable[FlowSpec]:
    inherited = parse_parameters(node)
    for name, resource in node.named("resources"):
        inputs = (*inherited, *parse_parameters(resource))
        path = resource.text("path", default=f"/{name}")
        for operation_name, operation in resource.named("operations"):
            own = operation.text("path")
            yield parse_flow(operation_name, operation, path=own or path, inputs=inputs)
        resource.has("name", "id", "label", "display", "description", "tags", "method", "forward")
        resource.finish("an exposed resource")


def _tools(node: Node) -> Iterable[FlowSpec]:
    for name, tool in node.named("tools"):
        yield parse_flow(name, tool, path="", inputs=())


def _resource(name: str, node: Node) -> ResourceSpec:
    return ResourceSpec(
        uri=node.text("uri"),
        media_type=node.text("mimeType"),
        location=node.text("location"),
        binary=node.flag("binary") or False,
        flow=parse_flow(name, node, path="", inputs=(), kind="a resource"),
    )
