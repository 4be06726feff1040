"""A control adapter as the author wrote it: what people may see and do, and what is measured."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.node import Node, kind_of

CODE = "CAP390"


@dataclass(frozen=True, slots=True, kw_only=True)
class LogsSpec:
    """`management.logs`, when it is on."""

    level_control: bool = True
    stream: bool = False
    max_subscribers: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservabilitySpec:
    """`observability`. `otlp` is the node of `exporters.otlp.endpoint`."""

    enabled: bool = True
    metrics: bool = True
    traces: bool = True
    sampling: float = 1.0
    propagation: str = "w3c"
    buffer_size: int = 100
    otlp: Node | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlSpec:
    """`management` and `observability`. `scripting` is a node: another room knows what is in it."""

    health: bool = True
    info: bool = False
    reload: bool = False
    validate: bool = False
    logs: LogsSpec | None = None
    scripting: Node | None = None
    observability: ObservabilitySpec = ObservabilitySpec()


def parse_control(node: Node) -> ControlSpec:
    """The two blocks of an adapter of type control. What is wrong in them is reported as CAP390."""
    management = _block(node, "management")
    observability = _block(node, "observability")
    if management is None:
        return ControlSpec(observability=_observability(observability))
    spec = ControlSpec(
        health=_flag(management, True, "health"),
        info=_flag(management, False, "info"),
        reload=_flag(management, False, "reload"),
        validate=_flag(management, False, "validate"),
        logs=_logs(management),
        scripting=_block(management, "scripting"),
        observability=_observability(observability),
    )
    management.finish("'management' of a control adapter")
    return spec


def _logs(management: Node) -> LogsSpec | None:
    node = management.get("logs")
    if node is None or not isinstance(node.value, dict):
        return LogsSpec() if management.flag("logs") else None
    spec = LogsSpec(
        level_control=_flag(node, True, "level-control", "levelControl"),
        stream=_flag(node, False, "stream"),
        max_subscribers=_count(node, 5, 1, 20, "max-subscribers", "maxSubscribers"),
    )
    node.finish("'logs' of a control adapter")
    return spec


def _observability(node: Node | None) -> ObservabilitySpec:
    if node is None:
        return ObservabilitySpec()
    metrics, traces = _block(node, "metrics"), _block(node, "traces")
    spec = ObservabilitySpec(
        enabled=_flag(node, True, "enabled"),
        metrics=_local(metrics),
        traces=_local(traces),
        sampling=1.0 if traces is None else _share(traces),
        propagation="w3c" if traces is None else _propagation(traces),
        buffer_size=_buffer_size(traces),
        otlp=_otlp(node),
    )
    for name, block in (("metrics", metrics), ("traces", traces)):
        if block is not None:
            block.finish(f"'{name}' of a control adapter")
    node.finish("'observability' of a control adapter")
    return spec


def _local(node: Node | None) -> bool:
    local = None if node is None else _block(node, "local")
    if local is None:
        return True
    local.has("buffer-size", "bufferSize")
    found = _flag(local, True, "enabled")
    local.finish("'local' of a control adapter")
    return found


def _buffer_size(traces: Node | None) -> int:
    local = None if traces is None else _block(traces, "local")
    return 100 if local is None else _count(local, 100, 10, 10_000, "buffer-size", "bufferSize")


def _share(traces: Node) -> float:
    value = traces.raw("sampling")
    child = traces.get("sampling")
    if child is None:
        return 1.0
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1:
        return float(value)
    child.error(CODE, "'sampling' should be a number from 0 to 1", hint="0.1 traces one request of ten")
    return 1.0


def _propagation(traces: Node) -> str:
    found = traces.text("propagation", default="w3c").lower()
    if found in ("w3c", "b3"):
        return found
    child = traces.get("propagation")
    if child is not None:
        child.error(CODE, "'propagation' should be w3c or b3")
    return "w3c"


def _otlp(node: Node) -> Node | None:
    exporters = _block(node, "exporters")
    if exporters is None:
        return None
    otlp = _block(exporters, "otlp")
    exporters.finish("'exporters' of a control adapter")
    if otlp is None:
        return None
    endpoint = otlp.get("endpoint")
    if endpoint is None:
        otlp.error(CODE, "'otlp' has no 'endpoint'", hint="name the collector: endpoint: http://host:4318")
    otlp.finish("'otlp' of a control adapter")
    return endpoint


# -- values -----------------------------------------------------------------------------------------------


def _block(node: Node, name: str) -> Node | None:
    """A mapping, or None when there is none; anything else is reported."""
    child = node.get(name)
    if child is None or isinstance(child.value, dict):
        return child
    child.error(CODE, f"'{name}' should be a mapping, and is {kind_of(child.value)}")
    return None


def _flag(node: Node, default: bool, *names: str) -> bool:
    found = node.flag(*names)
    return default if found is None else found


def _count(node: Node, default: int, least: int, most: int, *names: str) -> int:
    found = node.integer(*names)
    if found is None or least <= found <= most:
        return default if found is None else found
    child = node.get(*names)
    if child is not None:
        child.error(CODE, f"'{names[0]}' should be a whole number from {least} to {most}")
    return default
