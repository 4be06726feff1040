"""An engine without upstreams, and one capability whose tools give every kind of result."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from capspec.clock import Clock, SystemClock
from capspec.edge import Edge, EdgeOptions
from capspec.errors import InputError, MissingSecret, Place, Problem, UpstreamTimeout
from capspec.events import Event, EventStream
from capspec.model import HintsSpec
from capspec.plan import Call, Flow, Guard, Input, Listener, Operation, Plan, Result
from capspec.serving.server import server_for
from capspec.serving.sockets import open_sockets, port_of
from capspec.values import Json
from capspec.wire import Headers

PLACE = Place("world.yaml", 1, 1)
SECRET = "sk-canary-0123456789"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

Behaviour = Callable[[Call], Awaitable[Result]]


@dataclass
class FakeEngine:
    """Implements plan.Engine: each flow's name finds what it does."""

    plan: Plan
    behaviours: Mapping[str, Behaviour]
    clock: Clock = field(default_factory=SystemClock)
    events: EventStream = field(default_factory=EventStream)
    calls: list[Call] = field(default_factory=list)
    heard: list[Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.events.observers.append(self.heard.append)

    async def run(self, call: Call) -> Result:
        self.calls.append(call)
        return await self.behaviours[call.flow.name](call)


def make_flow(
    name: str,
    *,
    published: str = "",
    title: str = "",
    description: str = "a tool",
    inputs: Mapping[str, Json] | None = None,
    output: Mapping[str, Json] | None = None,
    hints: HintsSpec = HintsSpec(),  # noqa: B008 - frozen
    missing: tuple[str, ...] = (),
    unavailable: str = "",
    calls: tuple[Operation, ...] = (),
    input_schema: Mapping[str, Json] | None = None,
) -> Flow:
    properties = dict(inputs or {})
    return Flow(
        name=name,
        published=published or name,
        title=title,
        description=description,
        inputs=tuple(Input(name=key, argument=key, schema=schema) for key, schema in properties.items()),
        input_schema=input_schema or {"type": "object", "properties": properties},
        validate=lambda arguments: [],
        output=cast("Any", None),
        output_schema=output,
        hints=hints,
        missing=missing,
        unavailable=unavailable,
        calls=calls,
    )


def make_target(
    pairs: Sequence[tuple[Flow, Behaviour]],
    *,
    capability: str = "world",
    namespace: str = "world-tools",
    guard: Guard | None = None,
    description: str = "Tools of the world.",
) -> tuple[Listener, FakeEngine]:
    listener = Listener(
        type="mcp",
        namespace=namespace,
        address="",
        port=None,
        transport="http",
        description=description,
        flows=tuple(flow for flow, _ in pairs),
        guard=guard,
        spec=cast("Any", None),
        place=PLACE,
    )
    plan = Plan(
        name=capability,
        title="The World",
        description="All of it.",
        version="3.1.4",
        upstreams=(),
        operations={},
        contacts=(),
        listeners=(listener,),
        missing=(),
        warnings=(),
        document=cast("Any", None),
        secrets=(SECRET,),
    )
    return listener, FakeEngine(plan, {flow.name: behaviour for flow, behaviour in pairs})


def gives(
    value: Json = ...,
    *,
    status: int = 200,
    content: bytes | None = None,
    media: str = "application/json",
    headers: Headers = (),
) -> Behaviour:
    """A behaviour that always has the same result."""

    async def behave(call: Call) -> Result:
        result = Result(status=status, content=content, headers=headers, media_type=media)
        if value is not ...:
            result.value = value
        return result

    return behave


def raises(error: Exception) -> Behaviour:
    async def behave(call: Call) -> Result:
        raise error

    return behave


async def add(call: Call) -> Result:
    return Result(value={"sum": call.arguments["a"] + call.arguments["b"]})


async def echo(call: Call) -> Result:
    return Result(value={"arguments": dict(call.arguments), "caller": call.principal.name})


async def count(call: Call) -> Result:
    for number in (1, 2, 2, 3):
        if call.progress is not None:
            await call.progress(number, 3, f"step {number}")
    return Result(value={"asked for progress": call.progress is not None})


def world() -> tuple[Listener, FakeEngine]:
    """One tool for each kind of result."""
    number = {"type": "integer"}
    items = {"type": "array", "items": number}
    problems = [
        Problem(code="CAP601", message="'size' is missing", hint="give size: how large it gets"),
        Problem(code="CAP601", message="'kind' is \"x\"", hint='use one of "a", "b"', place=PLACE),
    ]
    refusal = {"title": "No such user", "detail": "There is no user 42.\x1b[31m", "stack": "secret.py:1"}
    return make_target(
        [
            (
                make_flow(
                    "add",
                    title="Adder",
                    description="Adds two numbers.",
                    inputs={"a": number, "b": number},
                    output={"type": "object", "properties": {"sum": number}, "required": ["sum"]},
                    hints=HintsSpec(read_only=True, open_world=False),
                ),
                add,
            ),
            (make_flow("numbers", output=items), gives([1, 2, 3])),
            (make_flow("greet"), gives("hello")),
            (make_flow("info"), gives({"a": [1, "é"]})),
            (make_flow("echo"), echo),
            (make_flow("count"), count),
            (make_flow("nothing"), gives(status=204)),
            (make_flow("picture"), gives(content=PNG, media="image/png")),
            (make_flow("poster"), gives(content=b"\x89" * 600 * 1024, media="image/jpeg")),
            (make_flow("sound"), gives(content=b"RIFF\0", media="audio/wav")),
            (make_flow("archive"), gives(content=b"PK\x03\x04\0", media="application/zip")),
            (make_flow("note"), gives(content="grün".encode("latin-1"), media="text/plain; charset=latin-1")),
            (make_flow("raw"), gives(content=b'{"n": 1}', media="application/json")),
            (make_flow("lost"), gives(refusal, status=404, media="application/problem+json")),
            (
                make_flow("busy"),
                gives(
                    status=429,
                    content=b"<p>slow down</p>",
                    media="text/html",
                    headers=(("Retry-After", "7"),),
                ),
            ),
            (make_flow("picky"), raises(InputError(problems))),
            (
                make_flow("keyless", missing=("API_KEY",)),
                raises(MissingSecret("'weather' needs API_KEY", hint="set API_KEY in the environment")),
            ),
            (make_flow("late"), raises(UpstreamTimeout("weather.get took longer than 30 seconds"))),
            (make_flow("broken"), raises(RuntimeError(f"with {SECRET}"))),
            (make_flow("misshapen", output=items), gives({"not": "a list"})),
            (make_flow("closed", unavailable="it calls 'x.y', which does not exist"), gives({})),
        ]
    )


@asynccontextmanager
async def served(edge: Edge) -> AsyncIterator[str]:
    """The edge behind a real server; gives the URL of its endpoint."""
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(edge.running())
        (bound,) = open_sockets("127.0.0.1", [(0, "the test")])
        stack.callback(bound.close)
        server = server_for(edge.app, grace=5)
        await server.open(bound)
        stack.push_async_callback(server.finish)
        yield f"http://127.0.0.1:{port_of(bound)}{edge.endpoint}"


def options(**changes: Any) -> EdgeOptions:
    return EdgeOptions(version="9.9", **changes)


class Gate:
    """A behaviour that waits until it is let through, and says what became of it."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.open = asyncio.Event()
        self.cancelled = asyncio.Event()

    async def __call__(self, call: Call) -> Result:
        self.entered.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Result(value={"through": True})
