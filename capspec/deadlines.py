"""How long an exchange with an upstream may take: as a whole, or without anything moving."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable
from typing import Protocol, TypeVar

from capspec.clock import Clock
from capspec.errors import UpstreamTimeout

_T = TypeVar("_T")


class Bound(Protocol):
    """A bound on time. `elapsed` is seconds since it began."""

    @property
    def elapsed(self) -> float: ...

    async def bound(self, pending: Awaitable[_T]) -> _T:
        """What an awaitable gives in time. Raises UpstreamTimeout."""
        ...


class Deadline:
    """One span of time for a whole exchange, from the first byte out to the last byte in."""

    def __init__(self, name: str, clock: Clock, seconds: float) -> None:
        """`name` is the operation's, for the error."""
        self._name = name
        self._clock = clock
        self._seconds = seconds
        self._began = clock.monotonic()

    @property
    def elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    async def bound(self, pending: Awaitable[_T]) -> _T:
        try:
            async with self._clock.timeout(max(0.0, self._seconds - self.elapsed)):
                return await pending
        except TimeoutError:
            raise _late(self._name, self._seconds) from None

    async def guard(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes, within the time: a body that trickles would pass a bound on each read."""
        while (part := await self.bound(anext(chunks, None))) is not None:
            yield part
            if self.elapsed >= self._seconds:
                # Bytes that are there at once never let the clock interrupt.
                raise _late(self._name, self._seconds)


class Pauses:
    """A bound on every pause of an exchange, which as a whole may take as long as something moves.

    What waits for the caller is no pause: neither for bytes to send, nor for it to take those that came.
    """

    def __init__(self, name: str, clock: Clock, seconds: float) -> None:
        """`name` is the operation's, for the error."""
        self._name = name
        self._clock = clock
        self._seconds = seconds
        self._began = clock.monotonic()
        self._timer: asyncio.Timeout | None = None

    @property
    def elapsed(self) -> float:
        return self._clock.monotonic() - self._began

    async def bound(self, pending: Awaitable[_T]) -> _T:
        try:
            async with asyncio.timeout(self._seconds) as self._timer:
                return await pending
        except TimeoutError:
            raise _late(self._name, self._seconds) from None
        finally:
            self._timer = None

    async def outgoing(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes, on their way out within `bound`."""
        while True:
            self._allow(None)
            part = await anext(chunks, None)
            self._allow(self._seconds)
            if part is None:
                return
            yield part

    async def incoming(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The same bytes, each of which comes in time."""
        while (part := await self.bound(anext(chunks, None))) is not None:
            yield part

    def _allow(self, seconds: float | None) -> None:
        if self._timer is not None and not self._timer.expired():
            when = None if seconds is None else asyncio.get_running_loop().time() + seconds
            self._timer.reschedule(when)


def _late(name: str, seconds: float) -> UpstreamTimeout:
    return UpstreamTimeout(
        f"{name} did not answer within {seconds:g} s", hint="raise 'timeout' in the file if it needs longer"
    )
