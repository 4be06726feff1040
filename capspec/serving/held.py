"""Asynchronous contexts that are held open until they are let go of, by whomever."""

from __future__ import annotations

import asyncio
import logging
from contextlib import AbstractAsyncContextManager

_log = logging.getLogger("capspec")


class Held:
    """A context that a task of its own has entered and will leave: many can be left by nobody else."""

    def __init__(self, block: AbstractAsyncContextManager[None]) -> None:
        self._entered = asyncio.Event()
        self._released = asyncio.Event()
        self._task = asyncio.create_task(self._hold(block))

    async def _hold(self, block: AbstractAsyncContextManager[None]) -> None:
        async with block:
            self._entered.set()
            await self._released.wait()

    async def entered(self) -> None:
        """Return when it has been entered. Raises what entering it raised."""
        waiting = asyncio.create_task(self._entered.wait())
        await asyncio.wait([waiting, self._task], return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if self._task.done():
            self._task.result()

    async def leave(self) -> None:
        """Leave it. What goes wrong then is logged."""
        self._released.set()
        outcome = (await asyncio.gather(self._task, return_exceptions=True))[0]
        if isinstance(outcome, Exception):
            _log.error("while stopping: %s", outcome, exc_info=outcome)
