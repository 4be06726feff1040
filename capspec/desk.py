"""Where adapters ask about jobs: a call starts one, a handle finds it, an envelope says where it stands."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from capspec.assets.shelf import Shelf
from capspec.clock import Clock
from capspec.errors import JobNotFound
from capspec.jobs.handles import HandleKey
from capspec.jobs.outcome import Outcome, State
from capspec.jobs.reference import JobRef
from capspec.jobs.running import Accepted, Jobs
from capspec.plan import NOTHING, Answer, Call, Engine, Extra, Flow, Operation, Principal, Result
from capspec.values import MISSING, Json, Missing

OUTCOME_STATES = tuple(str(state) for state in State)


@dataclass(frozen=True, slots=True)
class Standing:
    """A job of a flow, and where it stands.

    `handle` is what its caller keeps; `result` is shaped by the flow. `links` is the absolute URL below which
    our own links are served, "" where nothing serves them. `made` is the result as the provider gave it.
    """

    flow: Flow
    job: JobRef
    handle: str
    outcome: Outcome
    result: Json = None
    links: str = ""
    made: Json | Missing = MISSING

    def envelope(self) -> dict[str, Json]:
        """The outcome as callers get it; what is not known is left out.

        state, job, progress (0 to 1), position, retry_after (seconds), message, result, result_expires_at
        (RFC 3339 is left to the reader: seconds since the epoch), and for a job that did not succeed `error`
        with code, message, details and retryable.
        """
        outcome = self.outcome
        said: dict[str, Json] = {
            "state": str(outcome.state),
            "job": self.handle,
            "progress": 1.0 if outcome.state is State.SUCCEEDED else outcome.progress,
            "position": outcome.position,
            "retry_after": outcome.retry_after,
            "provider_status": outcome.provider_status or None,
            "message": outcome.message or None,
            "result_expires_at": outcome.result_expires_at,
        }
        if outcome.state is State.SUCCEEDED:
            said["result"] = self.result
        elif not outcome.state.under_way:
            said["error"] = {
                "code": outcome.code,
                "message": outcome.message,
                "details": outcome.details,
                "retryable": outcome.retryable,
            }
        return {name: value for name, value in said.items() if value is not None or name == "result"}


def envelope_schema(result: Mapping[str, Json] | None) -> dict[str, Json]:
    """The JSON Schema (2020-12) of an envelope whose result has this schema."""
    number = {"type": "number"}
    return {
        "type": "object",
        "properties": {
            "state": {"enum": list(OUTCOME_STATES), "description": "Where the job stands."},
            "job": {"type": "string", "description": "The handle with which to ask about the job later."},
            "progress": {"type": "number", "minimum": 0, "maximum": 1},
            "position": {"type": "integer", "description": "The place in the provider's queue."},
            "retry_after": {**number, "description": "Seconds until it is worth asking again."},
            "provider_status": {"type": "string"},
            "message": {"type": "string"},
            "result_expires_at": {**number, "description": "Seconds since the epoch."},
            "result": dict(result) if result is not None else {},
            "error": {
                "type": "object",
                "properties": {
                    "code": {"type": "string"},
                    "message": {"type": "string"},
                    "details": {},
                    "retryable": {"type": "boolean"},
                },
            },
        },
        "required": ["state", "job"],
    }


class Desk:
    """The jobs of one plan, as its adapters see them. It holds no state of any job."""

    def __init__(self, jobs: Jobs, key: HandleKey, clock: Clock, shelf: Shelf | None = None) -> None:
        """`shelf` has the assets of results whose operations say `assets`."""
        self._jobs = jobs
        self._key = key
        self._clock = clock
        self._shelf = shelf

    async def send(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Answer:
        """One request of an operation that must not happen twice. Raises CallError."""
        return await self._jobs.send(operation, arguments, extra)

    async def start(
        self, call: Call, operation: Operation, arguments: Mapping[str, Json]
    ) -> Standing | Answer:
        """Submit. An answer that starts no job comes back unread. Raises CallError."""
        accepted = await self._jobs.submit(operation, arguments, call.extra)
        if not isinstance(accepted, Accepted):
            return accepted
        handle = self._key.seal(accepted.job, call.principal.name)
        standing = Standing(call.flow, accepted.job, handle, accepted.outcome, links=call.links)
        return await self._shaped(standing, accepted.outcome)

    async def wait(
        self,
        standing: Standing,
        seconds: float | None,
        watch: Callable[[Standing], Awaitable[None]] | None = None,
    ) -> Standing:
        """Where the job stands when it has ended, or after `seconds`. `watch` is told of each good look."""
        if standing.outcome.final or standing.outcome.state is State.UNKNOWN:
            return standing

        async def told(outcome: Outcome) -> None:
            if watch is not None:
                await watch(replace(standing, outcome=outcome))

        return await self._shaped(standing, await self._jobs.wait(standing.job, until=seconds, progress=told))

    async def finish(self, operation: Operation, arguments: Mapping[str, Json]) -> Outcome | Answer:
        """Start a job and wait for its end, within a flow. An answer that starts no job comes back unread."""
        accepted = await self._jobs.submit(operation, arguments)
        if not isinstance(accepted, Accepted):
            return accepted
        if accepted.outcome.final or accepted.outcome.state is State.UNKNOWN:
            return accepted.outcome
        return await self._jobs.wait(accepted.job)

    async def begin(
        self, operation: Operation, arguments: Mapping[str, Json], principal: str
    ) -> dict[str, Json] | Answer:
        """Start a job within a flow: its handle as `job`, and its `state`. Raises CallError."""
        accepted = await self._jobs.submit(operation, arguments)
        if not isinstance(accepted, Accepted):
            return accepted
        return {"job": self._key.seal(accepted.job, principal), "state": str(accepted.outcome.state)}

    async def join(self, handle: str, principal: str, seconds: float | None) -> Outcome:
        """The end of a job that was begun, or where it stands after `seconds`.

        Raises JobNotFound, JobExpired.
        """
        job = self._key.open(handle, principal, now=self._clock.wall())
        return await self._jobs.wait(job, until=seconds)

    def find(self, flow: Flow, handle: str, principal: Principal, links: str = "") -> Standing:
        """The job of a handle, before any look. Raises JobNotFound, JobExpired."""
        if flow.job is None:
            raise JobNotFound("there is no such job")
        job = self._key.open(handle, principal.name, now=self._clock.wall(), operation=flow.job.id)
        return Standing(flow, job, handle, Outcome(state=State.RUNNING), links=links)

    async def look(self, standing: Standing) -> Standing:
        """Where the job stands now. Raises CallError."""
        return await self._shaped(standing, await self._jobs.check(standing.job))

    async def cancel(self, standing: Standing) -> Standing:
        """Ask the provider to stop the job. Raises Unavailable when it cannot."""
        return await self._shaped(standing, await self._jobs.cancel(standing.job))

    async def abandon(self, standing: Standing) -> None:
        """Do with a job that nobody can ask about what its file says (`onDisconnect`). Raises CallError."""
        poll = None if standing.flow.job is None else standing.flow.job.poll
        if poll is not None and poll.on_disconnect == "cancel" and not standing.outcome.final:
            await self.cancel(standing)

    def can_cancel(self, flow: Flow) -> bool:
        return flow.job is not None and self._jobs.can_cancel(flow.job)

    async def asset(self, standing: Standing, limit: int) -> tuple[bytes, str] | None:
        """The bytes of what a job made, and their media type: its result, or what its first link leads to.

        None when there is nothing, or more than `limit` bytes. Raises CallError when it cannot be fetched.
        """
        outcome, operation = standing.outcome, standing.flow.job
        if outcome.content is not None:
            return (outcome.content, outcome.media_type) if len(outcome.content) <= limit else None
        if self._shelf is None or operation is None or outcome.state is not State.SUCCEEDED:
            return None
        fetched = await self._shelf.fetch_first(operation, standing.made)
        if fetched is None:
            return None
        try:
            content = b""
            async for part in fetched.stream():
                content += part
                if len(content) > limit:
                    return None
            return content, fetched.media_type
        finally:
            await fetched.close()

    async def _shaped(self, standing: Standing, outcome: Outcome) -> Standing:
        """The job with where it stands now, its result with our own links and as the flow shapes it."""
        result: Json = None
        made = outcome.result
        if outcome.state is State.SUCCEEDED and outcome.result is not MISSING:
            outcome = await self._with_own_links(standing, outcome)
            result = standing.flow.output.read(outcome.result, dict(standing.job.values))
        return replace(standing, outcome=outcome, result=result, made=made)

    async def _with_own_links(self, standing: Standing, outcome: Outcome) -> Outcome:
        operation, job = standing.flow.job, standing.job
        if self._shelf is None or operation is None or operation.assets is None:
            return outcome
        identity = f"{job.id} {job.submitted_at:.3f}"
        made = await self._shelf.replace(operation, outcome.result, standing.links, identity)
        notes = "; ".join(f"a link stays as it is: {reason}" for reason in made.left)
        return replace(
            outcome,
            result=made.of(outcome.result),
            result_expires_at=outcome.result_expires_at if made.expires_at is None else made.expires_at,
            message="; ".join(filter(None, (outcome.message, notes))),
        )


@runtime_checkable
class JobEngine(Engine, Protocol):
    """An engine that can start jobs without waiting for them."""

    desk: Desk

    async def start(self, call: Call) -> Standing | Result: ...
