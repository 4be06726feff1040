"""`mappings` compiled: what steps gave, put together as one document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from capspec.jsonpath import JsonPath, compile_path
from capspec.plan import Scope
from capspec.template import Template, Tree, compile_tree
from capspec.values import MISSING, Json, Missing


@dataclass(frozen=True, slots=True)
class Mapping:
    """One value put at `target`, a path of object members."""

    target: tuple[str, ...]
    source: JsonPath | Template | Tree

    def read(self, scope: Scope) -> Json | Missing:
        if isinstance(self.source, JsonPath):
            return self.source.read({**scope.arguments, **scope.steps}, MISSING)
        if isinstance(self.source, Template):
            return self.source.value(scope.names)
        return self.source.render(scope.names)


@dataclass(frozen=True, slots=True)
class Mappings:
    """All mappings of a flow, in order: a later one overwrites an earlier one."""

    mappings: tuple[Mapping, ...]

    def read(self, scope: Scope) -> Json | Missing:
        """The document; MISSING when no mapping found anything."""
        document: dict[str, Json] = {}
        for mapping in self.mappings:
            value = mapping.read(scope)
            if value is not MISSING:
                _put(document, mapping.target, value)
        return document or MISSING


def _put(document: dict[str, Json], target: tuple[str, ...], value: Json) -> None:
    for name in target[:-1]:
        inner = document.get(name)
        if not isinstance(inner, dict):
            inner = document[name] = {}
        document = inner
    document[target[-1]] = value


def compile_mappings(
    written: Sequence[tuple[str, Json]], compile_text: Callable[[str], Template]
) -> Mappings:
    """Targets with dots nest. A value that begins with `$` is a JSONPath over steps and arguments (RFC 9535),
    any other text a template, anything else a constant.

    Raises JsonPathError or TemplateError.
    """
    return Mappings(
        tuple(
            Mapping(tuple(target.split(".")), _source(value, compile_text))
            for target, value in written
            if target
        )
    )


def _source(value: Json, compile_text: Callable[[str], Template]) -> JsonPath | Template | Tree:
    if not isinstance(value, str):
        return compile_tree(value)
    return compile_path(value) if value.startswith("$") else compile_text(value)
