"""A capability to the oddities of its file: ways of writing that no specification has and that files do."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from capspec.corpus import oddities_consumed as consumed
from capspec.corpus import oddities_exposed as exposed
from capspec.corpus.view import View, view_of
from capspec.model import Capability


@dataclass(frozen=True, slots=True, kw_only=True)
class Oddity:
    """One of them: `count` says how often a file has it."""

    id: str
    title: str
    count: Callable[[View], int]


def _table(rows: Mapping[str, tuple[str, Callable[[View], Iterable[object]]]]) -> list[Oddity]:
    return [Oddity(id=key, title=title, count=_counting(find)) for key, (title, find) in rows.items()]


def _counting(find: Callable[[View], Iterable[object]]) -> Callable[[View], int]:
    return lambda view: sum(1 for _ in find(view))


ODDITIES: tuple[Oddity, ...] = (*_table(consumed.ROWS), *_table(exposed.ROWS))
"""All that are looked for, those of the consumed side first."""

TITLES: Mapping[str, str] = {oddity.id: oddity.title for oddity in ODDITIES}


def oddities_of(capability: Capability) -> Counter[str]:
    """How often a file has each oddity, those that it does not have left out."""
    view = view_of(capability)
    found = Counter({oddity.id: oddity.count(view) for oddity in ODDITIES})
    return +found
