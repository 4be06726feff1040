"""Pairs of files to one server each, asked over HTTP for a sample of what both offer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from capspec import registry
from capspec.corpus.arguments import synthetic_arguments
from capspec.corpus.caller import rest_request
from capspec.corpus.checking import Loaded, load
from capspec.corpus.probing import opened
from capspec.corpus.upstream import RecordingUpstream, Sent
from capspec.engine import CallEngine
from capspec.plan import Flow
from capspec.serving.listening import Mount
from capspec.serving.serving import ServeOptions, Serving, serve
from capspec.values import Json
from capspec.wire import Request, Transport

_SAMPLE = 5
"""Flows of each adapter that are asked for."""


@dataclass(slots=True, kw_only=True)
class Served:
    """What came of serving: how many pairs, how many tools were listed, and calls answered; what was wrong.

    `list_seconds` is how long the slowest `tools/list` took.
    """

    pairs: int = 0
    tools: int = 0
    calls: int = 0
    list_seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)

    @property
    def facts(self) -> dict[str, Json]:
        return {
            "pairs": self.pairs,
            "tools": self.tools,
            "calls": self.calls,
            "list_seconds": round(self.list_seconds, 3),
            "wrong": self.wrong,
        }


@dataclass(frozen=True, slots=True)
class _Running:
    loaded: Loaded
    engine: CallEngine
    upstream: RecordingUpstream


async def check_served(paths: Sequence[str]) -> Served:
    """Serve the files two at a time, as neighbours on one port, and ask each for some of what it offers."""
    served = Served()
    async with AsyncExitStack() as stack:
        client: Transport = registry.find("transport", "httpx")()
        stack.push_async_callback(client.close)
        for pair in (paths[first : first + 2] for first in range(0, len(paths), 2)):
            served.pairs += 1
            async with _running(pair) as (running, serving):
                for url, mount in serving.mounts:
                    if not mount.merged:
                        await _Visit(running[id(mount.members[0].engine)], url, mount, client, served).all()
    return served


@asynccontextmanager
async def _running(paths: Sequence[str]) -> AsyncIterator[tuple[Mapping[int, _Running], Serving]]:
    """The files, served on a free port; by the identity of their engines."""
    async with AsyncExitStack() as stack:
        running: dict[int, _Running] = {}
        for number, path in enumerate(paths):
            loaded = load(path, f"file{number}")
            upstream = RecordingUpstream(loaded.host)
            engine = await stack.enter_async_context(opened(loaded.plan, upstream))
            running[id(engine)] = _Running(loaded, engine, upstream)
        stop = asyncio.Event()
        ready: asyncio.Future[Serving] = asyncio.get_running_loop().create_future()
        engines = [item.engine for item in running.values()]
        task = asyncio.create_task(serve(engines, ServeOptions(port=0, grace=5), stop, ready.set_result))
        try:
            first: list[asyncio.Future[Any]] = [task, ready]
            await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                task.result()
            yield running, await ready
        finally:
            stop.set()
            await asyncio.gather(task, return_exceptions=True)


@dataclass(slots=True)
class _Visit:
    """One adapter, asked as its clients would."""

    running: _Running
    url: str
    mount: Mount
    client: Transport
    served: Served

    async def all(self) -> None:
        listener = self.mount.members[0].listener
        flows = [flow for flow in listener.flows if not flow.unavailable]
        chosen = [flow for flow in flows if flow.calls and not flow.block.tasks[1:]][:_SAMPLE]
        if self.mount.kind == "rest":
            for flow in chosen:
                await self._rest(flow)
        elif self.mount.kind == "mcp":
            await self._mcp(flows, chosen)

    async def _rest(self, flow: Flow) -> None:
        method, target, headers, body = rest_request(flow, synthetic_arguments(flow).values)
        fields = tuple((name.decode("latin-1"), value.decode()) for name, value in headers if name != b"host")
        request = Request(method=method, url=self.url.rstrip("/") + target, headers=fields, body=body or None)
        self.running.upstream.take()
        response = await self.client.send(request)
        await response.close()
        self._judge(flow, f"HTTP {response.status}" if response.status >= 400 else "")

    async def _mcp(self, flows: Sequence[Flow], chosen: Sequence[Flow]) -> None:
        from mcp import Client  # noqa: PLC0415 - the SDK takes long to import

        async with Client(self.url) as agent:
            began = perf_counter()
            listed = {tool.name for tool in (await agent.list_tools()).tools}
            self.served.list_seconds = max(self.served.list_seconds, perf_counter() - began)
            self.served.tools += len(listed)
            if missing := {flow.published for flow in flows} - listed:
                self._note(f"{len(missing)} tools are not listed, such as {min(missing)}")
            for flow in chosen:
                self.running.upstream.take()
                result: Any = await agent.call_tool(flow.published, _published(flow))
                self._judge(flow, "the tool failed" if result.is_error else "")

    def _judge(self, flow: Flow, failure: str) -> None:
        self.served.calls += 1
        sent = self.running.upstream.take()
        if not sent:
            self._note(f"{flow.name} sent nothing ({failure or 'and did not fail'})")
        elif not _is_for(sent[0], flow):
            self._note(f"{flow.name} sent {sent[0].method} {sent[0].raw}")
        if self.running.upstream.astray:
            self._note(f"{flow.name} called another capability's upstream")

    def _note(self, what: str) -> None:
        self.served.wrong.append(f"{self.running.loaded.path}: {self.mount.kind}: {what}")


def _published(flow: Flow) -> dict[str, Json]:
    names = {item.name: item.argument for item in flow.inputs}
    return {names[name]: value for name, value in synthetic_arguments(flow).values.items()}


def _is_for(sent: Sent, flow: Flow) -> bool:
    operation = flow.calls[0]
    return sent.method == operation.method and sent.raw.startswith(operation.upstream.base_url)
