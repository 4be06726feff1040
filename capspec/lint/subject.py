"""What rules look at: the objects of one file, the plan that it compiled to, and the texts in it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from capspec.document import Document, Pointer
from capspec.language.walking import Found, walk
from capspec.plan import Flow, Listener, Plan

_WORD = re.compile(r"[A-Za-z_$@][\w.$@\[\]-]*")
_PART = re.compile(r"[\w$@-]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a rule found. `key` says that the place is a key and not its value; with `cause`, what has
    the same one is said once, with a count."""

    message: str
    pointer: Pointer
    hint: str = ""
    key: bool = False
    cause: str = ""


@dataclass(slots=True, kw_only=True)
class Served:
    """What became of an object that is a flow, and the adapter that offers it."""

    listener: Listener
    flow: Flow


@dataclass(kw_only=True)
class Subject:
    """One file, its objects in order. Only what stands in this very file is looked at; what it imports is not."""

    plan: Plan
    document: Document
    found: list[Found] = field(default_factory=list)

    @classmethod
    def of_plan(cls, plan: Plan) -> Subject:
        return cls(plan=plan, document=plan.document, found=list(walk(plan.document.data)))

    def of(self, *kinds: str) -> list[Found]:
        """The objects of these kinds."""
        return [item for item in self.found if item.kind in kinds]

    @cached_property
    def _served(self) -> dict[tuple[int, int], Served]:
        return {
            (flow.place.line, flow.place.column): Served(listener=listener, flow=flow)
            for listener in self.plan.listeners
            for flow in listener.flows
            if flow.place is not None and flow.place.source == self.document.source
        }

    def served(self, *kinds: str) -> Iterator[tuple[Found, Served]]:
        """Tools, operations or resources that are there in the plan, with what they became."""
        for item in self.of(*kinds):
            place = self.document.place(item.pointer)
            served = self._served.get((place.line, place.column))
            if served is not None:
                yield item, served

    @cached_property
    def words(self) -> frozenset[str]:
        """Every name that a text outside `binds` could mean, in this file and those that it imports."""
        found: set[str] = set()
        for document in (self.document, *self.plan.imported):
            for pointer, text in texts_of(document.data):
                if not {"binds", "externalRefs"} & set(pointer[:2]):
                    found.update(names_in(text))
        return frozenset(found)

    @property
    def is_shared(self) -> bool:
        """Whether the file is there to be imported from, so that what it does not use others may."""
        return "capability" not in self.document.data or not self.plan.listeners


def texts_of(value: Any, pointer: Pointer = ()) -> Iterator[tuple[Pointer, str]]:
    """Every text in a value, where it stands; keys are none."""
    if isinstance(value, str):
        yield pointer, value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from texts_of(item, (*pointer, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            yield from texts_of(item, (*pointer, at))


def names_in(text: str) -> Iterable[str]:
    """The words of a text, whole and in the parts between their dots."""
    for word in _WORD.findall(text):
        yield word
        yield from _PART.findall(word)
