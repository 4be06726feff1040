"""Spans to an OpenTelemetry collector, in batches, over OTLP/HTTP with protobuf bodies."""

from __future__ import annotations

import asyncio
from urllib.parse import urlsplit, urlunsplit

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

from capspec.spans import Span

PATH = "/v1/traces"
"""Where a collector takes traces (OTLP 1, "OTLP/HTTP Request")."""

_KINDS = {"SERVER": SpanKind.SERVER, "CLIENT": SpanKind.CLIENT, "INTERNAL": SpanKind.INTERNAL}
_SCOPE = InstrumentationScope("capspec")


class Export:
    """Collects spans, and sends them from a thread of its own. A collector that fails costs only spans."""

    def __init__(self, endpoint: str, service: str) -> None:
        self._resource = Resource.create({"service.name": service})
        self._processor = BatchSpanProcessor(OTLPSpanExporter(endpoint=traces_url(endpoint)))

    def add(self, span: Span) -> None:
        """Take a span that is over. Does not wait."""
        self._processor.on_end(_readable(span, self._resource))

    async def close(self) -> None:
        """Send what is left."""
        await asyncio.to_thread(self._processor.shutdown)


def open_exporter(endpoint: str, service: str) -> Export:
    """`service` is what the collector calls this capability."""
    return Export(endpoint, service)


def traces_url(endpoint: str) -> str:
    """The address for traces of a collector's: one without a path has them at the usual place."""
    parts = urlsplit(endpoint)
    return urlunsplit(parts._replace(path=PATH)) if parts.path in ("", "/") else endpoint


def _readable(span: Span, resource: Resource) -> ReadableSpan:
    began = round(span.began * 1e9)
    return ReadableSpan(
        name=span.name,
        context=_place(span.trace_id, span.span_id, remote=False),
        parent=_place(span.trace_id, span.parent_id, remote=span.root) if span.parent_id else None,
        resource=resource,
        attributes=dict(span.attributes),
        kind=_KINDS[span.kind],
        status=Status(StatusCode.ERROR if span.failed else StatusCode.UNSET),
        start_time=began,
        end_time=began + round(span.seconds * 1e9),
        instrumentation_scope=_SCOPE,
    )


def _place(trace_id: str, span_id: str, *, remote: bool) -> SpanContext:
    sampled = TraceFlags(TraceFlags.SAMPLED)
    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=remote, trace_flags=sampled)
