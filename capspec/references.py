"""`with` values compiled: references to arguments, templates and literals, resolved per call.

A reference is `<prefix>.<name>`; the prefix is the exposing adapter's namespace, or `tools`, `rest`,
`mcp`, `inputs`, or `$this.<namespace>`. What follows is looked up as one exact name first, and as a
dotted path after that. An argument that the caller did not give resolves to MISSING and is left out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from capspec.jsonpath import JsonPath
from capspec.plan import Scope
from capspec.template import Template, compile_template
from capspec.values import MISSING, Json, Missing

PREFIXES = ("tools", "rest", "mcp", "inputs")
"""Words that stand for the caller's arguments on every adapter."""

_PLACED = re.compile(r"(path|query|header|cookie|body)\.(.+)", re.DOTALL)

_VARIABLE = re.compile(r"env\.[A-Z][A-Z0-9_]*")
"""A bare `env.NAME`: a bound variable without its braces."""


class Source(Protocol):
    """Where the value of one argument of a call comes from."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names that it reads."""
        ...

    def read(self, scope: Scope) -> Json | Missing: ...


@dataclass(frozen=True, slots=True)
class Reference:
    """The caller's argument `name`; `location` is what `rest.query.x` and its kind say."""

    name: str
    location: str = ""

    @property
    def names(self) -> tuple[str, ...]:
        return (self.name,)

    def read(self, scope: Scope) -> Json | Missing:
        if self.name in scope.arguments:
            return scope.arguments[self.name]
        return dotted(scope.arguments, self.name)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text with `{{ }}` in it; one whose only placeholder has no value resolves to MISSING."""

    template: Template

    @property
    def names(self) -> tuple[str, ...]:
        return self.template.names

    def read(self, scope: Scope) -> Json | Missing:
        return self.template.value(scope.names)


@dataclass(frozen=True, slots=True)
class Literal:
    """A value as the file has it."""

    value: Json

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def read(self, scope: Scope) -> Json | Missing:
        return self.value


@dataclass(frozen=True, slots=True)
class Members:
    """An object whose values are sources; one without a value is left out."""

    sources: tuple[tuple[str, Source], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for _, source in self.sources for name in source.names)

    def read(self, scope: Scope) -> Json:
        found = ((key, source.read(scope)) for key, source in self.sources)
        return {key: value for key, value in found if value is not MISSING}


@dataclass(frozen=True, slots=True)
class Elements:
    """A list whose elements are sources; one without a value is left out."""

    sources: tuple[Source, ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for source in self.sources for name in source.names)

    def read(self, scope: Scope) -> Json:
        found = (source.read(scope) for source in self.sources)
        return [value for value in found if value is not MISSING]


@dataclass(frozen=True, slots=True)
class PathSource:
    """A JSONPath (RFC 9535) over the outputs of steps and the caller's arguments."""

    path: JsonPath

    @property
    def names(self) -> tuple[str, ...]:
        return ()

    def read(self, scope: Scope) -> Json | Missing:
        return self.path.read(scope.values, MISSING)


@dataclass(frozen=True, slots=True)
class Arguments:
    """All of a `with`: caller's arguments pass by their own name, and these are put over them."""

    sources: tuple[tuple[str, Source], ...]

    @property
    def keys(self) -> tuple[str, ...]:
        return tuple(key for key, _ in self.sources)

    def read(self, scope: Scope) -> dict[str, Json]:
        values = scope.values
        for key, source in self.sources:
            value = source.read(scope)
            if value is MISSING:
                values.pop(key, None)
            else:
                values[key] = value
        return values


def dotted(values: Mapping[str, Json], path: str) -> Json | Missing:
    """`a.b.0.c` through objects and lists, MISSING when it leads nowhere."""
    found: Json = values
    for part in re.split(r"\.|\[(\d+)\]\.?", path):
        if not part:
            continue
        if isinstance(found, Mapping) and part in found:
            found = found[part]
        elif isinstance(found, list) and part.isdigit() and int(part) < len(found):
            found = found[int(part)]
        else:
            return MISSING
    return found


def compile_source(
    value: Json, prefixes: tuple[str, ...], compile_text: Callable[[str], Template] = compile_template
) -> Source:
    """One `with` value, or the parts of one that is an object or a list. `prefixes` are further ones;
    `compile_text` puts bound variables in.

    Raises TemplateError for a text that is not a template.
    """
    if isinstance(value, dict):
        members = ((key, compile_source(item, prefixes, compile_text)) for key, item in value.items())
        return Members(tuple(members))
    if isinstance(value, list):
        return Elements(tuple(compile_source(item, prefixes, compile_text) for item in value))
    if not isinstance(value, str):
        return Literal(value)
    reference = reference_of(value, prefixes)
    if reference is not None:
        return reference
    if _VARIABLE.fullmatch(value):
        value = f"{{{{{value}}}}}"
    template = compile_text(value)
    if template.is_single:
        inner = reference_of(template.names[0], prefixes)
        if inner is not None:
            return inner
    return Rendered(template)


def reference_of(text: str, prefixes: tuple[str, ...]) -> Reference | None:
    """The reference that a bare text is, or None when it is something else."""
    text = text.strip()
    if "{{" in text:
        return None
    rest = text.removeprefix("$this.")
    for prefix in prefixes:
        if rest.startswith(prefix + "."):
            name = rest[len(prefix) + 1 :]
            return _placed(name) if name else None
    return None


def _placed(name: str) -> Reference:
    match = _PLACED.fullmatch(name)
    # `rest.body.x` may as well be a dotted path into the argument `body`: only read() can tell, so keep it.
    if match is None or match[1] == "body":
        return Reference(name)
    return Reference(match[2], match[1])
