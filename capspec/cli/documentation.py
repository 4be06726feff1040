"""A capability to plain facts that are there for people: nothing is done with them but to show them."""

from __future__ import annotations

from dataclasses import asdict

from capspec.model import Capability, OperationSpec
from capspec.model.aggregates import FunctionSpec
from capspec.model.groups import GroupSpec
from capspec.values import Json


def document(capability: Capability) -> dict[str, Json]:
    """What the file says of itself, of the operations that it consumes, and of its aggregates."""
    info = capability.info
    return {
        "dialect": capability.dialect,
        "dialect_version": capability.version,
        "tags": list(info.tags),
        "created": info.created,
        "modified": info.modified,
        "stakeholders": [asdict(item) for item in info.stakeholders],
        "labels": dict(info.labels),
        "operations": [_operation(item) for api in capability.upstreams for item in api.operations],
        "functions": [_function(item) for item in capability.functions],
    }


def group(spec: GroupSpec) -> dict[str, Json]:
    return {
        "name": spec.name,
        "title": spec.title,
        "description": spec.description,
        "tags": list(spec.tags),
    }


def _operation(spec: OperationSpec) -> dict[str, Json]:
    return {
        "id": f"{spec.namespace}.{spec.name}",
        "method": spec.method,
        "path": spec.path,
        "title": spec.title,
        "description": spec.description,
        "tags": list(spec.tags),
        "resource": group(spec.group),
    }


def _function(spec: FunctionSpec) -> dict[str, Json]:
    return {
        "id": spec.id,
        "title": spec.flow.title,
        "description": spec.flow.description,
        "tags": list(spec.flow.tags),
        "cacheable": spec.cacheable,
        "aggregate": group(spec.group),
    }
