"""Handles: what a caller keeps of a job. Only the same caller can use it, for as long as the job lasts."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec.errors import CallError, JobExpired, JobNotFound, Unavailable
from capspec.jobs.handles import LONGEST, PREFIX, HandleKey
from capspec.jobs.reference import JobRef

NOW = 1_800_000_000.0
SECRET = "a secret of some length"
KEY = HandleKey.from_secret(SECRET, "flux")
JOB = JobRef(
    operation="flux.edit",
    id="b2f6",
    submitted_at=NOW,
    look_at=NOW + 1,
    expires_at=NOW + 600,
    poll_url="https://api.eu4.bfl.ai/v1/get_result?id=b2f6&sig=provider-token",
    values={"inputParameters.space": "s1"},
)

TEXTS = st.text(max_size=40)
JOBS = st.builds(
    JobRef,
    operation=st.text(min_size=1, max_size=40),
    id=TEXTS | st.integers(),
    submitted_at=st.floats(0, 4e9).map(lambda value: round(value, 3)),
    look_at=st.floats(0, 4e9).map(lambda value: round(value, 3)),
    expires_at=st.integers(0, 4_000_000_000).map(float),
    poll_url=TEXTS,
    result_url=TEXTS,
    cancel_url=TEXTS,
    values=st.dictionaries(TEXTS, TEXTS | st.integers() | st.none(), max_size=3),
)


def refusal(
    handle: str, *, key: HandleKey = KEY, principal: str = "ann", now: float = NOW, **more: Any
) -> CallError:
    with pytest.raises(CallError) as caught:
        key.open(handle, principal, now=now, **more)
    return caught.value


@given(job=JOBS, principal=TEXTS)
def test_a_handle_opens_to_the_job_that_it_was_made_of(job: JobRef, principal: str) -> None:
    opened = KEY.open(KEY.seal(job, principal), principal, now=job.expires_at - 1)
    assert opened == job


def test_a_handle_tells_nothing_and_stands_anywhere_in_a_url() -> None:
    handle = KEY.seal(JOB, "ann")
    assert re.fullmatch(r"job1_[A-Za-z0-9_-]+", handle)
    content = base64.urlsafe_b64decode(handle.removeprefix(PREFIX) + "==")
    for word in (b"provider-token", b"b2f6", b"flux", b"ann", b"s1"):
        assert word not in content
    assert KEY.seal(JOB, "ann") != handle


def test_a_plain_job_has_a_short_handle() -> None:
    assert len(KEY.seal(replace(JOB, poll_url="", values={}), "ann")) < 200


@given(data=st.data())
def test_any_bit_flipped_is_refused(data: st.DataObject) -> None:
    sealed = bytearray(base64.urlsafe_b64decode(_HANDLE.removeprefix(PREFIX) + "=" * (-len(_HANDLE[5:]) % 4)))
    at = data.draw(st.integers(0, len(sealed) * 8 - 1))
    sealed[at // 8] ^= 1 << (at % 8)
    changed = PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")
    assert isinstance(refusal(changed), JobNotFound)


_HANDLE = KEY.seal(JOB, "ann")


@given(data=st.data())
def test_any_other_spelling_is_refused(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(_HANDLE) - 1))
    char = data.draw(st.characters(max_codepoint=0x7F).filter(lambda char: char != _HANDLE[at]))
    assert isinstance(refusal(_HANDLE[:at] + char + _HANDLE[at + 1 :]), JobNotFound)


@given(text=st.text(max_size=60) | st.text(max_size=60).map(lambda text: PREFIX + text))
def test_what_never_was_a_handle_is_refused(text: str) -> None:
    assert isinstance(refusal(text), JobNotFound)


@pytest.mark.parametrize(
    "changed",
    [
        _HANDLE + "=",
        _HANDLE + "A",
        _HANDLE + "\n",
        " " + _HANDLE,
        _HANDLE[:-1],
        _HANDLE[: len(_HANDLE) // 2],
        _HANDLE.replace("job1_", "job2_"),
        _HANDLE.removeprefix("job1_"),
        PREFIX,
        "",
        PREFIX + "A" * (LONGEST + 1),
        PREFIX + "A" * 15,
    ],
)
def test_a_handle_that_was_cut_or_added_to_is_refused(changed: str) -> None:
    assert isinstance(refusal(changed), JobNotFound)


def test_a_handle_runs_out() -> None:
    handle = KEY.seal(JOB, "ann")
    assert KEY.open(handle, "ann", now=NOW + 599) == JOB
    error = refusal(handle, now=NOW + 600)
    assert (type(error), error.status) == (JobExpired, 410)


def test_who_may_not_use_a_handle_cannot_tell_why() -> None:
    handle = KEY.seal(JOB, "ann")
    texts = {
        str(refusal(handle, principal="bob")),
        str(refusal(handle, principal="")),
        str(refusal(handle, principal="bob", now=NOW + 9999)),
        str(refusal(handle, key=HandleKey.from_secret("another secret, also long", "flux"))),
        str(refusal(handle, key=HandleKey.from_secret(SECRET, "flora"))),
        str(refusal(handle, key=HandleKey.generate())),
        str(refusal(handle, operation="flux.other")),
        str(refusal("job1_nothing")),
    }
    assert len(texts) == 1
    assert refusal(handle, principal="bob").status == 404


def test_the_operation_that_started_it_may_be_asked_for() -> None:
    assert KEY.open(_HANDLE, "ann", now=NOW, operation="flux.edit") == JOB


def test_the_same_secret_makes_the_same_key_in_another_process() -> None:
    assert HandleKey.from_secret(SECRET, "flux").open(_HANDLE, "ann", now=NOW) == JOB


def test_a_key_does_not_show_itself() -> None:
    assert repr(KEY) == "HandleKey(****)"


@pytest.mark.parametrize("secret", ["", "short", "x" * 15])
def test_a_secret_that_is_too_short_is_refused(secret: str) -> None:
    with pytest.raises(ValueError, match="16"):
        HandleKey.from_secret(secret)


def test_a_key_of_another_length_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        HandleKey(b"x" * 31)


def test_a_job_that_is_too_long_for_a_handle_says_so() -> None:
    with pytest.raises(Unavailable):
        KEY.seal(replace(JOB, values={"a": "x" * LONGEST}), "ann")
