"""A skill to its files: those of its folder that may be seen, and a SKILL.md where it has none."""

from __future__ import annotations

import io
import mimetypes
from dataclasses import dataclass
from typing import BinaryIO, Final

from capspec.errors import Unavailable
from capspec.folders import File, is_shown
from capspec.plan.skills import Skill

MANUAL: Final = "SKILL.md"
"""The file that an agent reads first."""

MOST_FILES: Final = 2000
"""Files of one skill: an agent's client copies all of them."""

OCTETS: Final = "application/octet-stream"

_KNOWN = mimetypes.MimeTypes()
for _extension, _type in {
    ".cfg": "text/plain",
    ".ini": "text/plain",
    ".jsonl": "application/jsonl",
    ".log": "text/plain",
    ".md": "text/markdown",
    ".rst": "text/x-rst",
    ".toml": "application/toml",
    ".ts": "text/plain",
    ".webp": "image/webp",
    ".yaml": "application/yaml",
    ".yml": "application/yaml",
}.items():
    _KNOWN.add_type(_type, _extension)


@dataclass(frozen=True, slots=True)
class SkillFiles:
    """The files of one skill. `manual` is the SKILL.md of a skill that brings none. All methods block."""

    skill: Skill
    manual: bytes

    def list(self) -> list[File]:
        """All of them, sorted by name. Raises Unavailable when they are too many."""
        folder = self.skill.folder
        found = [] if folder is None else folder.files(MOST_FILES + 1)
        if len(found) > MOST_FILES:
            raise Unavailable(f"the folder of skill '{self.skill.name}' has more than {MOST_FILES:,} files")
        found = [file for file in found if is_offered(file.name)]
        if all(file.name != MANUAL for file in found):
            found.append(File(MANUAL, len(self.manual)))
        return sorted(found, key=lambda file: file.name)

    def open(self, name: str) -> BinaryIO:
        """A file, to be closed by whoever asked for it. Raises FileNotFoundError, or another OSError."""
        if not is_offered(name):
            raise FileNotFoundError(name)
        if self.skill.folder is not None:
            try:
                return self.skill.folder.open(name)
            except FileNotFoundError:
                if name != MANUAL:
                    raise
        if name == MANUAL:
            return io.BytesIO(self.manual)
        raise FileNotFoundError(name)


def is_offered(name: str) -> bool:
    """Whether a path below a skill's folder may be seen: nothing hidden, and nothing that cannot be shown.

    A name with a line end or a lone surrogate in it would be another one wherever it is unpacked.
    """
    return name.isprintable() and all(map(is_shown, name.split("/")))


def media_type_of(name: str) -> str:
    """The media type that a file's extension says, the same on every machine."""
    kind, encoding = _KNOWN.guess_type(name)
    if encoding is not None:
        return "application/gzip" if encoding == "gzip" else OCTETS
    return kind or OCTETS
