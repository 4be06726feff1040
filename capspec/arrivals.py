"""Inbound requests to their events and spans, for the observers of a listener's engine."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from capspec.edge import ASGIScope, Message, SendMessage
from capspec.events import EventStream, RequestFinished
from capspec.plan import Engine
from capspec.spans import Carrier, Span


@dataclass(slots=True)
class Arrival:
    """A request while it is answered: what is found out about it.

    `operation` is the flow that it asks for, `status` what it is answered with, `code` what went wrong.
    """

    operation: str = ""
    status: str = ""
    code: str = ""

    def answered(self, status: int) -> None:
        """Note an HTTP status; one that is an error is the code, too, when there is no better one."""
        self.status = str(status)
        if status >= 400 and not self.code:
            self.code = f"HTTP {status}"


class Arrivals:
    """Tells of the requests of one listener; costs next to nothing while nobody listens."""

    def __init__(self, adapter: str, listener: str, engine: Engine) -> None:
        self.events: EventStream = engine.events
        self._adapter = adapter
        self._listener = listener
        self._capability = engine.plan.name

    @contextmanager
    def one(self, carrier: Carrier, method: str = "") -> Iterator[Arrival]:
        """A block that answers a request, to its last byte. `method` is that of HTTP."""
        arrival = Arrival()
        if not self.events.detailed:
            yield arrival
            return
        began = time.monotonic()
        try:
            with self.events.request_span(f"{self._adapter}.request", carrier, self._about(method)) as span:
                try:
                    yield arrival
                finally:
                    _conclude(span, arrival)
        except BaseException:
            arrival.status, arrival.code = arrival.status or "error", arrival.code or "CAP699"
            raise
        finally:
            self._tell(arrival, time.monotonic() - began)

    def _about(self, method: str) -> dict[str, str | int]:
        about: dict[str, str | int] = {
            "capspec.adapter.type": self._adapter,
            "capspec.capability": self._capability,
            "capspec.namespace": self._listener,
        }
        return {**about, "http.request.method": method} if method else about

    def _tell(self, arrival: Arrival, seconds: float) -> None:
        self.events.emit(
            RequestFinished(
                capability=self._capability,
                adapter=self._adapter,
                listener=self._listener,
                operation=arrival.operation,
                status=arrival.status or "none",
                seconds=seconds,
                code=arrival.code,
            )
        )


def _conclude(span: Span | None, arrival: Arrival) -> None:
    if span is None:
        return
    if arrival.operation:
        span.attributes["capspec.operation.id"] = arrival.operation
    if arrival.status.isdigit():
        span.attributes["http.response.status_code"] = int(arrival.status)
    # A client's own mistake is no error of the server's span (OpenTelemetry, HTTP server spans).
    span.failed = arrival.status == "error" or (arrival.status >= "500" and arrival.status.isdigit())
    if arrival.code:
        span.attributes["error.type"] = arrival.code


def carrier_of(scope: ASGIScope) -> Carrier:
    """The headers of an ASGI request, by lower-case name."""

    def header(name: str) -> str | None:
        wanted = name.encode("latin-1")
        found = [value for key, value in scope["headers"] if key == wanted]
        return found[0].decode("latin-1") if len(found) == 1 else None

    return header


def carrier_of_pairs(pairs: Mapping[str, object], then: Carrier) -> Carrier:
    """Texts by name, such as `_meta` of MCP; `then` is asked when these begin no trace."""
    if not isinstance(pairs.get("traceparent"), str):
        return then

    def value(name: str) -> str | None:
        found = pairs.get(name)
        return found if isinstance(found, str) else None

    return value


def noting(arrival: Arrival, send: SendMessage) -> SendMessage:
    """The same `send`, which notes the status of the answer."""

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            arrival.answered(int(message["status"]))
        await send(message)

    return sent
