"""Targets to an edge that speaks Streamable HTTP: paths, guards and shutdown around the SDK's transport."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import Any

from mcp.server import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecuritySettings
from sse_starlette.sse import AppStatus

from capspec.adapters.mcp.callers import LINKS, PRINCIPALS, Principals
from capspec.adapters.mcp.server import Ongoing, build_server
from capspec.adapters.mcp.tools import Target
from capspec.admission import Gate, refusal_headers
from capspec.assets.serving import asset_app, base_of, concerns
from capspec.edge import ASGIApp, ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.errors import CallError
from capspec.plan import Principal

_REFUSED = -32001
"""JSON-RPC code of a request that is turned away before it is read (JSON-RPC 2.0, 5.1: server errors)."""


@dataclass(slots=True)
class Traffic:
    """Counts the requests that are being answered."""

    count: int = 0
    idle: asyncio.Event = field(default_factory=asyncio.Event)

    @contextmanager
    def one(self) -> Iterator[None]:
        self.count += 1
        self.idle.clear()
        try:
            yield
        finally:
            self.count -= 1
            if not self.count:
                self.idle.set()

    async def settled(self) -> None:
        """Return when no request is being answered."""
        if self.count:
            await self.idle.wait()


@dataclass(slots=True)
class Endpoint:
    """The ASGI application: decides who may pass, and hands clean requests to the SDK."""

    gates: Sequence[Gate]
    paths: frozenset[str]
    options: EdgeOptions
    server: Server[Any]
    ongoing: Ongoing
    endpoint: str
    assets: ASGIApp
    traffic: Traffic = field(default_factory=Traffic)
    manager: StreamableHTTPSessionManager | None = None

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] != "http":
            raise ValueError(f"MCP is served over HTTP, not over ASGI's '{scope['type']}'")
        with self.traffic.one():
            await self._answer(scope, receive, send)

    async def _answer(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if concerns(scope, self.endpoint):
            await self.assets(scope, receive, send)
            return
        for gate in self.gates:
            if await gate.describe(scope, send):
                return
        if _path(scope) not in self.paths:
            await _refuse(send, 404, "There is nothing here; the MCP endpoint is at /mcp")
            return
        try:
            principals = await self._admit(scope)
        except CallError as error:
            detail = "; ".join(item.message for item in error.problems)
            await _refuse(send, error.status, detail, refusal_headers(error))
            return
        if scope["method"] != "POST":
            # No sessions, and nothing to send that was not asked for: there is no stream to open or delete.
            message = "This is an MCP endpoint: send JSON-RPC messages with POST"
            await _refuse(send, 405, message, [(b"allow", b"POST")])
            return
        if self.manager is None:
            await _refuse(send, 503, "The server is not running")
            return
        known = {PRINCIPALS: principals, LINKS: base_of(scope, self.endpoint)}
        clean = {**scope, "headers": _trimmed(scope["headers"]), **known}
        await self.manager.asgi_app(clean, receive, send)

    async def _admit(self, scope: ASGIScope) -> Principals:
        """Who the caller is for each target. Raises CallError when there are guards and none admits."""
        answers = [await _ask(gate, scope) for gate in self.gates]
        refusals = [answer for answer in answers if isinstance(answer, CallError)]
        if refusals and len(refusals) == sum(gate.guarded for gate in self.gates):
            # What went wrong here, or a right that is lacking, says more than "not for that one either".
            raise max(refusals, key=lambda error: error.status)
        return tuple(answer if isinstance(answer, Principal) else None for answer in answers)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take requests for as long as the block lasts."""
        # Left on, SIGTERM would cut every answer that is on its way; `drain` waits for them instead.
        AppStatus.disable_automatic_graceful_drain()  # type: ignore[no-untyped-call]
        self.ongoing.open()
        manager = StreamableHTTPSessionManager(
            self.server,
            stateless=True,
            # JSON answers would drop progress, and not notice when a client hangs up.
            json_response=False,
            max_request_body_size=self.options.max_request_bytes,
            # Host and Origin are checked once for all adapters, before a request gets here.
            security_settings=TransportSecuritySettings(enable_dns_rebinding_protection=False),
        )
        async with manager.run():
            self.manager = manager
            try:
                yield
            finally:
                self.manager = None
                await self.ongoing.stop()

    async def settled(self) -> None:
        """Return when no answer is on its way, and nothing is done for callers who have left."""
        await self.traffic.settled()
        await self.ongoing.settled()

    async def drain(self) -> None:
        """End listen streams and waits for jobs, and wait for the answers on their way."""
        self.ongoing.close()
        await self.settled()


def build_edge(targets: Sequence[Target], options: EdgeOptions, endpoint: str) -> Edge:
    """An edge over the targets. It may be run again after it has stopped."""
    server, ongoing = build_server(targets, options)
    paths = frozenset({"", "/", endpoint, f"{endpoint}/"})
    assets = asset_app(*(engine for _, engine in targets))
    gates = [Gate(listener, engine) for listener, engine in targets]
    app = Endpoint(gates, paths, options, server, ongoing, endpoint, assets)
    known = frozenset[str]().union(*(gate.well_known for gate in gates))
    return Edge(
        app=app,
        running=app.running,
        drain=app.drain,
        settled=app.settled,
        changed=ongoing.listening.changed,
        endpoint=endpoint,
        well_known=known,
    )


async def _ask(gate: Gate, scope: ASGIScope) -> Principal | CallError:
    """Whom a target's guard sees, or why it refuses."""
    try:
        return await gate.admit(scope)
    except CallError as error:
        return error


def _path(scope: ASGIScope) -> str:
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _trimmed(headers: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Without blanks around the values that the SDK compares: not all servers strip them (RFC 9110, 5.5)."""
    return [
        (name, value.strip(b" \t")) if name.startswith(b"mcp-") else (name, value) for name, value in headers
    ]


async def _refuse(
    send: SendMessage, status: int, message: str, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """A JSON-RPC error without an id, which MCP allows as the body of an HTTP error."""
    error = {"jsonrpc": "2.0", "id": None, "error": {"code": _REFUSED, "message": message}}
    body = json.dumps(error).encode()
    length = str(len(body)).encode()
    fields = [(b"content-type", b"application/json"), (b"content-length", length), *headers]
    await send({"type": "http.response.start", "status": status, "headers": fields})
    await send({"type": "http.response.body", "body": body})
