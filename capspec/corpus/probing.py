"""Plan and engine to findings: everything that is offered is asked for, with all arguments and with few."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from capspec import app, registry
from capspec.corpus.answers import answer_for
from capspec.corpus.arguments import Synthetic, required_names, synthetic_arguments
from capspec.corpus.caller import call_rest
from capspec.corpus.expectations import Expected, credential_names, expectations, expected_of
from capspec.corpus.findings import Finding, Kind, carries, encoded_twice, literals
from capspec.corpus.upstream import RecordingUpstream, Sent
from capspec.edge import ASGIApp, EdgeOptions
from capspec.engine import CallEngine
from capspec.errors import CallError
from capspec.events import EventStream
from capspec.model import Capability, FlowSpec
from capspec.plan import Call, Flow, Input, Listener, Plan, Resource
from capspec.steps.call import CallStep
from capspec.values import Json

_MISSING = "and the path needs it"


@dataclass(slots=True)
class Probed:
    """What came of asking: how many flows there are, how many of them sent something, and what was wrong."""

    flows: int = 0
    sent: int = 0
    unavailable: int = 0
    mocked: int = 0
    unanswered: int = 0
    findings: list[Finding] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A flow that was asked for: what was sent, and the code and message of a refusal, if there was one."""

    sent: tuple[Sent, ...]
    code: str = ""
    message: str = ""
    crash: str = ""


@asynccontextmanager
async def opened(plan: Plan, upstream: RecordingUpstream) -> AsyncIterator[CallEngine]:
    """The engine that a server would have, but that its upstream is this one, and that it runs no scripts."""
    quiet = logging.getLogger("capspec.check")
    quiet.disabled = True
    options = app.EngineOptions(scripting=False)
    async with app.open_engine(plan, events=EventStream([]), options=options, transport=upstream) as engine:
        yield engine


def served(plan: Plan) -> Plan:
    """The plan with the adapters that have something to ask for, open to everybody."""
    listeners = [replace(item, guard=None) for item in plan.listeners if item.type in ("rest", "mcp")]
    return replace(plan, listeners=tuple(listeners))


async def probe(capability: Capability, engine: CallEngine, upstream: RecordingUpstream) -> Probed:
    """Ask for every REST operation, tool and resource of an engine's plan."""
    prober = _Prober(engine, upstream, capability)
    for listener in engine.plan.listeners:
        await prober.listener(listener)
    return prober.found


class _Prober:
    def __init__(self, engine: CallEngine, upstream: RecordingUpstream, capability: Capability) -> None:
        self.engine = engine
        self.upstream = upstream
        self.known = expectations(capability)
        functions = {item.id: item.flow for item in capability.functions}
        flows = [flow for item in capability.listeners for flow in item.flows]
        self.specs = {flow.place: functions.get(flow.ref, flow) for flow in flows}
        self.found = Probed()

    async def listener(self, listener: Listener) -> None:
        adapter = None
        if listener.type == "rest":
            adapter = registry.find("adapter", "rest")(listener, self.engine, EdgeOptions()).app
        resources = [item.flow for item in listener.resources if isinstance(item, Resource)]
        for flow in (*listener.flows, *resources):
            self.found.flows += 1
            if flow.unavailable:
                self.found.unavailable += 1
            elif not flow.calls:
                self.found.mocked += 1
            else:
                await self._flow(flow, listener, adapter)

    async def _flow(self, flow: Flow, listener: Listener, adapter: ASGIApp | None) -> None:
        arguments = synthetic_arguments(flow)
        self.upstream.answer = answer_for(expected.spec for expected in expected_of(flow, self.known))
        asked = await self._ask(flow, adapter, arguments.values)
        least = await self._ask(flow, adapter, arguments.only(required_names(flow)))
        if asked.sent:
            self.found.sent += 1
        spec = self.specs.get(flow.place) if flow.place is not None else None
        verdict = _Verdict(flow, listener, arguments, expected_of(flow, self.known), spec)
        self.found.findings += verdict.findings(asked, least)
        self.found.unanswered += verdict.unanswered

    async def _ask(self, flow: Flow, adapter: ASGIApp | None, arguments: Mapping[str, Json]) -> _Asked:
        self.upstream.take()
        try:
            if adapter is None:
                published = {item.name: item.argument for item in flow.inputs}
                given = {published[name]: value for name, value in arguments.items()}
                await self._run(flow, given)
                return _Asked(self.upstream.take())
            reply = await call_rest(adapter, flow, arguments)
        except CallError as error:
            return _Asked(self.upstream.take(), error.code, error.problems[0].message)
        except Exception as error:  # noqa: BLE001 - that there is none is what is checked
            return _Asked(self.upstream.take(), crash=repr(error))
        problem = reply.problem if reply.status >= 400 else {}
        message = str(problem.get("detail", reply.status)) if reply.status >= 400 else ""
        crash = message if problem.get("code") == "CAP699" else ""
        return _Asked(self.upstream.take(), str(problem.get("code", "")), message, crash)

    async def _run(self, flow: Flow, arguments: Mapping[str, Json]) -> None:
        call = Call(flow=flow, arguments=arguments)
        result = await self.engine.start(call) if flow.job is not None else await self.engine.run(call)
        close = getattr(result, "close", None)
        if close is not None:
            await close()


