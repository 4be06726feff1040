"""A plan to plain facts: what would be served, what it needs, and what does not work."""

from __future__ import annotations

from collections.abc import Mapping

from capspec import bindings, model
from capspec.cli.documentation import document, group
from capspec.cli.printing import as_json
from capspec.diagnostics.sources import Sources
from capspec.plan import Flow, Listener, Plan, Resource, Upstream
from capspec.plan.forwards import Forward
from capspec.plan.offers import FileResource
from capspec.values import Json


def describe(plan: Plan, environ: Mapping[str, str]) -> dict[str, Json]:
    """Everything that `inspect` shows, as JSON. Variables have no values in it, only whether there is one."""
    capability = model.parse(plan.document)
    descriptions = {spec.namespace: spec.description for spec in capability.upstreams}
    sources = Sources()
    return {
        "name": plan.name,
        "file": plan.document.source,
        "title": plan.title,
        "description": plan.description,
        "version": plan.version,
        **document(capability),
        "listeners": [_listener(listener) for listener in plan.listeners],
        "upstreams": [
            {**_upstream(upstream), "description": descriptions.get(upstream.namespace, "")}
            for upstream in plan.upstreams
        ],
        "binds": _binds(capability, environ),
        "missing": [
            {"name": item.name, "bind": item.bind, "places": [str(place) for place in item.places]}
            for item in plan.missing
        ],
        "warnings": [as_json(problem, sources) for problem in plan.warnings],
    }


def route_of(flow: Flow | Forward) -> str:
    """The path of a REST operation or a forward, placeholders in braces; a greedy one has a plus sign."""
    return "".join(
        part if isinstance(part, str) else f"{{{part.name}{'+' if part.greedy else ''}}}"
        for part in flow.path
    )


def flows_of(listener: Listener) -> tuple[Flow | Forward, ...]:
    """Everything that a listener can be asked for: operations or tools, what its resources read, and what it
    passes on."""
    read = (resource.flow for resource in listener.resources if isinstance(resource, Resource))
    return (*listener.flows, *read, *listener.forwards)


def _listener(listener: Listener) -> dict[str, Json]:
    return {
        "type": listener.type,
        "namespace": listener.namespace,
        "transport": listener.transport,
        "port": listener.port,
        "authentication": listener.spec.auth.type if listener.spec.auth is not None else None,
        "description": listener.description,
        "flows": [_flow(flow) for flow in listener.flows],
        "forwards": [_forward(forward) for forward in listener.forwards],
        "resources": [_resource(resource) for resource in listener.resources],
        "prompts": [
            {
                "name": prompt.name,
                "description": prompt.description,
                "arguments": [
                    {"name": argument.name, "required": argument.required} for argument in prompt.arguments
                ],
            }
            for prompt in listener.prompts
        ],
        "skills": [
            {
                "name": skill.name,
                "description": skill.description,
                "tools": [tool.name for tool in skill.tools],
                "folder": None if skill.folder is None else str(skill.folder.root),
            }
            for skill in listener.skills
        ],
        "control": None if listener.control is None else list(listener.control.offers),
    }


def _resource(resource: Resource | FileResource) -> dict[str, Json]:
    flow = resource.flow if isinstance(resource, Resource) else None
    said = resource if isinstance(resource, FileResource) else resource.flow
    return {
        "name": resource.name,
        "title": said.title,
        "description": said.description,
        "tags": list(said.tags),
        "uri": resource.uri,
        "media_type": resource.media_type,
        "calls": [operation.id for operation in flow.calls] if flow else [],
        "missing": list(flow.missing) if flow else [],
        "unavailable": _unavailable(flow) if flow else "",
    }


def _flow(flow: Flow) -> dict[str, Json]:
    route = {"method": flow.method, "path": route_of(flow)} if flow.method else {}
    return {
        "name": flow.published,
        **route,
        "title": flow.title,
        "description": flow.description,
        "tags": list(flow.tags),
        "resource": group(flow.group),
        "input_schema": dict(flow.input_schema),
        "output_schema": None if flow.output_schema is None else dict(flow.output_schema),
        "calls": [operation.id for operation in flow.calls],
        "missing": list(flow.missing),
        "unavailable": _unavailable(flow),
    }


def _unavailable(flow: Flow) -> str:
    """Why a flow cannot work, "" when it can: it may be sound itself and call what cannot be called."""
    reasons = (
        f"{operation.id} cannot be called: {problem}"
        for operation in flow.calls
        if (problem := operation.problem or operation.upstream.problem)
    )
    return flow.unavailable or next(reasons, "")


def _forward(forward: Forward) -> dict[str, Json]:
    return {
        "name": forward.name,
        "methods": list(forward.methods),
        "path": route_of(forward),
        "title": forward.title,
        "description": forward.description,
        "target": forward.target,
        "trusted_headers": list(forward.trusted_headers),
        "missing": list(forward.missing),
        "unavailable": forward.unavailable,
    }


def _upstream(upstream: Upstream) -> dict[str, Json]:
    return {
        "namespace": upstream.namespace,
        "base_url": upstream.base_url,
        "authentication": upstream.auth is not None,
        "missing": list(upstream.missing),
        "problem": upstream.problem,
    }


def _binds(capability: model.Capability, environ: Mapping[str, str]) -> list[dict[str, Json]]:
    found = bindings.resolve(capability, environ)

    def has_value(bind: model.BindSpec, name: str) -> bool:
        return found.seen_in(bind.file).value(name) is not None

    return [
        {
            "namespace": bind.namespace,
            "location": bind.location,
            "description": bind.description,
            "variables": [
                {"name": name, "key": key, "has_value": has_value(bind, name)}
                for name, key in bind.keys.items()
            ],
        }
        for bind in capability.binds
    ]
