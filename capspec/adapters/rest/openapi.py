"""Listener to an OpenAPI 3.1 document: what it serves, as clients need to know it.

Sources: OpenAPI 3.1.1 (spec.openapis.org), RFC 9457 for the errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from urllib.parse import quote

from capspec.adapters.rest.job_resources import (
    describe_jobs,
    prefer_parameter,
    schema_name,
    schema_of,
)
from capspec.adapters.rest.openapi_forwards import describe_forward
from capspec.adapters.rest.openapi_responses import UNAUTHORIZED, describe_responses
from capspec.guards import Described
from capspec.plan import Flow, Input, Listener, PathVariable, Plan
from capspec.values import MISSING, Json

_UNTOUCHED = "/:@!$&'()*+,;=-._~%"
_NAMES = re.compile(r"\$(\.[A-Za-z_][\w-]*)+")
"""A JSONPath that only names members."""
_BODILESS = ("GET", "HEAD", "DELETE", "OPTIONS", "TRACE")
_IGNORED_HEADERS = frozenset({"accept", "content-type", "authorization"})
"""Header names that OpenAPI says are not parameters (3.1.1, 4.8.12.1)."""

_PROBLEM: dict[str, Json] = {
    "type": "object",
    "description": "What went wrong (RFC 9457).",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string"},
        "request_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["message", "code"],
                "properties": {
                    "message": {"type": "string"},
                    "code": {"type": "string"},
                    "hint": {"type": "string", "description": "How to mend it."},
                },
            },
        },
    },
}


def security_scheme(listener: Listener) -> Mapping[str, Json] | None:
    """How callers prove who they are, as a Security Scheme Object; None when they need not."""
    return listener.guard.security_scheme if isinstance(listener.guard, Described) else None


def describe(listener: Listener, plan: Plan, *, mount: str = "/") -> dict[str, Json]:
    """The document. `mount` is the path that the listener's own paths come after.

    Of flows with the same method and path the first is described; flows that cannot work are left out.
    """
    info: dict[str, Json] = {"title": plan.title or plan.name, "version": plan.version or "0"}
    if listener.description or plan.description:
        info["description"] = listener.description or plan.description
    name, email = plan.contact
    if email:
        info["contact"] = {"name": name, "email": email} if name else {"email": email}
    document: dict[str, Json] = {
        "openapi": "3.1.0",
        "info": info,
        "servers": [{"url": quote(mount.rstrip("/"), safe=_UNTOUCHED) or "/"}],
        "paths": _paths(listener),
        "components": _components(listener),
    }
    scheme = security_scheme(listener)
    if scheme is not None:
        document["security"] = [{"caller": _scopes(scheme)}]
    passed_on = [tag for forward in listener.forwards for tag in forward.tags if not forward.unavailable]
    tags = dict.fromkeys([*(tag for flow in listener.available for tag in flow.tags), *passed_on])
    if tags:
        document["tags"] = [{"name": tag} for tag in tags]
    return document


def _scopes(scheme: Mapping[str, Json]) -> list[str]:
    """What a caller's token has to allow, in the schemes that have scopes (3.1.1, 4.8.30)."""
    return list(dict.fromkeys(scope for flow in scheme.get("flows", {}).values() for scope in flow["scopes"]))


def _components(listener: Listener) -> dict[str, Json]:
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    responses: dict[str, Json] = {
        "Problem": {"description": "The call failed, here or at the upstream.", "content": content},
        "InvalidInput": {
            "description": "The arguments do not fit; every violation is listed.",
            "content": content,
        },
    }
    if listener.guard is not None:
        responses["Unauthorized"] = {
            "description": "The caller did not prove who it is.",
            "headers": {"WWW-Authenticate": {"schema": {"type": "string"}}},
            "content": content,
        }
    jobs = {schema_name(flow): schema_of(flow) for flow in listener.available if flow.job is not None}
    components: dict[str, Json] = {"schemas": {"Problem": _PROBLEM, **jobs}, "responses": responses}
    scheme = security_scheme(listener)
    if scheme is not None:
        components["securitySchemes"] = {"caller": dict(scheme)}
    return components


# -- paths ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Template:
    """A path as OpenAPI writes it. `names` are its placeholders in order, each different."""

    text: str
    names: tuple[str, ...]


