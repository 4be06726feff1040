"""A control adapter's switches to its endpoints: by path and method, what each of them answers.

GET  /health/live        whether the process is there
GET  /health/ready       whether all adapters have started
GET  /status             what runs, in which version, and for how long
POST /config/validate    what is wrong with the file, or with the text that is sent
POST /config/reload      serve the file as it is now
GET  /logs/level         the level of the log
PUT  /logs/level         another one
GET  /logs/stream        the log while it is written
GET  /scripting          the rules for scripts, and how they fared
PUT  /scripting          other rules
GET  /metrics            figures for Prometheus
GET  /traces             the last traces
GET  /traces/<id>        one of them
"""

from __future__ import annotations

import platform
import time
from collections.abc import Awaitable, Callable
from typing import Protocol, runtime_checkable

from capspec.adapters.control.answer import Asked, Reply, of_json, of_problem, of_text
from capspec.adapters.control.logs import Logs
from capspec.adapters.control.states import States
from capspec.edge import EdgeOptions
from capspec.errors import CapspecError, InputError, LayoutError, Problem
from capspec.observability.metrics import MEDIA_TYPE
from capspec.observability.observing import observed_of
from capspec.plan import Engine, Plan
from capspec.plan.control import Control
from capspec.scripting.scripts import Scripts
from capspec.values import Json

Endpoint = Callable[[Asked], Awaitable[Reply]]

TRACES = "/traces/"


@runtime_checkable
class ScriptingEngine(Engine, Protocol):
    """An engine that runs scripts."""

    scripts: Scripts


class Endpoints:
    """The endpoints of one adapter."""

    def __init__(
        self, control: Control, engine: Engine, states: States, logs: Logs, options: EdgeOptions
    ) -> None:
        self._control = control
        self._engine = engine
        self._states = states
        self._logs = logs
        self._version = options.version
        self._upkeep = options.upkeep
        self._began = time.monotonic() if options.upkeep is None else options.upkeep.began
        self._observed = observed_of(engine.events)

    def table(self) -> dict[str, dict[str, Endpoint]]:
        """Endpoints by path and method. `TRACES` stands for all paths below it."""
        control = self._control
        found: dict[str, dict[str, Endpoint]] = {}
        if control.health:
            found |= {"/health/live": {"GET": self.live}, "/health/ready": {"GET": self.ready}}
        if control.info:
            found["/status"] = {"GET": self.status}
        if control.validate:
            found["/config/validate"] = {"POST": self.validate}
        if control.reload:
            found["/config/reload"] = {"POST": self.reload}
        if control.logs is not None:
            changing: dict[str, Endpoint] = {"PUT": self.set_level} if control.logs.level_control else {}
            found["/logs/level"] = {"GET": self.level, **changing}
            if control.logs.stream:
                found["/logs/stream"] = {"GET": self.log}
        if control.scripting:
            found["/scripting"] = {"GET": self.scripting, "PUT": self.change_scripting}
        if control.telemetry is not None and control.telemetry.metrics:
            found["/metrics"] = {"GET": self.metrics}
        if control.telemetry is not None and control.telemetry.traces:
            found |= {"/traces": {"GET": self.traces}, TRACES: {"GET": self.trace}}
        return found

    # -- what there is --------------------------------------------------------------------------------

    async def live(self, asked: Asked) -> Reply:
        return of_json({"status": "UP"})

    async def ready(self, asked: Asked) -> Reply:
        ready = self._states.ready
        state = {"status": "UP" if ready else "DEGRADED", "adapters": self._states.adapters()}
        return of_json(state, 200 if ready else 503)

    async def status(self, asked: Asked) -> Reply:
        return of_json(
            {
                "capability": _described(self._engine.plan),
                "engine": {
                    "name": "capspec",
                    "version": self._version,
                    "python": platform.python_version(),
                    "native": False,
                },
                "uptime": _duration(time.monotonic() - self._began),
                "otel": {"status": "inactive" if self._observed is None else "active"},
                "adapters": self._states.adapters(),
            }
        )

    async def metrics(self, asked: Asked) -> Reply:
        if self._observed is None or self._observed.metrics is None:
            return of_problem(503, "Nothing is measured.")
        return of_text(self._observed.metrics.text(), MEDIA_TYPE)

    async def traces(self, asked: Asked) -> Reply:
        if self._observed is None or self._observed.traces is None:
            return of_problem(503, "Nothing is traced.")
        query = asked.query
        return of_json(self._observed.traces.list(query.get("operation", ""), query.get("status", "")))

    async def trace(self, asked: Asked) -> Reply:
        wanted = asked.path.removeprefix(TRACES)
        traces = None if self._observed is None else self._observed.traces
        found = None if traces is None else traces.find(wanted)
        if found is None:
            return of_problem(404, f"Trace not found: {wanted[:64]}")
        return of_json(found.detail())

    # -- what is done ---------------------------------------------------------------------------------

    async def validate(self, asked: Asked) -> Reply:
        content = await asked.body()
        if self._upkeep is None:
            return _no_upkeep()
        problems = await self._upkeep.check(content or None)
        valid = not any(problem.severity == "error" for problem in problems)
        return of_json({"valid": valid, "problems": _facts(problems)})

    async def reload(self, asked: Asked) -> Reply:
        if self._upkeep is None:
            return _no_upkeep()
        try:
            warnings = await self._upkeep.reload()
        except LayoutError as error:
            return of_problem(409, "; ".join(map(str, error.problems)), error.problems)
        except CapspecError as error:
            detail = "The file has problems, and is served as it was before."
            return of_problem(422, detail, error.problems)
        return of_json({"status": "reloaded", "problems": _facts(warnings)})

    async def level(self, asked: Asked) -> Reply:
        return of_json({"level": self._logs.level})

    async def set_level(self, asked: Asked) -> Reply:
        self._logs.change(await asked.json())
        return await self.level(asked)

    async def log(self, asked: Asked) -> Reply:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        if asked.method == "HEAD":
            return Reply(headers=headers)
        subscriber = self._logs.subscribe()
        if subscriber is None:
            return of_problem(503, "As many listen to the log as may.", None, (b"retry-after", b"30"))
        return Reply(headers=headers, subscriber=subscriber)

    async def scripting(self, asked: Asked) -> Reply:
        if not isinstance(self._engine, ScriptingEngine):
            return of_problem(503, "No scripts run here.")
        return of_json(self._engine.scripts.governance.state())

    async def change_scripting(self, asked: Asked) -> Reply:
        patch = await asked.json()
        if isinstance(self._engine, ScriptingEngine):
            try:
                self._engine.scripts.governance.change(patch)
            except InputError as error:
                return of_problem(400, "; ".join(map(str, error.problems)), error.problems)
        return await self.scripting(asked)


def _no_upkeep() -> Reply:
    return of_problem(503, "This capability is not served from a file that can be read again.")


def _facts(problems: tuple[Problem, ...]) -> list[Json]:
    return [dict(problem.facts) for problem in problems]


def _described(plan: Plan) -> dict[str, Json]:
    dialect = next((key for key in ("capspec", "naftiko", "ikanos") if key in plan.document.data), "")
    spec = plan.document.raw((dialect,)) if dialect else ""
    return {"name": plan.name, "label": plan.title, "version": plan.version, "specVersion": spec}


def _duration(seconds: float) -> str:
    """ISO 8601, to the second: PT2H34M12S."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = f"{hours}H" if hours else "", f"{minutes}M" if minutes else "", f"{rest}S" if rest else ""
    return "PT" + ("".join(parts) or "0S")
