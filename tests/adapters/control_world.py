"""Capability files that are served with a control adapter, as `capspec serve` does it, within the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import yaml
from mcp import Client

from capspec import app
from capspec.cli.loading import Surroundings, load_one
from capspec.cli.renewing import Renewing
from capspec.edge import EdgeOptions
from capspec.serving.serving import ServeOptions, Serving, serve
from tests.upstreams import Answer, Server, serving

CONSUMES = """
- namespace: up
  type: http
  baseUri: http://up.test
  resources:
  - path: /things/{id}
    operations:
    - name: get-thing
      method: GET
      inputParameters: [{name: key, in: query, value: '{{UP_KEY}}'}]
"""
REST = """
type: rest
port: 0
namespace: things
resources:
- path: /t/{id}
  operations: [{method: GET, name: read-thing, call: up.get-thing}]
"""
MCP = """
type: mcp
port: 0
namespace: agent
tools: [{name: get-thing, description: Get a thing, call: up.get-thing}]
"""
EVERYTHING = """
management: {info: true, validate: true, reload: true, logs: {stream: true}, scripting: {timeout: 1000}}
"""
SECRET = "k3y-of-the-upstream"
PATIENCE = 20


def capability(control: str = "", *, listeners: Sequence[str] = (REST, MCP), label: str = "Things") -> str:
    """The text of a capability; `control` are the blocks of its control adapter."""
    adapter = {"type": "control", "port": 0, **(yaml.safe_load(control) or {})}
    return json.dumps(
        {
            "capspec": "1",
            "info": {"label": label},
            "capability": {
                "consumes": yaml.safe_load(CONSUMES),
                "exposes": [*map(yaml.safe_load, listeners), adapter],
            },
        }
    )


@dataclass
class World:
    """What is served. `file` may be changed."""

    file: Path
    upstream: Server
    serving: Serving
    client: httpx.AsyncClient
    engines: app.Engines
    finished: asyncio.Task[None]
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    def url(self, kind: str, capability: int = 0) -> str:
        engine = self.serving.engines[capability]
        return next(
            url
            for url, mount in self.serving.mounts
            if mount.kind == kind and not mount.merged and mount.members[0].engine is engine
        )

    async def control(self, path: str, method: str = "GET", **options: Any) -> httpx.Response:
        return await self.client.request(method, self.url("control") + path, **options)

    async def read(self, thing: str = "1", **options: Any) -> httpx.Response:
        return await self.client.get(f"{self.url('rest')}/t/{thing}", **options)

    def write(self, text: str) -> None:
        self.file.write_text(text, "utf-8")

    async def reload(self) -> httpx.Response:
        return await self.control("/config/reload", "POST")

    async def tools(self) -> list[str]:
        async with Client(self.url("mcp")) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    async def figures(self, name: str) -> dict[str, float]:
        """The samples of a metric, by their labels as they are written."""
        text = (await self.control("/metrics")).text
        samples = (line.rpartition(" ") for line in text.splitlines() if line.startswith(f"{name}{{"))
        return {sample.removeprefix(name): float(value) for sample, _, value in samples}

    async def traces(self, **query: str) -> list[dict[str, Any]]:
        answer = await self.control("/traces", params=query)
        found: list[dict[str, Any]] = answer.json()["traces"]
        return found

    async def trace(self) -> list[dict[str, Any]]:
        """The spans of the last trace."""
        last = (await self.traces())[0]
        spans: list[dict[str, Any]] = (await self.control(f"/traces/{last['traceId']}")).json()["spans"]
        return spans


@asynccontextmanager
async def controlled(
    folder: Path,
    *texts: str,
    answer: Answer,
    options: ServeOptions | None = None,
    environ: Mapping[str, str] | None = None,
    strict: bool = False,
) -> AsyncIterator[World]:
    """The capabilities, served for as long as the block lasts."""
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(serving(answer))
        files = [folder / f"things{number or ''}.yaml" for number, _ in enumerate(texts)]
        for file, text in zip(files, texts, strict=True):
            file.write_text(text, "utf-8")
        given = {"UP_KEY": SECRET} if environ is None else environ
        around = Surroundings(environ=given, base_uris={"up": upstream.url})
        plans = [load_one(str(file), around) for file in files]
        engines = await stack.enter_async_context(app.open_engines(plans, app.EngineOptions()))
        renewal = Renewing(engines, around, lambda secrets: None, strict=strict)
        client = await stack.enter_async_context(httpx.AsyncClient(timeout=PATIENCE))
        ready, stop = asyncio.Future[Serving](), asyncio.Event()
        chosen = options or ServeOptions(edge=EdgeOptions(version="1.2.3"))
        served = asyncio.create_task(serve(engines.running, chosen, stop, ready.set_result, renewal))
        stack.push_async_callback(_stopped, stop, served)
        either: list[asyncio.Future[Any]] = [served, ready]
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        if not ready.done():
            await served
        yield World(files[0], upstream, ready.result(), client, engines, served, stop)


async def _stopped(stop: asyncio.Event, served: asyncio.Task[None]) -> None:
    stop.set()
    async with asyncio.timeout(PATIENCE):
        await served
