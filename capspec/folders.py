"""A location to a path; a folder and a name in it to the bytes of a file, none outside of the folder."""

from __future__ import annotations

import errno
import functools
import operator
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

_WANTED = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")
_FLAGS = functools.reduce(operator.or_, (getattr(os, name, 0) for name in _WANTED), os.O_RDONLY)
"""A link that takes a file's place after it was looked at is not followed, and a pipe does not block."""

_NO_NAMES = (errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL)
"""Errors that say that nothing can have the name."""


def locate(location: str, folder: Path | None) -> Path:
    """The path that a location means: a path, or a file URL (RFC 8089).

    One that does not begin with a slash is relative to `folder`, and so are the URLs `file:///./x` and
    `file://./x`. Raises ValueError for a relative one when there is no `folder`.
    """
    text = location
    if location[:5].lower() == "file:":
        text = unquote(location[5:])
        if text.startswith(("///./", "///../", "//localhost/")):
            text = text.removeprefix("///").removeprefix("//localhost")
        else:
            text = text.removeprefix("//")
    path = Path(text)
    if path.is_absolute():
        return path
    if folder is None:
        raise ValueError(f"{location} is relative, and the capability was not read from a file")
    return folder / path


@dataclass(frozen=True, slots=True)
class File:
    """A file that may be read. `name` is its path below the folder, with slashes; `size` is in bytes."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class Folder:
    """The files below `root`, a real path. A link counts as what it leads to, if that is below `root` too."""

    root: Path

    def files(self, limit: int) -> list[File]:
        """The files whose names show, sorted, at most `limit`. What cannot be read is left out."""
        found: list[File] = []
        if self.root.resolve() == self.root:
            for file in self._below(self.root, ""):
                found.append(file)
                if len(found) == limit:
                    break
        return found

    def size(self, name: str) -> int | None:
        """The size of one file in bytes, None when it cannot be read."""
        try:
            descriptor = self._open(name)
        except OSError:
            return None
        try:
            status = os.fstat(descriptor)
        finally:
            os.close(descriptor)
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def read(self, name: str, limit: int) -> bytes:
        """The whole file.

        Raises FileNotFoundError when there is no such file here, another OSError when it cannot be read, and
        ValueError with its size in bytes as the argument when that is over `limit`.
        """
        with self.open(name) as file:
            size = os.fstat(file.fileno()).st_size
            content = file.read(limit + 1)
        if len(content) > limit:
            raise ValueError(max(size, len(content)))
        return content

    def open(self, name: str) -> BinaryIO:
        """The file, to be closed by whoever asked for it.

        Raises FileNotFoundError when there is no such file here, another OSError when it cannot be read.
        """
        descriptor = self._open(name)
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise FileNotFoundError(name)
        return os.fdopen(descriptor, "rb")

    def _open(self, name: str) -> int:
        path = self._real(self.root / name) if "\0" not in name else None
        if path is None or path == self.root:
            raise FileNotFoundError(name)
        try:
            return os.open(path, _FLAGS)
        except OSError as error:
            if error.errno in _NO_NAMES:
                raise FileNotFoundError(name) from error
            raise

    def _below(self, folder: Path, prefix: str) -> Iterator[File]:
        try:
            with os.scandir(folder) as entries:
                shown = sorted(
                    (entry for entry in entries if is_shown(entry.name)), key=lambda entry: entry.name
                )
        except OSError:
            return
        for entry in shown:
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(folder / entry.name, f"{prefix}{entry.name}/")
            elif (size := self._entry_size(entry)) is not None:
                yield File(prefix + entry.name, size)

    def _entry_size(self, entry: os.DirEntry[str]) -> int | None:
        """The size of a regular file; None for anything else, and for a link that leads out or nowhere."""
        if entry.is_symlink() and self._real(Path(entry.path)) is None:
            return None
        try:
            status = entry.stat()
        except OSError:
            return None
        return status.st_size if stat.S_ISREG(status.st_mode) else None

    def _real(self, path: Path) -> Path | None:
        """Where a path leads, None when that is not below the root or a link leads to itself."""
        try:
            real = path.resolve()
        except (OSError, RuntimeError):
            return None
        return real if real.is_relative_to(self.root) else None


def is_shown(segment: str) -> bool:
    """Whether a file or folder of this name may be offered: it is not hidden, and nothing but a name."""
    return bool(segment) and not segment.startswith(".") and not set(segment) & {"/", "\\", "\0"}
