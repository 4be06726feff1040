"""Submissions that must not happen twice: one key for a call, however often its request is sent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from capspec.errors import AlreadySubmitted, InputError, UpstreamError, UpstreamTimeout
from capspec.events import UpstreamRetried
from capspec.jobs.outcome import State
from capspec.jobs.running import Accepted
from capspec.plan import Answer, Extra
from tests.jobs.job_world import BASE, OPERATION, Reply, World, capability, lost, world
from tests.upstreams import Seen, reply
from tests.whole import running

pytestmark = pytest.mark.anyio

SUBMIT = f"POST {BASE}/jobs"
LIST = f"GET {BASE}/history?key=k1&limit=1"
ACCEPTED = Reply({"id": "j1"}, 201)
DUPLICATE = Reply({"error": {"code": "idempotency_duplicate"}}, 409)
POLL = """
poll:
  id: $.id
  request: {uri: "/jobs/{{id}}"}
  status: {path: $.status, success: [done]}
"""
HEADER = "idempotency: {in: header, name: Idempotency-Key, window: 2h, duplicate: "
SAME = HEADER + "{code: 409, path: $.error.code, equals: idempotency_duplicate}}"
RECOVERED = (
    HEADER
    + "{code: 409, path: $.error.code, equals: [idempotency_duplicate], "
    + 'recover: {call: maker.history, with: {key: "{{idempotency.key}}", limit: 1}}}}'
)
HISTORY = """
- name: history
  method: GET
  path: /history
  inputParameters: [{name: key, in: query}]
