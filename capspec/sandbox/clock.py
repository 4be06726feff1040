"""The sandbox's own time: the wall clock, run faster, moved forward, or held still."""

from __future__ import annotations

import asyncio
import math
import time
from datetime import UTC, datetime


class Clock:
    """Seconds since the Unix epoch, as the imitated providers see them.

    ``speed`` sandbox seconds pass per second of the wall clock. Waits wake up when the clock is moved.
    """

    def __init__(self, *, speed: float = 1.0) -> None:
        self.speed = speed
        self._sleepers: set[asyncio.Event] = set()
        self.reset()

    def reset(self) -> None:
        """Start again from the wall clock's present, running."""
        self._base = time.time()
        self._started = time.monotonic()
        self._frozen_at: float | None = None
        self.wake()

    @property
    def frozen(self) -> bool:
        """Whether time stands still until it is moved."""
        return self._frozen_at is not None

    def now(self) -> float:
        """The sandbox's time, in seconds since the epoch."""
        if self._frozen_at is not None:
            return self._frozen_at
        return self._base + (time.monotonic() - self._started) * self.speed

    def advance(self, seconds: float) -> None:
        """Move time forward. Raises ValueError when asked to go back."""
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._base += seconds
        if self._frozen_at is not None:
            self._frozen_at += seconds
        self.wake()

    def freeze(self) -> None:
        """Hold time still; ``advance`` still moves it."""
        self._frozen_at = self.now()

    def thaw(self) -> None:
        """Let time run on from where it stands."""
        now = self.now()
        self._frozen_at = None
        self._base, self._started = now, time.monotonic()
        self.wake()

    async def pause(self, seconds: float) -> None:
        """Let ``seconds`` of sandbox time pass; a clock that stands still is not waited for."""
        end = self.now() + seconds
        while not self.frozen and self.now() < end:
            await self._doze((end - self.now()) / self.speed)

    async def until(self, instant: float) -> None:
        """Wait for the sandbox's time to reach ``instant``, or for :meth:`wake`."""
        if (left := instant - self.now()) > 0:
            await self._doze(None if self.frozen or math.isinf(left) else left / self.speed)

    def wake(self) -> None:
        """Let everything that waits look again."""
        for sleeper in self._sleepers:
            sleeper.set()

    async def _doze(self, wall_seconds: float | None) -> None:
        woken = asyncio.Event()
        self._sleepers.add(woken)
        try:
            async with asyncio.timeout(wall_seconds):
                await woken.wait()
        except TimeoutError:
            pass
        finally:
            self._sleepers.discard(woken)


def iso(instant: float, *, timespec: str = "milliseconds") -> str:
    """``instant`` (seconds since the epoch) as an ISO 8601 time in UTC, ending in ``Z``."""
    return datetime.fromtimestamp(instant, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
