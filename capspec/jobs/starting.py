"""The answer that started a job to a JobRef, and to what is known of the job by then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capspec.jobs.addressing import Answers, Seen, find
from capspec.jobs.judging import at, text_of
from capspec.jobs.pacing import first_delay
from capspec.jobs.reference import JobRef
from capspec.plan import FollowUps, Operation
from capspec.plan.polling import Poll
from capspec.references import PREFIXES
from capspec.template.names import lookup
from capspec.values import MISSING, Json

_KEPT_FOR = 24 * 3600.0
"""Seconds after its time for which a job can be asked about at the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A job, whether it can be asked about, and whether its answer named an address that is not allowed."""

    job: JobRef
    located: bool
    refused: bool


def started(operation: Operation, arguments: Mapping[str, Json], seen: Seen, now: float) -> Started:
    """What was started. `now` is seconds since the epoch."""
    poll, follow_ups = jobs_of(operation)
    base = operation.upstream.base_url
    identifier = _identifier(poll, seen)
    answers: Answers = {"submit": seen, "status": seen}
    found = find(poll.request, answers, base)
    job = JobRef(
        operation=operation.id,
        id=identifier,
        submitted_at=now,
        look_at=now + first_delay(poll.rhythm, seen.body, seen.headers, now).seconds,
        expires_at=now + poll.timeout + max(poll.result.lasts or 0.0, _KEPT_FOR),
        poll_url=found.url,
        # What the later answers say of the result counts, so only what must come from this one is kept.
        result_url="" if poll.result.target is None else find(poll.result.target, {"submit": seen}, base).url,
        cancel_url="" if poll.cancel is None else find(poll.cancel, answers, base).url,
        values=_kept(poll, arguments, identifier, seen),
    )
    own = follow_ups.status is not None and follow_ups.status.own is not None
    named = poll.id is None or identifier != ""
    return Started(job=job, located=bool(found.url) or (own and named), refused=found.refused)


def jobs_of(operation: Operation) -> tuple[Poll, FollowUps]:
    """What the file says of the operation's jobs. Raises LookupError when it starts none."""
    if operation.poll is None or operation.follow_ups is None:
        raise LookupError(f"{operation.id} starts no job")
    return operation.poll, operation.follow_ups


def _identifier(poll: Poll, seen: Seen) -> str | int:
    value = at(poll.id, seen.body)
    return value if type(value) is int else text_of(value)


def _kept(poll: Poll, arguments: Mapping[str, Json], identifier: str | int, seen: Seen) -> dict[str, Json]:
    body = None if seen.body is MISSING else seen.body
    names = {
        "inputParameters": arguments,
        **dict.fromkeys(PREFIXES, arguments),
        **arguments,
        "submit": body,
        "id": identifier,
    }
    found = ((name, lookup(name)(names)) for name in poll.kept)
    return {name: value for name, value in found if value is not MISSING}
