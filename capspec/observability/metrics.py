"""Events to counters and histograms, and those to the text that Prometheus reads (format 0.0.4).

The names are those of the language with the prefix `capspec`, and underscores for dots: `request.total` is
`capspec_request_total`. Labels hold words of the file and of the protocols only: no paths, no arguments.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from capspec.events import Event, RequestFinished, StepFinished, UpstreamAnswered

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0, 300.0,
)  # fmt: skip
"""Upper bounds in seconds: those of OpenTelemetry for HTTP, and some for jobs that are waited for."""

MOST_SERIES: Final = 2000
"""Combinations of labels of one metric; what comes after them is counted under `other`."""

_REST: Final = "other"

Labels = tuple[str, ...]


@dataclass(slots=True)
class Family:
    """One metric: its labels' names, and a figure for each combination of values."""

    name: str
    text: str
    labels: Labels

    def _key(self, values: Labels, known: dict[Labels, Any]) -> Labels:
        return values if values in known or len(known) < MOST_SERIES else (_REST,) * len(self.labels)


@dataclass(slots=True)
class Counter(Family):
    counts: dict[Labels, int] = field(default_factory=dict)

    def add(self, *values: str) -> None:
        key = self._key(values, self.counts)
        self.counts[key] = self.counts.get(key, 0) + 1


@dataclass(slots=True)
class Histogram(Family):
    """`counts` has the observations of each bucket, not summed up, and of those above all; `sums` seconds."""

    counts: dict[Labels, list[int]] = field(default_factory=dict)
    sums: dict[Labels, float] = field(default_factory=dict)

    def add(self, seconds: float, *values: str) -> None:
        key = self._key(values, self.counts)
        buckets = self.counts.get(key)
        if buckets is None:
            buckets = self.counts[key] = [0] * (len(BUCKETS) + 1)
            self.sums[key] = 0.0
        buckets[bisect_left(BUCKETS, seconds)] += 1
        self.sums[key] += seconds


_REQUEST = ("capability", "adapter", "operation")
_CLIENT = ("capability", "http_request_method", "host", "http_response_status_code", "error_type")


class Metrics:
    """The figures of one capability. Hears its events."""

    def __init__(self, capability: str) -> None:
        self.capability = capability
        self.requests = Counter("request.total", "Requests that were answered.", (*_REQUEST, "status"))
        self.durations = Histogram("request.duration.seconds", "How long they took.", _REQUEST)
        self.errors = Counter("request.errors", "Requests that failed, by code.", (*_REQUEST, "code"))
        self.steps = Histogram(
            "step.duration.seconds",
            "How long steps of flows took.",
            ("capability", "flow", "step", "type", "code"),
        )
        self.calls = Counter("http.client.total", "Requests to upstreams.", _CLIENT)
        self.latencies = Histogram(
            "http.client.duration.seconds", "How long upstreams took to begin their answers.", _CLIENT
        )

    def hear(self, event: Event) -> None:
        if isinstance(event, RequestFinished):
            about = event.capability, event.adapter, event.operation
            self.requests.add(*about, event.status)
            self.durations.add(event.seconds, *about)
            if event.code:
                self.errors.add(*about, event.code)
        elif isinstance(event, StepFinished):
            self.steps.add(event.seconds, self.capability, event.flow, event.name, event.type, event.code)
        elif isinstance(event, UpstreamAnswered):
            status = str(event.status or "")
            transport = "" if event.status else "transport"
            labels = self.capability, event.method, event.host, status, transport
            self.calls.add(*labels)
            self.latencies.add(event.seconds, *labels)

    def text(self) -> bytes:
        """All figures as they are now, as MEDIA_TYPE."""
        from prometheus_client import CollectorRegistry, generate_latest  # noqa: PLC0415 - for who asks

        registry = CollectorRegistry(auto_describe=False)
        registry.register(_Collector(self))
        return generate_latest(registry)


@dataclass(frozen=True, slots=True)
class _Collector:
    """Figures in the shape that the library encodes."""

    metrics: Metrics

    def describe(self) -> list[Any]:
        return []

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import GaugeMetricFamily  # noqa: PLC0415

        found = self.metrics
        active = GaugeMetricFamily("capspec_capability_active", "1 while it runs.", labels=["capability"])
        active.add_metric([found.capability], 1)
        yield active
        for counter in (found.requests, found.errors, found.calls):
            yield _counter(counter)
        for histogram in (found.durations, found.steps, found.latencies):
            yield _histogram(histogram)


def _counter(counter: Counter) -> Any:
    from prometheus_client.core import CounterMetricFamily  # noqa: PLC0415

    family = CounterMetricFamily(_written(counter.name), counter.text, labels=counter.labels)
    for values, count in counter.counts.items():
        family.add_metric(values, count)
    return family


def _histogram(histogram: Histogram) -> Any:
    from prometheus_client.core import HistogramMetricFamily  # noqa: PLC0415

    family = HistogramMetricFamily(_written(histogram.name), histogram.text, labels=histogram.labels)
    for values, counts in histogram.counts.items():
        total = 0
        buckets = []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), counts, strict=True):
            total += count
            buckets.append((bound, total))
        family.add_metric(values, buckets, sum_value=histogram.sums[values])
    return family


def _written(name: str) -> str:
    return "capspec_" + name.replace(".", "_").replace("-", "_")
