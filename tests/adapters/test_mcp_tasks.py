"""Jobs as tasks: the extension to MCP 2026-07-28, and the tasks of MCP 2025-11-25, message by message."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, Literal

import mcp.types as types
import pytest
from mcp import Client
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim

from capspec.clock import VirtualClock
from tests.adapters.mcp_jobs_world import (
    CALL,
    LEGACY,
    MODERN,
    PROMPT,
    SECRET,
    TASKS,
    TOOLS,
    McpJobWorld,
    mcp_job_world,
    text_of,
)
from tests.adapters.rest_jobs_world import CANCEL, DONE, STARTED, NameGuard, looks, says
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio

HELLO: dict[str, Any] = {"capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
NO_TASK = {"code": -32602, "message": "There is no such task"}
UNDECLARED = {
    "code": -32021,
    "message": "Missing required client capability",
    "data": {"requiredCapabilities": {"extensions": {TASKS: {}}}},
}


async def created(world: McpJobWorld, **changes: Any) -> dict[str, Any]:
    """A task of the extension."""
    result: dict[str, Any] = (await world.modern("tools/call", **{**CALL, **changes}))["result"]
    assert result["resultType"] == "task", result
    return result


async def created_legacy(world: McpJobWorld, **headers: str) -> dict[str, Any]:
    """A task of 2025-11-25."""
    answer = await world.legacy("tools/call", headers=headers, **CALL, task={"ttl": 60_000})
    task: dict[str, Any] = answer["result"]["task"]
    return task


async def status_of(world: McpJobWorld, task: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = (await world.modern("tasks/get", taskId=task["taskId"]))["result"]
    return result


async def legacy_status_of(world: McpJobWorld, task: dict[str, Any]) -> dict[str, Any]:
    result: dict[str, Any] = (await world.legacy("tasks/get", taskId=task["taskId"]))["result"]
    return result


def moment(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


# -- who is told of tasks ---------------------------------------------------------------------------------


async def test_the_extension_is_announced_where_jobs_are_and_only_to_those_who_can_have_it() -> None:
    async with mcp_job_world({}, poll=CANCEL) as world:
        found = (await world.modern("server/discover"))["result"]["capabilities"]
        newest = (await world.legacy("initialize", protocolVersion=LEGACY, **HELLO))["result"]["capabilities"]
        older = (await world.legacy("initialize", protocolVersion="2025-06-18", **HELLO))["result"][
            "capabilities"
        ]
        listed = (await world.legacy("tools/list"))["result"]["tools"]
        modern = (await world.modern("tools/list"))["result"]["tools"]
    assert found["extensions"] == {TASKS: {}}
    assert "tasks" not in found
    assert newest["tasks"] == {"cancel": {}, "requests": {"tools": {"call": {}}}}
    assert "extensions" not in newest
    assert "tasks" not in older
    supported = {tool["name"]: tool.get("execution") for tool in listed}
    optional = {"taskSupport": "optional"}
    assert supported == {
        "make-picture": optional, "make-picture_status": None, "make-picture_cancel": None,
        "other": optional, "other_status": None,
    }  # fmt: skip
    assert not [tool for tool in modern if "execution" in tool]


async def test_without_a_way_to_cancel_none_is_announced() -> None:
    async with mcp_job_world({}) as world:
        answer = await world.legacy("initialize", protocolVersion=LEGACY, **HELLO)
    assert answer["result"]["capabilities"]["tasks"] == {"requests": {"tools": {"call": {}}}}


async def test_a_server_without_jobs_knows_no_tasks() -> None:
    async with mcp_job_world({}, tools="- {name: look, call: maker.look}") as world:
        found = (await world.modern("server/discover"))["result"]["capabilities"]
        answer = await world.modern("tasks/get", taskId="x")
    assert "extensions" not in found
    assert answer["error"]["code"] == -32601


async def test_a_client_that_does_not_declare_the_extension_gets_no_task() -> None:
    async with mcp_job_world(looks(says("running"), DONE)) as world:
        answer = await world.modern("tools/call", tasks=False, **CALL, task={"ttl": 1})
        task = await created(world)
        refused = [
            (await world.modern(method, tasks=False, taskId=task["taskId"]))["error"]
            for method in ("tasks/get", "tasks/update", "tasks/cancel")
        ]
        listening: dict[str, Any] = {"notifications": {"taskIds": [task["taskId"]]}}
        refused.append((await world.modern("subscriptions/listen", tasks=False, **listening))["error"])
    assert answer["result"]["resultType"] == "complete"
    assert answer["result"]["structuredContent"]["state"] == "succeeded"
    assert refused == [UNDECLARED] * 4


# -- the extension ----------------------------------------------------------------------------------------


async def test_a_task_is_created_at_once_and_has_its_result_when_the_job_has() -> None:
    clock = VirtualClock()
    running = says("running", progress=40)
    async with mcp_job_world(looks(running, DONE), interval="1500ms", clock=clock) as world:
        task = await created(world)
        assert (world.asked("POST /jobs"), world.asked(), clock.monotonic()) == (1, 0, 0)
        clock.advance(2)
        working = await status_of(world, task)
        completed = await status_of(world, task)
    assert set(task) == {
        "resultType", "taskId", "status", "statusMessage", "createdAt", "lastUpdatedAt", "ttlMs",
        "pollIntervalMs", "_meta",
    }  # fmt: skip
    assert (task["status"], task["statusMessage"], task["pollIntervalMs"]) == ("working", "queued", 1500)
    assert task["createdAt"] == task["lastUpdatedAt"] == "2027-01-15T08:00:00.000Z"
    assert 0 < task["ttlMs"] < 2**31
    assert (working["resultType"], working["taskId"]) == ("complete", task["taskId"])
    assert (working["status"], working["statusMessage"]) == ("working", "running, 40 %")
    assert moment(working["lastUpdatedAt"]) - moment(working["createdAt"]) == 2
    assert "result" not in working
    assert completed["status"] == "completed"
    result = completed["result"]
    assert (result["resultType"], result["isError"]) == ("complete", False)
    assert result["structuredContent"]["result"] == "a picture"
    assert result["content"][0]["text"] == "The job succeeded.\nResult: a picture"


@pytest.mark.parametrize(
    ("look", "status", "message", "is_error"),
    [
        (says("failed", reason="no"), "completed", "failed: no", True),
        (says("moderated", reason="no"), "completed", "failed: no", True),
        (says("stopped"), "cancelled", "canceled: the job was canceled", None),
        (reply(500), "working", "unknown: the provider answered HTTP 500", None),
        (reply(403), "completed", "unknown: the provider answered HTTP 403", False),
    ],
)
async def test_a_job_that_did_not_succeed_is_no_failed_task(
    look: bytes, status: str, message: str, is_error: bool | None
) -> None:
    async with mcp_job_world(looks(look)) as world:
        task = await status_of(world, await created(world))
    assert task["status"] == status
    assert task["statusMessage"].startswith(message)
    assert task.get("result", {}).get("isError") == is_error


async def test_a_job_that_has_ended_when_it_was_started_needs_no_task() -> None:
    async with mcp_job_world({"POST /jobs": DONE}) as world:
        answer = (await world.modern("tools/call", **CALL))["result"]
    assert (answer["resultType"], answer["structuredContent"]["result"]) == ("complete", "a picture")


async def test_a_job_that_cannot_be_asked_about_needs_no_task() -> None:
    async with mcp_job_world({"POST /jobs": reply(200, b"{}")}) as world:
        answer = (await world.modern("tools/call", **CALL))["result"]
    assert (answer["resultType"], answer["isError"]) == ("complete", False)
    assert answer["structuredContent"]["state"] == "unknown"


async def test_what_goes_wrong_before_there_is_a_job_is_a_result() -> None:
    async with mcp_job_world({"POST /jobs": reply(402)}) as world:
        refused = (await world.modern("tools/call", **CALL))["result"]
        wrong = (await world.modern("tools/call", name="make-picture", arguments={}))["result"]
    for result in (refused, wrong):
        assert (result["resultType"], result["isError"]) == ("complete", True)


@pytest.mark.parametrize(
    ("cancel", "look", "status"),
    [(says("stopped"), says("stopped"), "cancelled"), (reply(500), says("running"), "working")],
)
async def test_canceling_is_acknowledged_whatever_comes_of_it(
    cancel: bytes, look: bytes, status: str
) -> None:
    async with mcp_job_world(looks(look, cancel=cancel), poll=CANCEL) as world:
        task = await created(world)
        answer = (await world.modern("tasks/cancel", taskId=task["taskId"]))["result"]
        assert world.asked("DELETE /jobs/j1") == 1
        after = await status_of(world, task)
    assert answer["resultType"] == "complete"
    assert after["status"] == status


async def test_a_job_that_cannot_be_canceled_is_asked_to_in_vain() -> None:
    async with mcp_job_world(looks(says("running"))) as world:
        task = await created(world)
        canceled = (await world.modern("tasks/cancel", taskId=task["taskId"]))["result"]
        updated = (await world.modern("tasks/update", taskId=task["taskId"], inputResponses={"a": {}}))[
            "result"
        ]
        assert not [seen for seen in world.upstream.requests if seen.method == "DELETE"]
    assert (canceled["resultType"], updated["resultType"]) == ("complete", "complete")


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_the_name_header_may_be_missing_but_not_wrong(method: str) -> None:
    async with mcp_job_world(looks(says("running")), poll=CANCEL) as world:
        task = await created(world)
        missing = await world.post_modern(method, taskId=task["taskId"], headers={"mcp-name": ""})
        wrong = await world.post_modern(method, taskId=task["taskId"], headers={"mcp-name": "another"})
    assert (missing.status_code, missing.json()["result"]["resultType"]) == (200, "complete")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, -32020)


@pytest.mark.parametrize("method", ["tasks/get", "tasks/update", "tasks/cancel"])
async def test_a_task_of_somebody_else_is_no_task(method: str) -> None:
    async with mcp_job_world(looks(says("running")), guard=NameGuard(), poll=CANCEL) as world:
        ann, bob = {"x-name": "ann"}, {"x-name": "bob"}
        task = await created(world, headers=ann)
        own_id = task["taskId"]
        changed = f"{own_id[:-9]}{'A' if own_id[-9] != 'A' else 'B'}{own_id[-8:]}"
        answers = [
            await world.post_modern(method, headers=who, taskId=identifier)
            for who, identifier in ((bob, own_id), (ann, changed), (ann, "x"), (ann, "."))
        ]
        own = await world.post_modern(method, headers=ann, taskId=own_id)
        assert world.asked() + world.asked("DELETE /jobs/j1") <= 2
    assert [answer.json()["error"] for answer in answers] == [NO_TASK] * 4
    assert own.json()["result"]["resultType"] == "complete"


async def test_a_task_expires() -> None:
    clock = VirtualClock()
    async with mcp_job_world(looks(DONE), clock=clock) as world:
        task = await created(world)
        clock.advance(task["ttlMs"] / 1000 + 1)
        answer = await world.modern("tasks/get", taskId=task["taskId"])
    assert answer["error"] == {
        "code": -32602, "message": "The job is gone: the job can no longer be asked about",
    }  # fmt: skip


async def test_no_task_lasts_longer_than_the_timers_of_clients_can_run() -> None:
    async with mcp_job_world(looks(DONE), result="{path: $.result, expires: 1000h}") as world:
        task = await created(world)
    assert task["ttlMs"] == 2**31 - 1


async def test_any_replica_with_the_same_secret_serves_a_task() -> None:
    async with mcp_job_world(looks(says("running"), DONE), secret=SECRET) as first:
        task = await created(first)
        async with mcp_job_world({}, secret=SECRET, upstream=first.upstream) as second:
            assert (await status_of(second, task))["status"] == "working"
            assert (await status_of(second, task))["result"]["structuredContent"]["result"] == "a picture"


async def test_tools_that_start_the_same_jobs_each_give_their_own_results() -> None:
    tools = (
        TOOLS
        + """
