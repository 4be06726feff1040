"""Scripts that do too much: each is stopped, says why, and the next one runs."""

from __future__ import annotations

import pytest

from tests.steps.script_world import failure_of, pool, value_of

pytestmark = pytest.mark.anyio

JAVASCRIPT = [
    ("while (true);", {}, "statements"),
    ("try { while (true); } catch (e) {} finally { while (true); }", {}, "statements"),
    ("[3, 1, 2].sort(() => { while (true); })", {}, "statements"),
    ("function fib(n) { return n < 2 ? n : fib(n - 1) + fib(n - 2) } result = fib(40)", {}, "statements"),
    ("/^(a+)+$/.test('a'.repeat(40) + 'b')", {}, "statements"),
    ("result = {toJSON() { while (true); }}", {}, "statements"),
    ("while (true);", {"statements": 10**12, "seconds": 0.4}, "time"),
    ("let a = []; while (true) a.push(new Array(1000).fill(1))", {}, "memory"),
    ("let s = []; while (true) s.push('x'.repeat(1e6) + s.length)", {}, "memory"),
    ("result = 'x'.repeat(2 ** 29)", {}, "memory"),
    ("function f() { f() } f()", {}, "depth"),
    ("let s = '['; for (let i = 0; i < 18; i++) s += s; JSON.parse(s)", {}, "depth"),
    ("result = 'x'.repeat(5000)", {"largest": 1000}, "result"),
]  # fmt: skip

PYTHON = [
    ("while True: pass", {"statements": 1000}, "statements"),
    ("while True:\n    try:\n        while True: pass\n    except BaseException: pass", {"statements": 1000}, "statements"),
    ("def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\nresult = fib(40)", {"statements": 1000}, "statements"),
    ("while True: pass", {"statements": 10**12, "seconds": 0.4}, "time"),
    ("a = []\nwhile True:\n    a.append([0] * 1000)", {}, "memory"),
    ("result = 'x' * (1 << 30)", {}, "memory"),
    ("result = 2 ** 10 ** 9", {}, "memory"),
    ("result = 'x' * 30_000_000", {"largest": 10**9}, "memory"),
    ("def f():\n    return f()\nf()", {}, "depth"),
    ("result = 'x' * 5000", {"largest": 1000}, "result"),
]  # fmt: skip


@pytest.mark.parametrize(("language", "cases"), [("javascript", JAVASCRIPT), ("python", PYTHON)])
async def test_a_script_that_does_too_much_is_stopped_and_the_next_one_runs(language, cases):
    async with pool(language, 1) as workers:
        for text, limits, reason in cases:
            failed = await failure_of(workers, text, **limits)
            assert failed.reason == reason, f"{text}: {failed.reason} {failed.message}"
            assert await value_of(workers, "result = 1") == 1


async def test_more_statements_are_had_by_asking_for_more():
    count = "let n = 0; for (let i = 0; i < 300000; i++) n++; result = n"
    async with pool("javascript", 1) as workers:
        assert (await failure_of(workers, count)).reason == "statements"
        assert await value_of(workers, count, statements=1_000_000) == 300_000
        assert await value_of(workers, count.replace("300000", "40000")) == 40_000


async def test_more_memory_is_had_by_asking_for_more():
    async with pool("javascript", 1) as workers:
        text = "result = new Uint8Array(context.n).length"
        assert (await failure_of(workers, text, context={"n": 80_000_000})).reason == "memory"
        limits = {"memory": 128 * 1024 * 1024}
        assert await value_of(workers, text, context={"n": 80_000_000}, **limits) == 80_000_000


async def test_recursion_is_not_forbidden():
    async with pool("javascript") as workers:
        assert await value_of(workers, "function f(n) { return n ? 1 + f(n - 1) : 0 } result = f(500)") == 500
    async with pool("python") as workers:
        assert (
            await value_of(workers, "def f(n):\n    return 1 + f(n - 1) if n else 0\nresult = f(500)") == 500
        )


async def test_a_flood_of_printing_is_cut():
    async with pool("javascript") as workers:
        failed = await failure_of(workers, "while (true) console.log('x'.repeat(1000))")
        assert (failed.reason, len(failed.console) <= 16 * 1024) == ("statements", True)
    async with pool("python") as workers:
        failed = await failure_of(workers, "while True:\n    print('x' * 1000)", seconds=0.3)
        assert (failed.reason, 1000 < len(failed.console) <= 16 * 1024) == ("time", True)


async def test_sleeping_holds_nothing_up():
    async with pool("python") as workers:
        assert await value_of(workers, "import time\ntime.sleep(3600)\nresult = 1", seconds=2.0) == 1
