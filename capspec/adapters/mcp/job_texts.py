"""Where a job stands to the text that an agent reads: what became of it, and what to do next."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Final

from capspec.adapters.mcp.errors import masked, quoted
from capspec.adapters.mcp.job_tools import JobTools
from capspec.adapters.mcp.tools import Entry
from capspec.desk import Standing
from capspec.jobs.outcome import Code, Outcome, State

_UNASKABLE: Final = frozenset({Code.NO_JOB_ID, Code.UNTRUSTED_ADDRESS})
"""Codes of a job that no question can reach."""

_ENDS: Final = {State.FAILED: "The job failed", State.CANCELED: "The job was canceled"}


def standing_text(standing: Standing, entry: Entry, jobs: JobTools, result: str = "") -> str:
    """All that is to be said of a job; `result` says what it gave."""
    outcome = standing.outcome
    if outcome.state is State.SUCCEEDED:
        lines = [_succeeded(outcome), _expiry(outcome)]
    elif outcome.final:
        lines = [_ended(outcome), _after_end(outcome, jobs)]
    else:
        lines = [_open(outcome), going_on(standing, jobs)]
    said = [masked(line, entry.engine.plan.secrets) for line in lines if line]
    return "\n".join([*said, result] if result else said)


def summary(outcome: Outcome) -> str:
    """Where a job stands in a few words, such as "running, 40 %"."""
    words = [str(outcome.state).replace("_", " ")]
    if outcome.state.under_way and outcome.progress is not None:
        words.append(f"{outcome.progress:.0%}".replace("%", " %"))
    if outcome.state.under_way and outcome.position is not None:
        words.append(f"position {outcome.position}")
    said = quoted(outcome.message)
    return f"{', '.join(words)}: {said}" if said else ", ".join(words)


def delay_of(standing: Standing) -> float:
    """In how many seconds it is worth asking again."""
    outcome, job = standing.outcome, standing.flow.job
    if outcome.retry_after is not None or job is None or job.poll is None:
        return outcome.retry_after or 0.0
    return job.poll.rhythm.interval


def is_askable(outcome: Outcome) -> bool:
    """Whether asking about the job can tell more."""
    return outcome.code not in _UNASKABLE


# -- what became of it ------------------------------------------------------------------------------------


def _succeeded(outcome: Outcome) -> str:
    said = quoted(outcome.message)
    return f"The job succeeded: {said}" if said else "The job succeeded."


def _expiry(outcome: Outcome) -> str:
    if outcome.result_expires_at is None:
        return ""
    at = datetime.fromtimestamp(outcome.result_expires_at, UTC)
    return f"The result can be fetched until {at:%Y-%m-%d %H:%M} UTC."


def _ended(outcome: Outcome) -> str:
    end, said, code = _ENDS[outcome.state], quoted(outcome.message), quoted(outcome.code)
    detail = f": {said}" if said and said.lower() != end.lower() else ""
    return f"{end}{detail}." if not code or code == outcome.state else f"{end}{detail} (code {code})."


def _open(outcome: Outcome) -> str:
    if outcome.state.under_way:
        return f"The job is still under way ({summary(outcome)})."
    return f"Nobody can say how the job stands: {quoted(outcome.message)}."


# -- what to do next --------------------------------------------------------------------------------------


def _after_end(outcome: Outcome, jobs: JobTools) -> str:
    if outcome.state is State.CANCELED:
        return f"Call {jobs.start} again only if its result is still wanted."
    if outcome.retryable:
        return f"The same call of {jobs.start} may succeed another time."
    return f"The same call of {jobs.start} would probably fail again: change its arguments first."


def going_on(standing: Standing, jobs: JobTools) -> str:
    """What to do about a job that has not ended, or not as far as anybody knows."""
    outcome = standing.outcome
    warning = f"Do not call {jobs.start} again for this: it would start, and maybe pay for, another job."
    if not is_askable(outcome):
        return f"It may be running all the same, and cannot be asked about. {warning}"
    wait = math.ceil(delay_of(standing)) if outcome.state.under_way or outcome.retry_after else 0
    after = f" after {wait} second{'' if wait == 1 else 's'}" if wait else ""
    stop = f", or {jobs.cancel} to stop it" if jobs.cancel and outcome.state.under_way else ""
    return f"{warning} Call {jobs.status} with this job{after} to go on{stop}:\n{standing.handle}"
