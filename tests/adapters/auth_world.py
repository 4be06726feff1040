"""A capability with one guard on each of its adapters, served as the command serves it; and ways to knock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any

import httpx

from capspec import app
from capspec.events import CallersUnchecked, Event
from capspec.plan import Plan
from capspec.serving.serving import ServeOptions, serve
from capspec.serving.sockets import open_sockets, port_of
from tests.whole import plan_of

KINDS = ("rest", "mcp")

_TEXT = """
capspec: "1"
binds: [{{namespace: env, keys: {{TOKEN: TOKEN, SECRET: SECRET}}}}]
capability:
  exposes:
  - type: rest
    namespace: ns
    port: {rest}
{rest_block}
    resources:
    - path: /m
      operations: [{{method: GET, name: m, outputParameters: [{{name: a, type: string, value: b}}]}}]
  - type: mcp
    namespace: ms
    port: {mcp}
{mcp_block}
    tools: [{{name: t, description: d, outputParameters: [{{name: a, type: string, value: b}}]}}]
"""
_LIST = {"jsonrpc": "2.0", "method": "tools/list", "params": {}, "id": 1}
_ACCEPT = {"accept": "application/json, text/event-stream", "mcp-protocol-version": "2025-06-18"}


@dataclass
class Guarded:
    """What is served: the URL of each adapter, which is its resource, and what was told to the log."""

    plan: Plan
    urls: dict[str, str]
    client: httpx.AsyncClient
    heard: list[Event] = field(default_factory=list)

    async def knock(self, kind: str, token: str = "", **options: Any) -> httpx.Response:
        """A request that is answered with 200 when its caller is admitted."""
        headers = options.pop("headers", {}) | ({"authorization": f"Bearer {token}"} if token else {})
        if kind == "rest":
            return await self.client.get(f"{self.urls['rest']}/m", headers=headers, **options)
        headers = {**_ACCEPT, **headers}
        return await self.client.post(self.urls["mcp"], headers=headers, json=_LIST, **options)

    @property
    def unchecked(self) -> list[str]:
        return [event.reason for event in self.heard if isinstance(event, CallersUnchecked)]


def free_ports(count: int) -> list[int]:
    """Ports that nobody had a moment ago: a resource's URL must be known before it is served."""
    sockets = open_sockets("127.0.0.1", [(0, "the test")] * count)
    ports = [port_of(bound) for bound in sockets]
    for bound in sockets:
        bound.close()
    return ports


@asynccontextmanager
async def guarded(
    block: str, *, environ: Mapping[str, str] | None = None, one_port: bool = False
) -> AsyncIterator[Guarded]:
    """The capability, served. `{resource}` in the block is the URL of the adapter that it guards."""
    rest, mcp = free_ports(2)
    origins = {"rest": f"http://127.0.0.1:{rest}", "mcp": f"http://127.0.0.1:{mcp}/mcp"}
    if one_port:
        origins = {
            "rest": f"http://127.0.0.1:{rest}/capability",
            "mcp": f"http://127.0.0.1:{rest}/capability/mcp",
        }
    blocks = {
        f"{kind}_block": indent(f"authentication:\n{indent(block, '  ')}", "    ").replace(
            "{resource}", origins[kind]
        )
        for kind in KINDS
    }
    plan = plan_of(_TEXT.format(rest=rest, mcp=mcp, **blocks), environ=environ)
    options = ServeOptions(port=rest if one_port else None)
    async with AsyncExitStack() as stack:
        events = app.new_events()
        engine = await stack.enter_async_context(app.open_engine(plan, events=events))
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=20))
        world = Guarded(plan, origins, client)
        events.observers.append(world.heard.append)
        ready, stop = asyncio.Event(), asyncio.Event()
        served = asyncio.create_task(serve([engine], options, stop, lambda serving: ready.set()))
        waiting = asyncio.create_task(ready.wait())
        await asyncio.wait({served, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        stack.push_async_callback(_stopped, stop, served)
        if served.done():
            await served
        yield world


async def _stopped(stop: asyncio.Event, served: asyncio.Task[None]) -> None:
    stop.set()
    await served
