"""A capability that starts jobs at a scripted provider, served over MCP."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from textwrap import indent
from typing import Any, cast

import httpx
import mcp.types as types
from mcp import Client

from capspec import app
from capspec.adapters.mcp.adapter import build_merged
from capspec.clock import Clock, VirtualClock
from capspec.edge import Edge, EdgeOptions
from capspec.engine import CallEngine
from capspec.events import Event, EventStream
from capspec.plan import Engine, Flow, Guard, Listener
from tests.adapters.mcp_world import served
from tests.adapters.rest_jobs_world import POLL, Script, answering
from tests.upstreams import Server
from tests.upstreams import serving as serving_upstream
from tests.whole import plan_of

KEY = "sesame-0123456789"
TEXT = """
capspec: "1"
info: {title: Studio}
binds:
- {namespace: env, keys: {MAKER_KEY: MAKER_KEY}}
capability:
  consumes:
  - namespace: maker
    baseUri: http://maker.test
    authentication: {type: apikey, in: header, name: X-Key, value: "{{MAKER_KEY}}"}
    resources:
    - path: /jobs
      operations:
      - name: make
        method: POST
        inputParameters: [{name: prompt, in: body, type: string, required: true}]
        poll:
%s
%s
      - {name: other, method: PUT, poll: {id: $.id, request: {uri: "/jobs/{{id}}"}, interval: 1s,
         status: {path: $.status, success: [done]}, result: {path: $.result}}}
      - {name: look, method: GET}
  exposes:
  - type: mcp
    namespace: studio
    port: 1
    tools:
%s
"""
TOOLS = """
- {name: make picture, description: Makes a picture., call: maker.make}
- {name: other, call: maker.other}
"""
SHAPED = """
- {name: make, call: maker.make, outputParameters: [{type: object, properties: {
   picture: {type: string, mapping: $.url}, seed: {type: integer, mapping: $.seed}}}]}
"""
PROMPT = {"prompt": "a hat"}
CALL: dict[str, Any] = {"name": "make-picture", "arguments": PROMPT}
SECRET = "a secret that all replicas have"

MODERN = "2026-07-28"
LEGACY = "2025-11-25"
TASKS = "io.modelcontextprotocol/tasks"
_ACCEPT = {"accept": "application/json, text/event-stream", "content-type": "application/json"}


@dataclass
class McpJobWorld:
    """The capability, served: clients for it, and the provider behind it."""

    url: str
    http: httpx.AsyncClient
    upstream: Server
    engine: CallEngine
    edge: Edge
    heard: list[Event]

    def asked(self, line: str = "GET /jobs/j1") -> int:
        """How often the provider was asked that."""
        return sum(f"{seen.method} {seen.path}" == line for seen in self.upstream.requests)

    async def call(
        self, name: str = "make-picture", *, mode: str = MODERN, progress: Any = None, **arguments: Any
    ) -> types.CallToolResult:
        """A tool's result through the official client, which checks it against the declared schema."""
        async with Client(self.url, mode=mode) as client:
            await client.list_tools()
            given = arguments or (PROMPT if name.startswith("make") else {})
            return await client.call_tool(name, given, progress_callback=progress)

    async def tools(self, mode: str = MODERN) -> dict[str, types.Tool]:
        async with Client(self.url, mode=mode) as client:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

    async def raw(self, mode: str, method: str, **params: Any) -> dict[str, Any]:
        """The whole answer to a request, in either era; no extension is declared."""
        return await (
            self.modern(method, tasks=False, **params) if mode == MODERN else self.legacy(method, **params)
        )

    async def modern(self, method: str, *, tasks: bool = True, **params: Any) -> dict[str, Any]:
        """The whole answer to a request of 2026-07-28; `tasks` declares the extension."""
        return body_of(await self.post_modern(method, tasks=tasks, **params))

    async def post_modern(
        self, method: str, *, tasks: bool = True, headers: Mapping[str, str] | None = None, **params: Any
    ) -> httpx.Response:
        envelope = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}} if tasks else {},
        }
        name = params.get("taskId") or params.get("name")
        named = {"mcp-name": name} if name else {}
        sent = {**_ACCEPT, "mcp-protocol-version": MODERN, "mcp-method": method, **named, **(headers or {})}
        return await self._post(
            {key: value for key, value in sent.items() if value}, method, params, envelope
        )

    async def legacy(
        self, method: str, *, version: str = LEGACY, headers: Mapping[str, str] | None = None, **params: Any
    ) -> dict[str, Any]:
        """The whole answer to a request of a revision with a handshake."""
        sent = {**_ACCEPT, "mcp-protocol-version": version, **(headers or {})}
        return body_of(await self._post(sent, method, params, {}))

    async def _post(
        self, headers: Mapping[str, str], method: str, params: Mapping[str, Any], envelope: Mapping[str, Any]
    ) -> httpx.Response:
        meta = {**envelope, **params.get("_meta", {})}
        given = {**params, **({"_meta": meta} if meta else {})}
        message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": given}
        return await self.http.post("", headers=headers, json=message)


def body_of(response: httpx.Response) -> dict[str, Any]:
    """The last JSON-RPC message of an answer, however it was sent."""
    text = response.text
    if response.headers["content-type"].startswith("text/event-stream"):
        text = [line[5:] for line in text.splitlines() if line.startswith("data:")][-1]
    return cast("dict[str, Any]", json.loads(text))


def text_of(result: types.CallToolResult) -> str:
    """The text that comes first in a result."""
    block = result.content[0]
    assert isinstance(block, types.TextContent)
    return block.text


def content_of(result: types.CallToolResult) -> dict[str, Any]:
    return cast("dict[str, Any]", result.structured_content)


def job_text(
    *,
    poll: str = "",
    interval: str = "1s",
    result: str = "{path: $.result}",
    more: str = "",
    tools: str = TOOLS,
) -> str:
    """The capability's text. `more` are lines of the operation besides `poll`."""
    block = f"{POLL}interval: {interval}\nresult: {result}\n{poll}"
    return TEXT % (indent(block, " " * 10), indent(more, " " * 8), indent(tools, " " * 4))


@asynccontextmanager
async def mcp_job_world(
    script: Script,
    *,
    clock: Clock | None = None,
    secret: str = "",
    guard: Guard | None = None,
    options: EdgeOptions | None = None,
    upstream: Server | None = None,
    change: Callable[[Flow], Flow] = lambda flow: flow,
    **text: str,
) -> AsyncIterator[McpJobWorld]:
    """The capability. `upstream` is one that is there already, `change` is done to each tool; the rest are parts
    of the text.
    """
    async with AsyncExitStack() as stack:
        if upstream is None:
            upstream = await stack.enter_async_context(serving_upstream(answering(script)))
        plan = plan_of(job_text(**text), base=upstream.url, environ={"MAKER_KEY": KEY})
        assert not plan.warnings, plan.warnings
        heard: list[Event] = []
        engine = await stack.enter_async_context(
            app.open_engine(
                plan,
                clock=clock or VirtualClock(),
                events=EventStream([heard.append]),
                options=app.EngineOptions(handle_secret=secret),
            )
        )
        targets: list[tuple[Listener, Engine]] = [
            (replace(listener, guard=guard, flows=tuple(map(change, listener.flows))), engine)
            for listener in plan.listeners
        ]
        edge = build_merged(targets, options or EdgeOptions(version="test"))
        url = await stack.enter_async_context(served(edge))
        http = await stack.enter_async_context(httpx.AsyncClient(base_url=url, timeout=10))
        yield McpJobWorld(url, http, upstream, engine, edge, heard)
