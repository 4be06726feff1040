"""Tools that start jobs: what they answer while a job goes on and when it has ended, in both eras of MCP."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import Any

import mcp.types as types
import pytest
from jsonschema import Draft202012Validator
from mcp import Client

from capspec.adapters.mcp.adapter import build_merged
from capspec.clock import VirtualClock
from capspec.edge import EdgeOptions
from capspec.errors import MappingError
from capspec.events import UnexpectedError
from tests.adapters.mcp_jobs_world import (
    CALL,
    KEY,
    MODERN,
    PROMPT,
    SECRET,
    SHAPED,
    McpJobWorld,
    content_of,
    mcp_job_world,
    text_of,
)
from tests.adapters.mcp_world import served
from tests.adapters.rest_jobs_world import ACCEPTED, CANCEL, DONE, STARTED, NameGuard, Script, looks, says
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio

ERAS = pytest.mark.parametrize("mode", [MODERN, "legacy"])
PICTURE = says("done", result={"url": "https://cdn.maker.test/a/hat%20one.png?sig=1", "seed": 7})


# -- tools ------------------------------------------------------------------------------------------------


@ERAS
async def test_a_tool_that_starts_jobs_is_followed_by_tools_for_them(mode: str) -> None:
    async with mcp_job_world({}, poll=CANCEL) as world:
        tools = await world.tools(mode)
    assert list(tools) == [
        "make-picture",
        "make-picture_status",
        "make-picture_cancel",
        "other",
        "other_status",
    ]
    for tool in tools.values():
        Draft202012Validator.check_schema(tool.input_schema)
        assert tool.output_schema is not None
        assert tool.output_schema["required"] == ["state", "job"]
    assert tools["make-picture"].description == (
        "Makes a picture.\n\n"
        "Waits for its job; if that takes long, it answers with a 'job' to give to make-picture_status."
    )
    status, cancel = tools["make-picture_status"], tools["make-picture_cancel"]
    assert status.input_schema["required"] == cancel.input_schema["required"] == ["job"]
    assert status.input_schema["properties"]["wait_seconds"]["maximum"] == 45
    assert list(cancel.input_schema["properties"]) == ["job"]
    for tool, hints in ((status, (True, False, True)), (cancel, (False, True, True))):
        found = tool.annotations
        assert found is not None
        assert (found.read_only_hint, found.destructive_hint, found.idempotent_hint) == hints


async def test_names_of_the_file_come_before_those_of_tools_for_jobs_and_all_are_legal() -> None:
    long = "a" * 64
    tools = f"""
