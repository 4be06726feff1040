"""What a step says of its script, to the texts of the files that run: read once, from below one folder."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from capspec.document import Document
from capspec.folders import Folder, locate
from capspec.scripting import language as languages
from capspec.scripting.governance import Rules
from capspec.scripting.language import Language

_LARGEST = 1024 * 1024
"""Bytes of one file."""

_SEGMENT = re.compile(r"[a-zA-Z0-9._-]+")

Files = tuple[tuple[str, str], ...]
"""Names and texts, in the order in which they run."""


class NotRunnable(Exception):
    """The script cannot run as it is written; `hint` says how to mend it."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A script. `language`, `location`, `timeout` (ms) and `statement_limit` are "" or 0 when its step says
    nothing of them.

    Files that a step does not place itself are read again when the default location changes, never else.
    """

    name: str
    file: str
    source: str
    dependencies: tuple[str, ...]
    language: str
    location: str
    timeout: int
    statement_limit: int
    document: Document
    _read: dict[str, Files] = field(default_factory=dict, repr=False, compare=False)

    def chosen(self, rules: Rules) -> Language:
        """The language that it is in. Raises NotRunnable."""
        name = self.language or rules.default_language or languages.guess(self.file)
        hint = f"use one of: {', '.join(languages.names())}"
        if not name:
            raise NotRunnable("it has no 'language', and there is no default", hint)
        if name.lower() == languages.GROOVY:
            raise NotRunnable(languages.NO_GROOVY, "write the script in JavaScript or Python")
        if name not in languages.names():
            raise NotRunnable(f"'{name}' is not a language that scripts may be in", hint)
        if not rules.allows(name):
            raise NotRunnable(f"{name} is not in the allowed languages", "see management.scripting")
        return languages.find(name)

    def files(self, rules: Rules) -> Files:
        """Its dependencies, and then itself. Raises NotRunnable when one cannot be read."""
        location = self.location or rules.default_location
        if location not in self._read:
            self._read[location] = self._all(location)
        return self._read[location]

    def _all(self, location: str) -> Files:
        wanted = (*self.dependencies, *(() if self.source else (self.file,)))
        folder = self._folder(location) if wanted else None
        found = [(name, _text(folder, name)) for name in wanted if folder is not None]
        return (*found, *(((self.name, self.source),) if self.source else ()))

    def _folder(self, location: str) -> Folder:
        """A location that begins with a slash may be anywhere; any other is in the folder of its document."""
        home = self.document.folder
        if not location and home is None:
            raise NotRunnable("it has no 'location', and there is no default", "add 'location: file:///…'")
        try:
            path = locate(location or ".", home)
            real = path.resolve(strict=True)
        except (ValueError, OSError, RuntimeError):
            raise NotRunnable(f"there is no folder '{location}'") from None
        if not real.is_dir():
            raise NotRunnable(f"'{location}' is not a folder", "name the folder, and the script as 'file'")
        if home is not None and path.is_relative_to(home) and not real.is_relative_to(self._jail(home)):
            raise NotRunnable(f"'{location}' leads out of the folder that it is in")
        return Folder(real)

    def _jail(self, home: Path) -> Path:
        home, root = home.resolve(), self.document.root
        around = home if root is None else root.resolve()
        return around if home.is_relative_to(around) else home


def _text(folder: Folder, name: str) -> str:
    parts = name.split("/")
    if not all(_SEGMENT.fullmatch(part) and part.strip(".") for part in parts):
        raise NotRunnable(f"'{name}' is not the name of a script", "use letters, digits, '.', '_' and '-'")
    try:
        return folder.read(name, _LARGEST).decode("utf-8-sig")
    except FileNotFoundError:
        raise NotRunnable(f"there is no script '{name}' at its location") from None
    except UnicodeDecodeError:
        raise NotRunnable(f"'{name}' is not UTF-8 text") from None
    except ValueError:
        raise NotRunnable(f"'{name}' is larger than {_LARGEST:,} bytes") from None
    except OSError:
        raise NotRunnable(f"'{name}' cannot be read") from None
