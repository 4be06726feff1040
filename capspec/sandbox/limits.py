"""Requests over time to whether one more is allowed: fixed windows and token buckets, per key."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """The outcome of one request against a window. resets_at: seconds since the epoch."""

    allowed: bool
    limit: int
    remaining: int
    resets_at: float


class Window:
    """``limit`` requests in each ``seconds``, for each key."""

    def __init__(self, *, limit: int, seconds: float) -> None:
        self._limit, self._seconds = limit, seconds
        self._used: dict[str, tuple[float, int]] = {}

    def reset(self) -> None:
        """Forget every request."""
        self._used.clear()

    def take(self, key: str, now: float) -> Taken:
        """Count one request of ``key``."""
        start, used = self._used.get(key, (now, 0))
        if now >= start + self._seconds:
            start, used = now, 0
        self._used[key] = (start, used + 1)
        left = self._limit - used - 1
        return Taken(
            allowed=left >= 0, limit=self._limit, remaining=max(0, left), resets_at=start + self._seconds
        )


class Bucket:
    """``size`` requests at once, refilled at ``rate`` a second, for each key."""

    def __init__(self, *, size: float, rate: float) -> None:
        self._size, self._rate = size, rate
        self._levels: dict[str, tuple[float, float]] = {}

    def reset(self) -> None:
        """Fill every bucket."""
        self._levels.clear()

    def wait(self, key: str, now: float) -> float:
        """Take one request of ``key``: 0 when it may pass, else the seconds until one may."""
        level, since = self._levels.get(key, (self._size, now))
        level = min(self._size, level + (now - since) * self._rate)
        if level < 1:
            self._levels[key] = (level, now)
            return (1 - level) / self._rate
        self._levels[key] = (level - 1, now)
        return 0.0
