"""What an operation needs from its caller: one entry for each argument, with its schema.

The file's author rarely declares a tool's inputs, so they are put together from here: the operation's
parameters, the placeholders of its path, and the names that its templates read.
"""

from __future__ import annotations

from dataclasses import dataclass

from capspec.compiler.operations import CompiledOperation
from capspec.compiler.schemas import parameter_schema
from capspec.model import ParameterSpec
from capspec.plan import Location
from capspec.values import MISSING, Json

_QUIET_HEADERS = ("accept", "content-type", "content-length", "host", "user-agent", "authorization")
"""Headers that every request gets anyway: never asked of a caller, though one may give them."""

BODY_METHODS = ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """One argument that an operation reads. `whole` marks the one that is the body itself."""

    name: str
    location: Location
    schema: dict[str, Json]
    required: bool
    whole: bool = False


def needs_of(compiled: CompiledOperation) -> dict[str, Need]:
    """Every argument of an operation by name, in the order of path, parameters, templates."""
    declared = _declared(compiled)
    found: dict[str, Need] = {}
    for name in compiled.variables:
        spec = declared.get(name)
        schema = parameter_schema(spec) if spec else {"type": "string"}
        if spec is None or spec.value is MISSING:
            found[name] = Need(name=name, location="path", schema=schema, required=True)
    for parameter in compiled.operation.parameters:
        if parameter.name in compiled.withheld:
            continue
        if parameter.value is None and parameter.name not in found:
            found[parameter.name] = _parameter_need(compiled, declared[parameter.name], parameter.location)
    for name in compiled.names:
        if name not in found:
            spec = declared.get(name)
            schema = parameter_schema(spec) if spec else {}
            location: Location = "body" if compiled.operation.method in BODY_METHODS else "query"
            found[name] = Need(name=name, location=location, schema=schema, required=False)
    return found


def _declared(compiled: CompiledOperation) -> dict[str, ParameterSpec]:
    """Parameters by name; for a name in two places, the one in the path first."""
    found: dict[str, ParameterSpec] = {}
    for spec in compiled.spec.inputs:
        if spec.name not in found or found[spec.name].location != "path":
            found[spec.name] = spec
    return found


def _parameter_need(compiled: CompiledOperation, spec: ParameterSpec, location: Location) -> Need:
    quiet = location == "header" and spec.name.lower() in _QUIET_HEADERS
    return Need(
        name=spec.name,
        location=location,
        schema=_widened(compiled, spec, location),
        required=spec.required is True and not quiet,
        whole=_is_whole(compiled, spec, location),
    )


def _is_whole(compiled: CompiledOperation, spec: ParameterSpec, location: Location) -> bool:
    if location != "body" or compiled.operation.body is not None:
        return False
    fields = [
        item for item in compiled.operation.parameters if item.location == "body" and item.value is None
    ]
    return len(fields) == 1 and (spec.name == "body" or fields[0].whole)


def _widened(compiled: CompiledOperation, spec: ParameterSpec, location: Location) -> dict[str, Json]:
    """A body typed "string" in public files is most often an object whose schema was lost: admit both."""
    schema = parameter_schema(spec)
    if _is_whole(compiled, spec, location) and schema.get("type") == "string":
        schema["type"] = ["string", "object", "array"]
    elif spec.name == "body" and schema.get("type") == "object" and _is_whole(compiled, spec, location):
        schema["type"] = ["object", "array", "string"]
    return schema
