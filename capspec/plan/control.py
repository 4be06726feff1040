"""What a control adapter lets people see and do, and what is measured for them."""

from __future__ import annotations

from dataclasses import dataclass, field

from capspec.spans import Tracing


@dataclass(frozen=True, slots=True, kw_only=True)
class LogAccess:
    """What may be done with the log: its level changed, and at most `subscribers` hear it as a `stream`."""

    level_control: bool = True
    stream: bool = False
    subscribers: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Telemetry:
    """What is measured: `metrics` and `traces` are shown here, the last `buffer_size` of these.

    `otlp` is the URL of an OpenTelemetry collector that gets the traces too, "" for none.
    """

    metrics: bool = True
    traces: bool = True
    tracing: Tracing = field(default_factory=Tracing)
    buffer_size: int = 100
    otlp: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Control:
    """The switches of a control adapter. Without `telemetry` nothing is measured."""

    health: bool = True
    info: bool = False
    reload: bool = False
    validate: bool = False
    logs: LogAccess | None = None
    scripting: bool = False
    telemetry: Telemetry | None = field(default_factory=Telemetry)

    @property
    def offers(self) -> tuple[str, ...]:
        """What is switched on, in a word each."""
        measured = self.telemetry
        switches = {
            "health": self.health,
            "status": self.info,
            "validate": self.validate,
            "reload": self.reload,
            "logs": self.logs is not None,
            "scripting": self.scripting,
            "metrics": measured is not None and measured.metrics,
            "traces": measured is not None and measured.traces,
        }
        return tuple(word for word, on in switches.items() if on)
