"""One capability text over every way that MCP is served: both eras, HTTP, stdio, and merged with others."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from capspec import app
from capspec.adapters.mcp.adapter import build_merged
from capspec.edge import EdgeOptions
from capspec.events import Event, EventStream
from capspec.plan import Plan
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of

ERAS = ("2026-07-28", "legacy")
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}


@asynccontextmanager
async def over_stdio(
    path: Path, mode: str, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Client]:
    """A client of `capspec serve --stdio`."""
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "capspec", "serve", "--stdio", "--log-level", "error", str(path)],
        env={"PYTHONPATH": os.pathsep.join(sys.path), **(environ or {})},
    )
    async with Client(server, mode=mode) as client:
        yield client


@asynccontextmanager
async def merged(plans: Sequence[Plan]) -> AsyncIterator[tuple[str, list[Event]]]:
    """The MCP listeners of several capabilities on one endpoint: its URL, and what was heard."""
    heard: list[Event] = []
    async with AsyncExitStack() as stack:
        targets = []
        for plan in plans:
            engine = await stack.enter_async_context(
                app.open_engine(plan, events=EventStream([heard.append]))
            )
            targets += [(listener, engine) for listener in plan.listeners]
        edge = build_merged(targets, EdgeOptions(version="test"))
        await stack.enter_async_context(edge.running())
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        stack.callback(bound.close)
        server = server_for(edge.app, grace=5)
        await server.open(bound)
        stack.push_async_callback(server.finish)
        yield f"http://127.0.0.1:{port_of(bound)}{edge.endpoint}", heard


async def ask(
    url: str, method: str, params: Mapping[str, Any] | None = None, token: str = ""
) -> dict[str, Any]:
    """One request of the newest revision, for callers that show who they are; the JSON-RPC answer."""
    params = dict(params or {})
    headers = {
        "accept": "application/json, text/event-stream",
        "mcp-protocol-version": "2026-07-28",
        "mcp-method": method,
    }
    if name := params.get("name") or params.get("uri"):
        headers["mcp-name"] = name
    if token:
        headers["authorization"] = f"Bearer {token}"
    message = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {**params, "_meta": ENVELOPE}}
    async with httpx.AsyncClient() as http:
        answer = await http.post(url, headers=headers, json=message)
        found: dict[str, Any] = json.loads(answer.text)
        return found


async def capabilities_of(client: Client, url: str, era: str) -> dict[str, Any]:
    """What the server announces in an era of the protocol."""
    if era == "legacy":
        assert client.server_capabilities is not None
        return client.server_capabilities.model_dump(exclude_none=True)
    found: dict[str, Any] = (await ask(url, "server/discover"))["result"]["capabilities"]
    return found
