"""Clients that ask for a large answer and do not read it."""

from __future__ import annotations

import asyncio
import socket

import httpx
import pytest

from capspec import app, registry
from capspec.adapters.rest import adapter
from capspec.edge import EdgeOptions
from tests.adapters.mcp_world import served
from tests.upstreams import Seen, serving
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

TEXT = """
capspec: "1"
capability:
  consumes:
  - {namespace: up, baseUri: "http://up.test", resources: [{path: /x, operations: [{name: op, method: GET}]}]}
  exposes:
  - {type: rest, namespace: r, port: 2, resources: [{path: /x, operations: [{name: x, method: GET, call: up.op}]}]}
"""


async def endless(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
    head = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n"
    writer.write(head.encode())
    while True:
        writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await writer.drain()


async def test_a_client_that_does_not_read_gives_its_connection_upstream_back(
    monkeypatch: pytest.MonkeyPatch,
):
    monkeypatch.setattr(adapter, "STALLED", 0.2)
    async with serving(endless) as upstream, app.open_engine(plan_of(TEXT, base=upstream.url)) as engine:
        (listener,) = engine.plan.listeners
        edge = registry.find("adapter", "rest")(listener, engine, EdgeOptions(version="test"))
        async with served(edge) as url:
            where = httpx.URL(url)
            with socket.socket() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect((where.host, where.port))
                client.sendall(b"GET /x HTTP/1.1\r\nHost: localhost\r\n\r\n")
                await upstream.until(lambda: upstream.connections == 1)
                await upstream.until(lambda: upstream.open == 0)
