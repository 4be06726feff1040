"""What happened, as one stream: emitted by the engine, the upstream side and the servers; heard by observers.

Logs, metrics, traces and audit are all made from these events, so no other module writes telemetry.
Events hold no secrets and no bodies.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from types import TracebackType
from typing import Final, TypeAlias

from capspec import spans
from capspec.errors import CapspecError
from capspec.spans import CURRENT, Kind, Span, Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Base of all events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStarted(Event):
    """A server accepts connections at `url`."""

    kind: str
    namespace: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerStopped(Event):
    """A server has answered what was in flight and is closed."""

    kind: str
    namespace: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CapabilityReloaded(Event):
    """The file was read again: it is served as it is now, or as before when `problem` says what is wrong."""

    capability: str
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFinished(Event):
    """An adapter answered one request, to its last byte. `seconds` is its duration.

    `operation` is the flow that was asked for, or a word of the protocol; "" when that is not known.
    `status` is the answer's HTTP status, or `ok` or `error`. `code` says what went wrong, "" for success.
    """

    capability: str
    adapter: str
    listener: str
    operation: str
    status: str
    seconds: float
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowFinished(Event):
    """One call ended: `code` is the error's code, or "" for success; `seconds` is its duration."""

    capability: str
    listener: str
    flow: str
    principal: str
    request_id: str
    seconds: float
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepStarted(Event):
    """A step of a flow begins. `type` is its word in the file: call, lookup, script, …"""

    name: str
    type: str
    flow: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepFinished(Event):
    """A step of a flow ended: `code` is the error's code, or "" for success; `seconds` is its duration."""

    name: str
    type: str
    flow: str
    seconds: float
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpanEnded(Event):
    """A part of a traced request is over."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamAnswered(Event):
    """An upstream answered: `status` is its HTTP status, or 0 when there was no answer."""

    operation: str
    method: str
    host: str
    status: int
    seconds: float
    request_id: str = ""
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class UpstreamRetried(Event):
    """A request is sent again, and why."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetLeft(Event):
    """A link in an answer was to become our own, and stays what it was, and why."""

    operation: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferHidden(Event):
    """Something that a capability offers is not to be had on a merged endpoint, and why."""

    offer: str
    capability: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallersUnchecked(Event):
    """A listener lets nobody in for now, because who knows its callers cannot be asked, and why."""

    listener: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptFinished(Event):
    """A script of a step ended: `code` is the error's code, or "" for success; `seconds` with its waiting."""

    script: str
    language: str
    seconds: float
    code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScriptPrinted(Event):
    """The beginning of what a script wrote to its console; for its author only."""

    script: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnexpectedError(Event):
    """Something broke that should not have: `error` goes to the log with its traceback, never to a caller."""

    where: str
    error: BaseException
    request_id: str = ""


Observer: TypeAlias = Callable[[Event], None]


UNTRACED: Final[AbstractContextManager[Span | None]] = nullcontext()


@dataclass(slots=True)
class EventStream:
    """Passes each event to each observer, in order.

    `detailed` says that somebody wants to hear of every request and step, which are not told of otherwise.
    Without `tracing` there are no spans.
    """

    observers: list[Observer] = field(default_factory=list)
    detailed: bool = False
    tracing: Tracing | None = None

    def emit(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)

    def request_span(
        self, name: str, carrier: spans.Carrier, attributes: Mapping[str, str | int]
    ) -> AbstractContextManager[Span | None]:
        """A block that is a whole request, as a span; `carrier` has what the caller says of its trace."""
        if self.tracing is None:
            return UNTRACED
        return _Open(self, spans.begin(self.tracing, spans.extract(carrier), name, time.time(), attributes))

    def span(
        self, name: str, attributes: Mapping[str, str | int], kind: Kind = "INTERNAL"
    ) -> AbstractContextManager[Span | None]:
        """A block as a span within the current one; None where nothing is traced."""
        outer = CURRENT.get() if self.tracing is not None else None
        if outer is None or not outer.sampled:
            return UNTRACED
        return _Open(self, outer.child(name, kind, time.time(), attributes))

    @contextmanager
    def step(
        self, name: str, type_: str, flow: str, attributes: Mapping[str, str | int] | None = None
    ) -> Iterator[None]:
        """A block that is a step of a flow, with its events and its span."""
        if not self.detailed:
            yield
            return
        self.emit(StepStarted(name=name, type=type_, flow=flow))
        began = time.monotonic()
        code = "CAP699"
        try:
            with self.span(f"step.{type_}", {"capspec.step.name": name, **(attributes or {})}):
                yield
            code = ""
        except CapspecError as error:
            code = error.problems[0].code
            raise
        finally:
            seconds = time.monotonic() - began
            self.emit(StepFinished(name=name, type=type_, flow=flow, seconds=seconds, code=code))

    def propagation(self) -> tuple[tuple[str, str], ...]:
        """The headers that tell an upstream of the current trace."""
        current = CURRENT.get()
        if current is None or self.tracing is None:
            return ()
        return spans.inject(current, self.tracing.propagation)


class _Open:
    """A span while it is under way: nothing is told of one that is not sampled."""

    __slots__ = ("_began", "_events", "_span", "_token")

    def __init__(self, events: EventStream, span: Span) -> None:
        self._events = events
        self._span = span

    def __enter__(self) -> Span:
        self._began = time.monotonic()
        self._token = CURRENT.set(self._span)
        return self._span

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        CURRENT.reset(self._token)
        span = self._span
        if not span.sampled:
            return
        span.seconds = time.monotonic() - self._began
        if error is not None:
            span.failed = True
            span.attributes["error.type"] = (
                error.problems[0].code if isinstance(error, CapspecError) else "unexpected"
            )
        self._events.emit(SpanEnded(span=span))


_log = logging.getLogger("capspec")
_QUIET = (SpanEnded, StepStarted)


def log_event(event: Event, log: logging.Logger = _log) -> None:
    """The default observer: one line of the log an event."""
    if isinstance(event, UnexpectedError):
        log.error("unexpected error in %s (request %s)", event.where, event.request_id, exc_info=event.error)
    elif isinstance(event, FlowFinished):
        outcome = event.code or "ok"
        log.info("%s %s %s %.0f ms", event.listener, event.flow, outcome, event.seconds * 1000)
    elif isinstance(event, UpstreamAnswered):
        outcome = str(event.status or event.code)
        ms = event.seconds * 1000
        log.info("upstream %s %s %s %s %.0f ms", event.operation, event.method, event.host, outcome, ms)
    elif isinstance(event, UpstreamRetried):
        log.warning("upstream %s is asked again: %s", event.operation, event.reason)
    elif isinstance(event, AssetLeft):
        log.warning("a link in an answer of %s is left as it is: %s", event.operation, event.reason)
    elif isinstance(event, OfferHidden):
        log.warning("%s of %s is hidden: %s", event.offer, event.capability, event.reason)
    elif isinstance(event, CallersUnchecked):
        log.warning("callers of %s cannot be checked: %s", event.listener, event.reason)
    elif isinstance(event, CapabilityReloaded) and event.problem:
        log.error("%s goes on as it was, its file has problems: %s", event.capability, event.problem)
    elif isinstance(event, CapabilityReloaded):
        log.info("%s is served as its file is now", event.capability)
    elif not isinstance(event, _QUIET):
        log.debug("%s", event)
