"""`mappings` compiled: what steps gave, put together as one document."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from capspec.plan import Scope
from capspec.references import Source
from capspec.values import MISSING, Json, Missing


@dataclass(frozen=True, slots=True)
class Mapping:
    """One value put at `target`, a path of object members."""

    target: tuple[str, ...]
    source: Source


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of a flow, in order: a later one overwrites an earlier one."""

    mappings: tuple[Mapping, ...]

    def read(self, scope: Scope) -> Json | Missing:
        """The document; MISSING when no mapping found anything."""
        document: dict[str, Json] = {}
        for mapping in self.mappings:
            value = mapping.source.read(scope)
            if value is not MISSING:
                _put(document, mapping.target, value)
        return document or MISSING


def _put(document: dict[str, Json], target: tuple[str, ...], value: Json) -> None:
    for name in target[:-1]:
        inner = document.get(name)
        # What a source gave is not ours to change.
        inner = document[name] = dict(inner) if isinstance(inner, dict) else {}
        document = inner
    document[target[-1]] = value


def joined(sources: Iterable[tuple[str, Source]]) -> Mappings:
    """Each source's value at its target. Targets with dots nest."""
    return Mappings(tuple(Mapping(tuple(target.split(".")), source) for target, source in sources if target))
