"""A Range header and a size to the part of a file that is asked for (RFC 9110, 14.2)."""

from __future__ import annotations

import re
from dataclasses import dataclass

_RANGE = re.compile(r"\s*bytes\s*=\s*([0-9]{0,18})-([0-9]{0,18})\s*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    """The bytes from `first` up to and including `last`."""

    first: int
    last: int

    @property
    def size(self) -> int:
        return self.last - self.first + 1


def part_of(written: str, size: int) -> Part | None:
    """The part that a Range header names; None for the whole: no range, several ones, or another unit.

    Raises ValueError when the file has no byte of the range.
    """
    found = _RANGE.fullmatch(written)
    if found is None or not (found[1] or found[2]):
        return None
    if not found[1]:
        part = Part(max(0, size - int(found[2])), size - 1)
    else:
        last = int(found[2]) if found[2] else size - 1
        if last < int(found[1]) and found[2]:
            return None
        part = Part(int(found[1]), min(last, size - 1))
    if part.first > part.last:
        raise ValueError("the file has no such bytes")
    return part
