"""Forwards to path items of an OpenAPI 3.1 document: which requests go on, and that nothing more is known."""

from __future__ import annotations

from collections.abc import Iterator

from capspec.plan import PathVariable
from capspec.plan.forwards import Forward
from capspec.values import Json

_IMPLIED = ("HEAD", "OPTIONS")
"""Methods that are not worth a description of their own beside the others."""

_WITH_BODY = ("POST", "PUT", "PATCH")


def describe_forward(forward: Forward, names: tuple[str, ...]) -> Iterator[tuple[str, dict[str, Json]]]:
    """Method and Operation Object for each method; `names` are what the path's placeholders are called."""
    shown = [method for method in forward.methods if method not in _IMPLIED] or forward.methods
    for method in shown:
        operation: dict[str, Json] = {
            "operationId": f"{forward.name.strip('/') or forward.target}-{method.lower()}",
            "description": forward.description or f"It is passed on to {forward.target} as it is.",
            "parameters": [*_path_parameters(forward, names), *_parameters(forward)],
            "responses": {"default": {"description": "What the API answers.", "content": {"*/*": {}}}},
        }
        if forward.title:
            operation["summary"] = forward.title
        if forward.tags:
            operation["tags"] = list(dict.fromkeys(forward.tags))
        if method in _WITH_BODY:
            description = "It is passed on as it is."
            operation["requestBody"] = {"description": description, "content": {"*/*": {}}}
        yield method, operation


def _path_parameters(forward: Forward, names: tuple[str, ...]) -> Iterator[Json]:
    variables = (part for part in forward.path if isinstance(part, PathVariable))
    for name, variable in zip(names, variables, strict=True):
        parameter: dict[str, Json] = {
            "name": name, "in": "path", "required": True, "schema": {"type": "string"},
        }  # fmt: skip
        if variable.greedy:
            parameter["description"] = "The path below the API's base URI, with its slashes as they are."
        yield parameter


def _parameters(forward: Forward) -> Iterator[Json]:
    for name in forward.trusted_headers:
        # OpenAPI says of these that they are no parameters (3.1.1, 4.8.12.1).
        if name not in ("accept", "content-type", "authorization", "set-cookie", "cookie"):
            yield {"name": name, "in": "header", "schema": {"type": "string"}}
    yield {
        "name": "query",
        "in": "query",
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
        "explode": True,
        "description": "Every query parameter is passed on as it is.",
    }
