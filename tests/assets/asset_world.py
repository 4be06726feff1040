"""A capability whose answers have links: its API, a storage host beside it, and real servers above."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from textwrap import indent
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import httpx

from capspec import app, registry
from capspec.clock import Clock, SystemClock, VirtualClock
from capspec.edge import ASGIApp, EdgeOptions
from capspec.engine import CallEngine
from capspec.events import AssetLeft, Event, EventStream
from capspec.plan import Call, Flow
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from tests.upstreams import Seen, Server, reply, serving
from tests.whole import plan_of

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40
SECRET = "a secret of the tests"
TOKEN = "the-api-token"
IMAGE = ("content-type", "image/png")

AT_STORAGE = "{mode: proxy, allowHosts: [STORAGE]}"
SAVED = "{mode: save, allowHosts: [STORAGE], keep: 1h}"
HOUR = 3600.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"
CHUNK = b"200\r\n" + b"x" * 512 + b"\r\n"
ENDLESS = HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNK * 4 + b"0\r\n\r\n"
"""2 KiB without a word of how much it will be."""

Respond = Callable[[Seen], bytes]

OPERATION = """
name: make
method: GET
path: /pictures/{id}
"""

FILE = """
capspec: "1"
binds: [{{namespace: env, keys: {{TOKEN: TOKEN}}}}]
capability:
  consumes:
  - type: http
    namespace: api
    baseUri: https://api.example.com
    authentication: {auth}
    resources:
    - path: ""
      operations:
      - {operation}
  exposes:
  - type: rest
    namespace: web
    port: 8080
    {guard}
    resources:
    - path: /pictures/{{id}}
      operations:
      - method: GET
        name: make
        {flow}
  - type: mcp
    namespace: tools
    port: 9090
    tools:
    - name: make
      description: Make a picture.
      inputParameters: [{{name: id, type: string, required: true, description: Which.}}]
      call: api.make
      outputParameters: &url [{{name: url, type: string, mapping: $.url}}]
"""
BEARER = "{type: bearer, token: '{{TOKEN}}'}"
MAPPED = """call: api.make
        outputParameters: [{name: url, type: string, mapping: $.url}]"""
JOB = """
name: make
method: POST
path: /pictures/{id}
poll:
  id: $.id
  request: {uri: "/jobs/{{id}}"}
  status: {path: $.status, success: [done], failure: [failed]}
  interval: 1s
  timeout: 5m
  result: {path: $, expires: 10m}
"""


def capability(
    assets: str, *, operation: str = OPERATION, auth: str = BEARER, flow: str = MAPPED, guard: str = ""
) -> str:
    """A file with one operation, `STORAGE` in `assets` standing for the storage host."""
    block = indent(f"{operation.strip()}\nassets: {assets}", "        ").strip()
    return FILE.format(operation=block, auth=auth, flow=flow, guard=guard)


def answered(**members: Any) -> bytes:
    """A JSON answer of the API."""
    return reply(200, json.dumps(members).encode())


@dataclass
class Host:
    """A server and what it answers: by path, and otherwise 404. It waits for `ready`.

    What it answers at the paths in `broken` ends with the connection.
    """

    routes: dict[str, bytes | Respond] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    server: Server = field(default_factory=Server)

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def name(self) -> str:
        return urlsplit(self.server.url).netloc

    @property
    def sent(self) -> list[Seen]:
        return self.server.requests

    def asked(self, path: str) -> list[Seen]:
        return [seen for seen in self.sent if seen.path == path]

    def holds(self, path: str, content: bytes = PNG, media_type: str = "image/png") -> str:
        """Put an asset there; its URL."""
        self.routes[path] = reply(200, content, ("content-type", media_type))
        return self.url + path

    async def answer(self, seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        await self.ready.wait()
        found = self.routes.get(seen.path, reply(404, b"nothing"))
        content = found if isinstance(found, bytes) else found(seen)
        if seen.path not in self.broken:
            return content
        writer.write(content)
        await writer.drain()
        return None


@dataclass
class World:
    """A running capability: `url` is its listener's, `web` fetches what that gives."""

    engine: CallEngine
    clock: Clock
    api: Host
    storage: Host
    url: str
    web: httpx.AsyncClient
    heard: list[Event]

    def gives(self, url: str) -> None:
        """Let the API answer with this link."""
        self.api.routes["/pictures/1"] = answered(url=url)

    async def make(self) -> str:
        """The link that a caller gets."""
        answer = await self.web.get(f"{self.url}/pictures/1")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])

    async def linked(self, url: str) -> str:
        """The link that a caller gets for one of the upstream's."""
        self.gives(url)
        return await self.make()

    async def fetch(self, url: str, **headers: str) -> httpx.Response:
        return await self.web.get(url, headers=headers)

    async def called_locally(self) -> Any:
        """What a call gives where nothing serves links: over stdio, or on the command line."""
        return (await self.engine.run(Call(flow=self.flow, arguments={"id": "1"}))).value

    @property
    def flow(self) -> Flow:
        return self.engine.plan.listeners[0].flows[0]

    @property
    def left(self) -> list[str]:
        return [event.reason for event in self.heard if isinstance(event, AssetLeft)]

    def later(self, seconds: float) -> None:
        assert isinstance(self.clock, VirtualClock)
        self.clock.advance(seconds)


