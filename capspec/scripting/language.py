"""A language that scripts may be in, by its word in a file or by a file's name."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from capspec import registry

GROOVY = "groovy"

NO_GROOVY = "there is no engine for Groovy that keeps a script away from the machine it runs on"
"""Groovy is only to be had on a Java virtual machine, whose own sandbox is gone (JEP 486)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """`engine` is the library that has it, as it is imported; `sandbox` an import string of what opens it."""

    name: str
    title: str
    suffixes: tuple[str, ...]
    engine: str
    sandbox: str

    @property
    def roots(self) -> tuple[str, ...]:
        """The folders that the worker imports from: that of this package and that of the engine."""
        here = Path(__file__).resolve().parents[2]
        found = importlib.util.find_spec(self.engine)
        engine = [str(Path(found.origin).parents[1])] if found and found.origin else []
        return tuple(dict.fromkeys([str(here), *engine]))

    @property
    def is_installed(self) -> bool:
        return importlib.util.find_spec(self.engine) is not None


def names() -> tuple[str, ...]:
    """The words of the languages that there are."""
    return registry.names("script")


def find(name: str) -> Language:
    """Raises registry.UnknownExtension."""
    found: Language = registry.find("script", name)
    return found


def guess(file: str) -> str:
    """The word of the language that a file is in by its name, "" when the name does not say."""
    suffix = PurePosixPath(file).suffix.lower()
    if suffix == ".groovy":
        return GROOVY
    return next((name for name in names() if suffix in find(name).suffixes), "")
