"""Jobs: started, looked at, waited for and canceled, in the same way for every provider.

A job costs somebody money, so it is never started twice, and nothing that goes wrong after its start is
raised: it becomes an Outcome that still says which job it was.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeAlias

from capspec.clock import Clock
from capspec.errors import CallError, JobNotFound, Unavailable
from capspec.events import EventStream
from capspec.jobs.addressing import Seen
from capspec.jobs.asking import Sending, ask, read
from capspec.jobs.judging import Kind, judge_submission
from capspec.jobs.looking import Look, Looker, names_of
from capspec.jobs.outcome import Code, Outcome, State
from capspec.jobs.pacing import Chance, Delay, Pace
from capspec.jobs.reading import failed, first, result_in, under_way, unknown
from capspec.jobs.reference import JobRef
from capspec.jobs.starting import Started, jobs_of, started
from capspec.jobs.submitting import Submitter, new_key
from capspec.jobs.waiting import Waiting
from capspec.plan import NOTHING, Answer, Extra, Operation
from capspec.plan.polling import Poll
from capspec.values import MISSING, Json

LAST_LOOK: Final = 5.0
"""Seconds that a look may still take when the time for waiting is over."""

_CANCELED = "the job was canceled"

Watch: TypeAlias = Callable[[Outcome], Awaitable[None]]
"""Called after each good look at a job that is under way; its progress never goes back."""


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job that was started, and where it stood then: it may have ended already."""

    job: JobRef
    outcome: Outcome


