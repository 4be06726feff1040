"""The `exposes` section: what a capability offers, and on which adapter, as the author wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from capspec.errors import Place, Related
from capspec.model.agents import PromptSpec, parse_prompts
from capspec.model.consumes import ExtensionSpec, parse_authentication
from capspec.model.control import ControlSpec, parse_control
from capspec.model.flows import FlowSpec, parse_flow
from capspec.model.forward import ForwardSpec, parse_forwards
from capspec.model.groups import parse_group
from capspec.model.parameters import parse_parameters
from capspec.model.paths import path_of
from capspec.model.skills import SkillSpec, parse_skills
from capspec.node import Node

_LAST_PORT = 65_535
_CALLED = ("rest", "mcp")
"""Adapters whose namespaces skills name."""

_TRANSPORTS = ("http", "stdio", "streamable-http", "streamablehttp", "sse")


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
    """One entry of `exposes`: an adapter, where it listens, and its flows in the order of the file.

    `max_size` is its `maxBinarySize` as written. `ttl_ms` (milliseconds) and `cache_scope` are what an MCP
    adapter says of how long, and by whom, what it tells clients may be kept; None and "" for nothing.
    """

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
    max_size: str = ""
    ttl_ms: int | None = None
    cache_scope: str = ""
    node: Node
    place: Place


def parse_exposes(nodes: Iterable[Node]) -> tuple[ListenerSpec, ...]:
    found: list[ListenerSpec] = []
    for node in nodes:
        spec = _listener(node)
        first = next((other for other in found if other.namespace == spec.namespace), None)
        if first is not None and node.has("namespace") and spec.type in _CALLED and first.type in _CALLED:
            message = f"two adapters are called '{spec.namespace}'; that name means the first one"
            hint = "give each adapter a namespace of its own"
            related = (Related(first.place, f"the first adapter '{spec.namespace}'"),)
            place = node.at("namespace")
            node.report.add("CAP157", message, place=place, hint=hint, severity="warning", related=related)
        found.append(spec)
    return tuple(found)


def _listener(node: Node) -> ListenerSpec:
    kind = node.text("type").lower()
    kind = {"api": "rest", "agent-skill": "skill"}.get(kind, kind)
    if not kind:
        near = difflib.get_close_matches("type", [str(key) for key in node.value], 1) if node.value else []
        hint = f"did you mean 'type'? There is '{near[0]}'" if near else "add 'type: rest' or 'type: mcp'"
        place = node.key_place(near[0]) if near else None
        node.error("CAP130", "this entry of exposes has no 'type'", hint=hint, place=place)
    namespace = node.text("namespace", default=kind)
    spec = ListenerSpec(
        type=kind,
        namespace=namespace,
        address=node.text("address"),
        port=_port(node),
        transport=_transport(node),
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
        max_size=node.text("maxBinarySize") if kind in ("rest", "mcp") else "",
        ttl_ms=_ttl(node) if kind == "mcp" else None,
        cache_scope=_cache_scope(node) if kind == "mcp" else "",
        node=node,
        place=node.place,
    )
    if kind in ("rest", "mcp", "skill", "control"):
        node.has("name", "label", "display", "tags")
        node.finish(f"an exposed {kind} adapter")
    return spec


def _port(node: Node) -> int | None:
    port = node.integer("port")
    if port is None or 0 <= port <= _LAST_PORT:
        return port
    hint = f"use 1 to {_LAST_PORT}, or 0 for any free one"
    node.error("CAP117", f"there is no port {port}", hint=hint, place=node.at("port"))
    return None


def _transport(node: Node) -> str:
    word = node.text("transport", default="http").lower()
    if word not in _TRANSPORTS:
        message = f"'{word}' is no transport, and has no effect"
        node.warn("CAP153", message, hint="use 'http' or 'stdio'", place=node.at("transport"))
    return word


def _ttl(node: Node) -> int | None:
    milliseconds = node.integer("ttlMs")
    if milliseconds is None or milliseconds >= 0:
        return milliseconds
    node.warn("CAP153", "'ttlMs' is below 0, and has no effect", place=node.key_place("ttlMs"))
    return None


def _cache_scope(node: Node) -> str:
    scope = node.text("cacheScope").lower()
    if scope in ("", "public", "private"):
        return scope
    message = f"'{scope}' is no cacheScope, and has no effect"
    node.warn("CAP153", message, hint="use 'public' or 'private'", place=node.key_place("cacheScope"))
    return ""


def _flows(kind: str, node: Node) -> tuple[FlowSpec, ...]:
    if kind in ("skill", "control"):
        return ()
    return tuple(_rest_flows(node)) if kind == "rest" else tuple(_tools(node))


def _rest_flows(node: Node) -> Iterable[FlowSpec]:
    inherited = parse_parameters(node)
    for name, resource in node.named("resources"):
        inputs = (*inherited, *parse_parameters(resource))
        path = path_of(resource, default=f"/{name}")
        group = parse_group(name, resource)
        for operation_name, operation in resource.named("operations"):
            own = path_of(operation)
            flow = parse_flow(operation_name, operation, path=own or path, inputs=inputs)
            yield replace(flow, tags=(*group.tags, *flow.tags), group=group)
        resource.has("name", "id", "method", "forward")
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
