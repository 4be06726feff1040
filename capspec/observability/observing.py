"""A plan and its events to what is measured of it, as its control adapter says."""

from __future__ import annotations

from typing import Protocol

from capspec.events import Event, EventStream, SpanEnded
from capspec.masking import Masking
from capspec.observability.metrics import Metrics
from capspec.observability.traces import Traces
from capspec.plan import Plan
from capspec.plan.control import Telemetry
from capspec.spans import Span


class Exporter(Protocol):
    """Takes spans that are over, without waiting, and brings them somewhere."""

    def add(self, span: Span) -> None: ...

    async def close(self) -> None: ...


class Observed:
    """What is known of a running capability: an observer of its events.

    `metrics` and `traces` are None where they are switched off.
    """

    def __init__(self, plan: Plan, telemetry: Telemetry, before: Observed | None) -> None:
        """`before` is what was known of the same capability until its file was read again."""
        kept_metrics = None if before is None else before.metrics
        kept_traces = None if before is None else before.traces
        self._masking = Masking(plan.secrets)
        self.metrics: Metrics | None = None
        self.traces: Traces | None = None
        self.exporter: Exporter | None = None
        if telemetry.metrics:
            self.metrics = kept_metrics or Metrics(plan.name)
        if telemetry.traces:
            kept = () if kept_traces is None else kept_traces.kept
            self.traces = Traces(telemetry.buffer_size, kept)
        if telemetry.otlp:
            from capspec.observability.otlp import open_exporter  # noqa: PLC0415 - an extra

            self.exporter = open_exporter(telemetry.otlp, plan.name)

    def __call__(self, event: Event) -> None:
        if isinstance(event, SpanEnded):
            self._ended(event.span)
        elif self.metrics is not None:
            self.metrics.hear(event)

    def _ended(self, span: Span) -> None:
        for name, value in span.attributes.items():
            if isinstance(value, str):
                span.attributes[name] = self._masking.text(value)
        if self.traces is not None:
            self.traces.add(span)
        if self.exporter is not None:
            self.exporter.add(span)

    async def close(self) -> None:
        if self.exporter is not None:
            await self.exporter.close()


def observe(plan: Plan, events: EventStream, before: EventStream | None = None) -> Observed | None:
    """Measure what the first control adapter of a plan asks for; None when there is none that does.

    `before` are the events of the same capability until its file was read again.
    """
    control = next((listener.control for listener in plan.listeners if listener.control is not None), None)
    if control is None or control.telemetry is None:
        return None
    observed = Observed(plan, control.telemetry, None if before is None else observed_of(before))
    events.observers.append(observed)
    events.detailed = True
    events.tracing = control.telemetry.tracing
    return observed


def observed_of(events: EventStream) -> Observed | None:
    """What measures these events."""
    return next((item for item in events.observers if isinstance(item, Observed)), None)
