"""Jobs over REST: started, waited for, asked about and canceled, against a scripted provider."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from capspec.clock import SystemClock, VirtualClock
from capspec.events import FlowFinished, UnexpectedError
from tests.adapters.rest_jobs_world import (
    ACCEPTED,
    CANCEL,
    DONE,
    JOBS,
    STARTED,
    JobWorld,
    NameGuard,
    Script,
    answers_with,
    job_world,
    looks,
    says,
)
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio

SECRET = "a secret that all replicas have"


# -- starting ---------------------------------------------------------------------------------------------


async def test_a_job_that_is_under_way_is_accepted_and_can_be_asked_about() -> None:
    running = says("running", progress=40)
    async with job_world(looks(running, DONE), interval="1500ms") as world:
        accepted = await world.start()
        location = accepted.headers["location"]
        first = await world.client.get(location)
        second = await world.client.get(location)
    handle = accepted.json()["job"]
    assert accepted.status_code == 202
    assert location == f"{JOBS}{handle}"
    assert accepted.json() == {
        "state": "queued", "job": handle, "retry_after": 1.5, "provider_status": "queued",
    }  # fmt: skip
    assert (accepted.headers["retry-after"], accepted.headers["cache-control"]) == ("2", "no-store")
    assert "preference-applied" not in accepted.headers
    assert (first.status_code, first.headers["retry-after"]) == (200, "2")
    assert first.json()["state"] == "running"
    assert first.json()["progress"] == 0.4
    assert (second.status_code, second.json()["result"]) == (200, "a picture")
    assert (second.json()["state"], second.json()["progress"]) == ("succeeded", 1.0)
    assert "retry-after" not in second.headers
    assert first.headers["cache-control"] == second.headers["cache-control"] == "no-store"


async def test_a_job_that_ends_at_once_is_answered_with_its_outcome() -> None:
    async with job_world({"POST /jobs": DONE}) as world:
        answer = await world.start()
        shaped = await world.start(method="PATCH")
        forced = await world.start("respond-async")
    assert (answer.status_code, answer.json()["state"], answer.json()["result"]) == (
        200, "succeeded", "a picture",
    )  # fmt: skip
    assert answer.headers["content-location"] == f"{JOBS}{answer.json()['job']}"
    assert "location" not in answer.headers
    assert shaped.json()["result"] == {"picture": "a picture"}
    assert shaped.headers["content-location"].startswith("/-/jobs/make-picture-2/")
    assert (forced.status_code, forced.json()["result"]) == (202, "a picture")
    assert forced.headers["preference-applied"] == "respond-async"
    assert forced.headers["location"].startswith(JOBS)


async def test_an_answer_that_starts_no_job_is_passed_on_as_ever() -> None:
    refused = reply(402, b'{"detail": "no credits"}', ("Retry-After", "7"))
    async with job_world({"POST /jobs": refused}) as world:
        answer = await world.start("wait=5")
    assert (answer.status_code, answer.json()) == (402, {"detail": "no credits"})
    assert answer.headers["retry-after"] == "7"
    assert "location" not in answer.headers
    assert "preference-applied" not in answer.headers


async def test_a_job_that_cannot_be_asked_about_is_accepted_and_not_known() -> None:
    async with job_world({"POST /jobs": reply(200, b'{"queued": true}')}) as world:
        answer = await world.start("wait=5")
    assert (answer.status_code, answer.json()["state"]) == (202, "unknown")
    assert answer.json()["error"]["code"] == "no_job_id"


async def test_each_start_is_one_call_however_often_its_job_is_asked_about() -> None:
    async with job_world(looks(says("running"), says("running"), DONE)) as world:
        await world.client.get((await world.start("wait=1")).headers["location"])
        finished = [event for event in world.heard if isinstance(event, FlowFinished)]
    assert [event.code for event in finished] == [""]


# -- waiting ----------------------------------------------------------------------------------------------


async def test_a_start_waits_for_the_end_when_it_is_told_to() -> None:
    async with job_world(looks(says("running"), says("running"), DONE)) as world:
        answer = await world.start("wait=30")
        assert world.asked() == 3
        assert world.clock.monotonic() == 3
    assert (answer.status_code, answer.json()["result"]) == (200, "a picture")
    assert answer.headers["preference-applied"] == "wait=30"
    assert answer.headers["content-location"] == f"{JOBS}{answer.json()['job']}"


async def test_a_wait_that_is_over_before_the_job_says_how_far_it_came() -> None:
    async with job_world(looks(says("running", progress=10), says("running", progress=50))) as world:
        answer = await world.start("respond-async, wait=3")
        clamped = await world.start("wait=600")
        assert world.clock.monotonic() == pytest.approx(123)
    assert (answer.status_code, answer.json()["progress"]) == (202, 0.5)
    assert answer.headers["preference-applied"] == "respond-async, wait=3"
    assert (answer.headers["retry-after"], answer.headers["location"][: len(JOBS)]) == ("1", JOBS)
    assert (clamped.status_code, clamped.headers["preference-applied"]) == (202, "wait=120")


async def test_whoever_asks_about_a_job_may_wait_too() -> None:
    async with job_world(looks(says("running"), says("running"), says("running"), DONE)) as world:
        location = await world.started()
        under_way = await world.client.get(location, headers={"Prefer": "wait=2"})
        ended = await world.client.get(location, headers={"Prefer": "wait=9"})
    assert (under_way.status_code, under_way.json()["state"]) == (200, "running")
    assert under_way.headers["preference-applied"] == "wait=2"
    assert under_way.headers["retry-after"] == "1"
    assert (ended.status_code, ended.json()["state"]) == (200, "succeeded")


async def test_a_job_that_takes_longer_than_its_file_allows_is_not_said_to_have_failed() -> None:
    async with job_world(looks(says("running")), poll="timeout: 5s") as world:
        answer = await world.start("wait=60")
    assert (answer.status_code, answer.json()["state"]) == (202, "timed_out")
    assert answer.headers["location"].startswith(JOBS)
    assert "retry-after" not in answer.headers


async def test_many_wait_at_once_each_for_their_own() -> None:
    numbers = iter(range(50))
    turns: dict[str, int] = {}

    async def start(seen: Seen) -> bytes:
        return reply(202, b'{"id": "n%d", "status": "queued"}' % next(numbers))

    async def look(seen: Seen) -> bytes:
        turns[seen.path] = turns.get(seen.path, 0) + 1
        if turns[seen.path] < 3:
            return says("running")
        return says("done", result=seen.path)

    script: Script = {"POST /jobs": start, **{f"GET /jobs/n{number}": look for number in range(50)}}
    async with job_world(script, interval="100ms", clock=SystemClock(), sockets=True) as world:
        answers = await asyncio.gather(*(world.start("wait=30") for _ in range(50)))
    assert [answer.status_code for answer in answers] == [200] * 50
    assert {answer.json()["result"] for answer in answers} == {f"/jobs/n{number}" for number in range(50)}
    assert set(turns.values()) == {3}


# -- ends that are not what one hoped for -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("last", "state", "error"),
    [
        (
            says("failed", reason="out of memory"), "failed",
            {"code": "failed", "message": "out of memory", "details": None, "retryable": True},
        ),
        (
            says("moderated", reason="not that", details={"rule": 7}), "failed",
            {"code": "moderated", "message": "not that", "details": {"rule": 7}, "retryable": False},
        ),
        (
            says("stopped"), "canceled",
            {"code": "stopped", "message": "the job was canceled", "details": None, "retryable": False},
        ),
    ],
)  # fmt: skip
async def test_a_job_that_did_not_succeed_is_there_to_be_looked_at(
    last: bytes, state: str, error: dict[str, Any]
) -> None:
    async with job_world(looks(says("running"), last)) as world:
        waited = await world.start("wait=30")
        asked = await world.client.get(waited.headers["content-location"])
        result = await world.client.get(f"{waited.headers['content-location']}/result")
    for answer in (waited, asked):
        assert (answer.status_code, answer.json()["state"], answer.json()["error"]) == (200, state, error)
        assert "retry-after" not in answer.headers
    assert (result.status_code, result.json()["state"]) == (409, state)


async def test_a_provider_that_stumbles_leaves_the_job_unknown_for_now() -> None:
    async with job_world(looks(reply(500), DONE)) as world:
        location = await world.started()
        stumbled = await world.client.get(location)
        waited = await world.client.get(location, headers={"Prefer": "wait=9"})
    assert (stumbled.status_code, stumbled.json()["state"]) == (200, "unknown")
    assert stumbled.headers["retry-after"] == "1"
    assert waited.json()["state"] == "succeeded"


# -- results ----------------------------------------------------------------------------------------------


async def test_a_result_can_be_had_alone_once_it_is_there() -> None:
    async with job_world(looks(says("running"), DONE)) as world:
        location = await world.started()
        early = await world.client.get(f"{location}/result")
        result = await world.client.get(f"{location}/result", headers={"Prefer": "wait=9"})
    assert (early.status_code, early.json()["state"], early.headers["retry-after"]) == (409, "running", "1")
    assert (result.status_code, result.json()) == (200, "a picture")
    assert (result.headers["preference-applied"], result.headers["cache-control"]) == ("wait=9", "no-store")


async def test_a_result_of_bytes_keeps_its_media_type() -> None:
    picture = reply(200, b"\x89PNG", ("Content-Type", "image/png"))
    script = {**looks(says("running"), DONE), "GET /jobs/j1/content": picture}
    result = '{uri: "/jobs/{{id}}/content", format: binary}'
    async with job_world(script, result=result) as world:
        started = await world.start("wait=30")
        location = started.headers["content-location"]
        asked = await world.client.get(location.removesuffix("/result"))
        fetched = await world.client.get(asked.json()["result_url"])
        head = await world.client.head(asked.json()["result_url"])
    assert location.startswith(JOBS)
    assert location.endswith("/result")
    for answer in (started, fetched):
        assert (answer.status_code, answer.content) == (200, b"\x89PNG")
        assert (answer.headers["content-type"], answer.headers["cache-control"]) == ("image/png", "no-store")
    assert (asked.json()["state"], asked.json()["result_url"]) == ("succeeded", location)
    assert (head.status_code, head.headers["content-length"], head.content) == (200, "4", b"")


# -- canceling --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cancel", "look", "state"),
    [
        (says("stopped"), says("running"), "canceled"),
        (reply(204, b""), says("running"), "running"),
        (reply(204, b""), reply(404), "canceled"),
        (reply(409), DONE, "succeeded"),
    ],
)
async def test_a_cancel_is_answered_with_where_the_job_stands_then(
    cancel: bytes, look: bytes, state: str
) -> None:
    async with job_world(looks(look, cancel=cancel), poll=CANCEL) as world:
        answer = await world.client.delete(await world.started())
        assert world.asked("DELETE /jobs/j1") == 1
    assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert ("retry-after" in answer.headers) == (state == "running")


async def test_jobs_that_cannot_be_canceled_have_no_such_method() -> None:
    async with job_world(STARTED) as world:
        location = await world.started()
        refused = await world.client.delete(location)
        options = await world.client.options(location)
    assert (refused.status_code, refused.json()["code"]) == (405, "CAP612")
    assert refused.headers["allow"] == options.headers["allow"] == "GET, HEAD, OPTIONS"


async def test_a_job_for_which_no_cancel_address_was_given_cannot_be_canceled_now() -> None:
    async with job_world(STARTED, poll="cancel: {uriFrom: {body: $.cancel_url}}") as world:
        answer = await world.client.delete(await world.started())
    assert (answer.status_code, answer.json()["code"]) == (503, "CAP609")


# -- handles ----------------------------------------------------------------------------------------------


async def test_what_is_no_handle_of_this_caller_and_operation_is_not_found_in_the_same_words() -> None:
    async with job_world(looks(DONE), guard=NameGuard(), poll=CANCEL) as world:
        location = await world.started(**{"X-Name": "ann"})
        handle = location.removeprefix(JOBS)
        changed = f"{handle[:-9]}{'A' if handle[-9] != 'A' else 'B'}{handle[-8:]}"
        tries = [
            (f"{JOBS}{changed}", "ann"),
            (f"{JOBS}{handle[:20]}", "ann"),
            (f"{JOBS}job1_", "ann"),
            (f"{JOBS}x", "ann"),
            (f"{JOBS}%C3%BC", "ann"),
            (f"/-/jobs/other/{handle}", "ann"),
            (location, "bob"),
        ]
        answers = [
            await world.client.request(method, f"{path}{part}", headers={"X-Name": name, "X-Request-Id": "r"})
            for path, name in tries
            for method, part in (("GET", ""), ("GET", "/result"), ("DELETE", ""))
            if (method, "other" in path) != ("DELETE", True)
        ]
        own = await world.client.get(location, headers={"X-Name": "ann"})
        nobody = await world.client.get(location)
        assert world.asked() == 1
        assert not world.asked("DELETE /jobs/j1")
    assert {(answer.status_code, answer.content) for answer in answers} == {(404, answers[0].content)}
    assert answers[0].json()["code"] == "CAP621"
    assert (nobody.status_code, nobody.headers["www-authenticate"]) == (401, "Name")
    assert own.json()["state"] == "succeeded"


async def test_a_handle_expires() -> None:
    clock = VirtualClock()
    async with job_world(looks(DONE), clock=clock) as world:
        location = await world.started()
        clock.advance(7 * 24 * 3600)
        gone = await world.client.get(location)
        stream = await world.client.get(location, headers={"Accept": "text/event-stream"})
    assert (gone.status_code, gone.json()["code"]) == (410, "CAP622")
    assert (stream.status_code, stream.headers["content-type"]) == (410, "application/problem+json")


async def test_a_restart_with_the_same_secret_loses_nothing_and_another_secret_reads_nothing() -> None:
    async with job_world(looks(DONE), secret=SECRET, poll=CANCEL) as first:
        location = await first.started()
        async with job_world({}, secret=SECRET, upstream=first.upstream, poll=CANCEL) as second:
            found = await second.client.get(location)
        async with job_world({}, secret=SECRET * 2, upstream=first.upstream, poll=CANCEL) as third:
            lost = await third.client.get(location)
    assert (found.status_code, found.json()["result"]) == (200, "a picture")
    assert found.json()["job"] == location.removeprefix(JOBS)
    assert lost.status_code == 404


# -- where jobs are ---------------------------------------------------------------------------------------


async def test_jobs_are_below_the_mount_of_their_listener() -> None:
    async with job_world(looks(DONE), mount="/my caps") as world:
        location = await world.started()
        answer = await world.client.get(f"http://test{location}")
    assert location.startswith("/my%20caps/-/jobs/make-picture/job1_")
    assert answer.json()["state"] == "succeeded"


async def test_a_route_of_the_file_comes_before_a_job_and_a_job_before_a_placeholder() -> None:
    routes = f"{answers_with('own', f'{JOBS}{{h}}')}\n{answers_with('all', '/{path}')}"
    async with job_world(looks(DONE), routes=routes) as world:
        location = await world.started()
        own = await world.client.get(location)
        result = await world.client.get(f"{location}/result")
        other = await world.client.get("/-/jobs/nothing/like/that")
    assert (own.json(), result.json(), other.json()) == ("own", "a picture", "all")


# -- clients that go away, and servers that stop ----------------------------------------------------------


class Held:
    """An answer that does not come: `broken` is set when whoever waits for it has hung up."""

    def __init__(self) -> None:
        self.broken = asyncio.Event()

    async def __call__(self, seen: Seen) -> bytes:
        await seen.rest.read()
        self.broken.set()
        return b""


async def _over(world: JobWorld) -> None:
    """Wait until the adapter has nothing to do any more, and has not stumbled over anything."""
    await asyncio.wait_for(world.edge.drain(), 5)
    assert not [event for event in world.heard if isinstance(event, UnexpectedError)]


@pytest.mark.parametrize(("policy", "cancels"), [("leave", 0), ("cancel", 1)])
async def test_a_client_that_goes_away_while_its_start_waits_stops_the_looks(
    policy: str, cancels: int
) -> None:
    held = Held()
    script: Script = {**STARTED, "GET /jobs/j1": held, "DELETE /jobs/j1": says("stopped")}
    poll = f"{CANCEL}\nonDisconnect: {policy}"
    async with job_world(script, poll=poll, sockets=True) as world:
        await world.hang_up("POST /pictures HTTP/1.1\r\nPrefer: wait=60", lambda: world.asked() > 0)
        await asyncio.wait_for(held.broken.wait(), 5)
        await _over(world)
        assert (world.asked(), world.asked("DELETE /jobs/j1")) == (1, cancels)


@pytest.mark.parametrize("prefer", ["", "Prefer: wait=60\r\n"])
async def test_a_start_is_not_broken_off_and_a_job_without_a_caller_is_canceled(prefer: str) -> None:
    leave = asyncio.Event()

    async def slow(seen: Seen) -> bytes:
        await leave.wait()
        return ACCEPTED

    script: Script = {"POST /jobs": slow, "GET /jobs/j1": says("running"), "DELETE /jobs/j1": says("stopped")}
    poll = f"{CANCEL}\nonDisconnect: cancel"
    async with job_world(script, poll=poll, sockets=True) as world:
        head = f"POST /pictures HTTP/1.1\r\n{prefer}X: y"
        await world.hang_up(head, lambda: world.asked("POST /jobs") > 0)
        await world.client.get("/openapi.json")
        leave.set()
        await world.upstream.until(lambda: world.asked("DELETE /jobs/j1") > 0)
        await _over(world)
        assert world.asked() == 0


async def test_a_client_that_only_asks_may_go_away() -> None:
    held = Held()
    script: Script = {**STARTED, "GET /jobs/j1": held, "DELETE /jobs/j1": says("stopped")}
    poll = f"{CANCEL}\nonDisconnect: cancel"
    async with job_world(script, poll=poll, sockets=True) as world:
        location = await world.started()
        await world.hang_up(f"GET {location} HTTP/1.1\r\nPrefer: wait=60", lambda: world.asked() > 0)
        await asyncio.wait_for(held.broken.wait(), 5)
        await _over(world)
        assert world.asked("DELETE /jobs/j1") == 0


async def test_a_server_that_stops_answers_those_who_wait_with_what_it_knows() -> None:
    held = Held()
    turns = iter([says("running", progress=70)])

    async def look(seen: Seen) -> bytes:
        answer = next(turns, None)
        return answer if answer is not None else await held(seen)

    async with job_world({**STARTED, "GET /jobs/j1": look}, sockets=True) as world:
        waiting = asyncio.create_task(world.start("wait=60"))
        await world.upstream.until(lambda: world.asked() > 1)
        await asyncio.wait_for(world.edge.drain(), 5)
        answer = await waiting
        late = await world.start("wait=60")
    assert (answer.status_code, answer.json()["progress"]) == (202, 0.7)
    assert (answer.headers["retry-after"], answer.headers["location"][: len(JOBS)]) == ("1", JOBS)
    assert (late.status_code, late.json()["state"]) == (202, "queued")


async def test_a_server_that_stops_looks_once_for_those_who_only_asked() -> None:
    held = Held()
    turns = iter([held])

    async def look(seen: Seen) -> bytes:
        first = next(turns, None)
        return await first(seen) if first is not None else says("running", progress=70)

    async with job_world({**STARTED, "GET /jobs/j1": look}, sockets=True) as world:
        location = await world.started()
        waiting = asyncio.create_task(world.client.get(location, headers={"Prefer": "wait=60"}))
        await world.upstream.until(lambda: world.asked() > 0)
        await asyncio.wait_for(world.edge.drain(), 5)
        answer = await waiting
    assert (answer.status_code, answer.json()["progress"]) == (200, 0.7)
