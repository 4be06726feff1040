"""A file's text and its problems to the same text with those put right that have only one remedy.

Everything else in the text stays as it is, character by character. A fix is only kept when the problem is
gone after it, and no error came in its place.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from capspec.document import Document, parse
from capspec.errors import LoadError, Place, Problem
from capspec.language.shapes import SHAPES
from capspec.language.walking import Found, walk
from capspec.rewriting.likeness import meant

FIXABLE: Final = {
    "CAP110": "a misspelt key",
    "CAP112": "the missing dialect",
    "CAP114": "a template without quotes",
    "CAP116": "a misspelt place of a parameter",
    "CAP118": "a misspelt key of the root",
    "CAP130": "a misspelt 'type' of an adapter",
    "CAP311": "a misspelt type of an adapter",
    "CAP321": "a misspelt type of an authentication",
    "CAP324": "a misspelt type of a body",
    "CAP325": "a misspelt format of answers",
    "CAP335": "a variable without its braces",
    "CAP340": "a misspelt type of a step",
    "CAP710": "a '/' at the end of a base URI",
    "CAP717": "a '/' that lacks at the beginning of a path",
    "CAP763": "a number, or true or false, in quotes",
}
"""What is put right, by code."""

Check = Callable[[str], Sequence[Problem]]
"""A text that stands for what is in the file, to all its problems."""

_ROUNDS: Final = 20
_MEANT: Final = re.compile(r"did you mean '([^']+)'\?")
_KEY: Final = re.compile(r"(?P<quote>[\"']?)(?P<word>[\w.$-]+)(?P=quote)(?=\s*:)")
_WORD: Final = re.compile(r"(?P<quote>[\"']?)(?P<word>[\w.-]+)(?P=quote)")
_VARIABLE: Final = re.compile(
    r"(?P<quote>[\"']?)(?P<word>(?:\$(?:env|secrets)\.)?[A-Z][A-Z0-9_]*)(?P=quote)(?=\s|$|[,}\]])"
)
_PATH: Final = re.compile(r"(?P<quote>[\"']?)(?P<word>[^\s\"',\]][^\s\"']*)(?P=quote)")
_QUOTED: Final = re.compile(r"(?P<quote>[\"'])(?P<word>\d+|true|false)(?P=quote)", re.IGNORECASE)
_BARE_TEMPLATE: Final = re.compile(r"(?P<word>\{\{.*?)(?P<rest>\s*(?:\s#.*)?)$")
_BEFORE_VALUE: Final = re.compile(r"\s*(?:-\s+)*(?:[\w.$-]+:\s+)?")
_TYPES: Final = ("CAP116", "CAP311", "CAP321", "CAP324", "CAP325", "CAP340")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fix:
    """One change: at a place, `old` became `new`; "" for nothing."""

    code: str
    place: Place
    old: str
    new: str

    def __str__(self) -> str:
        if not self.old:
            return f"{self.place}: {self.new.strip()!r} is added [{self.code}]"
        return f"{self.place}: {self.old!r} is now {self.new!r} [{self.code}]"


def fix(text: str, source: str, check: Check) -> tuple[str, list[Fix]]:
    """The text with what could be put right, and what was changed, in order; places are those before a change."""
    done: list[Fix] = []
    tried: set[tuple[str, str, str]] = set()
    problems = check(text)
    for _ in range(_ROUNDS):
        group = _next(text, source, problems, tried)
        if not group:
            break
        # All of a kind at once, and one by one when that makes something worse.
        for part in (group, *([item] for item in group if len(group) > 1)):
            tried |= {(item.code, item.old, item.new) for item in part}
            changed = _applied(text, part)
            after = check(changed)
            if _is_better(problems, after, part):
                text, problems = changed, after
                done += part
                break
    return text, sorted(done, key=lambda item: (item.place.line, item.place.column))


def _next(text: str, source: str, problems: Sequence[Problem], tried: set[tuple[str, str, str]]) -> list[Fix]:
    """All fixes of the first code that has any which were not tried."""
    for code in FIXABLE:
        places = [place for problem in problems if problem.code == code for place in _places(problem, source)]
        if not places:
            continue
        hints = {
            place: problem
            for problem in problems
            if problem.code == code
            for place in _places(problem, source)
        }
        finder = _Finder(text, source)
        found = [
            item
            for place in dict.fromkeys(places)
            if (item := finder.fix(code, place, hints[place])) is not None
        ]
        fresh = [item for item in found if (item.code, item.old, item.new) not in tried]
        if fresh:
            return fresh
    return []


def _places(problem: Problem, source: str) -> list[Place]:
    """Every place of a problem in the file itself; what has one cause is told of once."""
    places = [problem.place, *(other.place for other in problem.related[: problem.count - 1])]
    return [place for place in places if place is not None and place.source == source]


def _is_better(before: Sequence[Problem], after: Sequence[Problem], group: Iterable[Fix]) -> bool:
    codes = {item.code for item in group}
    if _count(after, codes) >= _count(before, codes):
        return False
    # After a syntax error is gone, what it hid comes to light.
    return "CAP114" in codes or _errors(after) <= _errors(before)


def _count(problems: Sequence[Problem], codes: set[str]) -> int:
    return sum(problem.count for problem in problems if problem.code in codes)


def _errors(problems: Sequence[Problem]) -> int:
    return sum(problem.count for problem in problems if problem.severity == "error")


def _applied(text: str, fixes: Iterable[Fix]) -> str:
    offsets = _Offsets(text)
    for item in sorted(fixes, key=lambda item: (item.place.line, item.place.column), reverse=True):
        at = offsets.of(item.place)
        if text[at : at + len(item.old)] == item.old:
            text = text[:at] + item.new + text[at + len(item.old) :]
    return text


class _Offsets:
    """Places to positions in a text, whose lines end as those of documents do."""

    def __init__(self, text: str) -> None:
        self.starts = [0, *(match.end() for match in re.finditer(r"\r\n?|\n", text))]

    def of(self, place: Place) -> int:
        return self.starts[min(place.line, len(self.starts)) - 1] + place.column - 1


class _Finder:
    def __init__(self, text: str, source: str) -> None:
        self.text = text
        self.source = source
        self.offsets = _Offsets(text)
        self._keys: dict[tuple[int, int], tuple[Found, str]] | None = None

    def fix(self, code: str, place: Place, problem: Problem) -> Fix | None:
        at = self.offsets.of(place)
        old, new = self._change(code, at, place, problem)
        if old == new:
            return None
        shift = self.text.find(old, at) if old else at
        if shift < 0:
            return None
        return Fix(
            code=code, place=Place(place.source, place.line, place.column + shift - at), old=old, new=new
        )

    def _change(self, code: str, at: int, place: Place, problem: Problem) -> tuple[str, str]:
        """What stands at a place, and what should; the same twice for what is not certain."""
        if code in ("CAP110", "CAP118", "CAP130"):
            return self._key(at, place, code)
        if code == "CAP112":
            return ("", "") if self.text[at : at + 1] in ("{", "") else ("", 'capspec: "1"\n')
        if code == "CAP114":
            return self._template(at)
        if code in _TYPES:
            return self._type(at, problem)
        if code == "CAP335":
            found = _VARIABLE.match(self.text, at)
            return (found[0], f'"{{{{{found["word"].lstrip("$")}}}}}"') if found else ("", "")
        if code == "CAP763":
            found = _QUOTED.match(self.text, at)
            return (found[0], found["word"].lower()) if found else ("", "")
        return self._path(code, at)

    def _key(self, at: int, place: Place, code: str) -> tuple[str, str]:
        found = _KEY.match(self.text, at)
        if found is None:
            return "", ""
        if code == "CAP130":
            return (found["word"], "type") if meant(found["word"], ["type"]) else ("", "")
        owner = self._owners().get((place.line, place.column))
        if owner is None or owner[1] != found["word"]:
            return "", ""
        known = [key for key in SHAPES[owner[0].kind].order if key not in owner[0].value]
        return found["word"], meant(found["word"], known) or found["word"]

    def _owners(self) -> dict[tuple[int, int], tuple[Found, str]]:
        """By the place of each key: the object that it is of."""
        if self._keys is None:
            self._keys = {}
            try:
                document: Document | None = parse(self.text, self.source)
            except LoadError:
                document = None
            for item in walk(document.data) if document is not None else ():
                for key in item.value:
                    assert document is not None
                    place = document.place((*item.pointer, key), key=True)
                    self._keys[place.line, place.column] = (item, key)
        return self._keys

    def _type(self, at: int, problem: Problem) -> tuple[str, str]:
        said, found = _MEANT.search(problem.hint), _WORD.match(self.text, at)
        if said is None or found is None or not meant(found["word"], [said[1]]):
            return "", ""
        return found["word"], said[1]

    def _template(self, at: int) -> tuple[str, str]:
        start = self.text.rfind("\n", 0, at) + 1
        end = self.text.find("\n", at)
        line = self.text[at : end if end >= 0 else len(self.text)].rstrip("\r")
        found = _BARE_TEMPLATE.match(line)
        if found is None or _BEFORE_VALUE.fullmatch(self.text[start:at]) is None:
            return "", ""
        quote = "'" if '"' in found["word"] else '"'
        if quote in found["word"] or "\\" in found["word"]:
            return "", ""
        return found["word"], f"{quote}{found['word']}{quote}"

    def _path(self, code: str, at: int) -> tuple[str, str]:
        found = _PATH.match(self.text, at)
        if found is None:
            return "", ""
        word = found["word"]
        return (word, f"/{word}") if code == "CAP717" else (word, word.rstrip("/"))
