"""FlowSpec to Flow: what is called, with which inputs, and how the answer is shaped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from capspec.compiler.flow_linker import FlowLinker, has_values, openness
from capspec.compiler.inference import Demand, infer_inputs, input_schema
from capspec.compiler.paths import parse_exposed_path
from capspec.compiler.targets import Targets
from capspec.compiler.texts import Texts
from capspec.durations import parse_duration
from capspec.errors import CompileError, Place
from capspec.mapping import compile_outputs
from capspec.model import CallSpec, FlowSpec
from capspec.node import Report
from capspec.plan import Assembly, Flow, Input, Operation, PathVariable, Step
from capspec.steps.call import CallStep
from capspec.validation import compile_check
from capspec.values import Json

BODY_NOTE = (
    "This operation declares no body: every argument that is not listed is sent as a field of the JSON "
    "request body. A single argument 'body' holding an object or a list is the whole body."
)
QUERY_NOTE = "This operation declares no inputs: every argument is sent as a query parameter."


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """What a flow does when it is called, before it is put together."""

    steps: tuple[Step, ...] = ()
    document: Assembly | None = None
    inputs: tuple[Input, ...]
    calls: tuple[Operation, ...] = ()
    open_query: bool = False
    open_body: bool = False
    unavailable: str = ""


class FlowCompiler:
    """Compiles the flows of one listener.

    `prefixes` are the words that stand for its arguments; `kind` is what a flow without a path is called.
    """

    def __init__(
        self, targets: Targets, texts: Texts, prefixes: tuple[str, ...], report: Report, kind: str = "tool"
    ) -> None:
        self.kind = kind
        self.targets = targets
        self.texts = texts
        self.prefixes = prefixes
        self.report = report

    def flow(self, spec: FlowSpec, published: str) -> Flow:
        route = parse_exposed_path(spec.path)
        names = route.variables if spec.path else ()
        output = compile_outputs(spec.outputs, mode=_mode(spec), report=self.report)
        wiring = self._wire(spec, names)
        inputs = wiring.inputs
        schema = input_schema(inputs, rest_of=_rest_schema(wiring), note="" if spec.path else _note(wiring))
        called = wiring.calls[0] if wiring.calls else None
        missing = {name for item in wiring.calls for name in (*item.upstream.missing, *item.missing)}
        return Flow(
            name=spec.name,
            published=published,
            title=spec.title,
            description=spec.description or (called.description if called else ""),
            tags=spec.tags,
            method=spec.method,
            path=route.parts if spec.path else (),
            inputs=inputs,
            input_schema=schema,
            validate=compile_check(schema),
            steps=wiring.steps,
            document=wiring.document,
            output=output,
            output_schema=output.schema,
            open_query=wiring.open_query,
            open_body=wiring.open_body,
            hints=spec.hints,
            timeout=self._timeout(spec),
            missing=tuple(sorted(missing)),
            unavailable=wiring.unavailable,
            calls=wiring.calls,
            job=called if called is not None and called.poll is not None and not spec.steps else None,
            aliases=self.prefixes,
            place=spec.place,
        )

    # -- the three ways to write what a flow does -----------------------------------------------------

    def _wire(self, spec: FlowSpec, route: tuple[str, ...]) -> Wiring:
        try:
            if spec.steps:
                return self._wire_steps(spec, route)
            if spec.call is not None:
                return self._wire_call(spec, spec.call, route)
        except CompileError as error:
            # The rest of the file works without this flow.
            return self._out_of_order(spec, route, error.problems[0].message, error.problems[0].place)
        if spec.ref:
            return self._out_of_order(spec, route, "'ref' is not supported here")
        if has_values(spec.outputs):
            return Wiring(inputs=infer_inputs(spec, Demand(), route))
        return self._out_of_order(spec, route, "it says neither what to call nor what to answer")

    def _out_of_order(
        self, spec: FlowSpec, route: tuple[str, ...], reason: str, place: Place | None = None
    ) -> Wiring:
        kind = "operation" if spec.path else self.kind
        message = f"{kind} '{spec.name}' is not available: {reason}"
        self.report.add("CAP310", message, place=place or spec.place, severity="warning")
        return Wiring(inputs=infer_inputs(spec, Demand(), route), unavailable=reason)

    def _wire_call(self, spec: FlowSpec, call: CallSpec, route: tuple[str, ...]) -> Wiring:
        linker = FlowLinker(self.targets, self.texts, self.prefixes, spec)
        arguments = linker.arguments(call.arguments, call.place)
        operation = linker.operation(call.target, arguments, call.place)
        open_query, open_body = openness(spec, operation, linker.demand)
        step = CallStep(name="call", operation=operation, arguments=arguments, passes_extra=True)
        return Wiring(
            steps=(step,),
            inputs=infer_inputs(spec, linker.demand, route),
            calls=(operation,),
            open_query=open_query,
            open_body=open_body,
        )

    def _wire_steps(self, spec: FlowSpec, route: tuple[str, ...]) -> Wiring:
        linker = FlowLinker(self.targets, self.texts, self.prefixes, spec)
        steps: list[Step] = []
        for name, step in zip(spec.step_names, spec.steps, strict=True):
            name = name or f"step-{len(steps) + 1}"
            steps.append(linker.compile(name, step))
        return Wiring(
            steps=tuple(steps),
            document=linker.mappings(spec.mappings, spec.place) if spec.mappings else None,
            inputs=infer_inputs(spec, linker.demand, route),
            calls=tuple(linker.calls),
        )

    def _timeout(self, spec: FlowSpec) -> float | None:
        try:
            return parse_duration(spec.timeout) if spec.timeout else None
        except ValueError as error:
            self.report.add("CAP326", f"timeout: {error}", place=spec.place)
            return None


def _mode(spec: FlowSpec) -> Literal["call", "steps", "mock"]:
    if spec.steps:
        return "steps"
    return "call" if spec.call is not None or spec.ref else "mock"


def _note(wiring: Wiring) -> str:
    if wiring.open_body:
        return BODY_NOTE
    return QUERY_NOTE if wiring.open_query else ""


def _rest_schema(wiring: Wiring) -> dict[str, Json] | bool:
    if wiring.open_body:
        return {"description": "A field of the JSON request body."}
    if wiring.open_query:
        return {"type": ["string", "number", "boolean", "array", "null"], "description": "A query parameter."}
    return False


def route_of(parts: tuple[str | PathVariable, ...]) -> str:
    """A path as people write it, for messages."""
    return "".join(part if isinstance(part, str) else f"{{{part.name}}}" for part in parts)
