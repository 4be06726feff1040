"""FlowSpec to Flow: what is called, with which inputs, and how the answer is shaped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

from capspec.compiler.blocks import BlockCompiler
from capspec.compiler.doubts import doubt_names
from capspec.compiler.flow_linker import Consequence, FlowLinker
from capspec.compiler.functions import Functions, UnknownFunction, merged, unoffered
from capspec.compiler.inference import Demand, infer_inputs, input_schema
from capspec.compiler.mocking import mocked
from capspec.compiler.openness import by_steps, has_values, openness, read_steps
from capspec.compiler.paths import parse_exposed_path
from capspec.compiler.targets import Targets
from capspec.compiler.terms import terms_of
from capspec.compiler.texts import Texts
from capspec.durations import parse_duration
from capspec.errors import CompileError, Place, Problem
from capspec.jsonpath import JsonPathError
from capspec.mapping import compile_outputs
from capspec.model import CallSpec, FlowSpec, OutputSpec
from capspec.node import Report
from capspec.plan import Block, Flow, Input, Operation, PathVariable, Reader, Task
from capspec.plan.flows import NO_STEPS
from capspec.references import Arguments
from capspec.steps.call import CallStep
from capspec.template import TemplateError
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

    block: Block = NO_STEPS
    preset: Reader | None = None
    inputs: tuple[Input, ...]
    calls: tuple[Operation, ...] = ()
    open_query: bool = False
    open_body: bool = False
    unavailable: str = ""


class FlowCompiler:
    """Compiles the flows of one listener.

    `prefixes` are the words that stand for its arguments; `texts` gives what compiles the texts at a place of
    the file with such words; `kind` is what a flow without a path is called, and `limit` the bytes that an
    answer which is passed on as such may have.
    """

    def __init__(
        self,
        targets: Targets,
        functions: Functions,
        texts: Callable[[Place, tuple[str, ...]], Texts],
        prefixes: tuple[str, ...],
        report: Report,
        kind: str = "tool",
        *,
        limit: int | None = None,
        mock: bool = False,
    ) -> None:
        self.kind = kind
        self.limit = limit
        self.mock = mock
        self.functions = functions
        self.targets = targets
        self.texts = texts
        self.prefixes = prefixes
        self.report = report

    def flow(self, spec: FlowSpec, published: str) -> Flow:
        spec, linker, unknown = self._linked(spec)
        route = parse_exposed_path(spec.path)
        names = route.variables if spec.path else ()
        outputs = by_steps(spec.outputs, spec.block.steps) if _names_steps(spec) else spec.outputs
        output = compile_outputs(outputs, mode=_mode(spec), report=self.report)
        wiring = self._out_of_order(spec, names, unknown) if unknown else self._wire(spec, names, linker)
        inputs = wiring.inputs
        schema = input_schema(inputs, rest_of=_rest_schema(wiring), note="" if spec.path else _note(wiring))
        called = wiring.calls[0] if wiring.calls else None
        missing = {name for item in wiring.calls for name in (*item.upstream.missing, *item.missing)}
        flow = Flow(
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
            block=wiring.block,
            preset=wiring.preset,
            output=output,
            output_schema=output.schema,
            open_query=wiring.open_query,
            open_body=wiring.open_body,
            hints=spec.hints,
            timeout=self._timeout(spec),
            missing=tuple(sorted(missing)),
            unavailable=wiring.unavailable,
            calls=wiring.calls,
            responses=spec.responses,
            group=spec.group,
            job=called if called is not None and called.poll is not None and not spec.block.steps else None,
            aliases=linker.prefixes,
            ref=spec.ref,
            place=spec.place,
        )

        # -- the three ways to write what a flow does -----------------------------------------------------
        return mocked(flow, spec, self._given(spec, called), self.report) if self.mock else flow

    def _given(self, spec: FlowSpec, called: Operation | None) -> tuple[OutputSpec, ...]:
        """The outputs of the one operation that a flow calls."""
        if called is None or spec.block.steps:
            return ()
        return self.targets.operations[called.id][0].spec.outputs

    def _linked(self, spec: FlowSpec) -> tuple[FlowSpec, FlowLinker, Problem | None]:
        """A flow with what its `ref` stands for, its linker, and what is wrong with the `ref`."""
        terms = terms_of(spec, self.limit, self.report)
        plain = FlowLinker(
            self.targets, self.texts(spec.place, self.prefixes), self.prefixes, spec, terms=terms
        )
        if not spec.ref:
            return spec, plain, None
        try:
            function = self.functions.find(spec.ref)
        except UnknownFunction as error:
            place = self.report.spot(spec.place, spec.ref, key="ref")
            return spec, plain, Problem(code="CAP336", message=error.message, hint=error.hint, place=place)
        if spec.call is not None or spec.block.steps:
            message = f"'{spec.name}' has 'ref' and a call or steps of its own; 'ref' counts"
            hint = "keep 'ref', or what it stands for"
            place = spec.place if spec.call is None else spec.call.place
            self.report.add("CAP334", message, place=place, hint=hint, severity="warning")
        prefixes = (*self.prefixes, *function.words)
        whole, hidden = merged(spec, function.flow), unoffered(spec, function.flow)
        texts = self.texts(function.place, prefixes)
        terms = terms_of(whole, self.limit, self.report)
        return whole, FlowLinker(self.targets, texts, prefixes, whole, hidden, terms), None

    def _wire(self, spec: FlowSpec, route: tuple[str, ...], linker: FlowLinker) -> Wiring:
        try:
            declares = linker.texts.bindings.declares
            doubt_names(spec, self.targets, linker.prefixes, self.report, declares)
            if spec.block.steps:
                return self._wire_steps(spec, route, linker)
            if spec.call is not None:
                return self._wire_call(spec, spec.call, route, linker)
        except CompileError as error:
            # The rest of the file works without this flow.
            if isinstance(error, Consequence):
                reason = error.problems[0].message
                return Wiring(inputs=infer_inputs(spec, Demand(), route), unavailable=reason)
            return self._out_of_order(spec, route, self._spotted(error))
        if has_values(spec.outputs) or spec.ref:
            preset = self._preset(spec, linker)
            return Wiring(preset=preset, inputs=infer_inputs(spec, linker.demand, route))
        if spec.block.lost:
            return Wiring(inputs=infer_inputs(spec, Demand(), route), unavailable="its steps cannot be read")
        message = "it says neither what to call nor what to answer"
        hint = "add 'call', 'steps', 'ref', or 'outputParameters' with a 'value' each"
        place, hint = self.report.instead(spec.place, "call", "steps", "ref", "outputParameters") or (
            None,
            hint,
        )
        return self._out_of_order(
            spec, route, Problem(code="CAP310", message=message, hint=hint, place=place)
        )

    def _out_of_order(self, spec: FlowSpec, route: tuple[str, ...], problem: Problem) -> Wiring:
        kind = "operation" if spec.path else self.kind
        self.report.add(
            problem.code,
            f"{kind} '{spec.name}' is not available: {problem.message}",
            place=problem.place or spec.place,
            hint=problem.hint,
            severity="warning",
            cause=problem.message,
        )
        mend = f"; {problem.hint}" if problem.hint.startswith("did you mean") else ""
        return Wiring(inputs=infer_inputs(spec, Demand(), route), unavailable=problem.message + mend)

    def _spotted(self, error: CompileError) -> Problem:
        """The first problem, at the very character when it is in a text."""
        problem, text = error.problems[0], error.__cause__
        if problem.place is None or not isinstance(text, TemplateError | JsonPathError):
            return problem
        return replace(problem, place=self.report.spot(problem.place, text.text, text.offset))

    def _wire_call(
        self, spec: FlowSpec, call: CallSpec, route: tuple[str, ...], linker: FlowLinker
    ) -> Wiring:
        # `name:` without a value says no more than that there is such an argument.
        written = {key: value for key, value in call.arguments.items() if value is not None}
        arguments = linker.arguments(written, call.place)
        operation, arguments = linker.call(call.target, arguments, call.place)
        open_query, open_body = openness(spec, operation)
        step = CallStep(name="call", operation=operation, arguments=arguments, passes_extra=True)
        return Wiring(
            block=Block(tasks=(Task(step=step),)),
            preset=self._preset(spec, linker),
            inputs=infer_inputs(spec, linker.demand, route),
            calls=(operation,),
            open_query=open_query,
            open_body=open_body,
        )

    def _wire_steps(self, spec: FlowSpec, route: tuple[str, ...], linker: FlowLinker) -> Wiring:
        block = BlockCompiler(linker, self.report).outermost(spec.block, spec.place)
        if _names_steps(spec):
            block = replace(block, document=linker.outputs_of(spec.block.steps))
        for path, message, place, hint in linker.doubts:
            at = self.report.spot(place, path)
            self.report.add("CAP342", message, place=at, hint=hint, severity="warning")
        return Wiring(
            block=block,
            preset=self._preset(spec, linker),
            inputs=infer_inputs(spec, linker.demand, route),
            calls=tuple(linker.calls),
        )

    def _preset(self, spec: FlowSpec, linker: FlowLinker) -> Arguments | None:
        """The `with` beside a `ref`: what the function is given in the place of the caller's arguments."""
        if not spec.preset:
            return None
        linker.earlier.clear()
        preset = linker.arguments(spec.preset, spec.place)
        linker.demand.supply(preset, linker.free_names(preset))
        return preset

    def _timeout(self, spec: FlowSpec) -> float | None:
        try:
            return parse_duration(spec.timeout) if spec.timeout else None
        except ValueError as error:
            place = self.report.spot(spec.place, spec.timeout, key="timeout")
            message, _, hint = str(error).partition("; ")
            self.report.add("CAP326", f"timeout: {message}", place=place, hint=hint)
            return None


def _names_steps(spec: FlowSpec) -> bool:
    """Whether the outputs read what the steps gave, each by its name, because no mappings stand between."""
    return not spec.block.mappings and read_steps(spec.outputs, spec.block.steps)


def _mode(spec: FlowSpec) -> Literal["call", "steps", "mock"]:
    if spec.block.steps:
        return "steps"
    return "call" if spec.call is not None else "mock"


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
