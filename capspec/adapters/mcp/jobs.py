"""Calls of the tools for jobs to their answers: a job is started and waited for, looked at, canceled.

A start is never broken off, because a job costs somebody money: a client that goes away stops the wait. It
has no handle then, so the job is canceled if the file says so (`onDisconnect`). Whoever asks about a job has
its handle, and may leave and come back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final, TypeAlias, cast

import mcp.types as types

from capspec.adapters.mcp.callers import RequestContext
from capspec.adapters.mcp.errors import call_failed, unexpected
from capspec.adapters.mcp.job_progress import JobProgress
from capspec.adapters.mcp.job_results import encode_jobless, encode_standing, inline_media
from capspec.adapters.mcp.job_texts import going_on, is_askable
from capspec.adapters.mcp.job_tools import Question
from capspec.adapters.mcp.results import failure
from capspec.adapters.mcp.task_shapes import created_task, declares_tasks
from capspec.adapters.mcp.tools import Entry
from capspec.adapters.mcp.waits import Errands, Waits
from capspec.desk import JobEngine, Standing
from capspec.edge import EdgeOptions
from capspec.errors import CallError
from capspec.events import UnexpectedError
from capspec.plan import Call, Result
from capspec.values import Json

CANCEL_SECONDS: Final = 10.0
"""How long the provider may take to cancel a job that nobody waits for any longer."""

ToolAnswer: TypeAlias = types.CallToolResult | dict[str, Json]
"""A result, or what stands for one: a task."""


@dataclass(frozen=True, slots=True)
class JobCalls:
    """The tools for jobs of one edge."""

    options: EdgeOptions
    waits: Waits = field(default_factory=Waits)
    errands: Errands = field(default_factory=Errands)

    async def answer(self, entry: Entry, call: Call, context: RequestContext) -> ToolAnswer:
        """The answer to a call of a tool for jobs. Raises CallError."""
        if entry.role == "status":
            standing = await self._status(entry, call)
            result = self.encode(standing, entry, call, context)
            if Question.of(entry.role, call.arguments).inline:
                result.content += await inline_media(standing, entry, job_engine(entry).desk, call.request_id)
            return result
        if entry.role == "cancel":
            return self.encode(await self._cancel(entry, call), entry, call, context)
        started = await self.begin(entry, call)
        if isinstance(started, Result):
            return await encode_jobless(started, entry, call.request_id)
        if declares_tasks(context) and is_open(started):
            return created_task(started, entry)
        try:
            return self.encode(await self._waited(started, entry, call), entry, call, context)
        except Exception as error:  # noqa: BLE001 - whatever it is, there is a job
            return _without_end(error, started, entry, call)

    def encode(
        self, standing: Standing, entry: Entry, call: Call, context: RequestContext
    ) -> types.CallToolResult:
        assert entry.jobs is not None
        return encode_standing(
            standing, entry, entry.jobs, request_id=call.request_id, version=context.protocol_version
        )

    # -- starting -------------------------------------------------------------------------------------

    async def begin(self, entry: Entry, call: Call) -> Standing | Result:
        """Start a job, whether or not the client stays. Raises CallError."""
        starting = self.errands.run(job_engine(entry).start(call))
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            self.errands.run(self._give_up(starting, entry))
            raise

    async def _waited(self, started: Standing, entry: Entry, call: Call) -> Standing:
        try:
            return await self.wait(started, entry, call, self._patience(call))
        except asyncio.CancelledError:
            self.errands.run(self._abandon(started, entry))
            raise

    def _patience(self, call: Call) -> float:
        return self.options.inline_wait if call.progress is None else self.options.inline_wait_progress

    async def _give_up(self, starting: Awaitable[Standing | Result], entry: Entry) -> None:
        """Abandon the job that is being started, as soon as it is."""
        with self._reporting(entry):
            started = await starting
            if isinstance(started, Result):
                await started.close()
            else:
                await self._abandon(started, entry)

    async def _abandon(self, standing: Standing, entry: Entry) -> None:
        """Do with a job that nobody can ask about what its file says."""
        engine = job_engine(entry)
        with self._reporting(entry):
            async with engine.clock.timeout(CANCEL_SECONDS):
                await engine.desk.abandon(standing)

    @contextmanager
    def _reporting(self, entry: Entry) -> Iterator[None]:
        """A block whose failures concern nobody who is there to hear of them."""
        try:
            yield
        except (CallError, TimeoutError):
            pass  # it was worth a try
        except Exception as error:  # noqa: BLE001 - the log is the only one to be told
            where = f"the tool {entry.name}, whose caller has left"
            entry.engine.events.emit(UnexpectedError(where=where, error=error))

    # -- asking ---------------------------------------------------------------------------------------

    async def wait(self, standing: Standing, entry: Entry, call: Call, seconds: float | None) -> Standing:
        """Where the job stands when it has ended, after the seconds, or when the server stops."""
        latest = standing
        progress = None if call.progress is None else JobProgress(call.progress, entry)

        async def told(look: Standing) -> None:
            nonlocal latest
            latest = look
            if progress is not None:
                await progress.look(look)

        with self.waits.one():
            latest = await job_engine(entry).desk.wait(standing, seconds, told)
        if progress is not None:
            await progress.end(latest)
        return latest

    async def _status(self, entry: Entry, call: Call) -> Standing:
        found, question = self._asked(entry, call)
        if question.seconds:
            waited = await self.wait(found, entry, call, question.seconds)
            if waited is not found:
                return waited
        return await job_engine(entry).desk.look(found)

    async def _cancel(self, entry: Entry, call: Call) -> Standing:
        found, _ = self._asked(entry, call)
        return await job_engine(entry).desk.cancel(found)

    def _asked(self, entry: Entry, call: Call) -> tuple[Standing, Question]:
        """The job that a call is about. Raises InputError, JobNotFound, JobExpired."""
        question = Question.of(entry.role, call.arguments)
        return job_engine(entry).desk.find(entry.flow, question.handle, call.principal, call.links), question


def is_open(standing: Standing) -> bool:
    """Whether a job goes on and can be asked about."""
    return not standing.outcome.final and is_askable(standing.outcome)


def _without_end(error: Exception, started: Standing, entry: Entry, call: Call) -> types.CallToolResult:
    """The failure of a wait, with the handle: without it somebody would start the job once more."""
    engine = entry.engine
    if isinstance(error, CallError):
        text = call_failed(error, call.flow, engine.plan.secrets)
    else:
        where = f"waiting for a job of {entry.name}"
        engine.events.emit(UnexpectedError(where=where, error=error, request_id=call.request_id))
        text = unexpected(call.request_id)
    assert entry.jobs is not None
    return failure(f"{text}\nA job was started all the same. {going_on(started, entry.jobs)}")


def job_engine(entry: Entry) -> JobEngine:
    """The engine of a tool for jobs."""
    return cast("JobEngine", entry.engine)
