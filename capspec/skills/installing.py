"""The files of a skill to the folder of an agent: nothing of the user's is lost, and a second time changes
nothing.

A record beside them, in the format of `sha256sum`, says what was written. A file that is as the record has it
may be replaced or removed; any other is somebody else's. The script for shells keeps the same record.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final, Literal

from capspec.errors import Problem
from capspec.saving import InstallError, read_file, replace_file
from capspec.skills.archive import is_executable
from capspec.skills.contents import SkillFiles, is_offered

RECORD: Final = ".capspec.sha256"

BEGIN: Final = "# --- skills that capspec installed ---"
END: Final = "# --- end of skills that capspec installed ---"

_LINE = re.compile(r"([0-9a-f]{64}) [ *](.+)")
_READ = re.compile(r"^read *:", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Change:
    """What becomes of a file."""

    what: Literal["written", "removed"]
    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class _New:
    """A file of the skill as it is to be."""

    name: str
    content: bytes
    executable: bool

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def place(files: SkillFiles, folder: Path, *, force: bool = False, dry_run: bool = False) -> list[Change]:
    """Put a skill into a folder of its own; an empty list says that it was there already.

    Raises InstallError, before anything is written, with every file that is in the way and not ours; `force`
    replaces those.
    """
    if folder.is_symlink() and not force:
        raise InstallError(f"{folder} is a link", hint="--force follows it")
    new = list(_read(files))
    known = _record(folder)
    if not force:
        _check(new, folder, known)
    changes = [change for item in new for change in _write(item, folder, dry_run)]
    changes += _remove_old({item.name for item in new}, folder, known, dry_run)
    record = "".join(f"{item.digest}  {item.name}\n" for item in new).encode()
    if not dry_run and (changes or read_file(folder / RECORD) != record):
        replace_file(folder / RECORD, record)
    return changes


def _read(files: SkillFiles) -> Iterator[_New]:
    for item in files.list():
        try:
            with files.open(item.name) as file:
                yield _New(name=item.name, content=file.read(), executable=is_executable(file))
        except OSError as error:
            raise InstallError(f"the skill's file '{item.name}' cannot be read: {error.strerror}") from None


def _record(folder: Path) -> dict[str, str]:
    """Names to digests, as they were written the last time."""
    text = (read_file(folder / RECORD) or b"").decode("utf-8", "replace")
    found = (_LINE.fullmatch(line) for line in text.splitlines())
    return {match[2]: match[1] for match in found if match is not None and is_offered(match[2])}


def _check(new: list[_New], folder: Path, known: Mapping[str, str]) -> None:
    theirs = [path for item in new if not _is_ours(path := folder / PurePosixPath(item.name), item, known)]
    if theirs:
        message = "was changed, or put there by others"
        raise InstallError(
            [
                Problem(code=InstallError.code, message=f"{path} {message}", hint="--force replaces it")
                for path in theirs
            ]
        )


def _is_ours(path: Path, item: _New, known: Mapping[str, str]) -> bool:
    """Whether a file may be written over: it is not there, the same, or as it was written the last time."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        return False
    content = read_file(path)
    return (
        content is None
        or content == item.content
        or known.get(item.name) == hashlib.sha256(content).hexdigest()
    )


def _write(item: _New, folder: Path, dry_run: bool) -> Iterator[Change]:
    path = folder / PurePosixPath(item.name)
    if read_file(path) == item.content:
        return
    if not dry_run:
        replace_file(path, item.content)
        if item.executable:
            path.chmod(path.stat().st_mode | 0o111)
    yield Change("written", path)


def _remove_old(names: set[str], folder: Path, known: Mapping[str, str], dry_run: bool) -> Iterator[Change]:
    """What an earlier version had and this one has not goes, unless somebody has changed it."""
    for name, digest in known.items():
        path = folder / PurePosixPath(name)
        if name in names or path.is_symlink() or not path.is_file():
            continue
        if hashlib.sha256(read_file(path) or b"").hexdigest() != digest:
            continue
        if not dry_run:
            path.unlink()
        yield Change("removed", path)


# -- an agent that must be told what to read --------------------------------------------------------------


def read_at_start(settings: Path, file: Path, *, dry_run: bool = False) -> list[Change]:
    """Make a YAML file's list `read` name a file, in lines of our own; an empty list says that it does.

    Raises InstallError when it has such a list that is not ours.
    """
    written = (read_file(settings) or b"").decode("utf-8", "surrogateescape")
    entry = '  - "{}"'.format(re.sub(r'([\\"])', r"\\\1", str(file)))
    lines = written.splitlines()
    if entry in lines:
        return []
    if BEGIN in lines and END in lines:
        lines.insert(lines.index(END), entry)
        text = "\n".join(lines) + "\n"
    elif _READ.search(written):
        raise InstallError(
            f"{settings} has a list 'read' of its own", hint=f"add this line to it: {entry.strip()}"
        )
    else:
        gap = "" if not written or written.endswith("\n") else "\n"
        text = f"{written}{gap}{BEGIN}\nread:\n{entry}\n{END}\n"
    if not dry_run:
        replace_file(settings, text.encode("utf-8", "surrogateescape"))
    return [Change("written", settings)]
