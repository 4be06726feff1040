"""One look at a job: a request for its status, one for its result if it takes that, and what they say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capspec.clock import Clock
from capspec.errors import CallError, EgressDenied, MappingError, UpstreamError, UpstreamTimeout
from capspec.jobs.addressing import Seen, find
from capspec.jobs.asking import Sending, ask
from capspec.jobs.judging import Kind, Verdict, judge
from capspec.jobs.outcome import Code, Outcome
from capspec.jobs.pacing import Delay, asked_for
from capspec.jobs.reading import failed, result_in, succeeded, under_way, unknown
from capspec.jobs.reference import JobRef
from capspec.jobs.starting import jobs_of
from capspec.plan import Operation
from capspec.plan.polling import Poll
from capspec.values import MISSING, Json

_PASSING = (UpstreamError, UpstreamTimeout, MappingError)
"""What may be better at the next look."""

_BUSY = frozenset({408, 425, 429})
_GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What one look gave.

    `settled`: looking again would not help. `error`: the look itself failed, and `outcome` is for when
    patience ends. `gone`: the provider knows no such job. `asked` is the delay that the answer demands.
    """

    outcome: Outcome
    settled: bool = False
    error: bool = False
    gone: bool = False
    asked: Delay | None = None


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks at the jobs of every operation."""

    sending: Sending
    clock: Clock

    async def look(self, operation: Operation, job: JobRef) -> Look:
        """One look. Raises nothing but LookupError for an operation that starts no jobs."""
        poll, follow_ups = jobs_of(operation)
        if follow_ups.status is None:
            return _nowhere(poll, job)
        try:
            seen = await ask(self.sending, follow_ups.status, poll.request, job.poll_url, names_of(job))
            return _nowhere(poll, job) if seen is None else await self._judged(operation, job, seen)
        except CallError as error:
            return _failed_look(poll, job, error)

    async def _judged(self, operation: Operation, job: JobRef, seen: Seen) -> Look:
        poll, _ = jobs_of(operation)
        age = self.clock.wall() - job.submitted_at
        verdict = judge(poll.status, seen.status, seen.body, age)
        if verdict.kind is Kind.SUCCESS:
            return await self.result(operation, job, seen, verdict.status)
        asked = asked_for(poll.rhythm.retry_after, seen.headers, self.clock.wall())
        return _without_result(poll, job, seen, verdict, asked)

    async def result(self, operation: Operation, job: JobRef, seen: Seen, status: str) -> Look:
        """The result of a job whose answer `seen` says that it succeeded. Raises CallError."""
        poll, follow_ups = jobs_of(operation)
        target, follow_up = poll.result.target, follow_ups.result
        if target is None or follow_up is None:
            return self._inline(poll, job, seen, status)
        found = find(target, {"status": seen}, operation.upstream.base_url)
        names = {**names_of(job), "status": None if seen.body is MISSING else seen.body}
        answer = await ask(self.sending, follow_up, target, found.url or job.result_url, names)
        if answer is None:
            code = Code.UNTRUSTED_ADDRESS if found.refused else Code.RESULT_MISSING
            message = "the job succeeded, but no allowed address of its result was given"
            return Look(outcome=unknown(poll, job, code, message, seen), settled=True)
        return self._fetched(poll, job, answer, status)

    def _inline(self, poll: Poll, job: JobRef, seen: Seen, status: str) -> Look:
        if poll.result.binary:
            return self._succeeded(poll, job, status, seen)
        value = result_in(poll, seen)
        return self._succeeded(poll, job, status, None if value is MISSING else value)

    def _fetched(self, poll: Poll, job: JobRef, answer: Seen, status: str) -> Look:
        """The result in the answer to a request of its own, which may fail where the job did not."""
        if answer.status in _BUSY or answer.status >= 500:
            asked = asked_for(poll.rhythm.retry_after, answer.headers, self.clock.wall())
            return Look(outcome=_no_result(poll, job, answer, status), error=True, asked=asked)
        if not 200 <= answer.status < 300:
            return Look(outcome=_no_result(poll, job, answer, status), settled=True)
        if poll.result.binary:
            return self._succeeded(poll, job, status, answer)
        if answer.body is MISSING or answer.status == 202:
            message = "the job succeeded, but its result could not be read"
            return Look(outcome=unknown(poll, job, Code.RESULT_FAILED, message), error=True)
        value = result_in(poll, answer)
        if value is MISSING:
            message = "the job succeeded, but the answer with its result has none"
            outcome = failed(poll, job, answer, status, Code.RESULT_MISSING, message)
            return Look(outcome=outcome, settled=True)
        return self._succeeded(poll, job, status, value)

    def _succeeded(self, poll: Poll, job: JobRef, status: str, result: Json | Seen) -> Look:
        return Look(outcome=succeeded(poll, job, status, result, self.clock.wall()), settled=True)


def names_of(job: JobRef) -> Mapping[str, Json]:
    """What the templates of requests about a job see."""
    return {**job.values, "id": job.id}


def _without_result(poll: Poll, job: JobRef, seen: Seen, verdict: Verdict, asked: Delay | None) -> Look:
    status = verdict.status
    gone = seen.status in _GONE
    if verdict.kind is Kind.PENDING:
        return Look(outcome=under_way(poll, job, seen, status), gone=gone, asked=asked)
    if verdict.kind is Kind.ERROR:
        message = f"the provider answered HTTP {seen.status} without saying where the job stands"
        return Look(outcome=unknown(poll, job, Code.POLL_FAILED, message, seen), error=True, asked=asked)
    if verdict.kind is Kind.REJECTED:
        message = f"the provider answered HTTP {seen.status} when it was asked about the job"
        outcome = unknown(poll, job, Code.POLL_REJECTED, message, seen)
        return Look(outcome=outcome, settled=True, gone=gone)
    return Look(outcome=_ended(poll, job, seen, verdict), settled=True, gone=gone)


def _ended(poll: Poll, job: JobRef, seen: Seen, verdict: Verdict) -> Outcome:
    if verdict.kind is Kind.ABSENT:
        message = "the provider knows no such job"
        return failed(poll, job, seen, verdict.status, Code.NOT_FOUND, message)
    if verdict.kind is Kind.CANCELED:
        return failed(poll, job, seen, verdict.status, Code.CANCELED, "the job was canceled")
    message = f"the job ended with the status '{verdict.status}'" if verdict.status else "the job failed"
    return failed(poll, job, seen, verdict.status, Code.FAILED, message)


def _no_result(poll: Poll, job: JobRef, answer: Seen, status: str) -> Outcome:
    message = f"the job succeeded, but its result was answered with HTTP {answer.status}"
    return failed(poll, job, answer, status, Code.RESULT_FAILED, message)


def _failed_look(poll: Poll, job: JobRef, error: CallError) -> Look:
    untrusted = isinstance(error, EgressDenied)
    code = Code.UNTRUSTED_ADDRESS if untrusted else Code.POLL_FAILED
    outcome = unknown(poll, job, code, f"the job could not be asked about: {error.problems[0].message}")
    passing = isinstance(error, _PASSING)
    return Look(outcome=outcome, settled=not passing, error=passing)


def _nowhere(poll: Poll, job: JobRef) -> Look:
    message = "there is no address at which the job could be asked about"
    return Look(outcome=unknown(poll, job, Code.NO_JOB_ID, message), settled=True)
