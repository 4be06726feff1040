"""MCP over standard input and output, seen from outside the process."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import pytest

from capspec.adapters.mcp.adapter import run_stdio
from tests.adapters.mcp_world import Gate, make_flow, make_target, options, world

pytestmark = pytest.mark.anyio

SCRIPT = str(Path(__file__).with_name("mcp_stdio_world.py"))
ENVELOPE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@asynccontextmanager
async def started(*words: str) -> AsyncIterator[Process]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = await asyncio.create_subprocess_exec(
        sys.executable, SCRIPT, "merged", *words, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate(b"")


def line(method: str, params: Mapping[str, Any] | None = None, number: int | None = None) -> bytes:
    found: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": dict(params or {})}
    return json.dumps(found if number is None else {**found, "id": number}).encode() + b"\n"


def modern(method: str, params: Mapping[str, Any] | None, number: int) -> bytes:
    return line(method, {**(params or {}), "_meta": ENVELOPE}, number)


def call(name: str, number: int) -> bytes:
    return modern("tools/call", {"name": name, "arguments": {}}, number)


async def conversation(*lines: bytes) -> tuple[list[dict[str, Any]], str, int | None]:
    """Send all of it, end input, and give every message that came, standard error, and the exit code."""
    async with started() as process:
        out, errors = await asyncio.wait_for(process.communicate(b"".join(lines)), 20)
        return [json.loads(text) for text in out.splitlines()], errors.decode(), process.returncode


async def send(process: Process, *lines: bytes) -> None:
    assert process.stdin is not None
    process.stdin.write(b"".join(lines))
    await process.stdin.drain()


async def receive(process: Process) -> dict[str, Any]:
    assert process.stdout is not None
    text = await asyncio.wait_for(process.stdout.readline(), 10)
    return cast("dict[str, Any]", json.loads(text))


async def test_input_that_ends_at_once_ends_the_server_cleanly() -> None:
    assert await conversation() == ([], "", 0)


async def test_a_whole_conversation_may_be_piped_in() -> None:
    messages, errors, code = await conversation(
        line("initialize", HELLO, 1),
        line("notifications/initialized"),
        line("tools/list", {}, 2),
        line("tools/call", {"name": "soon", "arguments": {}}, 3),
    )
    assert (errors, code) == ("", 0)
    assert sorted(message["id"] for message in messages) == [1, 2, 3]
    answers = {message["id"]: message["result"] for message in messages}
    assert answers[1]["protocolVersion"] == "2025-06-18"
    assert answers[3]["content"] == [{"type": "text", "text": "done"}]


async def test_the_tools_of_all_targets_are_there() -> None:
    messages, _, _ = await conversation(modern("tools/list", None, 1))
    names = [tool["name"] for tool in messages[0]["result"]["tools"]]
    assert {"add", "soon"} <= set(names)


async def test_what_anything_else_prints_does_not_get_between_the_messages() -> None:
    messages, errors, _ = await conversation(call("noisy", 1))
    assert [message["id"] for message in messages] == [1]
    assert errors == "noise\n"


async def test_a_line_that_is_no_message_is_answered_and_the_rest_goes_on() -> None:
    messages, _, code = await conversation(b"{oops\n", b"\n", b"  \r\n", call("greet", 2), b"x" * 200_000)
    assert code == 0
    unreadable = {"code": -32700, "message": "This line is not a JSON-RPC message"}
    assert [message["error"] for message in messages if "error" in message] == [unreadable] * 2
    assert sorted(str(message["id"]) for message in messages) == ["2", "None", "None"]


async def test_a_listen_stream_ends_with_its_last_message_when_input_ends() -> None:
    listen = modern("subscriptions/listen", {"notifications": {"toolsListChanged": True}}, 4)
    async with started() as process:
        await send(process, listen)
        assert (await receive(process))["method"] == "notifications/subscriptions/acknowledged"
        out, errors = await asyncio.wait_for(process.communicate(b""), 8)
        assert [json.loads(text)["id"] for text in out.splitlines()] == [4]
        assert (errors, process.returncode) == (b"", 0)


async def test_a_cancelled_call_is_cancelled_and_holds_nothing_up() -> None:
    async with started() as process:
        await send(process, call("stuck", 1), call("greet", 2))
        assert (await receive(process))["id"] == 2
        await send(process, line("notifications/cancelled", {"requestId": 1}))
        out, errors = await asyncio.wait_for(process.communicate(b""), 8)
        assert (out, errors, process.returncode) == (b"", b"cancelled\n", 0)


async def test_it_can_be_stopped_while_input_is_open() -> None:
    async with started("stop") as process:
        await send(process, call("soon", 1))
        assert (await receive(process))["id"] == 1
        assert await asyncio.wait_for(process.wait(), 10) == 0


async def test_a_client_that_no_longer_reads_ends_the_server() -> None:
    async with started() as process:
        transport = cast("Any", process)._transport
        transport.get_pipe_transport(1).close()
        await send(process, call("greet", 1))
        assert await asyncio.wait_for(process.wait(), 10) == 0
        assert process.stderr is not None
        assert await process.stderr.read() == b""


# -- in this process, where the engine can be watched ------------------------------------------------------


@contextmanager
def pipes(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, int]]:
    """Standard input and output as pipes; gives the descriptors to write to and to read from."""
    there, to_server = os.pipe()
    from_server, back = os.pipe()
    with suppress(BrokenPipeError), open(there) as stdin, open(back, "w") as stdout:
        monkeypatch.setattr(sys, "stdin", stdin)
        monkeypatch.setattr(sys, "stdout", stdout)
        yield to_server, from_server


async def read_line(descriptor: int) -> dict[str, Any]:
    text = b""
    while not text.endswith(b"\n"):
        text += await asyncio.to_thread(os.read, descriptor, 1)
    return cast("dict[str, Any]", json.loads(text))


async def test_a_conversation_ends_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipes(monkeypatch) as (to_server, from_server):
        serving = asyncio.create_task(run_stdio([world()], options(max_request_bytes=1000)))
        os.write(to_server, b"oops\n" + call("greet", 1) + b"x" * 2000 + b"\n\n" + call("greet", 2))
        answers = [await read_line(from_server) for _ in range(4)]
        os.close(to_server)
        await asyncio.wait_for(serving, 10)
        os.close(from_server)
    assert sorted(str(answer["id"]) for answer in answers) == ["1", "2", "None", "None"]


async def test_a_cancelled_call_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = Gate()
    target = make_target([(make_flow("wait"), gate)])
    with pipes(monkeypatch) as (to_server, from_server):
        serving = asyncio.create_task(run_stdio([target], options()))
        os.write(to_server, call("wait", 1))
        await asyncio.wait_for(gate.entered.wait(), 10)
        os.write(to_server, line("notifications/cancelled", {"requestId": 1}))
        os.close(to_server)
        await asyncio.wait_for(serving, 8)
        os.close(from_server)
    assert gate.cancelled.is_set()


async def test_a_call_in_flight_is_answered_when_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, stop = Gate(), asyncio.Event()
    target = make_target([(make_flow("wait"), gate)])
    with pipes(monkeypatch) as (to_server, from_server):
        serving = asyncio.create_task(run_stdio([target], options(), stop=stop))
        os.write(to_server, call("wait", 1))
        await asyncio.wait_for(gate.entered.wait(), 10)
        stop.set()
        gate.open.set()
        assert (await read_line(from_server))["result"]["structuredContent"] == {"through": True}
        await asyncio.wait_for(serving, 10)
        os.close(to_server)
        os.close(from_server)


async def test_a_reader_that_goes_away_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with pipes(monkeypatch) as (to_server, from_server):
        serving = asyncio.create_task(run_stdio([world()], options()))
        os.close(from_server)
        os.write(to_server, call("greet", 1))
        await asyncio.wait_for(serving, 10)
        os.close(to_server)
