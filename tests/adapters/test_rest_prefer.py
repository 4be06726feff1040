"""What Prefer headers say, as far as it is understood."""

from __future__ import annotations

import pytest

from capspec.adapters.rest.prefer import Preferences, preferences


@pytest.mark.parametrize(
    ("headers", "wait", "respond_async"),
    [
        ([], None, False),
        (["wait=10"], 10, False),
        (["Wait = 10"], 10, False),
        (['wait="10"'], 10, False),
        (["respond-async, wait=5"], 5, True),
        (["respond-async", "wait=5"], 5, True),
        (["wait=5, wait=7"], 5, False),
        (["return=minimal; foo=1, wait=5;x"], 5, False),
        (['note="a, wait=9"'], None, False),
        (["wait=121"], 120, False),
        (["wait=" + "9" * 5000], 120, False),
        (["wait=0"], 0, False),
        (["wait=-1"], None, False),
        (["wait=1.5"], None, False),
        (["wait=soon"], None, False),
        (["wait=²"], None, False),
        (["wait"], None, False),
        ([',;="\\', "wait=2"], None, False),
    ],
)
def test_what_is_understood_is_taken_and_the_rest_left_out(
    headers: list[str], wait: int | None, respond_async: bool
) -> None:
    assert preferences(headers) == Preferences(wait, respond_async)


@pytest.mark.parametrize(
    ("wanted", "accepted", "applied"),
    [
        (Preferences(), True, ""),
        (Preferences(respond_async=True), True, "respond-async"),
        (Preferences(respond_async=True), False, ""),
        (Preferences(wait=5), True, "wait=5"),
        (Preferences(wait=5, respond_async=True), True, "respond-async, wait=5"),
        (Preferences(wait=5, respond_async=True), False, "wait=5"),
    ],
)
def test_an_answer_says_what_was_heeded(wanted: Preferences, accepted: bool, applied: str) -> None:
    assert wanted.applied(accepted=accepted) == applied
