"""The regular expressions of filters: pattern text to a test whose running time is known beforehand.

Python's `re` backtracks, so a pattern written without care can take time exponential in the text it reads,
and the text comes from an upstream. A linear engine would be a large native dependency for a rare operator;
instead, patterns that can be exponential are refused when they are compiled, and the polynomial worst case
of all others is charged to the budget of the read before they run.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable
from typing import TypeAlias

from capspec.jsonpath.run import Run

Pattern: TypeAlias = Callable[[str, Run], bool]

_LONGEST = 500
_STEPS_PER_NODE = 100
_FLAGS = {"i": re.IGNORECASE, "m": re.MULTILINE, "s": re.DOTALL, "u": re.NOFLAG}
_TOKEN = re.compile(
    r"\\(?P<escape>.)"
    r"|(?P<set>\[\^?\]?(?:\\.|[^\]\\])*\])"
    r"|(?P<open>\((?:\?(?:[:=!>]|<[=!]|P<\w+>))?)"
    r"|(?P<close>\))"
    r"|(?P<bar>\|)"
    r"|(?P<atom>.)",
    re.DOTALL,
)
_QUANTIFIER = re.compile(r"(?:(?P<sign>[*+?])|\{(?P<low>\d*)(?P<comma>,?)(?P<high>\d*)\})[?+]?")


def pattern(source: str, flags: str = "", *, whole: bool) -> Pattern:
    """A test whether a text matches, as a `whole` or anywhere.

    Raises ValueError, with a message for people, for a pattern that is not a regular expression, that refers
    back to a group, or that repeats a group which itself can match in several ways.
    """
    if len(source) > _LONGEST:
        raise ValueError(f"a pattern is at most {_LONGEST} characters long")
    repeats, ways = _Shape(source).measure()
    compiled = _compile(source, flags)
    test = compiled.fullmatch if whole else compiled.search
    degree = repeats + (not whole)
    orders = math.factorial(degree)

    def matches(text: str, run: Run) -> bool:
        run.spend(1 + ways * len(text) ** degree // orders // _STEPS_PER_NODE)
        return test(text) is not None

    return matches


def _compile(source: str, flags: str) -> re.Pattern[str]:
    unknown = set(flags) - set(_FLAGS)
    if unknown:
        raise ValueError(f"there is no pattern flag {min(unknown)!r}; there are i, m, s and u")
    options = re.NOFLAG
    for flag in flags:
        options |= _FLAGS[flag]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return re.compile(source, options)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(f"the pattern is not a regular expression: {error}") from None


class _Shape:
    """Measures how much a pattern can backtrack: its open repeats, and the product of its alternatives."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.repeats = 0
        self.ways = 1
        self.groups = [_Group()]

    def measure(self) -> tuple[int, int]:
        at = 0
        while at < len(self.source):
            token = _TOKEN.match(self.source, at)
            assert token is not None  # the last alternative matches any character
            quantifier = _QUANTIFIER.match(self.source, token.end())
            self._read(token, quantifier)
            at = quantifier.end() if quantifier and _quantifiable(token) else token.end()
        for group in self.groups:
            self.ways *= group.branches
        return self.repeats, self.ways

    def _read(self, token: re.Match[str], quantifier: re.Match[str] | None) -> None:
        kind = token.lastgroup
        if kind == "open":
            if token[0] == "(" and self.source.startswith("?", token.end()):
                raise ValueError(f"the pattern has an unsupported group at its offset {token.start()}")
            self.groups.append(_Group())
        elif kind == "bar":
            self.groups[-1].branches += 1
        else:
            if token["escape"] and token["escape"] in "123456789":
                raise ValueError("the pattern refers back to a group, which can take exponential time")
            inner = self._close() if kind == "close" else _Group()
            self._quantify(inner, quantifier)

    def _close(self) -> _Group:
        if len(self.groups) == 1:
            raise ValueError("the pattern closes a group that is not open")
        group = self.groups.pop()
        self.ways *= group.branches
        return group

    def _quantify(self, inner: _Group, quantifier: re.Match[str] | None) -> None:
        outer = self.groups[-1]
        outer.varies |= inner.varies or inner.branches > 1
        if quantifier is None:
            return
        low, high = _bounds(quantifier)
        if high > 1 and (inner.varies or inner.branches > 1):
            raise ValueError(
                "the pattern repeats a group that itself varies, which can take exponential time"
            )
        if low == high:
            return
        outer.varies = True
        if high > 1:
            self.repeats += 1
        else:
            self.ways *= 2


class _Group:
    """What is known of an open group: whether its length varies, and how many alternatives it has."""

    __slots__ = ("branches", "varies")

    def __init__(self) -> None:
        self.varies = False
        self.branches = 1


def _quantifiable(token: re.Match[str]) -> bool:
    return token.lastgroup not in ("open", "bar")


def _bounds(quantifier: re.Match[str]) -> tuple[float, float]:
    sign = quantifier["sign"]
    if sign:
        return {"*": (0, math.inf), "+": (1, math.inf), "?": (0, 1)}[sign]
    low = float(quantifier["low"] or 0)
    if not quantifier["comma"]:
        return low, low
    return low, float(quantifier["high"] or math.inf)
