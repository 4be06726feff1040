"""What happened, as one stream: emitted by the engine, the upstream side and the servers; heard by observers.

Logs, metrics, traces and audit are all made from these events, so no other module writes telemetry.
Events hold no secrets and no bodies.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias


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


@dataclass(slots=True)
class EventStream:
    """Passes each event to each observer, in order."""

    observers: list[Observer] = field(default_factory=list)

    def emit(self, event: Event) -> None:
        for observer in self.observers:
            observer(event)


_log = logging.getLogger("capspec")


def log_event(event: Event) -> None:
    """The default observer: one line of the log an event."""
    if isinstance(event, UnexpectedError):
        _log.error("unexpected error in %s (request %s)", event.where, event.request_id, exc_info=event.error)
    elif isinstance(event, FlowFinished):
        outcome = event.code or "ok"
        _log.info("%s %s %s %.0f ms", event.listener, event.flow, outcome, event.seconds * 1000)
    elif isinstance(event, UpstreamAnswered):
        outcome = str(event.status or event.code)
        ms = event.seconds * 1000
        _log.info("upstream %s %s %s %s %.0f ms", event.operation, event.method, event.host, outcome, ms)
    elif isinstance(event, UpstreamRetried):
        _log.warning("upstream %s is asked again: %s", event.operation, event.reason)
    elif isinstance(event, AssetLeft):
        _log.warning("a link in an answer of %s is left as it is: %s", event.operation, event.reason)
    elif isinstance(event, OfferHidden):
        _log.warning("%s of %s is hidden: %s", event.offer, event.capability, event.reason)
    elif isinstance(event, CallersUnchecked):
        _log.warning("callers of %s cannot be checked: %s", event.listener, event.reason)
    else:
        _log.debug("%s", event)
