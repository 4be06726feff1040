"""Spans to the last traces, which people can look at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from capspec.spans import Span
from capspec.values import Json

MOST_SPANS: Final = 1000
"""Spans that are kept of one trace. The others are counted only."""


@dataclass(slots=True)
class Trace:
    """The spans of one trace that ended here, in that order. `count` is how many there were."""

    trace_id: str
    spans: list[Span] = field(default_factory=list)
    roots: list[Span] = field(default_factory=list)
    count: int = 0

    def add(self, span: Span) -> None:
        self.count += 1
        if span.root and len(self.roots) < MOST_SPANS:
            self.roots.append(span)
        if len(self.spans) < MOST_SPANS:
            self.spans.append(span)

    @property
    def status(self) -> str:
        return "ERROR" if any(span.failed for span in self.roots) else "OK"

    def summary(self) -> dict[str, Json]:
        first = self.roots[0]
        began = min(span.began for span in self.roots)
        ended = max(span.began + span.seconds for span in self.roots)
        return {
            "traceId": self.trace_id,
            "operation": first.name,
            "operationId": first.attributes.get("capspec.operation.id", ""),
            "durationMs": _milliseconds(first.seconds if len(self.roots) == 1 else ended - began),
            "status": self.status,
            "spanCount": self.count,
            "timestamp": _time(began),
        }

    def detail(self) -> dict[str, Json]:
        ordered = sorted(self.spans, key=lambda span: span.began)
        return {**self.summary(), "spans": [_span(span) for span in ordered]}

    def has(self, word: str) -> bool:
        """Whether a request of the trace is called so, or asked for an operation that is."""
        names = (
            f"{span.name} {span.attributes.get('capspec.operation.id', '')}".lower() for span in self.roots
        )
        return any(word.lower() in name for name in names)


class Traces:
    """The last `size` traces whose requests are over. A request that joins a trace is put to it."""

    def __init__(self, size: int, kept: Iterable[Trace] = ()) -> None:
        self.size = size
        self._kept = {trace.trace_id: trace for trace in [*kept][-size:]}
        self._open: dict[str, Trace] = {}

    @property
    def kept(self) -> tuple[Trace, ...]:
        """The oldest first."""
        return tuple(self._kept.values())

    def add(self, span: Span) -> None:
        trace = self._kept.get(span.trace_id)
        if trace is not None:
            trace.add(span)
            return
        trace = self._open.setdefault(span.trace_id, Trace(span.trace_id))
        trace.add(span)
        if span.root:
            self._kept[span.trace_id] = self._open.pop(span.trace_id)
            _shorten(self._kept, self.size)
        # What ends after its whole trace was forgotten would stay here for ever.
        _shorten(self._open, max(self.size, MOST_SPANS))

    def find(self, trace_id: str) -> Trace | None:
        return self._kept.get(trace_id.lower())

    def list(self, operation: str = "", status: str = "") -> dict[str, Json]:
        """Summaries, the newest first: of those with this text in an operation, and with this status."""
        found = [
            trace.summary()
            for trace in reversed(self._kept.values())
            if trace.has(operation) and status.upper() in ("", trace.status)
        ]
        return {"traces": found, "bufferSize": self.size, "bufferUsed": len(self._kept)}


def _shorten(traces: dict[str, Trace], size: int) -> None:
    while len(traces) > size:
        del traces[next(iter(traces))]


def _span(span: Span) -> dict[str, Json]:
    parent = {"parentSpanId": span.parent_id} if span.parent_id else {}
    return {
        "spanId": span.span_id,
        **parent,
        "name": span.name,
        "kind": span.kind,
        "durationMs": _milliseconds(span.seconds),
        "status": "ERROR" if span.failed else "OK",
        "timestamp": _time(span.began),
        "attributes": dict(span.attributes),
    }


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 3)


def _time(seconds: float) -> str:
    """RFC 3339, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