class Jobs:
    """The jobs of one plan. It holds no state of any job, so any process with the same plan can go on."""

    def __init__(
        self,
        operations: Mapping[str, Operation],
        sending: Sending,
        clock: Clock,
        events: EventStream,
        *,
        chance: Chance = random.random,
        make_key: Callable[[], str] = new_key,
    ) -> None:
        self._operations = operations
        self._sending = sending
        self._clock = clock
        self._submitter = Submitter(sending=sending, clock=clock, events=events, make_key=make_key)
        self._looker = Looker(sending, clock)
        self._chance = chance

    # -- starting -------------------------------------------------------------------------------------

    async def send(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Answer:
        """The answer to one request, as `Submitter.send` gives it; the operation need not start a job."""
        return await self._submitter.send(operation, arguments, extra)

    async def submit(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Accepted | Answer:
        """Start a job. An answer outside the 2xx class is no job, and is given back unread; so is the answer
        of the `recover` call. Raises CallError as any request does, and AlreadySubmitted.
        """
        poll, _ = jobs_of(operation)
        answer = await self._submitter.send(operation, arguments, extra)
        if answer.operation != operation.id or not 200 <= answer.status < 300:
            return answer
        seen, trouble = await self._read(answer)
        begun = started(operation, arguments, seen, self._clock.wall())
        ended = await self._ended_at_once(operation, begun.job, seen)
        if ended is not None:
            return Accepted(begun.job, ended)
        if not begun.located:
            return Accepted(begun.job, _lost(poll, begun, seen, trouble))
        outcome = under_way(poll, begun.job, seen, judge_submission(poll.status, seen.body).status)
        return Accepted(begun.job, replace(outcome, retry_after=self._until(begun.job.look_at)))

    async def _read(self, answer: Answer) -> tuple[Seen, str]:
        """The answer to a submission, and why it could not be read: the job was started all the same."""
        try:
            return await read(self._sending, answer), ""
        except CallError as error:
            blank = Seen(status=answer.status, headers=answer.headers, body=MISSING)
            return blank, error.problems[0].message

    async def _ended_at_once(self, operation: Operation, job: JobRef, seen: Seen) -> Outcome | None:
        """The outcome of a job that had already ended when it was answered."""
        poll, _ = jobs_of(operation)
        verdict = judge_submission(poll.status, seen.body)
        if verdict.kind in (Kind.FAILURE, Kind.CANCELED):
            code = Code.FAILED if verdict.kind is Kind.FAILURE else Code.CANCELED
            return failed(poll, job, seen, verdict.status, code, f"the job was answered '{verdict.status}'")
        if verdict.kind is not Kind.SUCCESS:
            return None
        if poll.result.target is None and result_in(poll, seen) is MISSING:
            # The word may just mean that the submission was accepted.
            return None
        try:
            look = await self._looker.result(operation, job, seen, verdict.status)
        except CallError:
            return None
        return look.outcome if look.settled else None

    # -- asking ---------------------------------------------------------------------------------------

    async def check(self, job: JobRef) -> Outcome:
        """Where the job stands now, in one look. Raises JobNotFound when the file has no such jobs."""
        operation, poll = self._of(job)
        look = await self._looker.look(operation, job)
        outcome = replace(look.outcome, attempts=1)
        if look.error:
            outcome = replace(outcome, state=State.UNKNOWN, retryable=False)
        if look.settled:
            return outcome
        delay = look.asked or Delay(poll.rhythm.interval)
        return replace(outcome, retry_after=delay.seconds)

    async def wait(
        self, job: JobRef, *, until: float | None = None, progress: Watch | None = None
    ) -> Outcome:
        """The job's end; or where it stands after `until` seconds, or when the file's own time is over.

        In the first case the state is QUEUED or RUNNING, in the second TIMED_OUT: the job may go on, and can
        be waited for again. There is one look at the least, and the last one may take LAST_LOOK seconds
        longer. UNKNOWN means that it cannot be found out. Raises JobNotFound as `check` does.
        """
        operation, poll = self._of(job)
        waiting = Waiting(poll, under_way(poll, job), Pace(poll.rhythm, self._chance))
        patience = poll.timeout - (self._clock.wall() - job.submitted_at)
        limited = until is not None and until < patience
        ends = self._clock.monotonic() + (until if until is not None and limited else patience)
        delay = Delay(self._until(job.look_at))
        while waiting.goes_on(delay, left := ends - self._clock.monotonic()):
            await self._clock.sleep(max(0.0, min(delay.seconds, left)))
            look = await self._bounded(operation, job, max(ends - self._clock.monotonic(), LAST_LOOK))
            if waiting.ends_with(look):
                return waiting.told(look.outcome)
            if progress is not None and not look.error:
                await progress(waiting.outcome)
            delay = waiting.pace.next(look.asked, waiting.errors)
        if limited and not waiting.exhausted:
            return replace(waiting.told(waiting.outcome), retry_after=delay.seconds)
        return await self._out_of_time(operation, job, waiting)

    async def _bounded(self, operation: Operation, job: JobRef, seconds: float) -> Look:
        poll, _ = jobs_of(operation)
        try:
            async with self._clock.timeout(seconds):
                return await self._looker.look(operation, job)
        except TimeoutError:
            message = "the provider did not answer in time when it was asked about the job"
            return Look(outcome=unknown(poll, job, Code.POLL_FAILED, message), error=True)

    async def _out_of_time(self, operation: Operation, job: JobRef, waiting: Waiting) -> Outcome:
        poll, follow_ups = jobs_of(operation)
        message = f"the job has not ended within {poll.timeout:g} s"
        if waiting.exhausted:
            message = f"the job has not ended after {waiting.attempts} looks"
        outcome = replace(waiting.told(waiting.outcome), state=State.TIMED_OUT, code=str(Code.TIMED_OUT))
        if poll.on_timeout == "cancel" and follow_ups.cancel is not None:
            try:
                canceled = await self.cancel(job)
            except Unavailable as error:
                return replace(outcome, message=f"{message}: {error.problems[0].message}")
            if canceled.final:
                return replace(canceled, attempts=outcome.attempts)
            return replace(outcome, message=f"{message}: {canceled.message}")
        return replace(outcome, message=f"{message}; it may still be running")

    # -- ending ---------------------------------------------------------------------------------------

    def can_cancel(self, operation: Operation) -> bool:
        """Whether the file says how jobs of the operation are canceled."""
        return operation.follow_ups is not None and operation.follow_ups.cancel is not None

    async def cancel(self, job: JobRef) -> Outcome:
        """Ask the provider to stop the job, and look where it stands then.

        A job that had ended keeps its end. Raises Unavailable when there is no way to cancel it, and
        JobNotFound as `check` does.
        """
        operation, poll = self._of(job)
        follow_up = operation.follow_ups.cancel if operation.follow_ups else None
        if follow_up is None or poll.cancel is None:
            raise Unavailable(f"jobs of {operation.id} cannot be canceled")
        try:
            seen = await ask(self._sending, follow_up, poll.cancel, job.cancel_url, names_of(job))
        except CallError as error:
            note = f"the job could not be canceled: {error.problems[0].message}"
            return await self._after_cancel(operation, job, note)
        if seen is None:
            raise Unavailable(f"the provider gave no address at which a job of {operation.id} is canceled")
        if not 200 <= seen.status < 300:
            return await self._after_cancel(operation, job, _refusal(poll, seen))
        verdict = judge_submission(poll.status, seen.body)
        if verdict.kind is Kind.CANCELED:
            return failed(poll, job, seen, verdict.status, Code.CANCELED, _CANCELED)
        return await self._after_cancel(operation, job, "the provider was asked to cancel the job", gone=True)

    async def _after_cancel(
        self, operation: Operation, job: JobRef, note: str, *, gone: bool = False
    ) -> Outcome:
        """Where the job stands; with `gone`, one that the provider no longer knows was canceled."""
        look = await self._looker.look(operation, job)
        outcome = replace(look.outcome, attempts=1)
        if gone and look.gone:
            return replace(outcome, state=State.CANCELED, code=str(Code.CANCELED), message=_CANCELED)
        if look.error:
            outcome = replace(outcome, state=State.UNKNOWN, retryable=False)
        return outcome if outcome.final else replace(outcome, message=note)

    # -- within ---------------------------------------------------------------------------------------

    def _of(self, job: JobRef) -> tuple[Operation, Poll]:
        operation = self._operations.get(job.operation)
        if operation is None or operation.poll is None:
            raise JobNotFound("there is no such job")
        return operation, operation.poll

    def _until(self, wall: float) -> float:
        return max(0.0, wall - self._clock.wall())


def _lost(poll: Poll, begun: Started, seen: Seen, trouble: str) -> Outcome:
    """A submission that was accepted, and whose job cannot be asked about."""
    if begun.refused:
        message = "the provider named an address for the job that the file does not allow"
        return unknown(poll, begun.job, Code.UNTRUSTED_ADDRESS, message)
    if first((*poll.error.code, *poll.error.message), seen.body) is not None:
        message = "the provider accepted the submission, but started no job"
        return failed(poll, begun.job, seen, "", Code.NO_JOB_ID, message)
    message = f"the provider accepted the submission, but named no job{': ' if trouble else ''}{trouble}"
    return unknown(poll, begun.job, Code.NO_JOB_ID, message)


def _refusal(poll: Poll, seen: Seen) -> str:
    reason = first(poll.error.message, seen.body)
    said = f", {reason}" if isinstance(reason, str) else ""
    return f"the provider refused to cancel the job: HTTP {seen.status}{said}"
