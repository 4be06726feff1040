"""What goes on for long in an MCP server: waits for jobs, and work for callers who have left."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import anyio

T = TypeVar("T")


class Waits:
    """The waits for jobs, which a server that stops ends early."""

    def __init__(self) -> None:
        self.closed = False
        self._scopes: set[anyio.CancelScope] = set()

    @contextmanager
    def one(self) -> Iterator[None]:
        """A block that `close` cuts short, without an error."""
        with anyio.CancelScope() as scope:
            self._scopes.add(scope)
            if self.closed:
                scope.cancel()
            try:
                yield
            finally:
                self._scopes.discard(scope)

    def close(self) -> None:
        self.closed = True
        for scope in self._scopes:
            scope.cancel()


class Errands:
    """Work that goes on when the request that caused it is over. It reports its own failures."""

    def __init__(self) -> None:
        self._stopped = False
        self._tasks: set[asyncio.Task[Any]] = set()

    def run(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Begin; whoever is cancelled while it awaits this under `asyncio.shield` does not end the work."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        if self._stopped:
            task.cancel()
        return task

    def open(self) -> None:
        """Take on work again."""
        self._stopped = False

    async def settled(self) -> None:
        """Return when nothing is left to do."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    async def stop(self) -> None:
        """Give up what is left to do, and take on nothing more."""
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await self.settled()

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # who cares for it has it from the task; nobody else is to hear of it
