"""Work that depends on other work, run at once where it can be, with the outcome of one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")

Job = Callable[[], Awaitable[T]]


async def run_ordered(
    jobs: Sequence[Job[T]], after: Sequence[Collection[int]] | None = None, *, limit: int | None = None
) -> list[T]:
    """What each job gives. Job k starts when all of `after[k]`, which are before k, have ended.

    At most `limit` run at once. When one fails, those after it in the list are canceled and those before it
    run on, and then the failure that is first in the list is raised: the same as one after the other.
    """
    return await _Run(jobs, after or [()] * len(jobs), limit or len(jobs)).outcomes()


class _Run(Generic[T]):
    def __init__(self, jobs: Sequence[Job[T]], after: Sequence[Collection[int]], limit: int) -> None:
        self.jobs = jobs
        self.after = after
        self.limit = limit
        self.waiting = list(range(len(jobs)))
        self.running: dict[asyncio.Task[T], int] = {}
        self.given: dict[int, T] = {}
        self.failed: dict[int, BaseException] = {}

    async def outcomes(self) -> list[T]:
        try:
            while self.waiting or self.running:
                await self._advance()
        finally:
            await self._cancel(self.running)
        if self.failed:
            raise self.failed[min(self.failed)]
        return [self.given[at] for at in range(len(self.jobs))]

    async def _advance(self) -> None:
        ready = self._ready()
        if len(ready) == 1 and not self.running:
            # Nothing else can run: no task is needed, and a failure is the first one.
            self.waiting.remove(ready[0])
            self.given[ready[0]] = await self.jobs[ready[0]]()
            return
        for at in ready:
            self.waiting.remove(at)
            self.running[asyncio.ensure_future(self.jobs[at]())] = at
        ended, _ = await asyncio.wait(self.running, return_when=asyncio.FIRST_COMPLETED)
        for task in sorted(ended, key=self.running.__getitem__):
            if task in self.running:  # one before it may have failed, and then it counts as canceled
                await self._ended(task, self.running.pop(task))

    def _ready(self) -> list[int]:
        room = self.limit - len(self.running)
        ready = (at for at in self.waiting if all(before in self.given for before in self.after[at]))
        return [at for _, at in zip(range(room), ready, strict=False)]

    async def _ended(self, task: asyncio.Task[T], at: int) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is None:
            self.given[at] = task.result()
            return
        self.failed[at] = error
        self.waiting = [other for other in self.waiting if other < at]
        await self._cancel([other for other, place in self.running.items() if place > at])

    async def _cancel(self, tasks: Collection[asyncio.Task[T]]) -> None:
        late = list(tasks)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        for task in late:
            self.running.pop(task, None)
