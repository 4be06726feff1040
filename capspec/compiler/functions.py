"""`ref` to what it stands for: a function of an aggregate, with what the referring flow says put over it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace

from capspec.compiler.needs import BODY_METHODS
from capspec.model import FlowSpec, ParameterSpec
from capspec.model.aggregates import FunctionSpec


class UnknownFunction(LookupError):
    """No aggregate has this function; `hint` says which is nearest."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(f"{message}; {hint}")
        self.message = message
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions of a capability's aggregates, by `namespace.name`."""

    functions: dict[str, FunctionSpec]

    @classmethod
    def of(cls, functions: Iterable[FunctionSpec]) -> Functions:
        return cls({function.id: function for function in functions})

    def find(self, word: str) -> FunctionSpec:
        """Raises UnknownFunction."""
        found = self.functions.get(word)
        if found is not None:
            return found
        near = difflib.get_close_matches(word, self.functions, 1, cutoff=0.5)
        known = ", ".join(self.functions) or "none"
        mend = f"did you mean '{near[0]}'?" if near else f"there are: {known}"
        raise UnknownFunction(f"no aggregate has a function '{word}'", mend)

    def named(self, flow: FlowSpec) -> FlowSpec:
        """The flow, with its function's name when it has none of its own."""
        if flow.name or not flow.ref:
            return flow
        return replace(flow, name=flow.ref.rpartition(".")[2])


def unoffered(flow: FlowSpec, function: FlowSpec) -> frozenset[str]:
    """Inputs of the function that callers of the flow are not offered, because it names its own."""
    if not flow.own_inputs:
        return frozenset()
    own = {item.name for item in flow.inputs}
    return frozenset(
        item.name for item in map(_wanted, function.inputs) if not item.required and item.name not in own
    )


def merged(flow: FlowSpec, function: FlowSpec) -> FlowSpec:
    """The flow with what it takes from the function: all that it does not say itself, and what is done.

    The function's outputs count before the flow's, as they do for the function's other users.
    """
    given = set(flow.preset)
    inherited = tuple(
        replace(_wanted(item), location=item.location or _location(flow))
        for item in function.inputs
        if item.name not in given
    )
    return replace(
        flow,
        title=flow.title or function.title,
        description=flow.description or function.description,
        tags=flow.tags or function.tags,
        inputs=flow.inputs if flow.own_inputs else (*inherited, *flow.inputs),
        declares_inputs=flow.declares_inputs or function.declares_inputs,
        call=function.call,
        block=function.block,
        outputs=function.outputs or flow.outputs,
        hints=flow.hints.over(function.hints),
        timeout=flow.timeout or function.timeout,
        media_type=function.media_type,
    )


def _wanted(item: ParameterSpec) -> ParameterSpec:
    """A function's input is required when it does not say otherwise, on every adapter."""
    optional = "default" in item.constraints
    return replace(item, required=not optional if item.required is None else item.required)


def _location(flow: FlowSpec) -> str:
    """Where a REST request carries what is in no placeholder of its path; tools have no such place."""
    if not flow.path:
        return ""
    return "body" if flow.method in BODY_METHODS else "query"
