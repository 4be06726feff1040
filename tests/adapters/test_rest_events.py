"""Jobs as event streams: what a client that watches gets to see."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from capspec.adapters.rest.events import are_wanted, events
from capspec.clock import VirtualClock
from capspec.desk import Standing
from capspec.errors import MappingError
from capspec.events import UnexpectedError
from tests.adapters.rest_jobs_world import DONE, STARTED, JobWorld, job_world, looks, says
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio

EVENTS = {"Accept": "text/event-stream"}


@dataclass
class Event:
    """One block of a stream: an event, or just a comment or a field."""

    fields: dict[str, str] = field(default_factory=dict)

    @property
    def kind(self) -> str:
        return self.fields.get("event", "")

    @property
    def data(self) -> Any:
        return json.loads(self.fields["data"])


def block(text: str) -> Event:
    """A block as the standard reads it: `name: value` lines; a comment has the name ""."""
    lines = (line.partition(":") for line in text.split("\n"))
    return Event({name: value.removeprefix(" ") for name, _, value in lines})


def parsed(answer: httpx.Response) -> list[Event]:
    assert answer.text.endswith("\n\n")
    return [block(text) for text in answer.text.removesuffix("\n\n").split("\n\n")]


async def blocks(answer: httpx.Response) -> AsyncIterator[Event]:
    """The blocks of a stream, as they come."""
    rest = ""
    async for text in answer.aiter_text():
        *whole, rest = (rest + text).split("\n\n")
        for item in whole:
            yield block(item)
    assert not rest


async def watched(world: JobWorld, **headers: str) -> httpx.Response:
    return await world.client.get(await world.started(), headers={**EVENTS, **headers})


async def test_each_change_is_an_event_and_the_outcome_is_the_last() -> None:
    script = looks(
        says("queued"), says("queued"), says("running", progress=10), says("running", progress=10),
        says("running", progress=90), DONE,
    )  # fmt: skip
    async with job_world(script) as world:
        answer = await watched(world)
    retry, *told = parsed(answer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"
    assert retry.fields == {"retry": "3000"}
    assert [event.kind for event in told] == ["progress", "progress", "progress", "outcome"]
    assert [event.data["state"] for event in told] == ["queued", "running", "running", "succeeded"]
    assert [event.data.get("progress") for event in told] == [None, 0.1, 0.9, 1.0]
    assert told[-1].data["result"] == "a picture"
    assert len({event.fields["id"] for event in told}) == 4
    assert {event.data["job"] for event in told} == {told[0].data["job"]}


class Provider:
    """Says of its job what a test lets it say."""

    def __init__(self, **more: Any) -> None:
        self.now = says("running", **more)

    async def __call__(self, seen: Seen) -> bytes:
        return self.now


async def test_a_client_that_comes_back_is_not_told_what_it_knows() -> None:
    provider = Provider(progress=10)
    async with job_world({**STARTED, "GET /jobs/j1": provider}, sockets=True) as world:
        location = await world.started()
        async with world.client.stream("GET", location, headers=EVENTS) as answer:
            stream = blocks(answer)
            assert (await anext(stream)).fields == {"retry": "3000"}
            known = await anext(stream)
        again = {**EVENTS, "Last-Event-ID": known.fields["id"]}
        asked = world.asked()
        async with world.client.stream("GET", location, headers=again) as answer:
            stream = blocks(answer)
            assert (await anext(stream)).fields == {"retry": "3000"}
            await world.upstream.until(lambda: world.asked() > asked + 2)
            provider.now = DONE
            rest = [event async for event in stream]
    assert (known.kind, known.data["progress"]) == ("progress", 0.1)
    assert [event.kind for event in rest] == ["outcome"]


async def test_a_client_that_comes_back_after_the_last_event_is_told_to_stop() -> None:
    async with job_world(looks(DONE)) as world:
        location = await world.started()
        seen = parsed(await world.client.get(location, headers=EVENTS))
        again = await world.client.get(location, headers={**EVENTS, "Last-Event-ID": seen[-1].fields["id"]})
        assert world.asked() == 1
    assert (again.status_code, again.content) == (204, b"")


class Impatient(VirtualClock):
    """A clock for which time is up when nothing is there yet. `asked` are the limits that it was given."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[float | None] = []

    @asynccontextmanager
    async def timeout(self, seconds: float | None) -> AsyncIterator[None]:
        self.asked.append(seconds)
        async with asyncio.timeout(0):
            yield


async def test_comments_keep_a_quiet_stream_open_and_an_outcome_that_cannot_be_given_is_a_problem() -> None:
    over = asyncio.Event()
    clock = Impatient()

    async def waiting(told: Any) -> Standing:
        await over.wait()
        raise MappingError("it has no shape")

    stream = events(waiting, clock, envelope=Standing.envelope, problem=lambda error: str(error).encode())
    chunks = [await anext(stream) for _ in range(4)]
    over.set()
    rest = [chunk async for chunk in stream]
    assert chunks == [b"retry: 3000\n\n", *[b": still there\n\n"] * 3]
    assert rest[-1] == b"event: problem\nid: end\ndata: it has no shape\n\n"
    assert set(clock.asked) == {15}


