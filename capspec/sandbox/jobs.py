"""Jobs: a request accepted at some instant, and the state that it has at any other, by computation alone."""

from __future__ import annotations

import math
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from capspec.sandbox.faults import Fault
from capspec.sandbox.media import Recipe
from capspec.sandbox.randomness import seeded

_NAMESPACE = uuid.UUID("6f0c3c1e-6d0b-5f43-9d3c-5a7d1b0c9e51")
_STUCK_AT = 0.5


class State(StrEnum):
    """Where a job stands, in the sandbox's own words."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    MODERATED_REQUEST = "moderated-request"
    MODERATED_CONTENT = "moderated-content"
    ABSENT = "absent"

    @property
    def final(self) -> bool:
        """Whether it stays so."""
        return self not in (State.QUEUED, State.RUNNING, State.ABSENT)

    @property
    def unpaid(self) -> bool:
        """Whether nothing is charged for it."""
        return self in (State.FAILED, State.MODERATED_REQUEST, State.MODERATED_CONTENT)


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A job at one instant. progress: 0 to 1 of the run. Times: seconds since the epoch."""

    state: State
    progress: float
    started_at: float | None = None
    finished_at: float | None = None
    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One accepted request. queue, run: seconds; owner: whose key it was; cost: in the provider's unit."""

    provider: str
    number: int
    id: str
    kind: str
    owner: str
    created_at: float
    queue: float
    run: float
    request: Mapping[str, object]
    media: tuple[Recipe, ...] = ()
    cost: float = 0.0
    faults: tuple[Fault, ...] = ()
    forced: tuple[State, float] | None = None

    @property
    def ends_at(self) -> float:
        """When it would finish by itself."""
        return self.created_at + self.queue + self.run

    def fault(self, kind: str) -> Fault | None:
        """The job's fault of that kind, if it has one."""
        return next((fault for fault in self.faults if fault.kind == kind), None)

    def at(self, now: float) -> Snapshot:
        """The job's state at ``now``."""
        if self.forced is not None and now >= self.forced[1]:
            return self._forced(*self.forced)
        if self._hidden(now):
            return Snapshot(state=State.ABSENT, progress=0.0)
        return self._natural(now)

    def _natural(self, now: float) -> Snapshot:
        started = self.created_at + self.queue
        if now < started:
            return Snapshot(state=State.QUEUED, progress=0.0)
        if self.fault("moderate:request"):
            return self._ended(State.MODERATED_REQUEST, started, started, 0.0)
        progress = 1.0 if self.run <= 0 else min(1.0, (now - started) / self.run)
        if self.fault("stuck"):
            return Snapshot(state=State.RUNNING, progress=min(progress, _STUCK_AT), started_at=started)
        if now < self.ends_at:
            if self.fault("progress-backwards") and progress >= _STUCK_AT:
                progress = 1 - progress
            return Snapshot(state=State.RUNNING, progress=progress, started_at=started)
        return self._ended(self._outcome(), started, self.ends_at, 1.0)

    def _outcome(self) -> State:
        if self.fault("fail"):
            return State.FAILED
        return State.MODERATED_CONTENT if self.fault("moderate:content") else State.SUCCEEDED

    def _ended(self, state: State, started: float, finished: float, progress: float) -> Snapshot:
        fault = self.fault("fail")
        code = fault.options.get("code") if fault else None
        message = fault.options.get("message") if fault else None
        return Snapshot(
            state=state,
            progress=progress,
            started_at=started,
            finished_at=finished,
            code=code,
            message=message,
        )

    def _forced(self, state: State, since: float) -> Snapshot:
        started = min(self.created_at + self.queue, since)
        if state.final:
            return self._ended(state, started, since, 1.0)
        return Snapshot(
            state=state, progress=_STUCK_AT if state is State.RUNNING else 0.0, started_at=started
        )

    def _hidden(self, now: float) -> bool:
        age = now - self.created_at
        vanish, flap = self.fault("vanish"), self.fault("flap")
        gone = vanish is not None and age >= vanish.number("after", 0)
        return gone or (flap is not None and age < flap.number("seconds", 3))


class JobStore:
    """Every job since the start or the last reset, numbered from 1 for each provider."""

    def __init__(self, *, seed: int) -> None:
        self._seed = seed
        self._jobs: dict[str, Job] = {}
        self._numbers: dict[str, int] = {}

    def reset(self) -> None:
        """Forget every job; numbers start again."""
        self._jobs.clear()
        self._numbers.clear()

    def next_number(self, provider: str) -> int:
        """The number of the provider's next job; each call takes one."""
        self._numbers[provider] = self._numbers.get(provider, 0) + 1
        return self._numbers[provider]

    def identifier(self, provider: str, number: int) -> uuid.UUID:
        """The id that a provider's job of that number has: the same in every run with this seed."""
        return uuid.uuid5(_NAMESPACE, f"{self._seed}/{provider}/{number}")

    def draw(self, provider: str, number: int, what: str, low: float, high: float) -> float:
        """A number between ``low`` and ``high``, settled by the seed, the job and ``what`` it is for."""
        return seeded(self._seed, provider, number, what).uniform(low, high)

    def add(self, job: Job) -> None:
        """Keep ``job``."""
        self._jobs[job.id] = job

    def get(self, provider: str, identifier: str) -> Job | None:
        """A provider's job by its id."""
        job = self._jobs.get(identifier)
        return job if job is not None and job.provider == provider else None

    def find(self, identifier: str) -> Job | None:
        """A job by its id, whoever's."""
        return self._jobs.get(identifier)

    def force(self, identifier: str, state: State, now: float) -> Job:
        """Put a job into ``state`` from ``now`` on. Raises KeyError for an unknown one."""
        job = replace(self._jobs[identifier], forced=(state, now))
        self._jobs[identifier] = job
        return job

    def of(self, provider: str | None = None, owner: str | None = None) -> Iterator[Job]:
        """Jobs in the order they came, of one provider and one owner where given."""
        for job in self._jobs.values():
            if (provider is None or job.provider == provider) and (owner is None or job.owner == owner):
                yield job

    def unfinished(self, provider: str, owner: str, kind: str, now: float) -> int:
        """How many of an owner's jobs of that kind are still under way."""
        jobs = (job for job in self.of(provider, owner) if job.kind == kind)
        return sum(not job.at(now).state.final for job in jobs)

    def spent(self, provider: str, owner: str, now: float) -> float:
        """What an owner's jobs have cost; those that failed cost nothing."""
        return math.fsum(job.cost for job in self.of(provider, owner) if not job.at(now).state.unpaid)
