"""What a file and the answers say about time, to the seconds until the next look."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime

from capspec.jobs.judging import at
from capspec.plan.polling import RetryAfter, Rhythm, Span
from capspec.values import Json, Missing
from capspec.wire import Headers, header

SHORTEST = 0.1
"""Seconds between two looks at the least, whatever a file or an answer says."""

_SLOWEST_AFTER_ERRORS = 15.0

Chance = Callable[[], float]
"""A number from 0 up to 1, each equally likely."""


@dataclass(frozen=True, slots=True)
class Delay:
    """Seconds to wait; `asked` when an answer demanded them."""

    seconds: float
    asked: bool = False


def asked_for(rule: RetryAfter | None, headers: Headers, now: float) -> Delay | None:
    """What an answer's header demands, within the rule's bounds; None when it demands nothing.

    The header holds a number, or an HTTP date (RFC 9110, 10.2.3). `now` is seconds since the epoch.
    """
    text = None if rule is None else header(headers, rule.header)
    if rule is None or text is None:
        return None
    seconds = _seconds(text.strip(), rule.unit, now)
    if seconds is None:
        return None
    return Delay(max(SHORTEST, min(max(seconds, rule.minimum), rule.maximum)), asked=True)


def _seconds(text: str, unit: float, now: float) -> float | None:
    if text and text.isascii() and text.replace(".", "", 1).isdigit():
        return float(text) * unit
    try:
        date = parsedate_to_datetime(text)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    except (ValueError, OverflowError):
        return None


def first_delay(rhythm: Rhythm, body: Json | Missing, headers: Headers, now: float) -> Delay:
    """The wait before the first look: what the file says, else the answer's header, else the interval."""
    if isinstance(rhythm.initial, float):
        return Delay(rhythm.initial)
    said = None if rhythm.initial is None else _read(rhythm.initial, body)
    if said is not None:
        return Delay(said)
    return asked_for(rhythm.retry_after, headers, now) or Delay(max(SHORTEST, rhythm.interval))


def _read(span: Span, body: Json | Missing) -> float | None:
    found = number_of(at(span.path, body))
    return None if found is None else min(max(found * span.unit, span.minimum), span.maximum)


def number_of(value: Json) -> float | None:
    """A finite number, also when it is written as text or as a percentage; None for anything else."""
    if isinstance(value, str):
        try:
            value = float(value.strip().removesuffix("%"))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


class Pace:
    """The waits between the looks at one job."""

    def __init__(self, rhythm: Rhythm, chance: Chance = random.random) -> None:
        self._rhythm = rhythm
        self._chance = chance
        self._looks = 0

    def next(self, asked: Delay | None, errors: int) -> Delay:
        """The wait after one more look. `errors` looks in a row have failed: the more, the longer."""
        rhythm = self._rhythm
        grown = rhythm.interval * rhythm.backoff ** min(self._looks, 64)
        self._looks += 1
        if asked is not None:
            return asked
        seconds = min(grown, max(rhythm.longest, rhythm.interval))
        if errors:
            seconds = max(seconds, min(2.0 ** (errors - 1), _SLOWEST_AFTER_ERRORS))
        swing = 1 + rhythm.jitter * (2 * self._chance() - 1)
        return Delay(max(SHORTEST, seconds * swing))
