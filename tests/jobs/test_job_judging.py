"""What one answer says of a job: words before codes, and codes only for what they can say."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.jobs.judging import Kind, judge, judge_submission, word_of
from capspec.jsonpath import compile_path
from capspec.plan.polling import Absence, StatusRule
from capspec.values import MISSING

BY_PATH = StatusRule(
    path=compile_path("$.status"),
    success=frozenset({"ready", "3"}),
    failure=frozenset({"error"}),
    canceled=frozenset({"canceled"}),
    pending=frozenset({"pending"}),
    absence=Absence(words=frozenset({"task not found"}), codes=frozenset({404}), grace=10),
)
BY_CODE = StatusRule(http=True, success=frozenset({"200"}), pending=frozenset({"202"}))
BY_FLAG = StatusRule(done=compile_path("$.done"), failed_if=compile_path("$.error"))


def kind(rule: StatusRule, code: int, body: Any, seconds: float = 60) -> Kind:
    return judge(rule, code, body, seconds).kind


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (200, {"status": "Ready"}, Kind.SUCCESS),
        (200, {"status": " ready "}, Kind.SUCCESS),
        (200, {"status": 3}, Kind.SUCCESS),
        (200, {"status": 3.0}, Kind.SUCCESS),
        (200, {"status": "Error"}, Kind.FAILURE),
        (200, {"status": "CANCELED"}, Kind.CANCELED),
        (200, {"status": "Pending"}, Kind.PENDING),
        (200, {"status": "Reasoning"}, Kind.PENDING),
        (422, {"status": "Error"}, Kind.FAILURE),
        (503, {"status": "Ready"}, Kind.SUCCESS),
        (503, {"status": "Pending"}, Kind.PENDING),
        (404, {"status": "Ready"}, Kind.SUCCESS),
        (503, {"status": "Reasoning"}, Kind.ERROR),
        (500, MISSING, Kind.ERROR),
        (429, {"detail": "slow down"}, Kind.ERROR),
        (408, None, Kind.ERROR),
        (425, None, Kind.ERROR),
        (400, {"detail": "no"}, Kind.REJECTED),
        (401, None, Kind.REJECTED),
        (410, None, Kind.REJECTED),
        (302, None, Kind.REJECTED),
        (304, None, Kind.REJECTED),
        (202, None, Kind.PENDING),
        (204, None, Kind.PENDING),
        (200, None, Kind.ERROR),
        (200, MISSING, Kind.ERROR),
        (200, {}, Kind.ERROR),
        (200, {"status": None}, Kind.ERROR),
        (200, {"status": {"state": "ready"}}, Kind.ERROR),
        (200, ["ready"], Kind.ERROR),
    ],
)
def test_a_status_in_the_body_counts_before_the_code(code: int, body: Any, expected: Kind) -> None:
    assert kind(BY_PATH, code, body) is expected


@pytest.mark.parametrize(
    ("code", "body"),
    [(404, {"detail": "Not Found"}), (404, MISSING), (200, {"status": "Task not found"}), (404, None)],
)
def test_a_job_that_is_not_there_yet_is_pending_and_later_absent(code: int, body: Any) -> None:
    assert kind(BY_PATH, code, body, seconds=9.9) is Kind.PENDING
    assert kind(BY_PATH, code, body, seconds=10) is Kind.ABSENT


def test_where_the_file_says_nothing_of_it_not_found_is_a_refusal() -> None:
    assert (
        kind(StatusRule(path=compile_path("$.s"), success=frozenset({"ok"})), 404, None, 0) is Kind.REJECTED
    )


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (200, Kind.SUCCESS),
        (202, Kind.PENDING),
        (204, Kind.PENDING),
        (201, Kind.PENDING),
        (400, Kind.FAILURE),
        (404, Kind.FAILURE),
        (401, Kind.REJECTED),
        (403, Kind.REJECTED),
        (429, Kind.ERROR),
        (500, Kind.ERROR),
        (302, Kind.REJECTED),
    ],
)
def test_the_code_can_be_the_status(code: int, expected: Kind) -> None:
    assert kind(BY_CODE, code, MISSING) is expected


@pytest.mark.parametrize(
    ("code", "body", "expected"),
    [
        (200, {"done": True, "response": {}}, Kind.SUCCESS),
        (200, {"done": True, "error": {"code": 8}}, Kind.FAILURE),
        (200, {"done": True, "error": {}}, Kind.SUCCESS),
        (200, {"done": False, "error": {"code": 8}}, Kind.PENDING),
        (200, {"name": "o"}, Kind.PENDING),
        (200, MISSING, Kind.ERROR),
        (503, {"error": {"code": 503}}, Kind.ERROR),
        (403, {"error": {"code": 403}}, Kind.REJECTED),
    ],
)
def test_a_flag_can_be_the_status(code: int, body: Any, expected: Kind) -> None:
    assert kind(BY_FLAG, code, body) is expected


def test_unknown_statuses_can_be_failures() -> None:
    strict = StatusRule(path=compile_path("$.s"), success=frozenset({"ok"}), tolerant=False)
    assert kind(strict, 200, {"s": "odd"}) is Kind.FAILURE
    assert kind(strict, 500, {"s": "odd"}) is Kind.ERROR


def test_an_error_beside_the_status_is_a_failure_where_the_file_says_so() -> None:
    rule = StatusRule(path=compile_path("$.s"), success=frozenset({"ok"}), failed_if=compile_path("$.error"))
    assert kind(rule, 200, {"s": "ok", "error": "broken"}) is Kind.FAILURE
    assert kind(rule, 200, {"s": "ok", "error": ""}) is Kind.SUCCESS


def test_the_code_of_the_first_answer_says_nothing_of_the_job() -> None:
    assert judge_submission(BY_CODE, {"id": 1}).kind is Kind.PENDING
    assert judge_submission(BY_PATH, MISSING).kind is Kind.PENDING
    assert judge_submission(BY_PATH, {"status": "Task not found"}).kind is Kind.PENDING
    assert judge_submission(BY_PATH, {"status": "Ready"}).kind is Kind.SUCCESS


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


@given(
    rule=st.sampled_from([BY_PATH, BY_CODE, BY_FLAG]),
    code=st.integers(100, 599),
    body=JSON,
    age=st.floats(0, 99),
)
def test_any_answer_gets_a_verdict(rule: StatusRule, code: int, body: Any, age: float) -> None:
    for found in (judge(rule, code, {"status": body}, age), judge(rule, code, body, age)):
        assert found.kind in Kind
        if found.kind is Kind.SUCCESS and not rule.done:
            assert word_of(found.status) in rule.success
