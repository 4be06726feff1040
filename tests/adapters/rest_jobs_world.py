"""A capability that starts jobs at a scripted provider, served over REST."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any, TypeAlias

import httpx

from capspec import app
from capspec.adapters.rest.adapter import build
from capspec.clock import Clock, VirtualClock
from capspec.edge import Edge, EdgeOptions
from capspec.engine import CallEngine
from capspec.errors import AuthError
from capspec.events import Event, EventStream
from capspec.plan import Guard, Inbound, Principal
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from tests.upstreams import Seen, Server, reply
from tests.upstreams import serving as serving_upstream
from tests.whole import plan_of

POLL = """
id: $.id
request: {uri: "/jobs/{{id}}"}
status: {path: $.status, success: [done], failure: [failed, moderated], canceled: [stopped]}
progress: {path: $.progress, max: 100}
error: {code: $.status, message: $.reason, details: $.details, retryable: [failed]}
"""
CANCEL = 'cancel: {uri: "/jobs/{{id}}", method: DELETE}'
TEXT = """
capspec: "1"
info: {title: Studio}
capability:
  consumes:
  - namespace: maker
    baseUri: http://maker.test
    resources:
    - path: /jobs
      operations:
      - name: make
        method: POST
        poll:
%s
      - {name: other, method: PUT, poll: {id: $.id, request: {uri: "/jobs/{{id}}"}, interval: 1s,
         status: {path: $.status, success: [done]}, result: {path: $.result}}}
  exposes:
  - type: rest
    namespace: studio
    port: 1
    resources:
    - path: /pictures
      operations:
      - {name: make picture, method: POST, call: maker.make}
      - {name: other, method: PUT, call: maker.other}
      - {name: make picture, method: PATCH, call: maker.make,
         outputParameters: [{type: object, properties: {picture: {type: string, mapping: $}}}]}
%s
"""
JOBS = "/-/jobs/make-picture/"

Scripted: TypeAlias = Callable[[Seen], Awaitable[bytes]]
Script: TypeAlias = Mapping[str, "bytes | Sequence[bytes] | Scripted"]
"""Answers by "METHOD path": one for ever, a list whose last one is for ever, or a function."""


def says(status: str, *, code: int = 200, **more: Any) -> bytes:
    """The provider's words about the one job that it has."""
    return reply(code, json.dumps({"id": "j1", "status": status, **more}).encode())


def answers_with(word: str, path: str) -> str:
    """A route that always answers with one word, and calls nothing."""
    value = f"outputParameters: [{{type: string, value: {word}}}]"
    return f"- {{path: '{path}', operations: [{{name: {word}, {value}}}]}}"


ACCEPTED = says("queued", code=202)
DONE = says("done", result="a picture")
STARTED: Script = {"POST /jobs": ACCEPTED}


def looks(*answers: bytes, **more: bytes | Sequence[bytes] | Scripted) -> Script:
    """A job that is accepted, and then these answers about it. `cancel` is the answer to that."""
    cancel = {"DELETE /jobs/j1": more["cancel"]} if "cancel" in more else {}
    return {**STARTED, "GET /jobs/j1": answers, **cancel}


def answering(script: Script) -> Callable[[Seen, asyncio.StreamWriter], Awaitable[bytes]]:
    """What an upstream answers that goes by a script."""
    turns: dict[str, int] = {}

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        line = f"{seen.method} {seen.path}"
        found = script.get(line, reply(404))
        if callable(found):
            return await found(seen)
        if isinstance(found, bytes):
            return found
        turns[line] = turns.get(line, 0) + 1
        return found[min(turns[line], len(found)) - 1]

    return answer


class NameGuard:
    """Whoever says a name has it."""

    async def admit(self, request: Inbound) -> Principal:
        if "x-name" not in request.headers:
            raise AuthError("who?", challenge="Name")
        return Principal(name=request.headers["x-name"])


@dataclass
class JobWorld:
    """The capability, served: a client for it, and the provider behind it."""

    client: httpx.AsyncClient
    upstream: Server
    engine: CallEngine
    clock: Clock
    edge: Edge
    heard: list[Event]
    port: int

    async def start(self, prefer: str = "", method: str = "POST", **headers: str) -> httpx.Response:
        if prefer:
            headers["Prefer"] = prefer
        return await self.client.request(method, "/pictures", headers=headers)

    async def started(self, **headers: str) -> str:
        """The path of a job that was started just now."""
        answer = await self.start(**headers)
        assert answer.status_code == 202, answer.text
        return answer.headers["location"]

    def asked(self, line: str = "GET /jobs/j1") -> int:
        """How often the provider was asked that."""
        return sum(f"{seen.method} {seen.path}" == line for seen in self.upstream.requests)

    async def hang_up(self, head: str, ready: Callable[[], bool]) -> None:
        """Send a request, and close the connection when something is true of the provider."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"{head}\r\nHost: x\r\nContent-Length: 0\r\n\r\n".encode())
        await self.upstream.until(ready)
        writer.close()
        await writer.wait_closed()


@asynccontextmanager
async def job_world(
    script: Script,
    *,
    poll: str = "",
    interval: str = "1s",
    result: str = "{path: $.result}",
    routes: str = "",
    clock: Clock | None = None,
    secret: str = "",
    guard: Guard | None = None,
    mount: str = "",
    sockets: bool = False,
    upstream: Server | None = None,
) -> AsyncIterator[JobWorld]:
    """The capability. With `sockets` behind a real server. `upstream` is one that is there already."""
    clock = clock or VirtualClock()
    block = f"{POLL}interval: {interval}\nresult: {result}\n{poll}"
    async with AsyncExitStack() as stack:
        if upstream is None:
            upstream = await stack.enter_async_context(serving_upstream(answering(script)))
        plan = plan_of(TEXT % (indent(block, " " * 10), indent(routes, " " * 4)), base=upstream.url)
        assert not plan.warnings, plan.warnings
        heard: list[Event] = []
        engine = await stack.enter_async_context(
            app.open_engine(
                plan,
                clock=clock,
                events=EventStream([heard.append]),
                options=app.EngineOptions(handle_secret=secret),
            )
        )
        edge = build(replace(plan.listeners[0], guard=guard), engine, EdgeOptions())

        async def mounted(scope: Any, receive: Any, send: Any) -> None:
            await edge.app({**scope, "root_path": mount}, receive, send)

        served = mounted if mount else edge.app
        port, base, transport = 0, f"http://test{mount}", None
        if sockets:
            (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
            stack.callback(bound.close)
            server = server_for(served)
            await server.open(bound)
            stack.push_async_callback(server.finish)
            port, base = port_of(bound), f"http://127.0.0.1:{port_of(bound)}{mount}"
        else:
            transport = httpx.ASGITransport(served)
        client = await stack.enter_async_context(
            httpx.AsyncClient(base_url=base, transport=transport, timeout=10)
        )
        yield JobWorld(client, upstream, engine, clock, edge, heard, port)
