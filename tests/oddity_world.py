"""Small capability files, written as data, and what reaches the upstream when they are asked for something."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import yaml

from capspec import bindings, document, model, registry
from capspec.adapters.mcp.tools import compile_catalog
from capspec.compiler import compile_capability
from capspec.corpus.caller import Reply, exchange
from capspec.corpus.probing import opened
from capspec.corpus.upstream import RecordingUpstream, Sent
from capspec.edge import EdgeOptions
from capspec.engine import CallEngine
from capspec.plan import Call, Flow, Listener, Plan

HOST = "up.test"
BASE = f"http://{HOST}/base"


def operation(name: str = "op", method: str = "GET", **more: Any) -> dict[str, Any]:
    return {"name": name, "method": method, **more}


def consumed(path: str = "/x", *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A consumed API `up` with one resource."""
    resource = {"name": "things", "path": path, "operations": list(operations) or [operation()]}
    return {"type": "http", "namespace": "up", "baseUri": BASE, "resources": [resource], **more}


def exposed(path: str = "/r", method: str = "GET", call: str = "up.op", **more: Any) -> list[dict[str, Any]]:
    """The operation as REST operation `r` and as tool `t`; a `with` says `@.x` for both words."""
    route = {"name": "r", "method": method, "call": call, **_said(more, "rest")}
    tool = {"name": "t", "description": "d", "call": call, **_said(more, "tools")}
    return [
        {
            "type": "rest",
            "namespace": "n-rest",
            "port": 8080,
            "resources": [{"name": "rs", "path": path, "operations": [route]}],
        },
        {"type": "mcp", "namespace": "n-mcp", "port": 9090, "tools": [tool]},
    ]


def passing(**arguments: Any) -> dict[str, Any]:
    return {"with": arguments}


def _said(more: dict[str, Any], word: str) -> dict[str, Any]:
    return json.loads(json.dumps(more).replace("@.", f"{word}."))


def capability(
    consumes: Sequence[dict[str, Any]], exposes: Sequence[dict[str, Any]], **more: Any
) -> dict[str, Any]:
    inner: dict[str, Any] = {"consumes": list(consumes), "exposes": list(exposes)}
    return {"naftiko": "1.0.0-alpha2", "info": {"label": "Oddity"}, **more, "capability": inner}


def as_maps(data: Any) -> Any:
    """The same file as the newest dialect writes it: maps, where each entry of a list has a name of its own."""
    if isinstance(data, dict):
        found = {key: _mapped(key, as_maps(value)) for key, value in data.items()}
        if "naftiko" in found:
            del found["naftiko"]
            found = {"ikanos": "1.0.0-beta5", **found}
        return found
    return [as_maps(item) for item in data] if isinstance(data, list) else data


def _mapped(key: str, value: Any) -> Any:
    if key not in ("resources", "operations", "inputParameters", "tools") or not isinstance(value, list):
        return value
    names = [item.get("name") for item in value if isinstance(item, dict)]
    if not value or None in names or len(set(names)) != len(value):
        return value
    return {item["name"]: {name: inner for name, inner in item.items() if name != "name"} for item in value}


@dataclass
class World:
    """A file that runs on an upstream in memory."""

    plan: Plan
    engine: CallEngine
    upstream: RecordingUpstream

    def listener(self, kind: str) -> Listener:
        return next(item for item in self.plan.listeners if item.type == kind)

    def flow(self, kind: str, name: str = "") -> Flow:
        return next(item for item in self.listener(kind).flows if name in ("", item.name))

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        """What tools/list shows: each tool's input schema by its name."""
        catalog = compile_catalog([(self.listener("mcp"), self.engine)])
        return {tool.name: dict(tool.input_schema) for tool in catalog.list(frozenset({0})).tools}

    @property
    def warnings(self) -> str:
        return "\n".join(map(str, self.plan.warnings))

    async def tool(self, arguments: Mapping[str, Any], name: str = "") -> Sent:
        await self.engine.run(Call(flow=self.flow("mcp", name), arguments=dict(arguments)))
        return self.sent

    async def rest(self, line: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Reply:
        """A request such as `GET /r/1?q=2`, with a body in JSON, or of bytes."""
        method, _, target = line.partition(" ")
        parts = urlsplit(target)
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        fields = {
            "host": "localhost",
            **({"content-type": "application/json"} if content else {}),
            **(headers or {}),
        }
        if content:
            fields["content-length"] = str(len(content))
        app = registry.find("adapter", "rest")(self.listener("rest"), self.engine, EdgeOptions()).app
        pairs = [(name.encode(), value.encode()) for name, value in fields.items()]
        return await exchange(app, method, parts.path, parts.query, pairs, content)

    @property
    def sent(self) -> Sent:
        """The one request that was made since the last time."""
        taken = self.upstream.take()
        assert len(taken) == 1, [item.raw for item in taken]
        return taken[0]

    @property
    def nothing_sent(self) -> bool:
        return not self.upstream.take()


def line_of(sent: Sent) -> str:
    """`METHOD /path?query`, without the base."""
    parts = urlsplit(sent.raw)
    assert parts.netloc == HOST
    path = parts.path.removeprefix("/base")
    return f"{sent.method} {path}" + (f"?{parts.query}" if parts.query else "")


@asynccontextmanager
async def world(
    data: Mapping[str, Any],
    *,
    environ: Mapping[str, str] | None = None,
    base_uris: Mapping[str, str] | None = None,
) -> AsyncIterator[World]:
    text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)
    spec = model.parse(document.parse(text, "cap.yaml"))
    plan = compile_capability(spec, bindings.resolve(spec, environ or {}), base_uris=base_uris)
    upstream = RecordingUpstream(HOST)
    async with opened(plan, upstream) as engine:
        yield World(plan, engine, upstream)