"""


def submitting(blocks: str, *replies: Reply, keys: tuple[str, ...] = ("k1", "k2"), **options: Any) -> World:
    script: dict[str, Reply | list[Reply]] = {SUBMIT: list(replies), LIST: Reply([{"id": "j0"}])}
    return world(POLL + blocks, script, keys=keys, **options)


def keys_of(made: World) -> list[str | None]:
    return [sent.header("Idempotency-Key") for sent in made.transport.sent]


async def test_each_call_has_a_key_of_its_own() -> None:
    made = submitting(SAME, ACCEPTED)
    await made.submit()
    await made.submit()
    assert keys_of(made) == ["k1", "k2"]


async def test_a_key_is_a_random_uuid() -> None:
    made = submitting(SAME, ACCEPTED, keys=())
    await made.submit()
    await made.submit()
    first, second = (uuid.UUID(key) for key in keys_of(made))
    assert (first.version, second.version) == (4, 4)
    assert first != second


async def test_a_request_without_an_answer_is_sent_again_with_the_same_key() -> None:
    made = submitting(SAME, lost(), lost(), ACCEPTED)
    assert (await made.submit()).job.id == "j1"
    assert keys_of(made) == ["k1", "k1", "k1"]
    assert made.times == [0.5, 2.5]
    retries = [event for event in made.events if isinstance(event, UpstreamRetried)]
    assert [event.operation for event in retries] == ["maker.make"] * 2


async def test_it_is_sent_three_times_at_the_most() -> None:
    made = submitting(SAME, lost())
    with pytest.raises(UpstreamError):
        await made.offer()
    assert keys_of(made) == ["k1"] * 3


@pytest.mark.parametrize("reply", [Reply({}, 500), Reply({}, 503), Reply({}, 429), Reply({}, 400)])
async def test_an_answer_is_an_answer_and_nothing_is_sent_again(reply: Reply) -> None:
    made = submitting(SAME, reply)
    answer = await made.offer()
    assert isinstance(answer, Answer)
    assert answer.status == reply.status
    assert made.lines == [SUBMIT]
    await answer.close()


async def test_an_answer_that_takes_too_long_is_not_asked_for_again() -> None:
    made = submitting(SAME, Reply({"id": "j1"}, takes=100))
    with pytest.raises(UpstreamTimeout):
        await made.offer()
    assert made.lines == [SUBMIT]


async def test_without_a_key_nothing_is_sent_again() -> None:
    made = submitting("", lost())
    with pytest.raises(UpstreamError):
        await made.offer()
    assert made.lines == [SUBMIT]


async def test_a_body_that_can_be_read_once_is_not_sent_again() -> None:
    async def stream() -> Any:
        yield b"{}"

    made = submitting(SAME, lost())
    with pytest.raises(UpstreamError):
        await made.offer(Extra(body=stream(), content_type="application/json"))
    assert made.lines == [SUBMIT]


# -- a key that was used before ------------------------------------------------------------------------------


async def test_a_declared_duplicate_is_not_retried_and_says_that_it_was_submitted() -> None:
    made = submitting(SAME, DUPLICATE)
    with pytest.raises(AlreadySubmitted) as caught:
        await made.offer()
    assert caught.value.status == 409
    assert made.lines == [SUBMIT]


async def test_a_duplicate_after_a_lost_answer_finds_the_job_that_was_started() -> None:
    made = submitting(RECOVERED, lost(), DUPLICATE, more=HISTORY)
    answer = await made.offer()
    assert isinstance(answer, Answer)
    assert (answer.status, json.loads(await answer.read())) == (200, [{"id": "j0"}])
    assert made.lines == [SUBMIT, SUBMIT, LIST]


@pytest.mark.parametrize(
    "reply",
    [
        Reply({"error": {"code": "conflict"}}, 409),
        Reply({}, 409),
        Reply(b"<html>", 409),
        Reply({"error": {"code": "idempotency_duplicate"}}, 422),
    ],
)
async def test_any_other_conflict_is_passed_on_whole(reply: Reply) -> None:
    made = submitting(RECOVERED, reply, more=HISTORY)
    answer = await made.offer()
    assert isinstance(answer, Answer)
    content = b"".join([part async for part in answer.stream()])
    assert content == (reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode())
    assert made.lines == [SUBMIT]


# -- whose key, and where it goes ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "arguments", "key"),
    [
        ('key: "{{inputParameters.mine}}"', {"mine": "m1"}, "m1"),
        ('key: "{{mine}}"', {"mine": "m1"}, "m1"),
        ('key: "job-{{mine}}"', {"mine": "m1"}, "job-m1"),
        ('key: "{{mine}}"', {}, "k1"),
        ('key: "{{mine}}"', {"mine": ""}, "k1"),
        ('key: "{{mine}}"', {"mine": None}, "k1"),
        ("", {"Idempotency-Key": "m2"}, "m2"),
    ],
)
async def test_the_caller_s_own_key_counts(block: str, arguments: dict[str, Any], key: str) -> None:
    operation = (
        OPERATION + "inputParameters: [{name: mine, in: query}, {name: Idempotency-Key, in: header}]\n"
    )
    made = world(
        f"{POLL}idempotency: {{in: header, name: Idempotency-Key, {block}}}",
        lambda request: ACCEPTED,
        operation=operation,
        keys=("k1",),
    )
    await made.jobs.submit(made.operation, arguments)
    assert keys_of(made) == [key]


async def test_a_key_that_cannot_stand_in_a_header_is_refused_before_anything_is_sent() -> None:
    operation = OPERATION + "inputParameters: [{name: mine, in: query}]\n"
    block = 'idempotency: {in: header, name: Idempotency-Key, key: "{{mine}}"}'
    made = submitting(block, ACCEPTED, operation=operation)
    with pytest.raises(InputError):
        await made.jobs.submit(made.operation, {"mine": "a\r\nX-Evil: 1"})
    assert made.lines == []


async def test_the_key_can_be_a_query_parameter() -> None:
    made = world(
        POLL + "idempotency: {in: query, name: requestId}",
        {f"{SUBMIT}?requestId=k1": ACCEPTED},
        keys=("k1",),
    )
    assert isinstance(await made.offer(), Accepted)


@pytest.mark.parametrize(
    ("operation", "arguments", "extra", "body"),
    [
        (
            OPERATION + "inputParameters: [{name: prompt, in: body}, {name: mode, in: body, value: async}]",
            {"prompt": "p"},
            Extra(),
            {"prompt": "p", "mode": "async", "request_key": "k1"},
        ),
        (OPERATION, {}, Extra(json={"a": 1}), {"a": 1, "request_key": "k1"}),
        (OPERATION, {}, Extra(), {"request_key": "k1"}),
        (
            OPERATION + 'body: {type: json, data: {text: "{{prompt}}", n: 1}}',
            {"prompt": "p"},
            Extra(),
            {"text": "p", "n": 1, "request_key": "k1"},
        ),
    ],
)
async def test_the_key_can_be_a_field_of_the_body(
    operation: str, arguments: dict[str, Any], extra: Extra, body: dict[str, Any]
) -> None:
    made = submitting("idempotency: {in: body, name: request_key}", ACCEPTED, operation=operation)
    await made.jobs.submit(made.operation, arguments, extra)
    assert made.transport.sent[0].json == body


async def test_a_body_of_bytes_has_no_room_for_a_key() -> None:
    made = submitting("idempotency: {in: body, name: request_key}", ACCEPTED)
    with pytest.raises(InputError):
        await made.offer(Extra(body=b"raw", content_type="text/plain"))
    assert made.lines == []


async def test_an_operation_without_jobs_can_have_a_key_too() -> None:
    made = world(SAME, {SUBMIT: [lost(), Reply({"ok": True})]}, keys=("k1",))
    answer = await made.jobs.send(made.operation, {})
    assert answer.status == 200
    assert keys_of(made) == ["k1", "k1"]
    await answer.close()


async def test_a_key_is_no_input_of_the_caller() -> None:
    made = submitting(RECOVERED, ACCEPTED, more=HISTORY)
    assert all(item.value is not None for item in made.operation.parameters if item.location != "query")
    accepted = await made.submit()
    assert accepted.job.values == {}
    assert accepted.outcome.state is State.QUEUED


async def test_a_tool_whose_connection_broke_is_repeated_with_the_same_key_over_real_connections() -> None:
    seen_keys: list[str | None] = []

    def answer(seen: Seen) -> Any:
        """None closes the connection."""
        seen_keys.append(seen.header("idempotency-key"))
        return None if len(seen_keys) == 1 else reply(201, b'{"ok": true}')

    text = capability(SAME) + (
        "  exposes:\n"
        "  - {type: mcp, namespace: ns, port: 1, tools: [{name: make, description: d, call: maker.make}]}\n"
    )
    async with running(text, answer, environ={"MAKER_KEY": "sesame"}) as whole:
        result = await whole.tool("make")
    assert not result.is_error
    assert len(seen_keys) == 2
    assert seen_keys[0] is not None
    assert seen_keys[0] == seen_keys[1]


async def test_a_key_that_cannot_be_made_is_refused_before_anything_is_sent() -> None:
    operation = OPERATION + "inputParameters: [{name: mine, in: query}]\n"
    block = 'idempotency: {in: header, name: Idempotency-Key, key: "{{ mine + 1 }}"}'
    made = submitting(block, ACCEPTED, operation=operation)
    with pytest.raises(InputError):
        await made.jobs.submit(made.operation, {"mine": "text"})
    assert made.lines == []