- {{name: make, call: maker.make}}
- {{name: make_status, call: maker.look}}
- {{name: {long}, call: maker.make}}
"""
    async with mcp_job_world({}, poll=CANCEL, tools=tools) as world:
        names = list(await world.tools())
    assert names == [
        "make", "make_status_2", "make_cancel", "make_status",
        long, f"{'a' * 57}_status", f"{'a' * 57}_cancel",
    ]  # fmt: skip


async def test_on_one_endpoint_each_capability_finds_its_own_jobs() -> None:
    options = EdgeOptions(inline_wait=1)
    async with (
        mcp_job_world(looks(says("running"))) as first,
        mcp_job_world(looks(says("running"), DONE)) as second,
    ):
        engines = (first.engine, second.engine)
        edge = build_merged([(engine.plan.listeners[0], engine) for engine in engines], options)
        async with served(edge) as url, Client(url) as client:
            names = [tool.name for tool in (await client.list_tools()).tools]
            started = await client.call_tool("studio_make-picture_2", PROMPT)
            job = {"job": content_of(started)["job"]}
            own = await client.call_tool("studio_make-picture_2_status", job)
            other = await client.call_tool("studio_make-picture_status", job)
        assert (first.asked("POST /jobs"), second.asked("POST /jobs")) == (0, 1)
    assert names[:4] == [
        "studio_make-picture", "studio_make-picture_status", "studio_other", "studio_other_status",
    ]  # fmt: skip
    assert (content_of(own)["state"], other.is_error) == ("succeeded", True)


async def test_the_result_in_the_envelope_has_the_declared_schema() -> None:
    async with mcp_job_world({}, tools=SHAPED) as world:
        schema = (await world.tools())["make"].output_schema
        (flow,) = world.engine.plan.listeners[0].flows
    assert schema is not None
    assert schema["properties"]["result"] == flow.output_schema
    assert list(schema["properties"]["result"]["properties"]) == ["picture", "seed"]


@ERAS
async def test_definitions_of_the_result_stay_where_references_find_them(mode: str) -> None:
    url = {"$defs": {"url": {"type": "string", "minLength": 1}}, "$ref": "#/$defs/url"}
    change = partial(replace, output_schema=url)
    async with mcp_job_world(looks(DONE), change=change) as world:
        schema = (await world.tools(mode))["make-picture"].output_schema
        result = await world.call(mode=mode)
    assert schema is not None
    assert schema["properties"]["result"] == {"$ref": "#/$defs/url"}
    assert schema["$defs"] == url["$defs"]
    assert content_of(result)["result"] == "a picture"


# -- success ----------------------------------------------------------------------------------------------


@ERAS
async def test_a_call_waits_for_the_result_and_links_to_what_was_made(mode: str) -> None:
    async with mcp_job_world(looks(says("running"), says("running"), PICTURE)) as world:
        result = await world.call(mode=mode)
        assert world.asked("POST /jobs") == 1
        assert world.asked() == 3
        assert world.engine.clock.monotonic() == 3
    found = content_of(result)
    assert not result.is_error
    assert (found["state"], found["progress"]) == ("succeeded", 1.0)
    assert found["result"] == {"url": "https://cdn.maker.test/a/hat%20one.png?sig=1", "seed": 7}
    assert found["job"].startswith("job1_")
    assert text_of(result) == (
        'The job succeeded.\nResult: {"url":"https://cdn.maker.test/a/hat%20one.png?sig=1","seed":7}'
    )
    (link,) = result.content[1:]
    assert isinstance(link, types.ResourceLink)
    assert (link.uri, link.name, link.mime_type) == (found["result"]["url"], "hat one.png", "image/png")


async def test_a_job_that_ends_at_once_is_not_waited_for() -> None:
    async with mcp_job_world({"POST /jobs": says("done", result="https://cdn.maker.test/x")}) as world:
        result = await world.call()
        assert world.asked() == 0
    assert content_of(result)["result"] == "https://cdn.maker.test/x"
    link = result.content[1]
    assert isinstance(link, types.ResourceLink)
    assert (link.name, link.mime_type) == ("x", None)


async def test_the_result_is_shaped_as_the_tool_says() -> None:
    async with mcp_job_world(looks(PICTURE), tools=SHAPED) as world:
        result = await world.call("make")
    assert content_of(result)["result"] == {
        "picture": "https://cdn.maker.test/a/hat%20one.png?sig=1", "seed": 7,
    }  # fmt: skip


async def test_the_time_at_which_a_result_is_gone_is_told() -> None:
    async with mcp_job_world(looks(PICTURE), result="{path: $.result.url, expires: 10m}") as world:
        result = await world.call()
    assert content_of(result)["result_expires_at"] == 1_800_000_601
    assert text_of(result) == (
        "The job succeeded.\n"
        "The result can be fetched until 2027-01-15 08:10 UTC.\n"
        "Result: https://cdn.maker.test/a/hat%20one.png?sig=1"
    )


async def test_only_whole_urls_are_linked_each_once_and_not_too_many() -> None:
    urls = [f"https://cdn.maker.test/{number}.mp4" for number in range(12)]
    result = ["see https://cdn.maker.test/in-a-text", "ftp://x/y", urls[0], {"all": urls}]
    async with mcp_job_world(looks(says("done", result=result))) as world:
        links = [block for block in (await world.call()).content if isinstance(block, types.ResourceLink)]
    assert [link.uri for link in links] == urls[:10]
    assert {link.mime_type for link in links} == {"video/mp4"}


async def test_clients_that_know_no_links_get_none() -> None:
    async with mcp_job_world(looks(PICTURE)) as world:
        call: dict[str, Any] = {"name": "make-picture", "arguments": PROMPT}
        old = await world.legacy("tools/call", version="2025-03-26", **call)
        new = await world.legacy("tools/call", version="2025-06-18", **call)
    assert [block["type"] for block in old["result"]["content"]] == ["text"]
    assert [block["type"] for block in new["result"]["content"]] == ["text", "resource_link"]


async def test_a_result_of_another_shape_than_declared_is_told_and_no_error() -> None:
    change = partial(replace, output_schema={"type": "integer"})
    async with mcp_job_world(looks(DONE), change=change) as world:
        result = await world.call()
    assert not result.is_error
    assert (content_of(result)["state"], "result" in content_of(result)) == ("succeeded", False)
    assert text_of(result) == (
        "The job succeeded.\n"
        "Its result does not have the declared shape ('result' should be integer; it is \"a picture\"). "
        "It is: a picture"
    )


class Unreadable:
    """An output that cannot read anything."""

    def read(self, document: Any, scope: Any) -> Any:
        raise MappingError("the answer cannot be mapped: it is nested too deeply")


@ERAS
async def test_a_result_that_cannot_be_read_leaves_the_handle_of_its_job(mode: str) -> None:
    async with mcp_job_world(looks(DONE), change=partial(replace, output=Unreadable())) as world:
        result = await world.call(mode=mode)
    assert result.is_error
    said, note, handle = text_of(result).splitlines()
    assert said.endswith("the answer cannot be mapped: it is nested too deeply")
    assert note.startswith("A job was started all the same. Do not call make-picture again")
    assert handle.startswith("job1_")


@pytest.mark.parametrize(
    ("size", "kept", "told"),
    [
        (600_000, True, "Its result (585.9 KiB) is in the structured content."),
        (1_000_000, False, "Its result is 976.6 KiB: too large to be passed on."),
    ],
)
async def test_a_large_result_is_told_once_or_not_at_all(size: int, kept: bool, told: str) -> None:
    async with mcp_job_world(looks(says("done", result="x" * size))) as world:
        result = await world.call()
    assert not result.is_error
    assert ("result" in content_of(result)) == kept
    assert text_of(result) == f"The job succeeded.\n{told}"


# -- bytes ------------------------------------------------------------------------------------------------

BYTES = '{uri: "/jobs/{{id}}/content", format: binary}'


@ERAS
@pytest.mark.parametrize(
    ("kind", "block"), [("image/png", "image"), ("audio/wav", "audio"), ("video/mp4", "resource")]
)
async def test_a_result_of_bytes_is_put_in_where_it_is_small(mode: str, kind: str, block: str) -> None:
    script = {**looks(DONE), "GET /jobs/j1/content": reply(200, b"\x89bytes", ("Content-Type", kind))}
    async with mcp_job_world(script, result=BYTES) as world:
        result = await world.call(mode=mode)
    assert [item.type for item in result.content] == ["text", block]
    assert text_of(result) == f"The job succeeded.\nIts result is 6 bytes of {kind}."
    assert (content_of(result)["state"], "result" in content_of(result)) == ("succeeded", False)


async def test_a_result_of_many_bytes_is_only_named() -> None:
    content = reply(200, b"\x89" * 600 * 1024, ("Content-Type", "image/png"))
    async with mcp_job_world({**looks(DONE), "GET /jobs/j1/content": content}, result=BYTES) as world:
        result = await world.call()
    assert not result.is_error
    assert len(result.content) == 1
    assert text_of(result).endswith("Its result is 600.0 KiB of image/png: too large to be put in here.")


# -- ends that are not what one hoped for -----------------------------------------------------------------


@ERAS
@pytest.mark.parametrize(
    ("last", "state", "text"),
    [
        (
            says("failed", reason="out of memory"), "failed",
            "The job failed: out of memory.\nThe same call of make-picture may succeed another time.",
        ),
        (
            says("moderated", reason="not that"), "failed",
            "The job failed: not that (code moderated).\n"
            "The same call of make-picture would probably fail again: change its arguments first.",
        ),
        (
            says("stopped"), "canceled",
            "The job was canceled (code stopped).\n"
            "Call make-picture again only if its result is still wanted.",
        ),
    ],
)  # fmt: skip
async def test_a_job_that_did_not_succeed_is_an_error_with_advice(
    mode: str, last: bytes, state: str, text: str
) -> None:
    async with mcp_job_world(looks(says("running"), last)) as world:
        result = await world.call(mode=mode)
        again = await world.call("make-picture_status", mode=mode, job=content_of(result)["job"])
    for answer in (result, again):
        assert answer.is_error
        assert content_of(answer)["state"] == state
        assert text_of(answer) == text


async def test_an_answer_that_starts_no_job_fails_as_any_call_does() -> None:
    refused = reply(402, b'{"detail": "no credits"}')
    async with mcp_job_world({"POST /jobs": refused}) as world:
        result = await world.call()
    assert result.is_error
    assert text_of(result).startswith(
        'The upstream answered 402 Payment Required.\nIn its own words: "no credits"'
    )


async def test_wrong_arguments_start_nothing() -> None:
    async with mcp_job_world(STARTED) as world:
        result = await world.call(prompts="a hat")
        assert not world.upstream.requests
    assert result.is_error
    assert "'prompt' is missing" in text_of(result)


async def test_a_job_that_cannot_be_asked_about_is_told_with_a_warning() -> None:
    async with mcp_job_world({"POST /jobs": reply(200, b'{"queued": true}')}) as world:
        result = await world.call()
    assert not result.is_error
    assert (content_of(result)["state"], content_of(result)["error"]["code"]) == ("unknown", "no_job_id")
    assert text_of(result) == (
        "Nobody can say how the job stands: the provider accepted the submission, but named no job.\n"
        "It may be running all the same, and cannot be asked about. "
        "Do not call make-picture again for this: it would start, and maybe pay for, another job."
    )


async def test_what_a_provider_says_of_our_key_is_not_passed_on() -> None:
    said = says("failed", reason=f"the key {KEY} is used up", details={"keys": [KEY]})
    async with mcp_job_world(looks(said)) as world:
        result = await world.call()
    assert text_of(result).startswith("The job failed: the key **** is used up.")
    assert content_of(result)["error"]["details"] == {"keys": ["****"]}


async def test_a_submission_that_was_made_before_starts_nothing_and_gives_what_is_known() -> None:
    more = """
