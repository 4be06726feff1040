"""A capability with skills, served by the skill adapter alone, and a client that sends what it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from capspec import app, registry
from capspec.edge import EdgeOptions
from capspec.plan import Plan
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from tests.whole import plan_of

ORDERS = """\
capspec: "1"
info: {label: Orders, description: What a shop sells.}
capability:
  consumes:
    - namespace: shop
      type: http
      baseUri: https://shop.example.com
      resources:
        - path: /orders/{id}
          operations:
            - name: get-order
              method: GET
              inputParameters: [{name: verbose, in: query, type: boolean}]
        - path: /orders
          operations: [{name: list-orders, method: GET}, {name: add-order, method: POST}]
  exposes:
    - type: skill
      port: 0
      namespace: shop-skills
      skills:
        - name: order-management
          description: Handle the orders of a shop.
          license: Apache-2.0
          compatibility: Any client that speaks MCP.
          metadata: {author: somebody, version: 1.10}
          allowed-tools: list-orders get-order
          argument-hint: the number of an order
          location: file:///./orders
          tools:
            - name: list-orders
              description: List them all
              from: {sourceNamespace: shop-rest, action: list-orders}
            - {name: get-order, from: {sourceNamespace: shop-tools, action: get-order}}
            - {name: guide, description: How orders work, instruction: order-guide.md}
        - name: onboarding-guide
          description: How to begin.
          user-invocable: false
          disable-model-invocation: true
    - type: rest
      port: 0
      namespace: shop-rest
      resources:
        - {path: /orders, operations: [{name: list-orders, method: GET, call: shop.list-orders}]}
    - type: mcp
      port: 0
      namespace: shop-tools
      tools:
        - name: get-order
          description: Get one order
          inputParameters:
            - {name: id, type: string, required: true, description: "Its number | as printed"}
            - {name: verbose, type: boolean, required: false, description: Everything about it}
          call: shop.get-order
          outputParameters:
            - {name: total, type: number, mapping: $.total, description: What it costs}
        - {name: list-all, description: List all orders, call: shop.list-orders}
"""

GUIDE = b"# Orders\n\nEach has a number.\n"
PICTURE = b"\x89PNG\r\n\x1a\n\x00\xff"


def folder(root: Path, *, manual: bytes | None = None) -> Path:
    """The files of the skill `order-management`, next to a secret that is none of them."""
    (root / "secret.txt").write_text("do not tell", "utf-8")
    found = root / "orders"
    (found / "assets").mkdir(parents=True)
    (found / "order-guide.md").write_bytes(GUIDE)
    (found / "assets" / "logo.png").write_bytes(PICTURE)
    if manual is not None:
        (found / "SKILL.md").write_bytes(manual)
    return found


def write(root: Path, text: str = ORDERS, *, manual: bytes | None = None) -> Path:
    """The capability in a file of its own, with the folder beside it."""
    folder(root, manual=manual)
    path = root / "orders.yaml"
    path.write_text(text, "utf-8")
    return path


@dataclass
class World:
    """A served skill listener."""

    client: httpx.AsyncClient
    plan: Plan
    port: int

    async def raw(self, target: str, method: str = "GET", **headers: str) -> tuple[int, bytes]:
        """The status and the body of a request whose target is sent as it is."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        lines = [f"{method} {target} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", "Connection: close"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
        try:
            answer = await reader.read()
        finally:
            writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


@asynccontextmanager
async def serving(
    root: Path,
    text: str = ORDERS,
    *,
    manual: bytes | None = None,
    environ: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    """The capability's skills, for as long as the block lasts."""
    path = write(root, text, manual=manual)
    plan = plan_of(text, path=path, environ=environ)
    (listener,) = (item for item in plan.listeners if item.type == "skill")
    async with AsyncExitStack() as stack:
        engine = await stack.enter_async_context(app.open_engine(plan))
        edge = registry.find("adapter", "skill")(listener, engine, EdgeOptions())
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        stack.callback(bound.close)
        server = server_for(edge.app, grace=5)
        await server.open(bound)
        stack.push_async_callback(server.finish)
        base = f"http://127.0.0.1:{port_of(bound)}"
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=30))
        yield World(client, plan, port_of(bound))
