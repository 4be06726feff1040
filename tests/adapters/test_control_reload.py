"""Files read again while they are served: what changes, what goes on, and what cannot change."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import httpx
import pytest
import yaml
from mcp import Client
from mcp.client.subscriptions import ToolsListChanged

from capspec.events import CapabilityReloaded, Event
from capspec.serving.serving import ServeOptions
from tests.adapters.control_world import MCP, PATIENCE, REST, World, capability, controlled
from tests.cli.thing_capability import Gate, echo
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio

RELOAD = "management: {reload: true, info: true, logs: {stream: true}}"
OTHER_REST = REST.replace("/t/{id}", "/other/{id}")
OTHER_MCP = MCP.replace("{name: get-thing,", "{name: get-other,")


def other(label: str = "Others") -> str:
    return capability(RELOAD, listeners=(OTHER_REST, OTHER_MCP), label=label)


async def other_read(world: World) -> int:
    return (await world.client.get(f"{world.url('rest')}/other/1")).status_code


async def test_a_good_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        before = (await world.read()).status_code, await other_read(world), await world.tools()
        world.write(other())
        answer = await world.reload()
        after = (await world.read()).status_code, await other_read(world), await world.tools()
        status = (await world.control("/status")).json()
        ready = await world.control("/health/ready")
    assert before == (200, 404, ["get-thing"])
    assert (answer.status_code, answer.json()) == (200, {"status": "reloaded", "problems": []})
    assert after == (404, 200, ["get-other"])
    assert status["capability"]["label"] == "Others"
    assert ready.status_code == 200


async def test_the_warnings_of_a_file_are_told(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        world.write(capability(RELOAD).replace('"info"', '"whatever": 1, "info"', 1))
        answer = await world.reload()
    assert answer.status_code == 200
    assert [problem["severity"] for problem in answer.json()["problems"]] == ["warning"]


async def test_with_strict_a_file_with_warnings_is_refused(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo, strict=True) as world:
        world.write(other().replace('"info"', '"whatever": 1, "info"'))
        answer = await world.reload()
        assert await other_read(world) == 404
    assert answer.status_code == 422


@pytest.mark.parametrize("text", ["capspec: [", "capspec: '1'\nexposes: 5\n", ""])
async def test_a_bad_file_changes_nothing(tmp_path: Path, text: str) -> None:
    heard: list[Event] = []
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        world.engines.running[0].events.observers.append(heard.append)
        world.write(text)
        answer = await world.reload()
        still = (await world.read()).status_code, await world.tools()
        engines = len(world.engines.running)
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")
    assert answer.json()["problems"][0]["code"].startswith("CAP1")
    assert answer.json()["problems"][0]["file"] == str(tmp_path / "things.yaml")
    assert still == (200, ["get-thing"])
    assert engines == 1
    assert [event.problem != "" for event in heard if isinstance(event, CapabilityReloaded)] == [True]


@pytest.mark.parametrize(
    ("listeners", "said"),
    [
        (
            (REST.replace("port: 0", "port: 4321"), MCP),
            "the file now has the rest adapter 'things' on port 4321",
        ),
        ((REST,), "the file no longer has the mcp adapter 'agent' on a free port"),
        ((REST, MCP, MCP.replace("agent", "more")), "the file now has the mcp adapter 'more' on a free port"),
    ],
)
async def test_what_listens_where_cannot_change(
    tmp_path: Path, listeners: tuple[str, ...], said: str
) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        world.write(capability(RELOAD, listeners=listeners))
        answer = await world.reload()
        still = (await world.read()).status_code, await world.tools()
    assert answer.status_code == 409
    assert said in answer.json()["detail"]
    assert answer.json()["problems"][0]["code"] == "CAP401"
    assert still == (200, ["get-thing"])


async def test_on_one_port_adapters_may_come_and_go(tmp_path: Path) -> None:
    options = ServeOptions(port=0)
    async with controlled(tmp_path, capability(RELOAD), answer=echo, options=options) as world:
        skill = "{type: skill, port: 1, namespace: s, skills: [{name: guide, description: A guide}]}"
        world.write(capability(RELOAD, listeners=(REST, OTHER_MCP, skill)))
        answer = await world.reload()
        host = httpx.URL(world.url("rest")).copy_with(path="/")
        async with Client(str(host.copy_with(path="/mcp"))) as client:
            merged = [tool.name for tool in (await client.list_tools()).tools]
        skills = await world.client.get(host.copy_with(path="/things/skills"))
        read = await world.read()
    assert answer.status_code == 200
    assert merged == ["get-other"]
    assert (read.status_code, skills.status_code) == (200, 200)


async def test_other_capabilities_do_not_notice(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), capability(RELOAD), answer=echo) as world:
        world.write(other())
        assert (await world.reload()).status_code == 200
        url = world.url("rest", 1)
        assert (await world.client.get(f"{url}/t/1")).status_code == 200
        assert len(world.engines.running) == 2


# -- what goes on meanwhile -------------------------------------------------------------------------------


async def test_requests_in_flight_end_as_they_began(tmp_path: Path) -> None:
    gate = Gate()
    async with controlled(tmp_path, capability(RELOAD), answer=gate.answer) as world:
        async with Client(world.url("mcp")) as client:
            read = asyncio.create_task(world.read())
            called = asyncio.create_task(client.call_tool("get-thing", {"id": "1"}))
            await world.upstream.until(lambda: len(world.upstream.requests) == 2)
            world.write(other())
            answer = await world.reload()
            assert await other_read_begins(world, gate) == 200
            assert len(world.engines.running) == 2
            gate.opened.set()
            assert (await read).json() == {"waited": True}
            assert (await called).structured_content == {"waited": True}
        await settled(world)
        assert answer.status_code == 200
        assert await other_read(world) == 200


async def other_read_begins(world: World, gate: Gate) -> int:
    """The new version answers while the old one still has something to do."""
    return (await world.client.get(f"{world.url('rest')}/openapi.json")).status_code


async def settled(world: World) -> None:
    """Wait until the old version is gone."""
    async with asyncio.timeout(PATIENCE):
        while len(world.engines.running) > 1:  # noqa: ASYNC110 - nothing else tells of it
            await asyncio.sleep(0.01)


async def test_nothing_of_the_old_version_stays(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        for number in range(3):
            await world.read()
            world.write(capability(RELOAD, label=f"Number {number}"))
            assert (await world.reload()).status_code == 200
        await settled(world)
        assert len(world.engines.running) == 1


async def test_reloads_at_the_same_time_come_one_after_the_other(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        answers = await asyncio.gather(*(world.reload() for _ in range(4)))
        await settled(world)
        assert (await world.read()).status_code == 200
    assert {answer.status_code for answer in answers} == {200}


async def test_clients_that_listen_hear_that_there_are_other_tools(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world, asyncio.timeout(PATIENCE):
        async with Client(world.url("mcp")) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == ["get-thing"]
            async with client.listen(tools_list_changed=True) as changes:
                world.write(other())
                await world.reload()
                assert isinstance(await anext(aiter(changes)), ToolsListChanged)
                assert [tool.name for tool in (await client.list_tools()).tools] == ["get-other"]
                world.write(capability(RELOAD))
                await world.reload()
                assert isinstance(await anext(aiter(changes)), ToolsListChanged)
                assert [tool.name for tool in (await client.list_tools()).tools] == ["get-thing"]


async def test_a_stream_of_the_log_ends_when_the_file_is_another(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world, asyncio.timeout(PATIENCE):
        url = f"{world.url('control')}/logs/stream"
        async with world.client.stream("GET", url) as response:
            lines = response.aiter_lines()
            await anext(lines)
            await world.reload()
            assert [line async for line in lines if line.startswith("event")][-1] == "event: end"


JOBS = """
- namespace: up
  type: http
  baseUri: http://up.test
  resources:
  - path: /jobs
    operations:
    - name: make
      method: POST
      poll: {id: $.id, request: {call: up.look, with: {id: '{{id}}'}}, status: {path: $.state, success: done}, interval: 1h}
  - path: /jobs/{id}
    operations: [{name: look, method: GET}]
"""


async def test_jobs_go_on_and_their_handles_stay_good(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        state = {"id": "7", "state": "running" if seen.method == "POST" else "done"}
        return reply(200, json.dumps(state).encode())

    rest = REST.replace(
        "method: GET, name: read-thing, call: up.get-thing", "method: POST, name: make, call: up.make"
    )
    text = json.loads(capability(RELOAD, listeners=(rest,)))
    text["capability"]["consumes"] = yaml.safe_load(JOBS)
    async with controlled(tmp_path, json.dumps(text), answer=answer) as world:
        headers = {"prefer": "respond-async"}
        started = await world.client.post(f"{world.url('rest')}/t/1", headers=headers)
        assert started.status_code == 202
        assert (await world.reload()).status_code == 200
        await settled(world)
        job = await world.client.get(httpx.URL(world.url("rest")).join(started.headers["location"]))
    assert (job.status_code, job.json()["state"]) == (200, "succeeded")


async def test_figures_and_traces_count_on(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(RELOAD), answer=echo) as world:
        await world.read()
        await world.reload()
        await world.read()
        assert sum((await world.figures("capspec_request_total")).values()) == 2
        assert len(await world.traces()) == 2
