"""A misspelt word and the words that it could be to the one that it is, if that is certain."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

_SIGNS: Final = re.compile(r"[^a-z0-9]")
_SHORT: Final = 3
_LONG: Final = 10
"""Letters up to which a word must have all of another's to be taken for it, and from which two slips are one."""


def meant(word: str, known: Iterable[str]) -> str:
    """The only known word that differs by no more than case and signs, or by a slip; "" where none or several do.

    A slip is a letter too much, too few or wrong, or two in the wrong order.
    """
    words = [item for item in known if item != word]
    alike = [item for item in words if _plain(item) == _plain(word)]
    if not alike:
        alike = [item for item in words if _is_slip(word.lower(), item.lower())]
    return alike[0] if len(alike) == 1 else ""


def _is_slip(word: str, other: str) -> bool:
    length = min(len(word), len(other))
    if length <= _SHORT:
        return len(word) == len(other) and sorted(word) == sorted(other)
    return _distance(word, other) <= (2 if length >= _LONG else 1)


def _plain(word: str) -> str:
    return _SIGNS.sub("", word.lower())


def _distance(word: str, other: str) -> int:
    """How many slips lie between two words (optimal string alignment)."""
    rows = [list(range(len(other) + 1))]
    for at, letter in enumerate(word, start=1):
        row = [at]
        for to, wanted in enumerate(other, start=1):
            best = min(rows[-1][to] + 1, row[-1] + 1, rows[-1][to - 1] + (letter != wanted))
            if at > 1 and to > 1 and letter == other[to - 2] and word[at - 2] == wanted:
                best = min(best, rows[-2][to - 2] + 1)
            row.append(best)
        rows.append(row)
    return rows[-1][-1]