def _template(path: Iterable[str | PathVariable]) -> _Template:
    text = ""
    names: list[str] = []
    for part in path:
        if isinstance(part, str):
            text += quote(part, safe=_UNTOUCHED)
            continue
        name = _unique(part.name, names)
        names.append(name)
        text += f"{{{name}}}"
    return _Template(text if text.startswith("/") else f"/{text}", tuple(names))


def _paths(listener: Listener) -> dict[str, Json]:
    # Paths that differ in their placeholders' names only are one path to OpenAPI, under the first names.
    templates: dict[str, _Template] = {}
    paths: dict[str, dict[str, Json]] = {}
    operation_ids: list[str] = []
    taken: set[tuple[str, str]] = set()
    jobs: list[tuple[Flow, str]] = []
    groups: dict[str, dict[str, Json]] = {}
    for flow in listener.flows:
        own = _template(flow.path)
        template = templates.setdefault(re.sub(r"\{[^}]*\}", "{}", own.text), own)
        route = flow.method, template.text
        if route not in taken and not flow.unavailable:
            operation_id = _unique(flow.published or flow.name, operation_ids)
            operation_ids.append(operation_id)
            operation = _operation(flow, template, operation_id, guarded=listener.guard is not None)
            paths.setdefault(template.text, {})[flow.method.lower()] = operation
            groups.setdefault(template.text, _group(flow))
            if flow.job is not None:
                jobs.append((flow, operation_id))
        taken.add(route)
    for flow, operation_id in jobs:
        _add_jobs(paths, flow, operation_id, operation_ids, guarded=listener.guard is not None)
    _add_forwards(paths, templates, operation_ids, listener)
    return {path: {**groups.get(path, {}), **operations} for path, operations in paths.items()}


def _group(flow: Flow) -> dict[str, Json]:
    """What a Path Item Object says of all its operations."""
    said = {"summary": flow.group.title, "description": flow.group.description}
    return {key: text for key, text in said.items() if text}


def _add_jobs(
    paths: dict[str, dict[str, Json]], flow: Flow, name: str, operation_ids: list[str], *, guarded: bool
) -> None:
    """The resources of the jobs that a flow starts, where the file itself has none."""
    for path, methods in describe_jobs(flow).items():
        for method, operation in methods.items():
            operation_id = _unique(f"{name}-{operation['operationId']}", operation_ids)
            operation_ids.append(operation_id)
            operation["operationId"] = operation_id
            if guarded:
                operation["responses"]["401"] = UNAUTHORIZED
            paths.setdefault(path, {}).setdefault(method, operation)


def _add_forwards(
    paths: dict[str, dict[str, Json]],
    templates: dict[str, _Template],
    operation_ids: list[str],
    listener: Listener,
) -> None:
    """What is passed on, where nothing else is."""
    for forward in listener.forwards:
        own = _template(forward.path)
        template = templates.setdefault(re.sub(r"\{[^}]*\}", "{}", own.text), own)
        for method, operation in () if forward.unavailable else describe_forward(forward, template.names):
            if method.lower() in paths.get(template.text, ()):
                continue
            operation["operationId"] = _unique(operation["operationId"], operation_ids)
            operation_ids.append(operation["operationId"])
            if listener.guard is not None:
                operation["responses"]["401"] = UNAUTHORIZED
            paths.setdefault(template.text, {})[method.lower()] = operation


def _unique(name: str, taken: Iterable[str]) -> str:
    unique, number, known = name, 1, set(taken)
    while unique in known:
        number += 1
        unique = f"{name}-{number}"
    return unique


def _operation(flow: Flow, template: _Template, operation_id: str, *, guarded: bool) -> dict[str, Json]:
    operation: dict[str, Json] = {
        "operationId": operation_id,
        "responses": describe_responses(flow, guarded=guarded),
    }
    if flow.title:
        operation["summary"] = flow.title
    if flow.description:
        operation["description"] = flow.description
    if flow.tags:
        operation["tags"] = list(dict.fromkeys(flow.tags))
    parameters = [*_path_parameters(flow, template), *_parameters(flow)]
    if parameters:
        operation["parameters"] = parameters
    body = _request_body(flow)
    if body is not None:
        operation["requestBody"] = body
    return operation


# -- parameters -------------------------------------------------------------------------------------------


