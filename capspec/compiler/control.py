"""A control spec to what the adapter does."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.util import find_spec
from urllib.parse import urlsplit

from capspec.bindings import Bindings
from capspec.model import ListenerSpec
from capspec.model.control import LogsSpec, ObservabilitySpec
from capspec.node import Node, Report
from capspec.plan import Listener
from capspec.plan.control import Control, LogAccess, Telemetry
from capspec.scripting.governance import parse_rules
from capspec.spans import Propagation, Tracing

NEEDED = "opentelemetry.exporter.otlp.proto.http"
EXTRA = "pip install 'capspec[otlp]'"


def compile_control(spec: ListenerSpec, bindings: Bindings) -> Control | None:
    """What the adapter does; None when it is no control adapter. Problems are reported at their nodes."""
    control = spec.control
    if control is None:
        return None
    if control.scripting is not None:
        parse_rules(control.scripting)  # the rules are read when a capability starts; here, what is wrong
    return Control(
        health=control.health,
        info=control.info,
        reload=control.reload,
        validate=control.validate,
        logs=_logs(control.logs),
        scripting=control.scripting is not None,
        telemetry=_telemetry(control.observability, bindings),
    )


def check_controls(listeners: Iterable[Listener], report: Report) -> None:
    """Warn of a second control adapter."""
    for other in [listener for listener in listeners if listener.control is not None][1:]:
        message = "a capability needs one control adapter; what the first one says of observability counts"
        report.add("CAP391", message, place=other.place, hint="remove this one", severity="warning")


def _logs(spec: LogsSpec | None) -> LogAccess | None:
    if spec is None:
        return None
    return LogAccess(level_control=spec.level_control, stream=spec.stream, subscribers=spec.max_subscribers)


def _telemetry(spec: ObservabilitySpec, bindings: Bindings) -> Telemetry | None:
    if not spec.enabled:
        return None
    propagation: Propagation = "b3" if spec.propagation == "b3" else "w3c"
    return Telemetry(
        metrics=spec.metrics,
        traces=spec.traces,
        tracing=Tracing(sampling=spec.sampling, propagation=propagation),
        buffer_size=spec.buffer_size,
        otlp="" if spec.otlp is None else _collector(spec.otlp, bindings),
    )


def _collector(node: Node, bindings: Bindings) -> str:
    """The URL that traces are exported to, "" when they cannot be."""
    url, missing = bindings.resolve(node.as_text(), node.place)
    if missing:
        node.warn("CAP392", f"traces are not exported: {', '.join(missing)} has no value")
        return ""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        node.error("CAP390", "'endpoint' should be the URL of a collector, such as http://localhost:4318")
        return ""
    if not _installed():
        node.warn("CAP392", "traces are not exported: the exporter is not installed", hint=EXTRA)
        return ""
    return url


def _installed() -> bool:
    try:
        return find_spec(NEEDED) is not None
    except ModuleNotFoundError:
        return False
