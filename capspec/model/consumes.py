"""The `consumes` section: which HTTP APIs a capability calls, as the author wrote it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from capspec.document import Document
from capspec.errors import Place
from capspec.model.assets import AssetsSpec, parse_assets
from capspec.model.groups import GroupSpec, parse_group
from capspec.model.jobs import PollSpec, parse_poll
from capspec.model.parameters import OutputSpec, ParameterSpec, parse_outputs, parse_parameters
from capspec.model.paths import path_of
from capspec.model.submissions import IdempotencySpec, WebhookSpec, parse_idempotency, parse_webhook
from capspec.model.tunnels import TunnelSpec, parse_tunnel
from capspec.node import Node
from capspec.values import Json, Missing

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtensionSpec:
    """Something whose `type` names an extension; `node` is the rest of what its author wrote."""

    type: str
    node: Node
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class BodySpec:
    """A request body. `type` is the codec's word, "" for a body that is written as a plain value.

    `data` is MISSING when only a type was given; `node` is where it stands, None for a plain value.
    """

    type: str
    data: Json | Missing
    node: Node | None
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationSpec:
    """One request that can be made. `inputs` runs from the client's level to the operation's own, which begin
    after the first `shared`.

    `document` is the file that says so: paths in it are relative to that one.
    """

    name: str
    namespace: str
    method: str
    path: str
    title: str
    description: str
    tags: tuple[str, ...]
    group: GroupSpec
    inputs: tuple[ParameterSpec, ...]
    body: BodySpec | None
    raw_format: str
    output_schema: str
    media_type: str
    max_size: str
    outputs: tuple[OutputSpec, ...]
    timeout: str
    poll: PollSpec | None
    idempotency: IdempotencySpec | None
    webhook: WebhookSpec | None
    assets: AssetsSpec | None
    document: Document
    place: Place
    shared: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamSpec:
    """One API: where it is, how to authenticate, and its operations in the order of the file.

    `inputs` are what every request carries; each operation has them among its own. `variables` are not sent
    at all: older files declare variables of the environment among their inputs.
    """

    namespace: str
    base_uri: str
    description: str
    auth: ExtensionSpec | None
    tunnel: TunnelSpec | None
    timeout: str
    inputs: tuple[ParameterSpec, ...]
    variables: tuple[ParameterSpec, ...]
    operations: tuple[OperationSpec, ...]
    place: Place
    base_uri_place: Place


def parse_consumes(nodes: Iterable[Node]) -> tuple[UpstreamSpec, ...]:
    """Each entry of `consumes`; entries with the same namespace are put together."""
    merged: dict[str, UpstreamSpec] = {}
    for node in nodes:
        spec = _upstream(node)
        known = merged.get(spec.namespace)
        if known is not None:
            message = f"namespace '{spec.namespace}' is consumed twice; both are used together"
            hint = "put them together, or give one another name"
            node.warn("CAP121", message, hint=hint, place=node.at("namespace"))
            spec = _merge(known, spec)
        merged[spec.namespace] = spec
    return tuple(merged.values())


def _merge(first: UpstreamSpec, second: UpstreamSpec) -> UpstreamSpec:
    return UpstreamSpec(
        namespace=first.namespace,
        base_uri=first.base_uri or second.base_uri,
        description=first.description or second.description,
        auth=first.auth or second.auth,
        tunnel=first.tunnel or second.tunnel,
        timeout=first.timeout or second.timeout,
        inputs=first.inputs + second.inputs,
        variables=first.variables + second.variables,
        operations=first.operations + second.operations,
        place=first.place,
        base_uri_place=first.base_uri_place if first.base_uri else second.base_uri_place,
    )


def _upstream(node: Node) -> UpstreamSpec:
    namespace = node.text("namespace", "name", "id", default="upstream")
    kind = node.text("type", default="http")
    if kind not in ("http", "https", "rest", "api"):
        message = f"consumes type '{kind}' is not known; it is called as HTTP"
        node.warn("CAP122", message, hint="use 'http'", place=node.at("type"))
    variables: list[ParameterSpec] = []
    inputs = (*_sent(node, variables), *_constant_headers(node))
    operations = tuple(_operations(node, namespace, inputs, variables))
    spec = UpstreamSpec(
        namespace=namespace,
        base_uri=node.text("baseUri", "baseUrl").strip(),
        description=node.text("description"),
        auth=parse_authentication(node),
        tunnel=parse_tunnel(node),
        timeout=node.text("timeout"),
        inputs=inputs,
        variables=tuple(variables),
        operations=operations,
        place=node.place,
        base_uri_place=node.at("baseUri", "baseUrl"),
    )
    node.finish("a consumed API")
    if not node.has("namespace", "name", "id"):
        place, hint = node.report.instead(node.place, "namespace") or (node.place, "add 'namespace'")
        node.warn(
            "CAP120", "a consumed API has no 'namespace', and is called 'upstream'", hint=hint, place=place
        )
    return spec


def _sent(node: Node, variables: list[ParameterSpec]) -> tuple[ParameterSpec, ...]:
    """The input parameters that requests carry; the others are added to `variables`."""
    found = parse_parameters(node)
    variables += [item for item in found if item.is_variable]
    return tuple(item for item in found if not item.is_variable)


def _constant_headers(node: Node) -> tuple[ParameterSpec, ...]:
    """A `headers` map: constant request headers."""
    return tuple(
        ParameterSpec(
            name=name, location="header", type="string", description="", required=None, value=value,
            mapping="", constraints={}, place=node.key_place("headers"),
        )
        for name, value in node.mapping("headers").items()
    )  # fmt: skip


def parse_authentication(node: Node) -> ExtensionSpec | None:
    """The `authentication` block (or `auth`), consumed or exposed."""
    child = node.get("authentication", "auth")
    if child is None:
        return None
    if isinstance(child.value, str):
        if child.value not in ("none", "inherit"):
            hint = "write 'type' below it, and what that needs"
            child.error("CAP123", "authentication should be a mapping with a 'type'", hint=hint)
        return None
    if child.text("type").lower() == "none":
        return None
    return ExtensionSpec(type=child.text("type"), node=child, place=child.place)


def _operations(
    node: Node, namespace: str, inherited: tuple[ParameterSpec, ...], variables: list[ParameterSpec]
) -> Iterable[OperationSpec]:
    resources = node.named("resources")
    replaces = _paths_replace([item for _, item in resources])
    for resource_name, resource in resources:
        path = path_of(resource)
        shared = (*inherited, *_sent(resource, variables))
        group = parse_group(resource_name, resource)
        for name, operation in resource.named("operations"):
            inputs = (*shared, *_sent(operation, variables))
            effective = _effective(path, path_of(operation), replaces)
            spec = _operation(name, operation, namespace, effective, inputs)
            yield replace(spec, group=group, shared=len(shared))
        resource.has("name", "id", "method")
        message = "write them at its operations"
        resource.without_effect("a consumed resource", {"outputParameters": message})
        resource.finish("a consumed resource")
    for name, operation in node.named("operations"):
        inputs = (*inherited, *_sent(operation, variables))
        spec = _operation(name, operation, namespace, path_of(operation), inputs)
        yield replace(spec, shared=len(inherited))


def _paths_replace(resources: list[Node]) -> bool:
    """Whether operation paths stand alone in this namespace, or are tails of their resource's path.

    Public files do both. They stand alone when at least one begins with its resource's own path.
    """
    for resource in resources:
        path = resource.text("path").rstrip("/")
        if not path:
            continue
        for _, operation in resource.named("operations"):
            own = operation.text("path")
            if own == path or own.startswith(path + "/"):
                return True
    return False


def _effective(resource: str, own: str, replaces: bool) -> str:
    if not own or own == "/":
        return resource
    if replaces or not resource.strip("/"):
        return own
    return f"{resource.rstrip('/')}/{own.lstrip('/')}"


def _operation(
    name: str, node: Node, namespace: str, path: str, inputs: tuple[ParameterSpec, ...]
) -> OperationSpec:
    method = node.text("method", default="GET").upper()
    if method not in METHODS:
        hint = f"use one of {', '.join(METHODS)}"
        node.error("CAP124", f"'{method}' is not an HTTP method", hint=hint, place=node.at("method"))
    spec = OperationSpec(
        name=name or node.text("operationId") or _synthetic_name(method, path),
        namespace=namespace,
        method=method,
        path=path,
        title=node.text("label", "display", "title", "summary"),
        description=node.text("description"),
        tags=node.texts("tags"),
        group=GroupSpec(),
        inputs=inputs,
        body=_body(node),
        raw_format=node.text("outputRawFormat", default="json").lower(),
        output_schema=node.text("outputSchema"),
        media_type=node.text("outputMediaType"),
        max_size=node.text("maxBinarySize"),
        outputs=parse_outputs(node),
        timeout=node.text("timeout"),
        poll=parse_poll(node),
        idempotency=parse_idempotency(node),
        webhook=parse_webhook(node),
        assets=parse_assets(node),
        document=node.document,
        place=node.place,
    )
    node.has("operationId", "path")
    node.finish("a consumed operation")
    return spec


def _synthetic_name(method: str, path: str) -> str:
    words = "".join(char if char.isalnum() else "-" for char in path.lower())
    return "-".join(filter(None, [method.lower(), *words.split("-")]))


def _body(node: Node) -> BodySpec | None:
    child = node.get("body")
    if child is None:
        return None
    value = child.value
    if isinstance(value, dict) and isinstance(value.get("type"), str) and set(value) <= {"type", "data"}:
        return BodySpec(type=value["type"], data=child.raw("data"), node=child.get("data"), place=child.place)
    return BodySpec(type="", data=value, node=None, place=child.place)
