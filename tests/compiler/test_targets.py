"""`call` words and what they find."""

from __future__ import annotations

import pytest

from tests.whole import plan_of


def capability(operations: str, tools: str) -> str:
    return f"""
capspec: "1"
capability:
  consumes:
  - {{namespace: up, baseUri: "http://up.test", resources: [{operations}]}}
  exposes:
  - {{type: mcp, namespace: n, port: 1, tools: [{tools}]}}
"""


ONE = "{path: /a, operations: [{name: list-things, method: GET}]}"


@pytest.mark.parametrize("call", ["up.list-things", "up.things.list-things", "list-things"])
def test_a_call_finds_its_operation(call: str):
    (flow,) = plan_of(capability(ONE, f"{{name: t, description: d, call: {call}}}")).listeners[0].flows
    assert flow.unavailable == ""
    assert flow.calls[0].id == "up.list-things"


@pytest.mark.parametrize(
    ("call", "said"),
    [
        ("up.list-thing", "did you mean 'up.list-things'?"),
        ("other.list-things", "nothing is consumed under the namespace 'other'"),
        ("''", "the call names no operation"),
    ],
)
def test_a_call_of_nothing_makes_its_tool_unavailable_and_no_other(call: str, said: str):
    tools = (
        f"{{name: bad, description: d, call: {call}}}, {{name: good, description: d, call: up.list-things}}"
    )
    plan = plan_of(capability(ONE, tools))
    bad, good = plan.listeners[0].flows
    assert said in bad.unavailable
    assert good.unavailable == ""
    assert plan.listeners[0].available == (good,)
    assert [warning.code for warning in plan.warnings] == ["CAP341"]
    assert plan.warnings[0].place is not None
    assert plan.warnings[0].place.line == 7


def test_a_name_declared_many_times_is_paired_with_its_callers_in_order():
    operations = ", ".join(
        f"{{path: /{letter}, operations: [{{name: post, method: POST}}]}}" for letter in "abc"
    )
    tools = ", ".join(f"{{name: {letter}, description: d, call: up.post}}" for letter in "abc")
    flows = plan_of(capability(operations, tools)).listeners[0].flows
    assert [flow.calls[0].path for flow in flows] == [("/a",), ("/b",), ("/c",)]


def test_a_name_declared_many_times_and_called_another_number_of_times_is_the_first():
    operations = ", ".join(
        f"{{path: /{letter}, operations: [{{name: post, method: POST}}]}}" for letter in "abc"
    )
    tools = "{name: a, description: d, call: up.post}, {name: b, description: d, call: up.post}"
    flows = plan_of(capability(operations, tools)).listeners[0].flows
    assert [flow.calls[0].path for flow in flows] == [("/a",), ("/a",)]
