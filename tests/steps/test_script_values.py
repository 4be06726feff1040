"""What scripts are given and what they give: the cases of both languages, and values at the border of JSON."""

from __future__ import annotations

import pytest

from capspec.scripting.evaluation import Failed, plain
from capspec.values import MISSING
from tests.steps.script_world import evaluation, failure_of, pool, value_of

pytestmark = pytest.mark.anyio

MEMBERS = {"list-members": [
    {"name": "alice", "active": True}, {"name": "eve", "active": False}, {"name": "bob", "active": True},
]}  # fmt: skip
ITEMS = {
    "items": [
        {"name": "Widget", "price": 25.5},
        {"name": "Gadget", "price": 5},
        {"name": "Gizmo", "price": 30},
    ]
}

CASES = [
    ("javascript", "var result = {greeting: 'hello', count: 42, flag: true};", {}, {"greeting": "hello", "count": 42, "flag": True}),
    ("javascript", "result = context['list-members'].filter(m => m.active).map(m => m.name)", MEMBERS, ["alice", "bob"]),
    ("javascript", "const result = {total: context.items.reduce((s, i) => s + i.price, 0), count: context.items.length}", ITEMS, {"total": 60.5, "count": 3}),
    ("javascript", "let result = context.items.filter(i => i.price >= context.threshold).map(i => i.name)", {**ITEMS, "threshold": 10}, ["Widget", "Gizmo"]),
    ("python", "result = {'greeting': 'hello', 'count': 42, 'flag': True}", {}, {"greeting": "hello", "count": 42, "flag": True}),
    ("python", "result = [m['name'] for m in context['list-members'] if m['active']]", MEMBERS, ["alice", "bob"]),
    ("python", "v = context['values']\nresult = {'average': sum(v) / len(v), 'min': min(v), 'max': max(v), 'count': len(v)}",
     {"values": [20.0, 25.0, 30.0]}, {"average": 25.0, "min": 20.0, "max": 30.0, "count": 3}),
    ("python", "def price(p):\n    return p * (1 - context['discount'])\nresult = {'price': price(100)}", {"discount": 0.1}, {"price": 90.0}),
    ("javascript", "result = 'text'", {}, "text"),
    ("python", "result = 7", {}, 7),
    ("javascript", "result = false", {}, False),
    ("python", "result = 0", {}, 0),
    ("javascript", "result = []", {}, []),
    ("python", "result = ''", {}, ""),
]  # fmt: skip

NOTHING = [
    ("javascript", "const other = 1"), ("javascript", "result = null"), ("javascript", "result = undefined"),
    ("javascript", "result = NaN"), ("javascript", ""), ("javascript", "result = () => 1"),
    ("python", "other = 1"), ("python", "result = None"), ("python", "result = float('nan')"), ("python", ""),
    ("python", "1 + 1"),
]  # fmt: skip

BORDER = [
    ("javascript", "result = [NaN, Infinity, -0, undefined, () => 1, Symbol('x')]", [None, None, 0, None, None, None]),
    ("javascript", "result = {a: undefined, b: () => 1, c: new Date(0)}", {"c": "1970-01-01T00:00:00.000Z"}),
    ("javascript", "result = [9007199254740993, 12n, 9007199254740993n]", [9007199254740992, 12, "9007199254740993"]),
    ("javascript", "result = [new Map([[1, 2]]), new Set([1])]", [{}, {}]),
    ("javascript", "result = ['\\ud83d\\ude00', 'a\\ud800b', 'é\\u0000']", ["😀", "a\ufffdb", "é\0"]),
    ("python", "result = [float('nan'), float('inf'), (1, 2), 2 ** 70]", [None, None, [1, 2], 2**70]),
    ("python", "import datetime\nresult = datetime.date(2020, 1, 31)", "2020-01-31"),
    ("python", "result = '😀é'", "😀é"),
]  # fmt: skip

UNFIT = [
    ("javascript", "result = {}; result.self = result", "circular"),
    ("javascript", "result = Promise.resolve(1)", "promise"),
    ("python", "result = {1, 2}", "make it a list"),
    ("python", "result = b'bytes'", "bytes"),
    ("python", "result = {1: 'a'}", "keys are text"),
    ("python", "result = 1\nfor _ in range(300):\n    result = [result]", "nested"),
]  # fmt: skip


async def test_scripts_give_what_they_leave_in_result():
    async with pool("javascript", 1) as javascript, pool("python", 1) as python:
        workers = {"javascript": javascript, "python": python}
        for language, text, context, expected in CASES:
            assert await value_of(workers[language], text, context=context) == expected, text


