"""A control listener to an ASGI application: who may ask, which endpoint is meant, what it answers."""

from __future__ import annotations

import asyncio

from capspec.adapters.control.answer import Asked, Gone, Reply, give, of_problem
from capspec.adapters.control.endpoints import TRACES, Endpoint, Endpoints
from capspec.adapters.control.logs import Logs
from capspec.adapters.control.states import States
from capspec.admission import Gate
from capspec.edge import ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.errors import CallError
from capspec.events import UnexpectedError
from capspec.masking import Masking
from capspec.plan import Engine, Listener
from capspec.plan.control import Control


def build(listener: Listener, engine: Engine, options: EdgeOptions) -> Edge:
    """The edge of a control listener, which sees its own capability and no other."""
    app = ControlApp(listener, engine, options)
    return Edge(
        app=app,
        drain=app.drain,
        settled=app.settled,
        changed=app.changed,
        well_known=app.gate.well_known,
    )


class ControlApp:
    """One listener as a bare ASGI application (ASGI 3, HTTP scope)."""

    def __init__(self, listener: Listener, engine: Engine, options: EdgeOptions) -> None:
        control = listener.control or Control()
        self.gate = Gate(listener, engine)
        self._events = engine.events
        self._limit = options.max_request_bytes
        most = control.logs.subscribers if control.logs is not None else 0
        self._logs = Logs(engine.plan.name, Masking(engine.plan.secrets), most)
        states = States(engine.plan.listeners)
        engine.events.observers.append(states.hear)
        self._table = Endpoints(control, engine, states, self._logs, options).table()
        self._answering: set[asyncio.Task[object]] = set()

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")
        task = asyncio.current_task()
        assert task is not None
        self._answering.add(task)
        try:
            if await self.gate.enter(scope, send) is not None:
                await self._answer(Asked(scope, receive, self._limit), send)
        except Gone:
            return
        finally:
            self._answering.discard(task)

    async def settled(self) -> None:
        """Return when everything is answered that there is now."""
        if self._answering:
            await asyncio.wait(list(self._answering))

    async def changed(self) -> None:
        """End what goes on here: the log of a capability that is another one now has other secrets."""
        self._logs.end()

    async def drain(self) -> None:
        """End the streams, and wait until everything is answered."""
        self._logs.end()
        await self.settled()

    async def _answer(self, asked: Asked, send: SendMessage) -> None:
        reply = await self._reply(asked)
        try:
            await give(reply, asked, send)
        finally:
            if reply.subscriber is not None:
                self._logs.leave(reply.subscriber)

    async def _reply(self, asked: Asked) -> Reply:
        path = TRACES if asked.path.startswith(TRACES) else asked.path
        methods = self._table.get(path)
        if methods is None:
            known = ", ".join(item for item in self._table if item != TRACES) or "none"
            return of_problem(404, f"There is no such endpoint; there are: {known}")
        allow = (b"allow", ", ".join(sorted({*methods, "OPTIONS", *_with_head(methods)})).encode())
        if asked.method == "OPTIONS":
            return Reply(status=204, headers=[allow])
        endpoint = methods.get("GET" if asked.method == "HEAD" else asked.method)
        if endpoint is None:
            return of_problem(405, f"{asked.method} is not offered here.", None, allow)
        return await self._asked(endpoint, asked)

    async def _asked(self, endpoint: Endpoint, asked: Asked) -> Reply:
        try:
            return await endpoint(asked)
        except CallError as error:
            return of_problem(error.status, "; ".join(map(str, error.problems)), error.problems)
        except Gone:
            raise
        except Exception as error:  # noqa: BLE001 - this is the edge: nothing may get past it
            self._events.emit(UnexpectedError(where="control", error=error))
            return of_problem(500, "Something went wrong on this side.")


def _with_head(methods: dict[str, Endpoint]) -> tuple[str, ...]:
    return ("HEAD",) if "GET" in methods else ()