Pair = tuple[Host, Host]
"""An API and a storage host."""


@asynccontextmanager
async def hosts() -> AsyncIterator[Pair]:
    """The two, for as long as the block lasts."""
    api, storage = Host(), Host()
    api.ready.set()
    storage.ready.set()
    async with serving(api.answer) as api.server, serving(storage.answer) as storage.server:
        yield api, storage


@asynccontextmanager
async def world(
    text: str,
    folder: Path,
    pair: Pair,
    *,
    clock: Clock | None = None,
    secret: str = "",
    mount: str = "",
    way: str = "rest",
) -> AsyncIterator[World]:
    """The capability, served for as long as the block lasts; `folder` is where it saves assets."""
    api, storage = pair
    text = text.replace("STORAGE", f'"{storage.name}"')
    plan = plan_of(text, base=api.url, environ={"TOKEN": TOKEN})
    options = app.EngineOptions(handle_secret=secret, assets_folder=folder)
    heard: list[Event] = []
    clock = clock or SystemClock()
    async with AsyncExitStack() as stack:
        events = EventStream([heard.append])
        engine = await stack.enter_async_context(
            app.open_engine(plan, clock=clock, events=events, options=options)
        )
        listener = next(item for item in plan.listeners if item.type == way)
        edge = registry.find("adapter", way)(listener, engine, EdgeOptions(version="test"))
        await stack.enter_async_context(edge.running())
        url = await stack.enter_async_context(listening(_mounted(edge.app, mount)))
        web = await stack.enter_async_context(httpx.AsyncClient())
        yield World(engine, clock, api, storage, f"{url}{mount}{edge.endpoint}", web, heard)


@asynccontextmanager
async def listening(served: ASGIApp) -> AsyncIterator[str]:
    """A real server of an application: its URL."""
    (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
    server = server_for(served, grace=5)
    await server.open(bound)
    try:
        yield f"http://127.0.0.1:{port_of(bound)}"
    finally:
        await server.finish()
        bound.close()


def _mounted(served: ASGIApp, mount: str) -> ASGIApp:
    async def under(scope: Any, receive: Any, send: Any) -> None:
        await served({**scope, "root_path": mount}, receive, send)

    return under if mount else served


def files_in(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def saved_files(folder: Path) -> list[Path]:
    return [path for path in files_in(folder) if path.name.startswith("capspec-")]


def content_of(url: str) -> bytes:
    """The content of a file:// URL."""
    parts = urlsplit(url)
    assert parts.scheme == "file"
    return Path(url2pathname(parts.path)).read_bytes()