@pytest.mark.parametrize(
    ("last", "state", "code"),
    [
        (says("moderated", reason="not that"), "failed", "moderated"),
        (says("stopped"), "canceled", "stopped"),
        (reply(403), "unknown", "poll_rejected"),
        (says("running"), "timed_out", "timed_out"),
    ],
)
async def test_every_end_is_an_outcome(last: bytes, state: str, code: str) -> None:
    async with job_world(looks(says("running"), last), poll="timeout: 4s") as world:
        *_, progress, outcome = parsed(await watched(world))
    assert (progress.kind, outcome.kind) == ("progress", "outcome")
    assert (outcome.data["state"], outcome.data["error"]["code"]) == (state, code)


async def test_a_result_that_cannot_be_shaped_is_a_problem() -> None:
    outputs = "outputParameters: [{type: string, value: '{{ 1 // ([1] | length - 1) }}'}]"
    routes = f"- {{path: /all, operations: [{{name: all, method: POST, call: maker.make, {outputs}}}]}}"
    async with job_world(looks(DONE), routes=routes) as world:
        started = await world.client.post("/all")
        asked = await world.client.get(started.headers["location"])
        stream = await world.client.get(started.headers["location"], headers=EVENTS)
    *_, last = parsed(stream)
    assert (asked.status_code, asked.json()["code"]) == (502, "CAP603")
    assert (last.kind, last.data["code"], last.fields["id"]) == ("problem", "CAP603", "end")


async def test_results_of_bytes_are_said_where_they_are() -> None:
    script = {**looks(DONE), "GET /jobs/j1/content": reply(200, b"\x89PNG", ("Content-Type", "image/png"))}
    async with job_world(script, result='{uri: "/jobs/{{id}}/content", format: binary}') as world:
        *_, outcome = parsed(await watched(world))
        fetched = await world.client.get(outcome.data["result_url"])
    assert (outcome.data["state"], fetched.content) == ("succeeded", b"\x89PNG")


async def test_what_cannot_be_watched_is_a_problem_and_no_stream() -> None:
    async with job_world(looks(DONE)) as world:
        answer = await world.client.get("/-/jobs/make-picture/job1_nothing", headers=EVENTS)
        head = await world.client.head(await world.started(), headers=EVENTS)
        assert world.asked() == 0
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert (head.status_code, head.headers["content-type"][:17]) == (200, "text/event-stream")


async def test_events_are_sent_as_they_come_and_the_looks_end_with_the_client() -> None:
    broken = asyncio.Event()
    turns = iter([says("running", progress=10)])

    async def look(seen: Seen) -> bytes:
        answer = next(turns, None)
        if answer is None:
            await seen.rest.read()
            broken.set()
        return answer or b""

    async with job_world({**STARTED, "GET /jobs/j1": look}, sockets=True) as world:
        async with world.client.stream("GET", await world.started(), headers=EVENTS) as answer:
            stream = blocks(answer)
            assert (await anext(stream)).fields == {"retry": "3000"}
            assert (await anext(stream)).data["progress"] == 0.1
        await asyncio.wait_for(broken.wait(), 5)
        await asyncio.wait_for(world.edge.drain(), 5)
        assert world.asked() == 2
        assert not [event for event in world.heard if isinstance(event, UnexpectedError)]


async def test_a_server_that_stops_says_good_bye_to_those_who_watch() -> None:
    async with job_world({**STARTED, "GET /jobs/j1": Provider()}, sockets=True) as world:
        location = await world.started()
        async with world.client.stream("GET", location, headers=EVENTS) as answer:
            stream = blocks(answer)
            assert (await anext(stream)).fields == {"retry": "3000"}
            assert (await anext(stream)).kind == "progress"
            await asyncio.wait_for(world.edge.drain(), 5)
            rest = [event async for event in stream]
        late = await world.client.get(location, headers=EVENTS)
    assert [list(event.fields) for event in rest] == [[""]]
    assert rest[0].fields[""].startswith("the server is stopping")
    assert [list(event.fields) for event in parsed(late)] == [[""]]


@pytest.mark.parametrize(
    ("accept", "wanted"),
    [
        ([], False),
        (["*/*"], False),
        (["application/json"], False),
        (["text/event-stream"], True),
        (["application/json, Text/Event-Stream; q=0.5"], True),
        (["application/json", "text/event-stream"], True),
        (["text/event-stream;q=0"], False),
        (["text/event-stream; q=0.000"], False),
        (["text/event-streams"], False),
    ],
)
def test_only_those_who_name_event_streams_get_them(accept: list[str], wanted: bool) -> None:
    assert are_wanted(accept) is wanted
