"""A view of one node of a Document: reads the shapes that the dialects use, and reports what it cannot read.

Every dialect writes the same things in lists or maps, under old or new names. A `Node` answers in one
shape, remembers which keys were asked for, and knows where each one stands in the file.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from capspec.document import Document, Pointer
from capspec.errors import Place, Problem, Related, Severity, sort_problems
from capspec.values import MISSING, Json, Missing


@dataclass(slots=True)
class Report:
    """Collects problems; what has one cause in many places becomes one problem with a count.

    `documents` are the files that places are in, by their names there. `reached` says of files that others
    import how they were come by; their problems say so too.
    """

    found: dict[tuple[str, str], list[Problem]] = field(default_factory=dict)
    reached: dict[str, str] = field(default_factory=dict)
    documents: dict[str, Document] = field(default_factory=dict)
    misspelt: dict[Place, dict[str, tuple[str, Place]]] = field(default_factory=dict)
    """Of objects by their places: what keys that are not known probably mean, how they are written, where."""

    def add(
        self,
        code: str,
        message: str,
        *,
        place: Place | None,
        hint: str = "",
        severity: Severity = "error",
        cause: str = "",
        related: tuple[Related, ...] = (),
    ) -> None:
        """`cause` is what problems have in common that are one; the message when it is empty."""
        problem = Problem(
            code=code, message=message, hint=hint, place=place, severity=severity, related=related
        )
        self.found.setdefault((code, cause or message), []).append(problem)

    def instead(self, place: Place, *names: str) -> tuple[Place, str] | None:
        """Where the object at a place has a misspelt key that means one of these, and the hint that says so.

        To be asked when something is missing there: what was said of that key (CAP110) is taken back, since
        the caller says it with its consequence.
        """
        for name in names:
            if found := self.misspelt.get(place, {}).pop(name, None):
                written, at = found
                for (code, _), group in self.found.items():
                    if code == "CAP110":
                        group[:] = [problem for problem in group if problem.place != at]
                return at, f"did you mean '{name}'? There is '{written}'"
        return None

    def means(self, *names: str) -> bool:
        """Whether a misspelt key anywhere means one of these."""
        return any(name in keys for keys in self.misspelt.values() for name in names)

    def spot(self, place: Place, text: str, offset: int = 0, *, key: str = "") -> Place:
        """Where a text (the value of `key`) stands in the block around a place, if it can be told."""
        document = self.documents.get(place.source)
        return place if document is None else document.find(place, text, offset, key=key)

    @property
    def problems(self) -> tuple[Problem, ...]:
        return sort_problems(self._told(_grouped(group)) for group in self.found.values() if group)

    @property
    def errors(self) -> tuple[Problem, ...]:
        return self._only("error")

    @property
    def warnings(self) -> tuple[Problem, ...]:
        return self._only("warning")

    @property
    def remarks(self) -> tuple[Problem, ...]:
        """What is only worth knowing."""
        return self._only("info")

    def _only(self, severity: Severity) -> tuple[Problem, ...]:
        return tuple(problem for problem in self.problems if problem.severity == severity)

    def _told(self, problem: Problem) -> Problem:
        way = self.reached.get(problem.place.source) if problem.place else None
        return replace(problem, message=f"{problem.message} ({way})") if way else problem


_MOST_RELATED = 20
"""Of the other places that have a problem; its count says how many there are."""


def _grouped(group: list[Problem]) -> Problem:
    places: dict[Place | None, Problem] = {}
    for problem in sort_problems(group):
        places.setdefault(problem.place, problem)
    first, *others = places.values()
    related = [
        Related(problem.place, problem.message, again=True)
        for problem in others[:_MOST_RELATED]
        if problem.place is not None
    ]
    return replace(first, count=len(places), related=(*first.related, *related))


_KINDS = {dict: "a mapping", list: "a list", str: "text", bool: "true or false", type(None): "empty"}


_MEND = {
    "a mapping": "write `key: value` lines below it, or { key: value }",
    "true or false": "write true or false",
    "a whole number": "write it in digits, without a point or a unit",
    "a list": "begin each entry with '- '",
    "a list or a mapping": "write its entries below it, each beginning with '- '",
}
"""How to write what is wanted."""

_SHORT = 3
"""Letters of words that are so short that one of them is much."""


def nearest(word: str, words: Iterable[str], cutoff: float = 0.6) -> str:
    """The one of some words that is most like one that was written, "" when none is.

    Capitals, hyphens and underscores do not count.
    """
    plain = {_plain(other): other for other in reversed(list(words))}
    if len(word) <= _SHORT:
        cutoff = min(cutoff, 0.5)
        plain = {other: name for other, name in plain.items() if abs(len(other) - len(word)) < _SHORT - 1}
    near = difflib.get_close_matches(_plain(word), plain, 1, cutoff=cutoff)
    return plain[near[0]] if near else ""


def _plain(word: str) -> str:
    return word.lower().replace("-", "").replace("_", "")


def kind_of(value: Json) -> str:
    """A value's kind in an author's words."""
    if isinstance(value, float) and not value.is_integer():
        return "a number with a fraction"
    return _KINDS.get(type(value), "a number")


class Node:
    """One node of a document. All getters take synonyms; the first that is present counts."""

    __slots__ = ("asked", "document", "pointer", "report", "value")

    def __init__(self, document: Document, pointer: Pointer, value: Json, report: Report) -> None:
        self.document = document
        self.pointer = pointer
        self.value = value
        self.report = report
        self.asked: set[str] = set()

    @classmethod
    def root(cls, document: Document) -> Node:
        return cls(document, (), document.data, Report(documents={document.source: document}))

    @property
    def place(self) -> Place:
        return self.document.place(self.pointer)

    def key_place(self, key: str) -> Place:
        return self.document.place((*self.pointer, key), key=True)

    def at(self, *names: str) -> Place:
        """Where the value under the first name that is present begins; the node's own place when none is."""
        if isinstance(self.value, dict):
            for name in names:
                if name in self.value:
                    return self.document.place((*self.pointer, name))
        return self.place

    def error(self, code: str, message: str, *, hint: str = "", place: Place | None = None) -> None:
        self.report.add(code, message, place=place or self.place, hint=hint)

    def warn(self, code: str, message: str, *, hint: str = "", place: Place | None = None) -> None:
        self.report.add(code, message, place=place or self.place, hint=hint, severity="warning")

    # -- children -----------------------------------------------------------------------------------

    def get(self, *names: str) -> Node | None:
        """The child under the first name that is present and not null."""
        self.asked.update(names)
        if isinstance(self.value, dict):
            for name in names:
                if self.value.get(name) is not None:
                    return Node(self.document, (*self.pointer, name), self.value[name], self.report)
        return None

    def has(self, *names: str) -> bool:
        self.asked.update(names)
        return isinstance(self.value, dict) and any(name in self.value for name in names)

    def raw(self, *names: str) -> Json | Missing:
        """The plain value under the first name that is present, null included, or MISSING."""
        self.asked.update(names)
        if isinstance(self.value, dict):
            for name in names:
                if name in self.value:
                    return self.value[name]
        return MISSING

    def text(self, *names: str, default: str = "") -> str:
        """A scalar as it is written: `0.5` stays "0.5", a date stays a date."""
        child = self.get(*names)
        return default if child is None else child.as_text(default)

    def as_text(self, default: str = "") -> str:
        if isinstance(self.value, str):
            return self.value
        if isinstance(self.value, (dict, list)):
            self.wrong("text", hint="write a single value, in quotes if it begins with { or [")
            return default
        return self.document.raw(self.pointer)

    def flag(self, *names: str) -> bool | None:
        """true or false; the text "true" or "false" is understood."""
        child = self.get(*names)
        if child is None or isinstance(child.value, bool):
            return None if child is None else child.value
        if isinstance(child.value, str) and child.value.lower() in ("true", "false"):
            return child.value.lower() == "true"
        child.wrong("true or false")
        return None

    def integer(self, *names: str) -> int | None:
        child = self.get(*names)
        if child is None:
            return None
        if isinstance(child.value, int) and not isinstance(child.value, bool):
            return child.value
        if isinstance(child.value, str) and child.value.strip().isdigit():
            return int(child.value)
        child.wrong("a whole number")
        return None

    def mapping(self, *names: str) -> dict[str, Json]:
        """A plain mapping, or an empty one."""
        child = self.get(*names)
        if child is None:
            return {}
        if isinstance(child.value, dict):
            return child.value
        child.wrong("a mapping")
        return {}

    def texts(self, *names: str) -> tuple[str, ...]:
        """A list of scalars; a single scalar counts as a list of one."""
        child = self.get(*names)
        if child is None:
            return ()
        if not isinstance(child.value, list):
            return (child.as_text(),)
        return tuple(item.as_text() for item in child.items())

    def items(self) -> Iterator[Node]:
        """The members of a list, or the values of a mapping, in order."""
        pairs: Iterable[tuple[str | int, Json]] = ()
        if isinstance(self.value, list):
            pairs = enumerate(self.value)
        elif isinstance(self.value, dict):
            pairs = self.value.items()
        for key, value in pairs:
            yield Node(self.document, (*self.pointer, key), value, self.report)

    def members(self, *names: str) -> list[Node]:
        """The objects of a list; anything else in it is reported and left out."""
        child = self.get(*names)
        if child is None:
            return []
        if not isinstance(child.value, list):
            child.wrong("a list", hint="begin each entry with '- '")
            return []
        return [item for item in child.items() if item._is_object()]

    def named(self, *names: str) -> list[tuple[str, Node]]:
        """A named collection in either shape: a list of objects with `name`, or a map of name to object.

        An entry without a name gets "".
        """
        child = self.get(*names)
        if child is None:
            return []
        if isinstance(child.value, dict):
            entries = [(str(item.pointer[-1]), item) for item in child.items()]
        elif isinstance(child.value, list):
            entries = [(item._own_name(), item) for item in child.items()]
        else:
            child.wrong("a list or a mapping")
            return []
        return [(name, item) for name, item in entries if item._is_object()]

    # -- what was not asked for ---------------------------------------------------------------------

    def finish(self, kind: str) -> None:
        """Warn of every key of this object that nobody asked for: it has no effect."""
        if not isinstance(self.value, dict):
            return
        # Those that are there are not what a misspelt one means, unless there is nothing else.
        known = sorted(self.asked, key=lambda name: (name in self.value, name))
        for key in self.value:
            if key not in self.asked and not key.startswith("x-"):
                near = nearest(key, known)
                if _plain(near) != _plain(key):
                    near = nearest(key, [name for name in known if name not in self.value]) or near
                if near:
                    self.report.misspelt.setdefault(self.place, {})[near] = key, self.key_place(key)
                hint = f"did you mean '{near}'?" if near else "remove it, or check its spelling"
                if not near and self.value[key] is None:
                    hint = "if it belongs to the value before it, put that in quotes: a comma ends a value"
                message = f"'{key}' is not known in {kind} and has no effect"
                self.warn("CAP110", message, hint=hint, place=self.key_place(key))

    def without_effect(self, kind: str, keys: Mapping[str, str]) -> None:
        """Warn of keys that the language knows and that nothing is done with, each with its hint."""
        for key, hint in keys.items():
            if self.get(key) is not None:
                message = f"'{key}' of {kind} has no effect"
                self.warn("CAP151", message, hint=hint, place=self.key_place(key))

    def wrong(self, wanted: str, *, hint: str = "") -> None:
        """Say that this should be something else, such as "a list"."""
        what = f"'{self.pointer[-1]}'" if self.pointer and isinstance(self.pointer[-1], str) else "this"
        message = f"{what} should be {wanted}, and is {kind_of(self.value)}"
        self.error("CAP107", message, hint=hint or _MEND.get(wanted, ""))

    # -- within -------------------------------------------------------------------------------------

    def _own_name(self) -> str:
        return self.text("name", "id") if isinstance(self.value, dict) else ""

    def _is_object(self) -> bool:
        if isinstance(self.value, dict):
            return True
        if self.value is not None:
            what = f"'{self.pointer[-1]}'" if isinstance(self.pointer[-1], str) else "this"
            message = f"{what} should be a mapping, and is {kind_of(self.value)}; it is left out"
            self.warn("CAP107", message, hint=_MEND.get("a mapping", ""))
        return False
