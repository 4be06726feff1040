"""Looks at a job to MCP progress notifications: not too many, and each with more progress than the last."""

from __future__ import annotations

from typing import Final

from capspec.adapters.mcp.errors import masked
from capspec.adapters.mcp.job_texts import summary
from capspec.adapters.mcp.tools import Entry
from capspec.desk import Standing
from capspec.jobs.outcome import State
from capspec.plan import Progress

SPACING: Final = 5.0
"""Seconds between two notifications at the least."""

_STEP: Final = 0.0001
"""What is added when there is no more progress than before: it tells the client that somebody is there."""


class JobProgress:
    """The notifications of one wait.

    Where the file says how progress is found, it is the share that is done, of 1; otherwise it is the seconds
    that have passed, of nobody knows how many.
    """

    def __init__(self, report: Progress, entry: Entry) -> None:
        self._report = report
        self._clock = entry.engine.clock
        self._secrets = entry.engine.plan.secrets
        job = entry.flow.job
        self._measured = job is not None and job.poll is not None and job.poll.progress is not None
        self._began = self._clock.monotonic()
        self._sent_at = self._began - SPACING
        self._done = -_STEP
        self._unsent: Standing | None = None

    async def look(self, standing: Standing) -> None:
        """Take note of a look, and tell of it unless the client has just heard of one."""
        self._unsent = standing
        if self._clock.monotonic() - self._sent_at >= SPACING:
            await self._send(standing)

    async def end(self, standing: Standing) -> None:
        """Tell of the last look, and of success."""
        if standing.outcome.state is State.SUCCEEDED:
            await self._send(standing)
        elif self._unsent is not None:
            await self._send(self._unsent)

    async def _send(self, standing: Standing) -> None:
        self._unsent = None
        self._sent_at = self._clock.monotonic()
        done = standing.outcome.progress or 0.0 if self._measured else self._sent_at - self._began
        self._done = max(done, self._done + _STEP)
        text = masked(summary(standing.outcome), self._secrets)
        await self._report(round(self._done, 4), 1.0 if self._measured else None, text)
