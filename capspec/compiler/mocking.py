"""A flow to one that calls nobody: its outputs answer with their values, examples, or by their types."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from capspec.errors import Place
from capspec.mapping import compile_outputs
from capspec.model import FlowSpec, OutputSpec
from capspec.node import Report
from capspec.plan import Flow
from capspec.plan.flows import NO_STEPS
from capspec.values import MISSING, Json

JOB = "mock-job"
"""The handle of every mocked job, which nobody can ask about: it has ended."""


def mocked(flow: Flow, spec: FlowSpec, called: Sequence[OutputSpec], report: Report) -> Flow:
    """The flow without its calls. `called` are the outputs of the operation that it calls, where it declares
    none itself; a job is answered as one that has succeeded.
    """
    outputs = [_filled(item) for item in spec.outputs or called or _mapped(spec)]
    if flow.job is not None:
        outputs = _enveloped(outputs, flow.job.id, spec.place)
    output = compile_outputs(outputs, mode="mock", report=report)
    return replace(
        flow,
        block=NO_STEPS,
        preset=None,
        calls=(),
        job=None,
        missing=(),
        unavailable="",
        output=output,
        output_schema=output.schema,
    )


def _mapped(spec: FlowSpec) -> list[OutputSpec]:
    """The targets of mappings as outputs; those with dots are objects."""
    tree: dict[str, Json] = {}
    for target, _ in spec.block.mappings:
        inner = tree
        for name in filter(None, target.split(".")):
            inner = inner.setdefault(name, {})
    return _outputs(tree, spec.place)


def _outputs(tree: dict[str, Json], place: Place) -> list[OutputSpec]:
    return [
        OutputSpec(name=name, properties=tuple(_outputs(inner, place)), place=place)
        for name, inner in tree.items()
    ]


def _filled(spec: OutputSpec) -> OutputSpec:
    """An output whose every part has a value of its own."""
    own = spec.value if spec.value is not MISSING and not _is_path(spec.value) else spec.example
    if own is not MISSING:
        return replace(spec, value=own, mapping="", properties=(), items=None, values=None)
    if spec.properties:
        properties = tuple(_filled(item) for item in spec.properties)
        return replace(spec, value=MISSING, mapping="", properties=properties)
    if spec.items is not None:
        return replace(spec, value=MISSING, mapping="", items=_filled(spec.items))
    return replace(spec, value=_by_type(spec), mapping="", values=None)


def _by_type(spec: OutputSpec) -> Json:
    kind = spec.type.strip().lower()
    values: dict[str, Json] = {"number": 1.5, "integer": 1, "boolean": True, "object": {}, "array": []}
    return values.get(kind, spec.name or "text")


def _is_path(value: Json) -> bool:
    return isinstance(value, str) and value.strip().startswith("$")


def _enveloped(outputs: Sequence[OutputSpec], operation: str, place: Place) -> list[OutputSpec]:
    """The outputs as the result of a job that has succeeded."""
    named = tuple(item for item in outputs if item.name)
    result = OutputSpec(type="object", value={}, place=place)
    if named:
        result = OutputSpec(type="object", properties=named, place=place)
    elif outputs:
        result = outputs[0]
    return [
        OutputSpec(name="state", type="string", value="succeeded", place=place),
        OutputSpec(name="job", type="string", value=JOB, place=place),
        OutputSpec(name="progress", type="number", value=1, place=place),
        OutputSpec(name="message", type="string", value=f"{operation} is mocked", place=place),
        replace(result, name="result"),
    ]
