"""The process that a script's sandbox is in: it could do no harm even if the sandbox were none."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import time

import pytest

from capspec.scripting.evaluation import Failed, parse_answer, read_frame
from capspec.scripting.language import Language
from capspec.scripting.workers import Workers
from tests.steps.script_world import PROBE, evaluation, failure_of, pool, value_of

pytestmark = pytest.mark.anyio
posix = pytest.mark.skipif(os.name != "posix", reason="process limits are those of POSIX")


@posix
async def test_it_has_no_environment_no_folder_and_can_open_nothing(monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "hunter2")
    workers = Workers(PROBE, 1)
    try:
        found = await value_of(workers, "")
    finally:
        await workers.close()
    assert "SECRET_OF_THE_HOST" not in found["environment"]
    assert set(found["environment"]) <= {"LC_CTYPE"}
    assert found["folder"] == "/"
    assert found["path"] == []
    assert found["file"] == found["write"] == found["socket"] == found["process"] == "OSError"
    assert len(found["descriptors"]) <= 3, "requests, answers, and where the first answers went"


async def test_it_ends_when_nobody_asks_any_more():
    command = [
        sys.executable,
        "-c",
        "import sys; from capspec.scripting.worker import main; main(sys.argv[1])",
    ]
    ended = await asyncio.to_thread(
        subprocess.run, [*command, PROBE.sandbox], stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, b"ready\n")


async def test_the_loop_goes_on_while_scripts_compute():
    async with pool("javascript") as workers:
        await workers.evaluate(evaluation("result = 1"))
        busy = asyncio.create_task(failure_of(workers, "while (true);", seconds=1.0, statements=10**12))
        longest, before = 0.0, time.monotonic()
        while not busy.done():
            await asyncio.sleep(0)
            now = time.monotonic()
            longest, before = max(longest, now - before), now
        assert (await busy).reason == "time"
        assert longest < 0.5


@pytest.mark.parametrize(
    ("language", "text"), [("javascript", "result = context.n * 2"), ("python", "result = context['n'] * 2")]
)
async def test_two_hundred_scripts_at_once_each_get_their_own_answer(language, text):
    async with pool(language) as workers:
        calls = (value_of(workers, text, context={"n": n}) for n in range(200))
        assert await asyncio.gather(*calls) == [2 * n for n in range(200)]


async def test_a_caller_that_gives_up_ends_the_script_and_the_next_one_runs():
    async with pool("javascript", 1) as workers:
        await workers.evaluate(evaluation("result = 1"))
        # A built-in function that takes half a minute and cannot be interrupted.
        endless = evaluation("result = new Array(1e9).join('x')", seconds=60.0)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(workers.evaluate(endless), 0.3)
        assert await value_of(workers, "result = 2") == 2


async def test_what_the_sandbox_cannot_stop_ends_with_its_process():
    async with pool("javascript", 1) as workers:
        failed = await failure_of(workers, "result = new Array(1e9).join('x')", seconds=0.5)
        assert failed.reason == "time"
        assert await value_of(workers, "result = 2") == 2


async def test_nothing_is_left_when_it_is_closed():
    workers = Workers(PROBE, 2)
    found = await asyncio.gather(value_of(workers, ""), value_of(workers, ""))
    assert len(found) == 2
    processes = [worker._process for worker in workers._idle]
    await workers.close()
    assert [process.poll() is not None for process in processes] == [True] * len(processes)


async def test_an_engine_that_does_not_start_is_one_failure_and_not_a_hang():
    broken = Language(name="x", title="X", suffixes=(), engine="pytest", sandbox="no.such.module:x")
    workers = Workers(broken, 1)
    try:
        failed = await failure_of(workers, "")
    finally:
        await workers.close()
    assert (failed.reason, failed.message) == ("broken", "the engine for X did not start")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"result": "[", "console": ""}', b'{"reason": "time"}', b"[" * 100_000]
)
def test_an_answer_that_no_sandbox_gives_is_a_failure(content):
    with pytest.raises(Failed) as caught:
        parse_answer(content)
    assert caught.value.reason == "broken"


def test_an_answer_that_is_too_long_or_too_short_is_none():
    assert read_frame(io.BytesIO(b"\xff\xff\xff\xff" + b"x" * 100), 1000) is None
    assert read_frame(io.BytesIO(b"\x00\x00\x00\x05abc"), 1000) is None
    assert read_frame(io.BytesIO(b"\x00\x00\x00\x03abc"), 1000) == b"abc"


@posix
def test_limits_are_only_ever_lowered():
    program = (
        "import resource as r; from capspec.scripting import confinement as c; c._lower(r.RLIMIT_NOFILE, 64);"
        "c._lower(r.RLIMIT_NOFILE, 99); print(r.getrlimit(r.RLIMIT_NOFILE)); c.allow(7);"
        "print(7 <= r.getrlimit(r.RLIMIT_CPU)[0] <= 20)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["(64, 64)", "True"]
