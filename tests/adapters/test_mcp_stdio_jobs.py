"""Jobs over standard input and output: the same tools and tasks, cancellations, and how it ends."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters

from tests.adapters.mcp_jobs_world import CALL, LEGACY, MODERN, PROMPT, TASKS, content_of
from tests.adapters.rest_jobs_world import CANCEL, DONE, STARTED, Script, answering, looks, says
from tests.upstreams import Seen, Server, serving

pytestmark = pytest.mark.anyio

SCRIPT = str(Path(__file__).with_name("mcp_stdio_jobs_world.py"))
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
LEAVING = f"{CANCEL}\nonDisconnect: cancel"


@asynccontextmanager
async def agent(script: Script, mode: str, *, wait: float = 10, poll: str = "") -> AsyncIterator[Client]:
    """An official client of a process that serves the capability."""
    async with serving(answering(script)) as upstream:
        words = [SCRIPT, upstream.url, poll, str(wait), "10"]
        server = StdioServerParameters(command=sys.executable, args=words, env=ENVIRONMENT)
        async with Client(server, mode=mode) as client:
            await client.list_tools()
            yield client


@asynccontextmanager
async def process(
    upstream: Server, *, wait: float = 60, grace: float = 10, poll: str = ""
) -> AsyncIterator[Process]:
    words = [SCRIPT, upstream.url, poll, str(wait), str(grace)]
    started = await asyncio.create_subprocess_exec(
        sys.executable, *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=ENVIRONMENT
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.communicate()


def message(method: str, number: int | None, mode: str = MODERN, **params: Any) -> bytes:
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": dict(params)}
    if mode == MODERN and number is not None:
        found["params"]["_meta"] = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {"extensions": {TASKS: {}}}
            if "tasks" in method
            else {},
        }
    if number is not None:
        found["id"] = number
    return json.dumps(found).encode() + b"\n"


def hello(mode: str) -> bytes:
    """What a client of 2025-11-25 says first; later ones say nothing."""
    if mode == MODERN:
        return b""
    known = {"protocolVersion": LEGACY, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    return message("initialize", 0, mode, **known) + message("notifications/initialized", None, mode)


async def ask(started: Process, lines: bytes) -> None:
    assert started.stdin is not None
    started.stdin.write(lines)
    await started.stdin.drain()


async def answer(started: Process, number: int) -> dict[str, Any]:
    """The answer to a request; what comes before it is passed over."""
    assert started.stdout is not None
    while line := await asyncio.wait_for(started.stdout.readline(), 10):
        found: dict[str, Any] = json.loads(line)
        if found.get("id") == number:
            return found
    raise AssertionError("there was no answer")


ERAS = pytest.mark.parametrize("mode", [MODERN, "legacy"])


@ERAS
async def test_a_call_waits_and_what_is_not_finished_can_be_asked_about(mode: str) -> None:
    async with agent(looks(says("running"), DONE), mode) as client:
        assert content_of(await client.call_tool("make-picture", PROMPT))["result"] == "a picture"
    async with agent(looks(*[says("running")] * 4, DONE), mode, wait=0.2) as client:
        waited = content_of(await client.call_tool("make-picture", PROMPT))
        asked = {"job": waited["job"], "wait_seconds": 10}
        ended = content_of(await client.call_tool("make-picture_status", asked))
    assert (waited["state"], ended["state"]) == ("running", "succeeded")


@ERAS
async def test_a_request_that_is_cancelled_stops_the_looks_and_the_job_if_the_file_says_so(mode: str) -> None:
    broken = asyncio.Event()

    async def held(seen: Seen) -> bytes:
        await seen.rest.read()
        broken.set()
        return b""

    script = {**STARTED, "GET /jobs/j1": held, "DELETE /jobs/j1": says("stopped")}
    async with serving(answering(script)) as upstream, process(upstream, poll=LEAVING) as started:
        await ask(started, hello(mode) + message("tools/call", 1, mode, **CALL))
        await upstream.until(lambda: any(seen.method == "GET" for seen in upstream.requests))
        await ask(started, message("notifications/cancelled", None, mode, requestId=1))
        await asyncio.wait_for(broken.wait(), 10)
        await upstream.until(lambda: any(seen.method == "DELETE" for seen in upstream.requests))
        await ask(started, message("tools/list", 2, mode))
        assert (await answer(started, 2))["result"]["tools"]


@ERAS
@pytest.mark.parametrize("end", ["signal", "input"])
async def test_who_still_waits_when_it_ends_gets_the_handle(mode: str, end: str) -> None:
    script = {**looks(says("running", progress=70)), "DELETE /jobs/j1": says("stopped")}
    async with (
        serving(answering(script)) as upstream,
        process(upstream, grace=0.3, poll=LEAVING) as started,
    ):
        await ask(started, hello(mode) + message("tools/call", 1, mode, **CALL))
        await upstream.until(lambda: sum(seen.method == "GET" for seen in upstream.requests) > 1)
        if end == "signal":
            started.send_signal(signal.SIGTERM)
        else:
            assert started.stdin is not None
            started.stdin.close()
        found = (await answer(started, 1))["result"]
        assert await asyncio.wait_for(started.wait(), 10) == 0
        assert started.stderr is not None
        assert await started.stderr.read() == b""
        assert not [seen for seen in upstream.requests if seen.method == "DELETE"]
    assert (found["isError"], found["structuredContent"]["state"]) == (False, "running")
    assert found["structuredContent"]["progress"] == 0.7


async def test_tasks_of_both_eras_are_there() -> None:
    async with serving(answering(looks(DONE))) as upstream:
        async with process(upstream) as started:
            envelope = message("tasks/call", 1, MODERN)
            call = json.loads(envelope)["params"]["_meta"]
            await ask(started, message("tools/call", 1, "raw", **CALL, _meta=call))
            task = (await answer(started, 1))["result"]
            await ask(started, message("tasks/get", 2, MODERN, taskId=task["taskId"]))
            modern = (await answer(started, 2))["result"]
        async with process(upstream) as started:
            await ask(started, hello("legacy") + message("tools/call", 1, "legacy", **CALL, task={}))
            assert (await answer(started, 0))["result"]["capabilities"]["tasks"]
            older = (await answer(started, 1))["result"]["task"]
            await ask(started, message("tasks/result", 2, "legacy", taskId=older["taskId"]))
            legacy = (await answer(started, 2))["result"]
    assert (task["resultType"], modern["status"]) == ("task", "completed")
    assert modern["result"]["structuredContent"]["result"] == "a picture"
    assert (older["status"], legacy["structuredContent"]["result"]) == ("working", "a picture")
