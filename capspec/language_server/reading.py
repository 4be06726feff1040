"""The text of a file that is being written to what is known of it: data, objects, variables and problems.

Much of the time the text is broken, so each part is kept from the last text that gave one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Final

from capspec import app, bindings, document, model
from capspec.bindings import Bindings
from capspec.document import Document, Pointer
from capspec.errors import CapspecError, Problem
from capspec.language.walking import Found, walk
from capspec.model import Capability
from capspec.values import Json

_OURS: Final = re.compile(
    r"^[\"']?(?:capspec|naftiko|ikanos|capability|consumes|exposes|aggregates|binds)[\"']?\s*:", re.MULTILINE
)

FLOWS: Final = ("tool", "restOperation", "mcpResource", "function")
"""The kinds of objects that call something."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What is known of a text. `document` and `capability` may be those of an earlier one; `data` is the
    document's, or what is being written.

    `current` says that the document is of this very text, so that its places are right.
    """

    path: Path
    text: str
    document: Document | None
    capability: Capability | None
    data: dict[str, Json]
    current: bool
    problems: tuple[Problem, ...]
    _bindings: Bindings | None = field(default=None, repr=False)

    @cached_property
    def objects(self) -> tuple[Found, ...]:
        """Every object of the file, what holds others first."""
        return tuple(walk(self.data))

    def around(self, pointer: Pointer, *kinds: str) -> Found | None:
        """The innermost object that a node is in, of these kinds if any are named."""
        inside = [
            found
            for found in self.objects
            if pointer[: len(found.pointer)] == found.pointer and (not kinds or found.kind in kinds)
        ]
        return max(inside, key=lambda found: len(found.pointer), default=None)

    def inside(self, pointer: Pointer, *kinds: str) -> list[Found]:
        """The objects of these kinds below a node."""
        below = (found for found in self.objects if found.pointer[: len(pointer)] == pointer)
        return [found for found in below if found.kind in kinds]

    def has_value(self, variable: str, source: str = "") -> bool:
        """Whether a variable has a value here. What it is, is never told."""
        if self._bindings is None:
            return False
        return self._bindings.seen_in(source or str(self.path)).value(variable) is not None


def is_capability(text: str) -> bool:
    """Whether a text has a key that only capability files have at their root."""
    return _OURS.search(text) is not None


def read(
    text: str,
    path: Path,
    environ: Mapping[str, str],
    *,
    root: Path | None = None,
    before: Reading | None = None,
) -> Reading:
    """The text that the file at a path will have when it is saved. `before` is what was known until now."""
    try:
        parsed = document.parse(text, str(path), path, root=root)
    except CapspecError as error:
        return Reading(
            path=path,
            text=text,
            document=before.document if before else None,
            capability=before.capability if before else None,
            data=before.data if before else {},
            current=False,
            problems=error.problems,
            _bindings=before._bindings if before else None,
        )
    capability, found = _understood(parsed, environ)
    return Reading(
        path=path,
        text=text,
        document=parsed,
        capability=capability or (before.capability if before else None),
        data=parsed.data,
        current=True,
        problems=_problems(text, path, environ, root),
        _bindings=found or (before._bindings if before else None),
    )


def _understood(parsed: Document, environ: Mapping[str, str]) -> tuple[Capability | None, Bindings | None]:
    try:
        capability = model.parse(parsed)
        return capability, bindings.resolve(capability, environ)
    except CapspecError:
        return None, None


def _problems(text: str, path: Path, environ: Mapping[str, str], root: Path | None) -> tuple[Problem, ...]:
    """What `capspec validate` says of it."""
    try:
        plan = app.load_plan(path, environ=environ, root=root, content=text.encode("utf-8", "surrogatepass"))
    except CapspecError as error:
        return error.problems
    return plan.warnings + plan.remarks