async def test_a_script_that_leaves_nothing_or_null_gives_nothing():
    async with pool("javascript", 1) as javascript, pool("python", 1) as python:
        workers = {"javascript": javascript, "python": python}
        for language, text in NOTHING:
            assert await value_of(workers[language], text) is MISSING, text


async def test_values_that_json_has_no_word_for_become_the_nearest_thing():
    async with pool("javascript", 1) as javascript, pool("python", 1) as python:
        workers = {"javascript": javascript, "python": python}
        for language, text, expected in BORDER:
            assert await value_of(workers[language], text) == expected, text


async def test_a_result_that_is_no_json_is_refused_with_the_reason():
    async with pool("javascript", 1) as javascript, pool("python", 1) as python:
        workers = {"javascript": javascript, "python": python}
        for language, text, why in UNFIT:
            failed = await failure_of(workers[language], text)
            assert (failed.reason, why in failed.message) == ("result", True), f"{text}: {failed.message}"


@pytest.mark.parametrize("language", ["javascript", "python"])
async def test_everything_of_json_arrives_as_it_is(language):
    context = {
        "a-b": [None, True, 1, -1.5, "é😀\u2028", {"": []}],
        "big": 2**53 - 1,
        "x": {"y": {"z": [[[1]]]}},
    }
    text = {"javascript": "result = context", "python": "result = context"}[language]
    async with pool(language) as workers:
        assert await value_of(workers, text, context=context) == context
        assert await value_of(workers, text, context={"a": float("nan")}) == {"a": None}


async def test_dependencies_run_first_in_order_and_share_their_names():
    async with pool("javascript") as workers:
        first = "function tax(x) { return x * rate; } const label = 'tax'; globalThis.order = ['a'];"
        second = "const rate = 0.5; class Bill { total = tax(context.net) } order.push('b')"
        third = "result = [new Bill().total, label, order]"
        assert await value_of(workers, first, second, third, context={"net": 10}) == [5, "tax", ["a", "b"]]
    async with pool("python") as workers:
        first = "def tax(x):\n    return x * rate\norder = ['a']"
        second = "rate = 0.5\norder.append('b')"
        third = "result = [tax(context['net']), order]"
        assert await value_of(workers, first, second, third, context={"net": 10}) == [5.0, ["a", "b"]]


async def test_what_is_printed_is_kept_with_the_answer_and_with_a_failure():
    async with pool("javascript") as workers:
        found = await workers.evaluate(evaluation("console.log('a', {b: 1}, [2]); console.warn(undefined)"))
        assert found.console == 'a {"b":1} [2]\nundefined'
        failed = await failure_of(workers, "console.log('here'); throw new Error('x')")
        assert failed.console == "here"
    async with pool("python") as workers:
        assert (await workers.evaluate(evaluation("print('a', {'b': 1})"))).console == "a {'b': 1}"
        assert (await failure_of(workers, "print('here')\n1 / 0")).console == "here"


async def test_an_error_says_what_and_where():
    async with pool("javascript", 1) as workers:
        for texts, file, line, message in [
            (["\n\nthrow new TypeError('boom')"], "a", 3, "TypeError: boom"),
            (["function f() {\n  nobody()\n}\nf()"], "a", 2, "ReferenceError: nobody is not defined"),
            (["function f() { nobody() }", "\nf()"], "b", 2, "ReferenceError: nobody is not defined"),
        ]:
            failed = await failure_of(workers, *texts)
            found = (failed.reason, failed.file, failed.line, failed.message)
            assert found == ("script", file, line, message)
        failed = await failure_of(workers, "x = = 1")
        assert (failed.reason, failed.file) == ("syntax", "a")
    async with pool("python", 1) as workers:
        for texts, file, line, message in [
            (["\n\nraise ValueError('boom')"], "a", 3, "ValueError: boom"),
            (["def f():\n    nobody()\nf()"], "a", 2, "NameError: name 'nobody' is not defined"),
            (["def f():\n    nobody()", "f()"], "a", 2, "NameError: name 'nobody' is not defined"),
        ]:
            failed = await failure_of(workers, *texts)
            found = (failed.reason, failed.file, failed.line, failed.message)
            assert found == ("script", file, line, message)
        failed = await failure_of(workers, "ok = 1", "\nx = = 1")
        assert (failed.reason, failed.file, failed.line) == ("syntax", "b", 2)


def test_plain_values_are_themselves():
    assert plain({"a": [1, 1.5, None, True, "x"]}) == {"a": [1, 1.5, None, True, "x"]}
    with pytest.raises(ValueError, match="object"):
        plain(object())
    assert issubclass(Failed, Exception)