idempotency:
  in: header
  name: Idempotency-Key
  duplicate: {code: 409, recover: {call: maker.look}}
"""
    script = {"POST /jobs": reply(409), "GET /jobs": reply(200, b'{"jobs": ["j0"]}')}
    async with mcp_job_world(script, more=more) as world:
        result = await world.call()
    assert not result.is_error
    assert content_of(result) == {
        "state": "unknown",
        "job": "",
        "message": "no new job was started, because this was submitted before",
        "result": {"jobs": ["j0"]},
    }
    assert [block.type for block in result.content] == ["text", "text"]
    assert text_of(result).startswith("No new job was started, because this was submitted before.")


# -- going on ---------------------------------------------------------------------------------------------


@ERAS
async def test_a_call_that_has_waited_for_long_gives_a_handle_to_go_on_with(mode: str) -> None:
    answers = [says("running", progress=40)] * 45 + [says("running", progress=90), says("running"), PICTURE]
    async with mcp_job_world(looks(*answers), poll=CANCEL) as world:
        waited = await world.call(mode=mode)
        handle = content_of(waited)["job"]
        assert world.engine.clock.monotonic() == 45
        looked = await world.call("make-picture_status", mode=mode, job=handle)
        assert world.engine.clock.monotonic() == 45
        ended = await world.call("make-picture_status", mode=mode, job=handle, wait_seconds=45)
        assert (world.asked("POST /jobs"), world.asked()) == (1, 48)
    assert not waited.is_error
    assert (content_of(waited)["state"], content_of(waited)["progress"]) == ("running", 0.4)
    assert text_of(waited) == (
        "The job is still under way (running, 40 %).\n"
        "Do not call make-picture again for this: it would start, and maybe pay for, another job. "
        "Call make-picture_status with this job after 1 second to go on, or make-picture_cancel to stop it:\n"
        f"{handle}"
    )
    assert len(waited.content) == 1
    assert (content_of(looked)["state"], content_of(looked)["progress"]) == ("running", 0.9)
    assert (content_of(ended)["state"], ended.is_error) == ("succeeded", False)
    assert len(ended.content) == 2


async def test_how_long_a_call_waits_can_be_chosen() -> None:
    options = EdgeOptions(inline_wait=3, inline_wait_progress=7)

    async def ignored(progress: float, total: float | None, message: str | None) -> None:
        return None

    async with mcp_job_world(looks(says("running")), options=options) as world:
        await world.call()
        assert world.engine.clock.monotonic() == 3
        await world.call(progress=ignored)
        assert world.engine.clock.monotonic() == 10


async def test_a_job_that_takes_longer_than_its_file_allows_is_not_said_to_have_failed() -> None:
    async with mcp_job_world(looks(says("running")), poll="timeout: 5s") as world:
        result = await world.call()
    assert not result.is_error
    assert content_of(result)["state"] == "timed_out"
    assert text_of(result).startswith(
        "Nobody can say how the job stands: the job has not ended within 5 s; it may still be running.\n"
        "Do not call make-picture again"
    )
    assert "make-picture_status with this job to go on:\njob1_" in text_of(result)


async def test_a_provider_that_stumbles_leaves_the_job_unknown_for_now() -> None:
    async with mcp_job_world(looks(says("running"), reply(500)), options=EdgeOptions(inline_wait=1)) as world:
        handle = content_of(await world.call())["job"]
        stumbled = await world.call("make-picture_status", job=handle)
    assert not stumbled.is_error
    assert content_of(stumbled)["state"] == "unknown"
    assert "make-picture_status with this job after 1 second to go on" in text_of(stumbled)


@pytest.mark.parametrize(
    ("arguments", "flaw"),
    [
        ({"wait_seconds": 5}, "'job' is missing"),
        ({"job": 7}, "'job' should be string"),
        ({"job": "x", "wait_seconds": 46}, "'wait_seconds' does not fit: 46"),
        ({"job": "x", "wait": 4}, "'wait' is not known"),
    ],
)
async def test_a_question_with_wrong_arguments_is_refused_with_what_is_wrong(
    arguments: dict[str, Any], flaw: str
) -> None:
    async with mcp_job_world({}) as world:
        result = await world.call("make-picture_status", **arguments)
    assert result.is_error
    assert text_of(result).startswith("Invalid input: ")
    assert flaw in text_of(result)


# -- canceling --------------------------------------------------------------------------------------------


@ERAS
@pytest.mark.parametrize(
    ("cancel", "look", "state"),
    [
        (says("stopped"), says("running"), "canceled"),
        (reply(204, b""), says("running"), "running"),
        (reply(409), DONE, "succeeded"),
    ],
)
async def test_a_job_can_be_canceled_where_the_provider_can(
    mode: str, cancel: bytes, look: bytes, state: str
) -> None:
    options = EdgeOptions(inline_wait=1)
    async with mcp_job_world(
        looks(says("queued"), look, cancel=cancel), poll=CANCEL, options=options
    ) as world:
        handle = content_of(await world.call(mode=mode))["job"]
        result = await world.call("make-picture_cancel", mode=mode, job=handle)
        assert world.asked("DELETE /jobs/j1") == 1
    assert (result.is_error, content_of(result)["state"]) == (False, state)


async def test_a_cancel_that_was_asked_for_is_told_from_one_that_happened() -> None:
    script = looks(says("running"), cancel=reply(204, b""))
    async with mcp_job_world(script, poll=CANCEL, options=EdgeOptions(inline_wait=1)) as world:
        handle = content_of(await world.call())["job"]
        result = await world.call("make-picture_cancel", job=handle)
    assert text_of(result).startswith(
        "The job is still under way (running: the provider was asked to cancel the job)."
    )


# -- handles ----------------------------------------------------------------------------------------------


async def test_what_is_no_handle_of_this_caller_and_tool_is_not_found_in_the_same_words() -> None:
    options = EdgeOptions(inline_wait=1)
    async with mcp_job_world(
        looks(says("running"), DONE), guard=NameGuard(), poll=CANCEL, options=options
    ) as world:
        started = await world.legacy(
            "tools/call", headers={"x-name": "ann"}, name="make-picture", arguments=PROMPT
        )
        handle = started["result"]["structuredContent"]["job"]
        changed = f"{handle[:-9]}{'A' if handle[-9] != 'A' else 'B'}{handle[-8:]}"
        tries = [
            (tool, job, name)
            for job, name in ((changed, "ann"), ("x", "ann"), ("", "ann"), (handle, "bob"))
            for tool in ("make-picture_status", "make-picture_cancel")
        ]
        answers = [
            await world.legacy("tools/call", headers={"x-name": name}, name=tool, arguments={"job": job})
            for tool, job, name in [*tries, ("other_status", handle, "ann")]
        ]
        own = await world.legacy(
            "tools/call", headers={"x-name": "ann"}, name="make-picture_status", arguments={"job": handle}
        )
        assert (world.asked(), world.asked("DELETE /jobs/j1")) == (2, 0)
    assert {answer["result"]["isError"] for answer in answers} == {True}
    assert {answer["result"]["content"][0]["text"] for answer in answers} == {
        "There is no such job: there is no such job; "
        "use the handle as it was given, with the same credentials"
    }
    assert own["result"]["structuredContent"]["state"] == "succeeded"


async def test_a_handle_expires() -> None:
    clock = VirtualClock()
    async with mcp_job_world(looks(DONE), clock=clock) as world:
        handle = content_of(await world.call())["job"]
        clock.advance(7 * 24 * 3600)
        result = await world.call("make-picture_status", job=handle)
    assert result.is_error
    assert text_of(result) == "The job is gone: the job can no longer be asked about"


@ERAS
async def test_a_restart_with_the_same_secret_loses_nothing_and_another_secret_reads_nothing(
    mode: str,
) -> None:
    options = EdgeOptions(inline_wait=1)
    async with mcp_job_world(looks(says("running"), DONE), secret=SECRET, options=options) as first:
        handle = content_of(await first.call(mode=mode))["job"]
        async with mcp_job_world({}, secret=SECRET, upstream=first.upstream) as second:
            found = await second.call("make-picture_status", mode=mode, job=handle)
        async with mcp_job_world({}, secret=SECRET * 2, upstream=first.upstream) as third:
            lost = await third.call("make-picture_status", mode=mode, job=handle)
    assert content_of(found)["result"] == "a picture"
    assert lost.is_error


# -- progress ---------------------------------------------------------------------------------------------


class Heard:
    """The notifications of a call."""

    def __init__(self) -> None:
        self.seen: list[tuple[float, float | None, str | None]] = []

    async def __call__(self, progress: float, total: float | None, message: str | None) -> None:
        self.seen.append((progress, total, message))


@ERAS
async def test_progress_is_told_every_few_seconds_and_always_grows(mode: str) -> None:
    shares = [None, 10, 10, 10, 10, 10, 30, 20, 20, 20, 20, 20, 60]
    answers = [says("running", **({"progress": share} if share else {})) for share in shares]
    heard = Heard()
    async with mcp_job_world(looks(*answers, DONE)) as world:
        result = await world.call(mode=mode, progress=heard)
    assert not result.is_error
    assert heard.seen == [
        (0.0, 1.0, "running"),
        (0.1, 1.0, "running, 10 %"),
        (0.3, 1.0, "running, 30 %"),
        (1.0, 1.0, "succeeded"),
    ]


async def test_a_job_that_stands_still_is_told_of_with_a_little_more_progress() -> None:
    heard = Heard()
    script = looks(*[says("running", progress=40)] * 11, says("failed"))
    async with mcp_job_world(script) as world:
        await world.call(progress=heard)
    assert [progress for progress, _, _ in heard.seen] == [0.4, 0.4001, 0.4002]


async def test_without_a_share_progress_is_the_seconds_that_have_passed() -> None:
    heard = Heard()
    poll = "position: $.place\nmessage: $.says"
    script: Script = {
        "PUT /jobs": ACCEPTED,
        "GET /jobs/j1": [says("running")] * 7 + [says("running")] * 2 + [DONE],
    }
    async with mcp_job_world(script, poll=poll) as world:
        await world.call("other", progress=heard)
    assert heard.seen == [(1, None, "running"), (6, None, "running"), (10, None, "succeeded")]


async def test_progress_has_the_place_in_the_queue_and_the_providers_words() -> None:
    heard = Heard()
    script = looks(says("queued", place=3, says="one\nmoment"), DONE)
    async with mcp_job_world(script, poll="position: $.place\nmessage: $.says") as world:
        await world.call(progress=heard)
    assert heard.seen[0] == (0.0, 1.0, "queued, position 3: one moment")


# -- clients that go away, and servers that stop ----------------------------------------------------------


class Held:
    """An answer that does not come: `broken` is set when whoever waits for it has hung up."""

    def __init__(self) -> None:
        self.broken = asyncio.Event()

    async def __call__(self, seen: Seen) -> bytes:
        await seen.rest.read()
        self.broken.set()
        return b""


async def _over(world: McpJobWorld) -> None:
    """Wait until the adapter has nothing to do any more, and has not stumbled over anything."""
    await asyncio.wait_for(world.edge.drain(), 5)
    assert not [event for event in world.heard if isinstance(event, UnexpectedError)]


@ERAS
@pytest.mark.parametrize(("policy", "cancels"), [("leave", 0), ("cancel", 1)])
async def test_a_client_that_goes_away_while_its_call_waits_stops_the_looks(
    mode: str, policy: str, cancels: int
) -> None:
    held = Held()
    script = {**STARTED, "GET /jobs/j1": held, "DELETE /jobs/j1": says("stopped")}
    async with mcp_job_world(script, poll=f"{CANCEL}\nonDisconnect: {policy}") as world:
        calling = asyncio.create_task(world.raw(mode, "tools/call", **CALL))
        await world.upstream.until(lambda: world.asked() > 0)
        calling.cancel()
        await asyncio.wait_for(held.broken.wait(), 5)
        await world.upstream.until(lambda: world.asked("DELETE /jobs/j1") == cancels)
        await _over(world)
        assert (world.asked(), world.asked("DELETE /jobs/j1")) == (1, cancels)


@ERAS
@pytest.mark.parametrize(("policy", "cancels"), [("leave", 0), ("cancel", 1)])
async def test_a_start_is_not_broken_off_and_a_job_without_a_caller_is_canceled(
    mode: str, policy: str, cancels: int
) -> None:
    leave, left = asyncio.Event(), asyncio.Event()

    async def slow(seen: Seen) -> bytes:
        await leave.wait()
        left.set()
        return ACCEPTED

    script: Script = {"POST /jobs": slow, "GET /jobs/j1": says("running"), "DELETE /jobs/j1": says("stopped")}
    async with mcp_job_world(script, poll=f"{CANCEL}\nonDisconnect: {policy}") as world:
        calling = asyncio.create_task(world.raw(mode, "tools/call", **CALL))
        await world.upstream.until(lambda: world.asked("POST /jobs") > 0)
        calling.cancel()
        await world.tools()
        leave.set()
        await asyncio.wait_for(left.wait(), 5)
        await world.upstream.until(lambda: world.asked("DELETE /jobs/j1") == cancels)
        await _over(world)
        assert (world.asked(), world.asked("DELETE /jobs/j1")) == (0, cancels)


@ERAS
async def test_a_client_that_only_asks_may_go_away(mode: str) -> None:
    held, turns = Held(), iter([says("running")])

    async def look(seen: Seen) -> bytes:
        answer = next(turns, None)
        return answer if answer is not None else await held(seen)

    script = {**STARTED, "GET /jobs/j1": look, "DELETE /jobs/j1": says("stopped")}
    options = EdgeOptions(inline_wait=1)
    async with mcp_job_world(script, poll=f"{CANCEL}\nonDisconnect: cancel", options=options) as world:
        handle = content_of(await world.call())["job"]
        question = {"name": "make-picture_status", "arguments": {"job": handle, "wait_seconds": 30}}
        asking = asyncio.create_task(world.raw(mode, "tools/call", **question))
        await world.upstream.until(lambda: world.asked() > 1)
        asking.cancel()
        await asyncio.wait_for(held.broken.wait(), 5)
        await _over(world)
        assert world.asked("DELETE /jobs/j1") == 0


@ERAS
async def test_a_server_that_stops_answers_those_who_wait_with_the_handle(mode: str) -> None:
    held, turns = Held(), iter([says("running", progress=70)])

    async def look(seen: Seen) -> bytes:
        answer = next(turns, None)
        return answer if answer is not None else await held(seen)

    script = {**STARTED, "GET /jobs/j1": look, "DELETE /jobs/j1": says("stopped")}
    async with mcp_job_world(script, poll=f"{CANCEL}\nonDisconnect: cancel") as world:
        waiting = asyncio.create_task(world.raw(mode, "tools/call", **CALL))
        await world.upstream.until(lambda: world.asked() > 1)
        await _over(world)
        answer = (await waiting)["result"]
        late = (await world.raw(mode, "tools/call", **CALL))["result"]
        assert world.asked("DELETE /jobs/j1") == 0
    assert (answer["isError"], late["isError"]) == (False, False)
    assert (answer["structuredContent"]["state"], answer["structuredContent"]["progress"]) == ("running", 0.7)
    assert answer["structuredContent"]["retry_after"] == 1
    assert "make-picture_status with this job after 1 second" in answer["content"][0]["text"]
    assert late["structuredContent"]["state"] == "queued"


async def test_a_server_that_stops_looks_once_for_those_who_only_asked() -> None:
    held = Held()
    turns = iter([held])

    async def look(seen: Seen) -> bytes:
        first = next(turns, None)
        return await first(seen) if first is not None else says("running", progress=70)

    async with mcp_job_world({**STARTED, "GET /jobs/j1": look}, options=EdgeOptions(inline_wait=0)) as world:
        task = (await world.modern("tools/call", **CALL))["result"]["taskId"]
        question = {"name": "make-picture_status", "arguments": {"job": task, "wait_seconds": 45}}
        waiting = asyncio.create_task(world.raw(MODERN, "tools/call", **question))
        await world.upstream.until(lambda: world.asked() > 0)
        await _over(world)
        answer = (await waiting)["result"]
    assert (answer["isError"], answer["structuredContent"]["progress"]) == (False, 0.7)


async def test_an_edge_that_runs_again_waits_again() -> None:
    async with mcp_job_world(looks(DONE)) as world:
        await world.edge.drain()
        async with served(world.edge) as url, Client(url) as client:
            result = await client.call_tool("make-picture", PROMPT)
    assert content_of(result)["state"] == "succeeded"
