"""Prefer headers to how a caller wants to wait, and back to what was heeded (RFC 7240)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from urllib.request import parse_http_list

LONGEST_WAIT: Final = 120
"""Seconds that a request waits at the most, so that no proxy on the way gives it up."""

_MOST_DIGITS = 9


@dataclass(frozen=True, slots=True)
class Preferences:
    """`wait` is seconds, at most LONGEST_WAIT; None and 0 mean not at all. `respond_async` asks for a 202."""

    wait: int | None = None
    respond_async: bool = False

    @property
    def promptly(self) -> bool:
        """Whether even an outcome that is already there is wanted as a promise of one."""
        return self.respond_async and self.wait is None

    def applied(self, *, accepted: bool) -> str:
        """What Preference-Applied says, "" for nothing; `accepted` when the answer is a 202."""
        heeded = ["respond-async"] if self.respond_async and accepted else []
        return ", ".join(heeded if self.wait is None else [*heeded, f"wait={self.wait}"])


def preferences(values: Iterable[str]) -> Preferences:
    """What all Prefer headers of a request say. What is not understood is left out (RFC 7240, 2)."""
    found: dict[str, str] = {}
    for item in parse_http_list(", ".join(values)):
        name, _, value = item.partition(";")[0].partition("=")
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return Preferences(wait=_seconds(found.get("wait", "")), respond_async="respond-async" in found)


def _seconds(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()):
        return None
    return min(int(text), LONGEST_WAIT) if len(text) <= _MOST_DIGITS else LONGEST_WAIT
