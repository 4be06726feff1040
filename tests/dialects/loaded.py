"""A capability text to what can be seen of it: its plan, its descriptions, and what its flows do."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from capspec import app, bindings, document, model
from capspec.adapters.mcp.prompts import compile_prompts
from capspec.adapters.mcp.server import build_server
from capspec.adapters.mcp.tools import compile_catalog
from capspec.adapters.rest.openapi import describe as describe_interface
from capspec.cli.description import describe
from capspec.compiler import compile_capability
from capspec.edge import EdgeOptions
from capspec.errors import CallError, Problem
from capspec.events import EventStream
from capspec.plan import Call, Engine, Flow, Listener, Plan, Resource
from capspec.values import Missing
from capspec.wire import Request, Response

ENVIRON = {"TOKEN": "t0ken", "OTHER": "0ther", "PROVIDER_TOKEN": "prov1der", "USER": "ada"}

THING = {
    "id": 7,
    "name": "Sloop",
    "tags": ["a", "b"],
    "deep": {"flag": "NL", "more": {"x": 1}},
    "list": [{"code": "x", "n": 1, "flag": "NL"}, {"code": "y", "n": 2, "flag": "FR"}],
}
"""What the upstream answers."""


@dataclass
class Upstream:
    """A transport that answers everything alike, and remembers what it was sent."""

    content: bytes = json.dumps(THING).encode()
    media_type: str = "application/json"
    status: int = 200
    challenge: str = ""
    requests: list[Request] = field(default_factory=list)

    async def send(self, request: Request) -> Response:
        self.requests.append(await request.whole())
        if self.challenge and len(self.requests) == 1:
            return Response(
                status=401, headers=(("www-authenticate", self.challenge),), chunks=_parts(b""), closer=_none
            )
        headers = (("content-type", self.media_type), ("content-length", str(len(self.content))))
        return Response(status=self.status, headers=headers, chunks=_parts(self.content), closer=_none)

    async def close(self) -> None:
        pass


@dataclass(frozen=True)
class Ran:
    """What came of a call: `value` for JSON, `content` for bytes, `code` for a failure."""

    status: int = 0
    value: Any = None
    content: bytes | None = None
    media_type: str = ""
    code: str = ""
    requests: tuple[Request, ...] = field(default=(), compare=False)

    @property
    def sent(self) -> Request:
        return self.requests[-1]


@dataclass(frozen=True)
class Loaded:
    """A capability in one dialect, compiled."""

    text: str
    plan: Plan
    capability: model.Capability

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self.plan.warnings

    def listener(self, kind: str) -> Listener:
        return next(item for item in self.plan.listeners if item.type == kind)

    def flow(self, kind: str, name: str = "get-thing") -> Flow:
        listener = self.listener(kind)
        read = (item.flow for item in listener.resources if isinstance(item, Resource))
        return next(item for item in (*listener.flows, *read) if item.name == name)

    @cached_property
    def inspected(self) -> dict[str, Any]:
        return describe(self.plan, ENVIRON)

    @cached_property
    def interface(self) -> dict[str, Any]:
        return describe_interface(self.listener("rest"), self.plan)

    @property
    def target(self) -> tuple[Listener, Engine]:
        return self.listener("mcp"), cast("Engine", SimpleNamespace(plan=self.plan, events=EventStream([])))

    @property
    def tools(self) -> dict[str, dict[str, Any]]:
        entries = compile_catalog([self.target]).entries
        return {
            name: entry.tool.model_dump(by_alias=True, exclude_none=True) for name, entry in entries.items()
        }

    @property
    def prompts(self) -> dict[str, dict[str, Any]]:
        entries = compile_prompts([self.target], cast("Any", None)).entries
        return {
            name: entry.listed.model_dump(by_alias=True, exclude_none=True) for name, entry in entries.items()
        }

    @property
    def server(self) -> Any:
        return build_server([self.target], EdgeOptions(version="test"))[0]

    def mocked(self) -> Any:
        """What the tool answers when nobody is called."""
        return load(self.text, mock=True).ran().value

    def ran(
        self,
        kind: str = "mcp",
        flow_name: str = "get-thing",
        upstream: Upstream | None = None,
        **arguments: Any,
    ) -> Ran:
        """A call of a flow; `id` is given where it is asked for."""
        flow = self.flow(kind, flow_name)
        if any(item.argument == "id" for item in flow.inputs):
            arguments.setdefault("id", "7")
        return asyncio.run(_run(self.plan, flow, kind, arguments, upstream or Upstream()))


def load(text: str, folder: Path | None = None, *, mock: bool = False) -> Loaded:
    """Raises CapspecError."""
    path = None if folder is None else folder / "cap.yaml"
    capability = model.parse(document.parse(text, "cap.yaml", path))
    plan = compile_capability(capability, bindings.resolve(capability, ENVIRON), mock=mock)
    return Loaded(text, plan, capability)


async def _run(plan: Plan, flow: Flow, kind: str, arguments: Mapping[str, Any], upstream: Upstream) -> Ran:
    async with app.open_engine(plan, transport=upstream) as engine:
        try:
            result = await engine.run(Call(flow=flow, arguments=arguments, listener=kind))
        except CallError as error:
            return Ran(code=error.code, value=str(error), requests=tuple(upstream.requests))
    return Ran(
        status=result.status,
        value=None if isinstance(result.value, Missing) else result.value,
        content=result.content,
        media_type=result.media_type,
        requests=tuple(upstream.requests),
    )


async def _parts(content: bytes) -> AsyncIterator[bytes]:
    yield content


async def _none() -> None:
    pass
