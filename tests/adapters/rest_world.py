"""An engine without upstreams, and listeners whose flows echo what reached them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import httpx

from capspec.adapters.rest.adapter import build
from capspec.clock import Clock, SystemClock
from capspec.edge import Edge, EdgeOptions
from capspec.events import Event, EventStream
from capspec.plan import Call, Flow, Guard, Input, Listener, Location, PathVariable, Plan, Result
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from capspec.values import MISSING, Json, Missing

Behaviour = Callable[[Call], Awaitable[Result]]


@dataclass
class FakeOutput:
    identity: bool = False


@dataclass
class FakeEngine:
    """Implements plan.Engine: each flow's name finds what it does; the others echo."""

    plan: Plan
    behaviours: Mapping[str, Behaviour] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    events: EventStream = field(default_factory=EventStream)
    calls: list[Call] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events.observers.append(self.heard.append)

    async def run(self, call: Call) -> Result:
        self.calls.append(call)
        return await self.behaviours.get(call.flow.name, echo)(call)


async def echo(call: Call) -> Result:
    extra = call.extra
    value: dict[str, Json] = {"flow": call.flow.name, "arguments": dict(call.arguments)}
    if extra.query:
        value["query"] = extra.query
    if extra.json is not MISSING:
        value["json"] = extra.json
    if extra.body is not None:
        assert isinstance(extra.body, bytes)
        value["body"] = extra.body.decode("latin-1")
        value["content_type"] = extra.content_type
    return Result(value=value)


def parts(text: str) -> tuple[str | PathVariable, ...]:
    """`/a/{b}/{c+}` to the parts that a plan has."""
    found: list[str | PathVariable] = []
    for piece in re.split(r"(\{[^}]*\})", text):
        if piece.startswith("{"):
            found.append(PathVariable(name=piece[1:-1].rstrip("+"), greedy=piece.endswith("+}")))
        elif piece:
            found.append(piece)
    return tuple(found)


def make_input(
    name: str,
    location: Location = "query",
    kind: str = "string",
    *,
    wire: str = "",
    required: bool = False,
    whole: bool = False,
    constant: Json | Missing = MISSING,
    **schema: Json,
) -> Input:
    return Input(
        name=name,
        argument=name,
        schema={**({"type": kind} if kind else {}), **schema},
        required=required,
        location=location,
        wire=wire or name,
        whole=whole,
        constant=constant,
    )


def make_flow(route: str, *inputs: Input, name: str = "", identity: bool = False, **more: Any) -> Flow:
    """A flow of `GET /a/{b}`. Placeholders without an input get one."""
    method, path = route.split(" ", 1)
    known = {item.wire for item in inputs if item.location == "path"}
    variables = [part.name for part in parts(path) if isinstance(part, PathVariable)]
    spare = [make_input(item, "path", required=True) for item in variables if item not in known]
    return Flow(
        name=name or route,
        published=more.pop("published", "") or re.sub(r"\W+", "-", name or route),
        method=method,
        path=parts(path),
        inputs=(*inputs, *spare),
        input_schema={},
        validate=lambda arguments: [],
        output=cast("Any", FakeOutput(identity)),
        **more,
    )


def make_listener(*flows: Flow, guard: Guard | None = None, description: str = "") -> Listener:
    return Listener(
        type="rest",
        namespace="world-rest",
        address="",
        port=None,
        transport="http",
        description=description,
        flows=flows,
        guard=guard,
        spec=cast("Any", None),
        place=cast("Any", None),
    )


def make_plan(listener: Listener) -> Plan:
    return cast("Plan", FakePlan(listeners=(listener,)))


@dataclass
class FakePlan:
    """The part of a plan that the adapter reads."""

    listeners: tuple[Listener, ...]
    name: str = "world"
    title: str = "The World"
    description: str = "All of it."
    version: str = "3.1.4"
    contact: tuple[str, str] = ("", "")


@dataclass
class World:
    """A served listener: a client for it, and the engine behind it."""

    client: httpx.AsyncClient
    engine: FakeEngine
    edge: Edge
    port: int


def _edge(
    flows: tuple[Flow, ...], guard: Guard | None, limit: int, behaviours: Mapping[str, Behaviour]
) -> Any:
    listener = make_listener(*flows, guard=guard)
    engine = FakeEngine(make_plan(listener), behaviours)
    return build(listener, cast("Any", engine), EdgeOptions(max_request_bytes=limit)), engine


@asynccontextmanager
async def serving(
    *flows: Flow, guard: Guard | None = None, limit: int = 2**20, mount: str = "", **behaviours: Behaviour
) -> AsyncIterator[World]:
    """The flows behind a real server. `behaviours` are by the flows' names."""
    edge, engine = _edge(flows, guard, limit, behaviours)

    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await edge.app({**scope, "root_path": mount}, receive, send)

    async with AsyncExitStack() as stack:
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        stack.callback(bound.close)
        server = server_for(mounted if mount else edge.app)
        await server.open(bound)
        stack.push_async_callback(server.finish)
        base = f"http://127.0.0.1:{port_of(bound)}{mount}"
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=base, timeout=10))
        yield World(client, engine, edge, port_of(bound))


@asynccontextmanager
async def in_memory(*flows: Flow, **behaviours: Behaviour) -> AsyncIterator[World]:
    """The same without a server, for what no server can break: a tenth of a second less to close."""
    edge, engine = _edge(flows, None, 2**20, behaviours)
    async with httpx.AsyncClient(base_url="http://test", transport=httpx.ASGITransport(edge.app)) as client:
        yield World(client, engine, edge, 0)


def gives(**result: Any) -> Behaviour:
    """A behaviour that always has the same result."""

    async def behave(call: Call) -> Result:
        return Result(**result)

    return behave


def raises(error: BaseException) -> Behaviour:
    async def behave(call: Call) -> Result:
        raise error

    return behave


AGE = make_input("age", "body", "integer")
