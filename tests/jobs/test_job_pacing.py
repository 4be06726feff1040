"""When to look again: what the file says, what answers demand, and never without a pause."""

from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.jobs.pacing import SHORTEST, Delay, Pace, asked_for, first_delay, number_of
from capspec.jsonpath import compile_path
from capspec.plan.polling import RetryAfter, Rhythm, Span
from capspec.values import MISSING

NOW = 1_800_000_000.0
RULE = RetryAfter(minimum=0.5, maximum=10)


def asked(text: str, rule: RetryAfter = RULE) -> float | None:
    found = asked_for(rule, ((rule.header.upper(), text),), NOW)
    assert found is None or found.asked
    return None if found is None else found.seconds


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("3", 3),
        (" 3 ", 3),
        ("1.5", 1.5),
        ("0", 0.5),
        ("999", 10),
        ("9" * 400, 10),
        (formatdate(NOW + 4, usegmt=True), 4),
        (formatdate(NOW - 60, usegmt=True), 0.5),
        ("Fri, 15 Jan 2027 08:00:04 -0000", 4),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("1e3", None),
        ("٣", None),
        ("nan", None),
    ],
)
def test_a_header_says_when_within_bounds(text: str, seconds: float | None) -> None:
    assert asked(text) == seconds


def test_a_header_of_another_name_counts_milliseconds() -> None:
    rule = RetryAfter(header="openai-poll-after-ms", unit=0.001, minimum=0.5, maximum=10)
    assert asked("2500", rule) == 2.5
    assert asked_for(rule, (("Retry-After", "2"),), NOW) is None


def test_no_bound_lets_it_spin() -> None:
    assert asked("0", RetryAfter(minimum=0, maximum=10)) == SHORTEST
    assert asked("5", RetryAfter(minimum=0, maximum=0)) == SHORTEST


def test_a_file_can_leave_headers_alone() -> None:
    assert asked_for(None, (("Retry-After", "9"),), NOW) is None


@pytest.mark.parametrize(
    ("initial", "body", "headers", "seconds"),
    [
        (None, {}, (), 2),
        (None, {}, (("Retry-After", "7"),), 7),
        (0.0, {}, (("Retry-After", "7"),), 0),
        (Span(path=compile_path("$.eta"), maximum=10), {"eta": 4}, (), 4),
        (Span(path=compile_path("$.eta"), maximum=10), {"eta": "4.5"}, (), 4.5),
        (Span(path=compile_path("$.eta"), maximum=10), {"eta": 25}, (), 10),
        (Span(path=compile_path("$.eta"), maximum=10, minimum=1), {"eta": -3}, (), 1),
        (Span(path=compile_path("$.eta"), maximum=10, unit=0.001), {"eta": 2500}, (), 2.5),
        (Span(path=compile_path("$.eta"), maximum=10), {"eta": None}, (("Retry-After", "3"),), 3),
        (Span(path=compile_path("$.eta"), maximum=10), MISSING, (), 2),
        (Span(path=compile_path("$.eta"), maximum=10), {"eta": True}, (), 2),
    ],
)
def test_the_first_look_waits_for_what_is_known(
    initial: float | Span | None, body: object, headers: tuple[tuple[str, str], ...], seconds: float
) -> None:
    rhythm = Rhythm(interval=2, longest=60, initial=initial, retry_after=RULE)
    assert first_delay(rhythm, body, headers, NOW).seconds == seconds


def test_waits_grow_up_to_the_longest() -> None:
    pace = Pace(Rhythm(interval=1, longest=5, backoff=2), lambda: 0.5)
    assert [pace.next(None, 0).seconds for _ in range(5)] == [1, 2, 4, 5, 5]


def test_waits_after_errors_grow_whatever_the_interval() -> None:
    pace = Pace(Rhythm(interval=0.5, longest=60), lambda: 0.5)
    assert [pace.next(None, errors).seconds for errors in range(1, 7)] == [1, 2, 4, 8, 15, 15]


def test_what_an_answer_demands_is_taken_as_it_is() -> None:
    pace = Pace(Rhythm(interval=5, longest=60, jitter=1), lambda: 0.0)
    assert pace.next(Delay(3, asked=True), 4) == Delay(3, asked=True)


def test_chance_takes_and_adds_a_share() -> None:
    rhythm = Rhythm(interval=6, longest=60, jitter=0.25)
    assert Pace(rhythm, lambda: 0.0).next(None, 0).seconds == 4.5
    assert Pace(rhythm, lambda: 0.5).next(None, 0).seconds == 6
    assert Pace(rhythm, lambda: 1.0).next(None, 0).seconds == 7.5


@given(
    interval=st.floats(0, 1e9),
    longest=st.floats(0, 1e9),
    backoff=st.floats(1, 10),
    jitter=st.floats(0, 1),
    chance=st.floats(0, 1),
    errors=st.integers(0, 50),
)
def test_there_is_always_a_pause_and_never_an_endless_one(
    interval: float, longest: float, backoff: float, jitter: float, chance: float, errors: int
) -> None:
    pace = Pace(Rhythm(interval=interval, longest=longest, backoff=backoff, jitter=jitter), lambda: chance)
    for _ in range(100):
        seconds = pace.next(None, errors).seconds
        assert SHORTEST <= seconds <= max(interval, longest, 15) * 2


@pytest.mark.parametrize(
    ("value", "number"),
    [
        (1, 1), (0.5, 0.5), ("42", 42), ("42 %", 42), ("42%", 42), (True, None), (None, None), ("", None),
        ("inf", None), ("nan", None), (float("nan"), None), (10**400, None), ([1], None), ({}, None),
    ],
)  # fmt: skip
def test_figures_are_read_from_what_people_write(value: object, number: float | None) -> None:
    assert number_of(value) == number
