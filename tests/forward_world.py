"""Forwards served whole, with clients and upstreams that write and read HTTP byte by byte."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from capspec import app, registry
from capspec.edge import EdgeOptions
from capspec.events import Event
from capspec.plan import Plan
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from tests.whole import plan_of

PATIENCE = 20
"""Seconds until an exchange that hangs fails its test."""

Talk = Callable[["Wire"], Awaitable[None]]
"""What an upstream does with a connection; the connection is closed afterwards."""


def capability(forward: str = "{targetNamespace: api}", *, path: str = "/api/{path}", more: str = "") -> str:
    """A file with one forwarded path. `more` are further lines of the consumed API."""
    return f"""\
capspec: "1"
capability:
  consumes:
    - namespace: api
      baseUri: https://api.example.com
{more}
  exposes:
    - type: rest
      namespace: r
      resources:
        - name: all
          path: {path}
          forward: {forward}
"""


@dataclass
class Wire:
    """One end of a connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def head(self) -> str:
        """The lines up to the empty one."""
        content = await self.reader.readuntil(b"\r\n\r\n")
        return content.decode("latin-1")

    async def headers(self) -> dict[str, str]:
        """The header lines of a head, by lower-case name, which none may have twice."""
        found: dict[str, str] = {}
        for line in (await self.head()).split("\r\n")[1:-2]:
            name, _, value = line.partition(":")
            assert name.lower() not in found, line
            found[name.lower()] = value.strip()
        return found

    async def chunk(self) -> bytes:
        """One chunk of a chunked body, b"" for the last (RFC 9112, 7.1)."""
        size = int(await self.reader.readline(), 16)
        content = await self.reader.readexactly(size)
        await self.reader.readexactly(2)
        return content

    async def send(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def ended(self) -> bool:
        """Wait until the other end closes; whatever it still sends is thrown away."""
        with suppress(ConnectionError):
            while await self.reader.read(65536):
                pass
        return True


def answer(status: int = 200, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


@dataclass
class World:
    """A running capability. `heard` are its events, `connected` how many connections its upstream had."""

    url: str
    plan: Plan
    heard: list[Event] = field(default_factory=list)

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[Wire]:
        """A raw connection to the REST adapter."""
        parts = urlsplit(self.url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        try:
            async with asyncio.timeout(PATIENCE):
                yield Wire(reader, writer)
        finally:
            writer.close()

    async def said(self, request: str) -> bytes:
        """The answer, up to the connection's end, to a request written as it is sent."""
        async with self.connected() as wire:
            await wire.send(request.replace("\n", "\r\n").encode("latin-1"))
            return await wire.reader.read(-1)

    async def get(self, target: str, *headers: str) -> bytes:
        lines = "".join(f"{line}\n" for line in headers)
        return await self.said(f"GET {target} HTTP/1.1\nHost: x\nConnection: close\n{lines}\n")


@asynccontextmanager
async def forwarding(
    text: str,
    talk: Talk,
    *,
    environ: Mapping[str, str] | None = None,
    base_path: str = "",
    base: str = "",
    root_path: str = "",
) -> AsyncIterator[World]:
    """The capability, served; its API is what `talk` does with each connection, or whatever is at `base`."""
    tasks: set[asyncio.Task[None]] = set()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        try:
            await talk(Wire(reader, writer))
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            tasks.discard(task)
            writer.close()

    async with AsyncExitStack() as stack:
        listener = await asyncio.start_server(accepted, "127.0.0.1", 0)
        port = listener.sockets[0].getsockname()[1]
        plan = plan_of(text, base=base or f"http://127.0.0.1:{port}{base_path}", environ=environ)
        engine = await stack.enter_async_context(app.open_engine(plan))
        (exposed,) = plan.listeners
        edge = registry.find("adapter", "rest")(exposed, engine, EdgeOptions(max_request_bytes=4096))
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        stack.callback(bound.close)
        server = server_for(_mounted(edge.app, root_path), grace=5)
        await server.open(bound)
        stack.push_async_callback(server.finish)
        world = World(f"http://127.0.0.1:{port_of(bound)}{root_path}", plan)
        engine.events.observers.append(world.heard.append)
        try:
            yield world
        finally:
            listener.close()
            for task in list(tasks):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


def _mounted(app: Callable[..., Awaitable[None]], root: str) -> Callable[..., Awaitable[None]]:
    async def mounted(scope: dict[str, object], receive: object, send: object) -> None:
        await app({**scope, "root_path": root}, receive, send)

    return mounted if root else app
