"""A capability text served whole: a real upstream below, real REST and MCP servers above, real clients."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from mcp import Client
from mcp.types import CallToolResult, TextContent

from capspec import app, bindings, document, model, registry
from capspec.compiler import compile_capability
from capspec.edge import EdgeOptions
from capspec.plan import Plan
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from tests.upstreams import Seen, Server, reply, serving

Script = Callable[[Seen], bytes | Awaitable[bytes | None] | None]


def script(routes: Mapping[str, Any], *, status: int = 200) -> Script:
    """Answers by "METHOD path": JSON values, or bytes for a whole response; anything else gets {}."""

    def answer(seen: Seen) -> bytes:
        found = routes.get(f"{seen.method} {seen.path}", routes.get("*", {}))
        return found if isinstance(found, bytes) else reply(status, json.dumps(found).encode())

    return answer


@dataclass
class Whole:
    """A running capability. `sent` is the one request that the upstream saw."""

    plan: Plan
    upstream: Server
    rest: httpx.AsyncClient | None
    mcp_url: str

    @property
    def sent(self) -> Seen:
        assert len(self.upstream.requests) == 1, [seen.target for seen in self.upstream.requests]
        return self.upstream.requests[0]

    @asynccontextmanager
    async def agent(self, mode: str = "auto") -> AsyncIterator[Client]:
        async with Client(self.mcp_url, mode=mode) as client:
            yield client

    async def tool(
        self, name: str, arguments: dict[str, Any] | None = None, mode: str = "auto"
    ) -> CallToolResult:
        async with self.agent(mode) as client:
            return await client.call_tool(name, arguments or {})

    async def get(self, url: str, **options: Any) -> httpx.Response:
        assert self.rest is not None
        return await self.rest.get(url, **options)

    async def request(self, method: str, url: str, **options: Any) -> httpx.Response:
        assert self.rest is not None
        return await self.rest.request(method, url, **options)


def value_of(result: CallToolResult) -> Any:
    """What a tool gave, from its structured content or from its text."""
    if result.structured_content is not None:
        return result.structured_content
    return json.loads(text_of(result)) if result.content else None


def text_of(result: CallToolResult) -> str:
    return "\n".join(item.text for item in result.content if isinstance(item, TextContent))


def plan_of(
    text: str, *, base: str = "", environ: Mapping[str, str] | None = None, path: Path | None = None
) -> Plan:
    """A capability text, compiled; every namespace is called at `base`."""
    capability = model.parse(document.parse(text, "cap.yaml", path))
    uris = {upstream.namespace: base for upstream in capability.upstreams} if base else {}
    return compile_capability(capability, bindings.resolve(capability, environ or {}), base_uris=uris)


@asynccontextmanager
async def running(
    text: str,
    answer: Script | Mapping[str, Any] | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    base_path: str = "",
    base: str = "",
    path: Path | None = None,
    engine: app.EngineOptions | None = None,
) -> AsyncIterator[Whole]:
    """The capability, served for as long as the block lasts. `base` leads to another upstream than this one."""
    respond = answer if callable(answer) else script(answer or {})

    async def answered(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        found = respond(seen)
        return await found if isinstance(found, Awaitable) else found

    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(serving(answered))
        plan = plan_of(text, base=base or upstream.url + base_path, environ=environ, path=path)
        runner = await stack.enter_async_context(app.open_engine(plan, options=engine))
        urls: dict[str, str] = {}
        for listener in plan.listeners:
            edge = registry.find("adapter", listener.type)(listener, runner, EdgeOptions(version="test"))
            await stack.enter_async_context(edge.running())
            (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
            stack.callback(bound.close)
            server = server_for(edge.app, grace=5)
            await server.open(bound)
            stack.push_async_callback(server.finish)
            urls[listener.type] = f"http://127.0.0.1:{port_of(bound)}{edge.endpoint}"
        rest = None
        if "rest" in urls:
            rest = await stack.enter_async_context(httpx.AsyncClient(base_url=urls["rest"]))
        yield Whole(plan, upstream, rest, urls.get("mcp", ""))
