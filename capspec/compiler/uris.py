"""The uri of an MCP resource to its parts: literals and variables, as RFC 6570 has them on levels 1 and 2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from capspec.plan import PathVariable

_EXPRESSION = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}|\{\s*([^{}]*?)\s*\}")
_NAME = re.compile(r"(\+?)([A-Za-z0-9_.-]+)")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_ILLEGAL = re.compile(r"[^A-Za-z0-9_.]")
"""What RFC 6570, 2.3 does not let into a variable's name."""


@dataclass(frozen=True, slots=True)
class UriParts:
    """A uri taken apart. In `template`, its published form, its variables are called `names`."""

    parts: tuple[str | PathVariable, ...]
    template: str
    names: tuple[str, ...]

    @property
    def variables(self) -> tuple[str, ...]:
        """The variables as the author calls them, in order."""
        return tuple(part.name for part in self.parts if isinstance(part, PathVariable))


def parse_uri(text: str) -> UriParts:
    """`{x}` and `{{x}}` stand for one segment, `{+x}` for one or more.

    Raises ValueError, saying what is wrong, for what has no scheme or could not be matched one way only.
    """
    text = text.strip()
    if not _SCHEME.match(text):
        raise ValueError("a uri begins with a scheme, such as docs://")
    parts = _parts(text)
    variables = [part for part in parts if isinstance(part, PathVariable)]
    repeated = {item.name for item in variables if sum(item.name == other.name for other in variables) > 1}
    if repeated:
        raise ValueError(f"the variable '{min(repeated)}' is in it twice")
    if sum(item.greedy for item in variables) > 1:
        raise ValueError("only one variable can be of the kind {+name}")
    if any(isinstance(a, PathVariable) and isinstance(b, PathVariable) for a, b in pairwise(parts)):
        raise ValueError("there must be something between two variables")
    names = _published(item.name for item in variables)
    template = "".join(part if isinstance(part, str) else _expression(part, names) for part in parts)
    return UriParts(tuple(parts), template, tuple(names.values()))


def _expression(variable: PathVariable, names: Mapping[str, str]) -> str:
    return f"{{{'+' if variable.greedy else ''}{names[variable.name]}}}"


def _parts(text: str) -> list[str | PathVariable]:
    parts: list[str | PathVariable] = []
    position = 0
    for match in _EXPRESSION.finditer(text):
        parts.append(_literal(text[position : match.start()]))
        parts.append(_variable(match[0], match[1] or match[2] or ""))
        position = match.end()
    parts.append(_literal(text[position:]))
    return [part for part in parts if part != ""]


def _literal(text: str) -> str:
    if "{" in text or "}" in text:
        raise ValueError("its braces do not match")
    return text


def _variable(written: str, content: str) -> PathVariable:
    found = _NAME.fullmatch(content)
    if found is None:
        raise ValueError(f"'{written}' is not understood; write {{name}} or {{+name}}")
    return PathVariable(name=found[2], greedy=bool(found[1]))


def _published(variables: Iterable[str]) -> dict[str, str]:
    """Legal names by the author's, each different from the others."""
    names: dict[str, str] = {}
    for variable in variables:
        name = _ILLEGAL.sub("_", variable)
        while name in names.values():
            name += "_"
        names[variable] = name
    return names
