"""What a flow passes on that its file says nothing of."""

from __future__ import annotations

from capspec.compiler.needs import BODY_METHODS
from capspec.model import FlowSpec, OutputSpec
from capspec.plan import Operation
from capspec.values import MISSING


def has_values(outputs: tuple[OutputSpec, ...]) -> bool:
    """Whether outputs say what to answer by themselves: a mock."""
    return any(
        output.value is not MISSING
        or has_values(output.properties)
        or (output.items is not None and has_values((output.items,)))
        for output in outputs
    )


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