def _path_parameters(flow: Flow, template: _Template) -> Iterator[Json]:
    inputs = {item.wire or item.name: item for item in flow.inputs if item.location == "path"}
    variables = (part for part in flow.path if isinstance(part, PathVariable))
    for name, variable in zip(template.names, variables, strict=True):
        found = inputs.get(variable.name)
        parameter = _parameter(name, "path", found.schema if found else {"type": "string"}, required=True)
        if variable.greedy:
            note = "It may hold slashes, sent as they are."
            parameter["description"] = f"{parameter.get('description', '')} {note}".strip()
        yield parameter


def _parameters(flow: Flow) -> Iterator[Json]:
    seen = set()
    for item in flow.inputs:
        name = item.wire or item.name
        ignored = item.location == "header" and name.lower() in _IGNORED_HEADERS
        if item.location in ("query", "header", "cookie") and item.constant is MISSING and not ignored:
            if (item.location, name) not in seen:
                yield _parameter(name, item.location, item.schema, required=item.required)
            seen.add((item.location, name))
    if flow.job is not None and not any(
        place == "header" and name.lower() == "prefer" for place, name in seen
    ):
        yield prefer_parameter(starts=True)
    if flow.open_query and ("query", "query") not in seen:
        anything = {"type": "object", "additionalProperties": {"type": "string"}}
        description = "Any other query parameter is passed on as it is."
        yield {
            "name": "query",
            "in": "query",
            "schema": anything,
            "explode": True,
            "description": description,
        }


def _parameter(name: str, place: str, schema: Mapping[str, Json], *, required: bool) -> dict[str, Json]:
    """A Parameter Object. An object travels as JSON, which OpenAPI says with `content`."""
    inner = {key: value for key, value in schema.items() if key != "description"}
    parameter: dict[str, Json] = {"name": name, "in": place, "required": required}
    if schema.get("description"):
        parameter["description"] = schema["description"]
    if inner.get("type") == "object":
        return {**parameter, "content": {"application/json": {"schema": inner}}}
    return {**parameter, "schema": inner}


# -- bodies -----------------------------------------------------------------------------------------------


def _request_body(flow: Flow) -> dict[str, Json] | None:
    inputs = [item for item in flow.inputs if _in_body(item) and item.constant is MISSING]
    whole = next((item for item in inputs if item.whole), None)
    if whole is not None:
        return {"required": whole.required, "content": {"application/json": {"schema": dict(whole.schema)}}}
    if inputs:
        schema = _fields(inputs, open_body=flow.open_body)
        media = ("application/json", "application/x-www-form-urlencoded")
        return {
            "required": any(item.required for item in inputs),
            "content": {name: {"schema": schema} for name in media},
        }
    if not flow.open_body or flow.method in _BODILESS:
        return None
    content: dict[str, Json] = {"application/json": {"schema": {}}, "*/*": {"schema": {}}}
    return {"description": "It is passed on as it is.", "required": False, "content": content}


def _in_body(item: Input) -> bool:
    return item.location in ("body", "form") or item.whole


def _fields(inputs: Iterable[Input], *, open_body: bool) -> dict[str, Json]:
    schema: dict[str, Json] = {"type": "object", "properties": {}}
    for item in inputs:
        members = _members(item)
        if members is None:
            return {"description": "It is read by JSONPath."}
        _add_field(schema, members, item)
    if open_body:
        schema["additionalProperties"] = {"description": "Any other field is passed on as it is."}
    return schema


def _members(item: Input) -> list[str] | None:
    """The way to an input from the root of the body; None when it is more than names."""
    if item.path is None:
        return [item.wire or item.name]
    return item.path.text[2:].split(".") if _NAMES.fullmatch(item.path.text) else None


def _add_field(schema: dict[str, Json], members: list[str], item: Input) -> None:
    *outer, last = members
    for name in outer:
        _require(schema, name, item)
        schema = schema.setdefault("properties", {}).setdefault(name, {"type": "object"})
    _require(schema, last, item)
    schema.setdefault("properties", {}).setdefault(last, {}).update(deepcopy(dict(item.schema)))


def _require(schema: dict[str, Json], name: str, item: Input) -> None:
    if item.required and name not in schema.get("required", []):
        schema["required"] = [*schema.get("required", []), name]
