"""A capability whose jobs run against a scripted upstream: no sockets, and time that only waiting moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from textwrap import indent
from typing import Any
from urllib.parse import urlsplit

from capspec.clock import VirtualClock
from capspec.egress import Egress
from capspec.errors import UpstreamError
from capspec.events import Event, EventStream
from capspec.jobs.outcome import Outcome
from capspec.jobs.reference import JobRef
from capspec.jobs.running import Accepted, Jobs
from capspec.plan import NOTHING, Answer, Extra, Operation, Plan
from capspec.upstream import Upstreams
from capspec.wire import Request, Response, header
from tests.whole import plan_of

BASE = "https://api.maker.test/v1"
OPERATION = """
name: make
method: POST
path: /jobs
"""


@dataclass
class Reply:
    """One scripted answer; with `lost`, the connection breaks instead, before or within the body."""

    body: Any = None
    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    lost: str = ""
    takes: float = 0.0


def lost(when: str = "before") -> Reply:
    return Reply(lost=when)


Script = Mapping[str, Reply | Sequence[Reply]] | Callable[[Request], Reply]
"""Replies by "METHOD url", the last one of a list for ever; or a function."""


@dataclass
class Sent:
    """A request that went out, and when."""

    at: float
    request: Request

    @property
    def line(self) -> str:
        return f"{self.request.method} {self.request.url}"

    @property
    def host(self) -> str:
        return urlsplit(self.request.url).netloc

    @property
    def json(self) -> Any:
        assert isinstance(self.request.body, bytes)
        return json.loads(self.request.body)

    def header(self, name: str) -> str | None:
        return header(self.request.headers, name)


@dataclass
class ScriptedTransport:
    """Answers as the script says. A request that it does not know fails the test."""

    clock: VirtualClock
    script: Script
    sent: list[Sent] = field(default_factory=list)
    open: int = 0

    async def send(self, request: Request) -> Response:
        self.sent.append(Sent(self.clock.monotonic(), request))
        reply = self._reply(request)
        self.clock.advance(reply.takes)
        if reply.lost == "before":
            raise UpstreamError("the connection with the maker broke off")
        self.open += 1

        async def close() -> None:
            self.open -= 1

        return Response(status=reply.status, headers=_headers(reply), chunks=_chunks(reply), closer=close)

    async def close(self) -> None:
        return None

    def _reply(self, request: Request) -> Reply:
        if callable(self.script):
            return self.script(request)
        line = f"{request.method} {request.url}"
        assert line in self.script, f"nobody expected {line}"
        found = self.script[line]
        if isinstance(found, Reply):
            return found
        before = sum(item.line == line for item in self.sent) - 1
        return found[min(before, len(found) - 1)]


def _headers(reply: Reply) -> tuple[tuple[str, str], ...]:
    kind = "application/octet-stream" if isinstance(reply.body, bytes) else "application/json"
    given = {name.lower() for name, _ in reply.headers}
    return reply.headers if "content-type" in given else (("Content-Type", kind), *reply.headers)


async def _chunks(reply: Reply) -> AsyncIterator[bytes]:
    content = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
    if reply.body is not None:
        yield content[: len(content) // 2]
        if reply.lost == "within":
            raise UpstreamError("the connection with the maker broke off")
        yield content[len(content) // 2 :]


class World:
    """Jobs of a plan against a script."""

    def __init__(self, plan: Plan, script: Script, *, chance: float = 0.5, keys: Sequence[str] = ()) -> None:
        self.plan = plan
        self.clock = VirtualClock()
        self.transport = ScriptedTransport(self.clock, script)
        self.events: list[Event] = []
        events = EventStream([self.events.append])
        upstreams = Upstreams(self.transport, Egress(plan.contacts).freeze(), self.clock, events)
        made = iter(keys)
        self.jobs = Jobs(
            plan.operations,
            upstreams,
            self.clock,
            events,
            chance=lambda: chance,
            **({"make_key": lambda: next(made)} if keys else {}),
        )
        self.seen: list[Outcome] = []
        self.looked = asyncio.Event()

    @property
    def operation(self) -> Operation:
        """The only operation that starts jobs, or else the first one."""
        found = [item for item in self.plan.operations.values() if item.poll is not None]
        return found[0] if found else next(iter(self.plan.operations.values()))

    @property
    def lines(self) -> list[str]:
        return [sent.line for sent in self.transport.sent]

    @property
    def times(self) -> list[float]:
        """When each request after the first went out, in seconds after it."""
        first = self.transport.sent[0].at
        return [round(sent.at - first, 3) for sent in self.transport.sent[1:]]

    async def submit(self, extra: Extra = NOTHING, **arguments: Any) -> Accepted:
        accepted = await self.offer(extra, **arguments)
        assert isinstance(accepted, Accepted), accepted
        return accepted

    async def offer(self, extra: Extra = NOTHING, **arguments: Any) -> Accepted | Answer:
        return await self.jobs.submit(self.operation, arguments, extra)

    async def wait(self, job: JobRef, until: float | None = None) -> Outcome:
        async def watch(outcome: Outcome) -> None:
            self.seen.append(outcome)
            self.looked.set()

        return await self.jobs.wait(job, until=until, progress=watch)

    async def run(self, **arguments: Any) -> Outcome:
        """Submit, and wait for the end unless it had already come."""
        accepted = await self.submit(**arguments)
        if accepted.outcome.final or not accepted.outcome.state.under_way:
            return accepted.outcome
        return await self.wait(accepted.job)


def capability(blocks: str, *, base: str = BASE, operation: str = OPERATION, more: str = "") -> str:
    """A file with one operation that has these lines and blocks; `more` are further operations."""
    return f"""
capspec: "1"
binds:
- {{namespace: env, keys: {{MAKER_KEY: MAKER_KEY}}}}
capability:
  consumes:
  - namespace: maker
    baseUri: {base}
    authentication: {{type: apikey, in: header, name: X-Key, value: "{{{{MAKER_KEY}}}}"}}
    operations:
    -
{indent(operation, "      ")}
{indent(blocks, "      ")}
{indent(more, "    ")}
"""


def compiled(text: str) -> Plan:
    return plan_of(text, environ={"MAKER_KEY": "sesame"})


def world(
    blocks: str, script: Script, *, chance: float = 0.5, keys: Sequence[str] = (), **options: Any
) -> World:
    """Jobs of a file with these blocks, against a script."""
    return World(compiled(capability(blocks, **options)), script, chance=chance, keys=keys)