@dataclass(slots=True)
class _Verdict:
    """Judges what one flow sent."""

    flow: Flow
    listener: Listener
    arguments: Synthetic
    expected: list[Expected]
    spec: FlowSpec | None
    unanswered: bool = False

    def findings(self, asked: _Asked, least: _Asked) -> list[Finding]:
        found = [*self._refusals(asked), *self._least(asked, least)]
        for one in (asked, least):
            for sent in one.sent:
                found += self._of_a_request(sent)
        if asked.sent and not asked.code:
            found += [*self._lost(asked.sent), *self._shapes(asked.sent)]
        return list(dict.fromkeys(found))

    @property
    def simple(self) -> bool:
        """Whether the flow is one call, so that nothing in it depends on an answer."""
        tasks = self.flow.block.tasks
        return len(tasks) == 1 and tasks[0].plain and isinstance(tasks[0].step, CallStep)

    def _refusals(self, asked: _Asked) -> Iterator[Finding]:
        if asked.crash:
            yield self._finding("exception", asked.crash)
        elif asked.code and not self.simple:
            # What a later step needs, this upstream may not have answered.
            self.unanswered = True
        elif _MISSING in asked.message:
            yield self._finding("unfilled", asked.message)
        elif asked.code and not asked.sent:
            yield self._finding("refused", f"{asked.code} {asked.message}")

    def _least(self, asked: _Asked, least: _Asked) -> Iterator[Finding]:
        if least.crash:
            yield self._finding("exception", least.crash)
        elif self.simple and not asked.code and _MISSING in least.message:
            yield self._finding("undemanded", least.message)

    def _of_a_request(self, sent: Sent) -> Iterator[Finding]:
        written = [part for item in self.flow.calls for part in item.path if isinstance(part, str)]
        for text in literals(sent, written, self.arguments.values.values()):
            yield self._finding("literal", text, sent.raw)
        for text in encoded_twice(sent):
            yield self._finding("encoded-twice", text, sent.raw)

    def _shapes(self, requests: Iterable[Sent]) -> Iterator[Finding]:
        """Whether the requests of a flow that is one call are the ones that its file describes."""
        if not self.simple or not self.expected:
            return
        expected, operation = self.expected[0], self.flow.calls[0]
        credentials = credential_names(operation.upstream)
        for sent in requests:
            for flaw in expected.flaws(sent, operation.upstream.base_url):
                yield self._finding("other-request", flaw)
            for name in expected.ungiven(sent):
                if name not in credentials and name.lower() not in credentials:
                    yield self._finding("ungiven", name, sent.raw)
            yield from self._bodies(expected, sent)

    def _bodies(self, expected: Expected, sent: Sent) -> Iterator[Finding]:
        for name in expected.unexploded(sent, self.arguments.values):
            yield self._finding("other-body", name, sent.raw)
        given = self.arguments.values.get("body")
        if expected.takes_whole_body and isinstance(given, dict) and _is_json(sent) and sent.json != given:
            yield self._finding("other-body", "body", sent.body.decode("utf-8", "replace")[:200])

    def _lost(self, requests: tuple[Sent, ...]) -> Iterator[Finding]:
        """Inputs that no request carries."""
        if not self.simple:
            return
        for item in self.flow.inputs:
            marks = self.arguments.marks.get(item.name, ())
            if marks and not any(carries(sent, mark) for mark in marks for sent in requests):
                yield self._finding("unplaced" if self._is_unused(item) else "lost", item.name)

    def _is_unused(self, item: Input) -> bool:
        """Whether the author asks for it, in a path or among the inputs, and uses it nowhere."""
        if item.location == "path" and self.flow.path:
            return True
        spec = self.spec
        if spec is None or item.name not in {entry.name for entry in spec.inputs}:
            return False
        given = spec.call.arguments if spec.call is not None else {}
        return bool(given) and not any(_reads(value, item.name) for value in given.values())

    def _finding(self, kind: Kind, subject: str, detail: str = "") -> Finding:
        return Finding(
            kind=kind,
            listener=f"{self.listener.type} {self.listener.namespace}",
            flow=self.flow.name,
            subject=subject,
            detail=detail,
        )


def _is_json(sent: Sent) -> bool:
    return "json" in sent.content_type.lower() or not sent.content_type


def _reads(value: Json, name: str) -> bool:
    """Whether a value of `with` may be a reference to an argument."""
    return re.search(rf"[.{{]\s*{re.escape(name)}\b", str(value)) is not None
