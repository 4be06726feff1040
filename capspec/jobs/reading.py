"""An answer about a job, and the rules of its file, to an Outcome."""

from __future__ import annotations

from collections.abc import Iterable

from capspec.jobs.addressing import Seen
from capspec.jobs.judging import at, says, text_of, word_of
from capspec.jobs.outcome import Code, Outcome, State
from capspec.jobs.pacing import number_of
from capspec.jobs.reference import JobRef
from capspec.jsonpath import JsonPath
from capspec.plan.polling import Poll, ProgressRule
from capspec.template.writing import as_text
from capspec.values import MISSING, Json, Missing

_LONGEST_MESSAGE = 2000

_WAITING = frozenset({
    "accepted", "created", "enqueued", "inqueue", "in_queue", "in-queue", "notstarted", "not_started",
    "pending", "preparing", "queued", "queueing", "queuing", "scheduled", "starting", "submitted",
    "throttled", "waiting",
})  # fmt: skip
"""Words of providers for a job that has not begun."""


def first(paths: Iterable[JsonPath], body: Json | Missing) -> Json:
    """What the first path gives that finds something."""
    return next((value for path in paths if says(value := at(path, body))), None)


def under_way(poll: Poll, job: JobRef, seen: Seen | None = None, status: str = "") -> Outcome:
    """A job that has not ended, as the answer describes it."""
    body = MISSING if seen is None else seen.body
    place = number_of(at(poll.position, body))
    progress = _progress(poll.progress, body)
    waiting = place is not None or not (progress or word_of(status or "queued") not in _WAITING)
    return Outcome(
        state=State.QUEUED if waiting else State.RUNNING,
        job_id=str(job.id),
        progress=progress,
        position=None if place is None else int(place),
        provider_status=status,
        message=_message(first(poll.message, body)),
        poll_url=job.poll_url,
    )


def failed(poll: Poll, job: JobRef, seen: Seen, status: str, code: Code, message: str) -> Outcome:
    """A job that ended without a result: what the error paths find, else the code and message given here."""
    rule = poll.error
    found = text_of(first(rule.code, seen.body)) or ("" if code is not Code.FAILED else status) or str(code)
    return Outcome(
        state=State.CANCELED if code is Code.CANCELED else State.FAILED,
        job_id=str(job.id),
        provider_status=status,
        code=found,
        message=_message(first(rule.message, seen.body)) or message,
        details=first(rule.details, seen.body),
        retryable=not rule.retryable.isdisjoint({word_of(found), word_of(status)}),
        poll_url=job.poll_url,
    )


def unknown(poll: Poll, job: JobRef, code: Code, message: str, seen: Seen | None = None) -> Outcome:
    """A job of which nothing can be said now. What the provider says of the reason is added."""
    reason = "" if seen is None else _message(first(poll.error.message, seen.body))
    return Outcome(
        state=State.UNKNOWN,
        job_id=str(job.id),
        code=str(code),
        message=f"{message}: {reason}" if reason else message,
        details=None if seen is None else first(poll.error.details, seen.body),
        poll_url=job.poll_url,
    )


def succeeded(poll: Poll, job: JobRef, status: str, result: Json | Seen, now: float) -> Outcome:
    """A job with its result: a value, or an answer whose bytes are the result."""
    lasts = poll.result.lasts
    done = isinstance(result, Seen)
    return Outcome(
        state=State.SUCCEEDED,
        job_id=str(job.id),
        progress=1.0,
        provider_status=status,
        result=MISSING if done else result,
        content=result.content if done else None,
        media_type=result.media_type if done else "",
        result_expires_at=None if lasts is None else now + lasts,
        poll_url=job.poll_url,
    )


def result_in(poll: Poll, seen: Seen) -> Json | Missing:
    """The result in an answer; MISSING when there is nothing at its path, or null."""
    if seen.body is MISSING or poll.result.path is None:
        return seen.body
    value = at(poll.result.path, seen.body)
    return MISSING if value is None else value


def _progress(rule: ProgressRule | None, body: Json | Missing) -> float | None:
    found = None if rule is None else number_of(at(rule.path, body))
    if rule is None or found is None:
        return None
    return min(1.0, max(0.0, (found - rule.minimum) / (rule.maximum - rule.minimum)))


def _message(value: Json) -> str:
    return "" if value is None else as_text(value)[:_LONGEST_MESSAGE]