- {name: loud, call: maker.make, outputParameters: [{type: object, properties: {made: {type: string, mapping: $}}}]}
"""
    )
    async with mcp_job_world(looks(DONE), tools=tools) as world:
        plain, loud = await created(world), await created(world, name="loud")
        results = [(await status_of(world, task))["result"] for task in (plain, loud)]
        handle = results[1]["structuredContent"]["job"]
        asked = await world.call("loud_status", job=handle)
    assert [result["structuredContent"]["result"] for result in results] == [
        "a picture",
        {"made": "a picture"},
    ]
    assert asked.structured_content == results[1]["structuredContent"]


# -- the extension through the official client ------------------------------------------------------------


class Created(types.Result):
    """What the extension puts in the place of a result."""

    result_type: Literal["task"] = "task"
    task_id: str
    poll_interval_ms: int


class TaskParams(types.RequestParams):
    task_id: str


class GetTask(types.Request[TaskParams, Literal["tasks/get"]]):
    method: Literal["tasks/get"] = "tasks/get"
    params: TaskParams
    name_param = "taskId"


class Got(types.Result):
    status: str
    result: dict[str, Any] | None = None


class TasksExtension(ClientExtension):
    """Polls until a task is completed."""

    identifier = TASKS

    def __init__(self) -> None:
        self.statuses: list[str] = []

    def claims(self) -> list[ResultClaim[Any]]:
        async def resolve(claimed: Created, context: ClaimContext) -> types.CallToolResult:
            while True:
                request = GetTask(params=TaskParams(task_id=claimed.task_id))
                got = await context.session.send_request(request, Got)
                self.statuses.append(got.status)
                if got.status == "completed":
                    return types.CallToolResult.model_validate(got.result)

        return [ResultClaim(result_type="task", model=Created, resolve=resolve)]


@pytest.mark.parametrize(("last", "is_error"), [(DONE, False), (says("failed", reason="no"), True)])
async def test_a_client_with_the_extension_sees_the_result_of_the_call(last: bytes, is_error: bool) -> None:
    extension = TasksExtension()
    async with (
        mcp_job_world(looks(says("running"), says("running"), last)) as world,
        Client(world.url, mode=MODERN, extensions=[extension]) as client,
    ):
        result = await client.call_tool("make-picture", PROMPT)
    assert extension.statuses == ["working", "working", "completed"]
    assert result.is_error is is_error
    assert text_of(result).startswith("The job failed: no." if is_error else "The job succeeded.")


# -- MCP 2025-11-25 ---------------------------------------------------------------------------------------


async def test_a_task_that_is_asked_for_is_followed_to_its_result() -> None:
    running = says("running", progress=40)
    async with mcp_job_world(looks(running, DONE)) as world:
        task = await created_legacy(world)
        working = await legacy_status_of(world, task)
        completed = await legacy_status_of(world, task)
        result = (await world.legacy("tasks/result", taskId=task["taskId"]))["result"]
        listed = (await world.legacy("tasks/list"))["result"]
    assert set(task) == {
        "taskId", "status", "statusMessage", "createdAt", "lastUpdatedAt", "ttl", "pollInterval",
    }  # fmt: skip
    assert (task["status"], task["pollInterval"]) == ("working", 1000)
    assert (working["status"], working["statusMessage"]) == ("working", "running, 40 %")
    assert (completed["status"], "result" in completed) == ("completed", False)
    assert result["structuredContent"]["result"] == "a picture"
    assert result["_meta"] == {"io.modelcontextprotocol/related-task": {"taskId": task["taskId"]}}
    assert listed == {"tasks": []}


@pytest.mark.parametrize(("last", "is_error"), [(DONE, False), (says("failed", reason="no"), True)])
async def test_a_result_is_waited_for_and_a_job_that_failed_is_a_completed_task(
    last: bytes, is_error: bool
) -> None:
    async with mcp_job_world(looks(says("running"), says("running"), last)) as world:
        task = await created_legacy(world)
        result = (await world.legacy("tasks/result", taskId=task["taskId"]))["result"]
        status = await legacy_status_of(world, task)
        assert world.engine.clock.monotonic() == 3
    assert (result["isError"], status["status"]) == (is_error, "completed")


async def test_a_job_that_ended_at_once_is_a_task_all_the_same_when_it_was_asked_for() -> None:
    async with mcp_job_world({"POST /jobs": DONE, "GET /jobs/j1": DONE}) as world:
        task = await created_legacy(world)
        assert (await legacy_status_of(world, task))["status"] == "completed"
    assert task["status"] == "working"


async def test_an_end_that_could_not_be_found_again_is_the_answer_itself() -> None:
    async with mcp_job_world(
        {"POST /jobs": reply(200, b'{"status": "done", "result": "a picture"}')}
    ) as world:
        result = (await world.legacy("tools/call", **CALL, task={}))["result"]
    assert result["structuredContent"]["result"] == "a picture"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        ({}, -32602, "Invalid input: 'prompt' is missing"),
        (PROMPT, -32603, "The upstream answered 402 Payment Required."),
    ],
)
async def test_what_goes_wrong_before_there_is_a_task_is_an_error(
    arguments: dict[str, Any], code: int, message: str
) -> None:
    async with mcp_job_world({"POST /jobs": reply(402)}) as world:
        answer = await world.legacy("tools/call", name="make-picture", arguments=arguments, task={})
    assert answer["error"]["code"] == code
    assert answer["error"]["message"].startswith(message)


async def test_tools_without_jobs_and_older_revisions_ignore_that_a_task_is_asked_for() -> None:
    tools = TOOLS + "- {name: look, call: maker.look}"
    async with mcp_job_world({**looks(DONE), "GET /jobs": reply()}, tools=tools) as world:
        plain = await world.legacy("tools/call", name="look", arguments={}, task={})
        older = await world.legacy("tools/call", version="2025-06-18", **CALL, task={})
    assert plain["result"]["isError"] is False
    assert older["result"]["structuredContent"]["state"] == "succeeded"


@pytest.mark.parametrize(
    ("cancel", "look", "status"),
    [
        (says("stopped"), says("stopped"), "cancelled"),
        (reply(204, b""), says("running"), "working"),
        (reply(204, b""), reply(500), "working"),
    ],
)
async def test_a_task_can_be_canceled(cancel: bytes, look: bytes, status: str) -> None:
    async with mcp_job_world(looks(look, cancel=cancel), poll=CANCEL) as world:
        task = await created_legacy(world)
        canceled = (await world.legacy("tasks/cancel", taskId=task["taskId"]))["result"]
        assert world.asked("DELETE /jobs/j1") == 1
    assert (canceled["taskId"], canceled["status"]) == (task["taskId"], status)


async def test_a_task_that_has_ended_cannot_be_canceled() -> None:
    async with mcp_job_world(looks(DONE, cancel=reply(409)), poll=CANCEL) as world:
        task = await created_legacy(world)
        ended = await world.legacy("tasks/cancel", taskId=task["taskId"])
    assert ended["error"] == {"code": -32602, "message": "The task has already ended"}


async def test_a_task_whose_job_cannot_be_canceled_says_so() -> None:
    async with mcp_job_world(looks(says("running"))) as world:
        task = await created_legacy(world)
        answer = await world.legacy("tasks/cancel", taskId=task["taskId"])
    assert answer["error"]["code"] == -32603
    assert "cannot be canceled" in answer["error"]["message"]


@pytest.mark.parametrize("method", ["tasks/get", "tasks/result", "tasks/cancel"])
async def test_only_its_owner_finds_a_task(method: str) -> None:
    async with mcp_job_world(looks(DONE), guard=NameGuard(), poll=CANCEL) as world:
        task = await created_legacy(world, **{"x-name": "ann"})
        answer = await world.legacy(method, headers={"x-name": "bob"}, taskId=task["taskId"])
        assert not world.asked()
    assert answer["error"] == NO_TASK


async def test_each_era_has_its_own_methods() -> None:
    async with mcp_job_world(STARTED) as world:
        task = await created_legacy(world)
        errors = [
            (await world.modern(method, taskId=task["taskId"]))["error"]["code"]
            for method in ("tasks/result", "tasks/list")
        ]
        errors.append((await world.legacy("tasks/update", taskId=task["taskId"]))["error"]["code"])
        errors += [
            (await world.legacy(method, version="2025-06-18", taskId=task["taskId"]))["error"]["code"]
            for method in ("tasks/get", "tasks/list")
        ]
        unsaid = (await world.legacy("tasks/get"))["error"]["code"]
    assert errors == [-32601] * 5
    assert unsaid == -32602


async def test_a_server_that_stops_does_not_make_up_a_result() -> None:
    held = asyncio.Event()

    async def look(seen: Seen) -> bytes:
        await held.wait()
        return b""

    async with mcp_job_world({**STARTED, "GET /jobs/j1": look}) as world:
        task = await created_legacy(world)
        waiting = asyncio.create_task(world.legacy("tasks/result", taskId=task["taskId"]))
        await world.upstream.until(lambda: world.asked() > 0)
        await asyncio.wait_for(world.edge.drain(), 5)
        answer = await waiting
    assert answer["error"] == {"code": -32603, "message": "The server is stopping; ask again"}
