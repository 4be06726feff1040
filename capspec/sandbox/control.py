"""The control plane under ``/__sandbox__``: time, jobs, faults and the journal, for tests and shows."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from capspec.sandbox.clock import iso
from capspec.sandbox.endpoint import Provider, RefusedError
from capspec.sandbox.faults import FaultSyntaxError, Rule
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.loopback import is_loopback
from capspec.sandbox.world import World

PREFIX = "/__sandbox__"
_FILTERS = ("provider", "phase", "method", "host", "path", "job")


class Control:
    """The control plane's endpoints."""

    def __init__(self, world: World, providers: Iterable[Provider]) -> None:
        self._world, self._providers = world, tuple(providers)

    def routes(self) -> list[Route]:
        """Every route, open to loopback alone."""
        table: tuple[tuple[str, str, Callable[[Request], Awaitable[Response]]], ...] = (
            ("GET", "/health", self._health),
            ("POST", "/reset", self._reset),
            ("GET", "/jobs", self._jobs),
            ("POST", "/jobs/{id}", self._force),
            ("GET", "/clock", self._time),
            ("POST", "/clock", self._move),
            ("GET", "/faults", self._faults),
            ("POST", "/faults", self._add_fault),
            ("DELETE", "/faults", self._drop_faults),
            ("DELETE", "/faults/{id}", self._drop_faults),
            ("GET", "/requests", self._requests),
            ("GET", "/webhooks", self._webhooks),
        )
        return [Route(PREFIX + path, Local(call), methods=[method]) for method, path, call in table]

    async def _health(self, request: Request) -> Response:
        names = [provider.name for provider in self._providers]
        return JSONResponse({"status": "ok", "providers": names, **self._clock_state()})

    async def _reset(self, request: Request) -> Response:
        self._world.reset()
        for provider in self._providers:
            provider.reset()
        return JSONResponse({"status": "ok"})

    async def _jobs(self, request: Request) -> Response:
        jobs = self._world.jobs.of(request.query_params.get("provider"))
        return JSONResponse({"jobs": [self._shown(job) for job in jobs]})

    async def _force(self, request: Request) -> Response:
        wanted = str((await _body(request)).get("state", ""))
        if wanted not in set(State):
            raise _bad(f"state must be one of {', '.join(State)}, not {wanted!r}")
        identifier = request.path_params["id"]
        if self._world.jobs.find(identifier) is None:
            raise RefusedError(JSONResponse({"error": f"no job {identifier}"}, 404))
        job = self._world.jobs.force(identifier, State(wanted), self._world.clock.now())
        self._world.clock.wake()
        return JSONResponse(self._shown(job))

    async def _time(self, request: Request) -> Response:
        return JSONResponse(self._clock_state())

    async def _move(self, request: Request) -> Response:
        body = await _body(request)
        if unknown := sorted(set(body) - {"advance", "frozen"}):
            raise _bad(
                f"unknown field {', '.join(unknown)}; known: advance (seconds), frozen (true or false)"
            )
        seconds, frozen = body.get("advance", 0), body.get("frozen")
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < 1e9:
            raise _bad(f"advance must be seconds from 0, not {seconds!r}")
        if frozen is not None and not isinstance(frozen, bool):
            raise _bad(f"frozen must be true or false, not {frozen!r}")
        if frozen is not None:
            (self._world.clock.freeze if frozen else self._world.clock.thaw)()
        self._world.clock.advance(seconds)
        return JSONResponse(self._clock_state())

    async def _faults(self, request: Request) -> Response:
        return JSONResponse({"faults": [self._shown_rule(rule) for rule in self._world.faults.rules]})

    async def _add_fault(self, request: Request) -> Response:
        try:
            rule = self._world.faults.add(await _body(request))
        except FaultSyntaxError as error:
            raise _bad(str(error)) from None
        return JSONResponse(self._shown_rule(rule), 201)

    async def _drop_faults(self, request: Request) -> Response:
        return JSONResponse({"removed": self._world.faults.remove(request.path_params.get("id"))})

    async def _requests(self, request: Request) -> Response:
        wanted = {name: value for name in _FILTERS if (value := request.query_params.get(name)) is not None}
        found = [
            entry.as_json()
            for entry in self._world.journal.entries
            if all(getattr(entry, name) == value for name, value in wanted.items())
        ]
        return JSONResponse({"count": len(found), "requests": found})

    async def _webhooks(self, request: Request) -> Response:
        return JSONResponse({"webhooks": [attempt.as_json() for attempt in self._world.webhooks.attempts]})

    def _clock_state(self) -> dict[str, object]:
        clock = self._world.clock
        return {"now": clock.now(), "time": iso(clock.now()), "speed": clock.speed, "frozen": clock.frozen}

    def _shown(self, job: Job) -> dict[str, object]:
        snapshot = job.at(self._world.clock.now())
        return {
            "id": job.id,
            "provider": job.provider,
            "number": job.number,
            "kind": job.kind,
            "state": snapshot.state,
            "progress": snapshot.progress,
            "created_at": job.created_at,
            "ends_at": job.ends_at,
            "cost": job.cost,
            "faults": [str(fault) for fault in job.faults],
        }

    def _shown_rule(self, rule: Rule) -> dict[str, object]:
        return {**rule.as_json(), "struck": self._world.faults.struck(rule)}


class Local:
    """An endpoint that only this machine may call, and no page of another site in its browser."""

    def __init__(self, call: Callable[[Request], Awaitable[Response]]) -> None:
        self._call = call

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._call(request) if _is_local(request) else _forbidden()
        except RefusedError as refusal:
            response = refusal.response
        await response(scope, receive, send)


def _is_local(request: Request) -> bool:
    origin = request.headers.get("origin")
    peer = request.client.host if request.client else "127.0.0.1"
    return is_loopback(peer) and (origin is None or is_loopback(urlsplit(origin).hostname or ""))


def _forbidden() -> Response:
    return JSONResponse({"error": "the control plane answers to this machine alone"}, 403)


def _bad(message: str) -> RefusedError:
    return RefusedError(JSONResponse({"error": message}, 400))


async def _body(request: Request) -> dict[str, object]:
    try:
        body = json.loads(await request.body() or b"{}")
    except ValueError:
        raise _bad("the body must be JSON") from None
    if not isinstance(body, dict):
        raise _bad("the body must be a JSON object")
    return body
