"""Idempotency keys to what a repeated request gets: a refusal, the first answer again, or nothing special."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from capspec.sandbox.config import IdempotencyMode

Name = tuple[str, ...]
_WINDOW: dict[IdempotencyMode, float] = {"suppress": 7200.0, "replay": 86_400.0, "off": 0.0}


class Verdict(StrEnum):
    """What a claim on a key comes to."""

    FRESH = "fresh"
    DUPLICATE = "duplicate"
    BUSY = "busy"
    OTHER_BODY = "other body"
    REPLAY = "replay"


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A key in use. answer: the JSON that the first request got, None while it is still being worked on."""

    digest: str
    since: float
    answer: dict[str, object] | None = None


class IdempotencyKeys:
    """The keys used lately: ``suppress`` refuses a used one, ``replay`` repeats its answer."""

    def __init__(self, mode: IdempotencyMode) -> None:
        self._mode = mode
        self._records: dict[Name, Record] = {}

    def reset(self) -> None:
        """Free every key."""
        self._records.clear()

    def claim(self, name: Name, digest: str, now: float) -> Verdict:
        """Take a key; ``name`` is the key with all that it is scoped to, ``digest`` of its request's body."""
        record = self._records.get(name)
        if self._mode == "off" or record is None or now >= record.since + _WINDOW[self._mode]:
            self._records[name] = Record(digest=digest, since=now)
            return Verdict.FRESH
        if self._mode == "suppress":
            return Verdict.DUPLICATE
        if record.digest != digest:
            return Verdict.OTHER_BODY
        return Verdict.BUSY if record.answer is None else Verdict.REPLAY

    def answer(self, name: Name) -> dict[str, object]:
        """What the first request with the key got."""
        return self._records[name].answer or {}

    def settle(self, name: Name, answer: dict[str, object]) -> None:
        """The request succeeded with ``answer``: the key stays used."""
        self._records[name] = replace(self._records[name], answer=answer)

    def release(self, name: Name) -> None:
        """The request failed before anything existed: the key is free again."""
        self._records.pop(name, None)
