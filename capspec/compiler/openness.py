"""What a flow passes on that its file says nothing of."""

from __future__ import annotations

import re
from dataclasses import replace

from capspec.compiler.needs import BODY_METHODS
from capspec.model import FlowSpec, OutputSpec
from capspec.model.steps import StepSpec
from capspec.plan import Operation
from capspec.values import MISSING

_FIRST = re.compile(r"\$(?:\.([\w-]+)|\.?\[\s*['\"]([^'\"]+)['\"])")
"""The first member that a JSONPath names."""


def has_values(outputs: tuple[OutputSpec, ...]) -> bool:
    """Whether outputs say what to answer by themselves: a mock."""
    return any(
        output.value is not MISSING
        or has_values(output.properties)
        or (output.items is not None and has_values((output.items,)))
        for output in outputs
    )


def read_steps(outputs: tuple[OutputSpec, ...], steps: tuple[StepSpec, ...]) -> bool:
    """Whether outputs that no mappings feed are written for what the steps gave, each by its name."""
    names = {step.name for step in steps}
    return any(_reads(output, names) for output in outputs)


def by_steps(outputs: tuple[OutputSpec, ...], steps: tuple[StepSpec, ...]) -> tuple[OutputSpec, ...]:
    """The outputs, those of a step's name with what the step gave."""
    names = {step.name for step in steps}
    return tuple(
        replace(item, mapping=f"$['{item.name}']")
        if item.name in names and not item.mapping and item.value is MISSING
        else item
        for item in outputs
    )


def _reads(output: OutputSpec, names: set[str]) -> bool:
    path = output.mapping or (output.value if isinstance(output.value, str) else "")
    first = _FIRST.match(path)
    if first is not None:
        return (first[1] or first[2]) in names
    return not path and output.name in names


def openness(spec: FlowSpec, operation: Operation) -> tuple[bool, bool]:
    """Whether undeclared arguments pass on as query, and whether as JSON body.

    Only where the file says nothing of that place: no declared inputs, and nothing of the kind in the
    target or in `with`.
    """
    places = {parameter.location for parameter in operation.parameters if parameter.value is None}
    has_body = operation.method in BODY_METHODS
    by_name = spec.call is None or not spec.call.arguments
    closed = spec.declares_inputs and not spec.inputs
    open_body = has_body and operation.body is None and not places & {"body", "form"} and not closed
    open_query = by_name and not spec.declares_inputs and "query" not in places and not operation.query
    if not spec.path:
        # A tool's argument cannot say where it goes, so it goes where the method has its data.
        open_query = open_query and not has_body
    return open_query, open_body
