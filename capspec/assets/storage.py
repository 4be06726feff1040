"""Bytes to files in a folder of our own, and back: each kept until the time that its name says.

A file is `capspec-<key>-<until>.<extension>`: the key is what finds it again, the time is seconds since the
epoch. While it is written its name ends in `.part`. Nothing else in the folder is ever touched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
import sys
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

NAME: Final = "capspec-assets"
_FILE = re.compile(r"capspec-([0-9a-f]{40})-([0-9]{1,15})\.([a-z0-9]{1,8})(\.[0-9a-f]{16}\.part)?")
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True)
class Kept:
    """A file of ours: its `name` on disk, and until when it is kept."""

    name: str
    until: int

    @property
    def extension(self) -> str:
        return self.name.rpartition(".")[2]


@dataclass(frozen=True, slots=True)
class Storage:
    """The folder. All methods block, and raise OSError. `chosen` says that the operator named it."""

    folder: Path
    chosen: bool = True

    def prepare(self) -> None:
        """Make the folder, for its owner only. Unless it was chosen, it must not be somebody else's."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.chosen and hasattr(os, "getuid"):
            status = self.folder.lstat()
            if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
                raise PermissionError(f"{self.folder} belongs to somebody else")

    def find(self, key: str, now: float) -> Kept | None:
        """The whole file of a key, the one that is kept longest."""
        kept = [Kept(name, until) for name, until, of, whole in self._ours() if whole and of == key]
        return max((item for item in kept if item.until > now), key=lambda item: item.until, default=None)

    def begin(self, key: str, extension: str, until: float) -> Part:
        """A new file that is not yet there."""
        name = f"capspec-{key}-{int(until)}.{extension}"
        path = self.folder / f"{name}.{secrets.token_hex(8)}.part"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _NO_LINKS, 0o600)
        return Part(os.fdopen(descriptor, "wb"), path, self.folder / name, Kept(name, int(until)))

    def open(self, name: str) -> tuple[BinaryIO, int]:
        """A file of ours and its size in bytes. FileNotFoundError is for what is not there, or not ours."""
        found = _FILE.fullmatch(name)
        if found is None or found[4]:
            raise FileNotFoundError(name)
        descriptor = os.open(self.folder / name, os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0))
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise FileNotFoundError(name)
        return os.fdopen(descriptor, "rb"), status.st_size

    def sweep(self, now: float) -> None:
        """Remove the files of ours whose time is over, half-written ones too."""
        for name, until, _, _ in self._ours():
            if until <= now:
                with contextlib.suppress(OSError):
                    (self.folder / name).unlink()

    def _ours(self) -> Iterator[tuple[str, int, str, bool]]:
        """Name, time, key and whether it is whole, of each file of ours; none when there is no folder."""
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return
        for name in names:
            found = _FILE.fullmatch(name)
            if found is not None:
                yield name, int(found[2]), found[1], not found[4]


@dataclass(frozen=True, slots=True)
class Part:
    """A file that is being written. `commit` or `discard` must be called."""

    file: BinaryIO
    path: Path
    goal: Path
    kept: Kept

    def write(self, chunk: bytes) -> None:
        self.file.write(chunk)

    def commit(self) -> Kept:
        """Put the whole file in its place at once."""
        self.file.close()
        os.replace(self.path, self.goal)
        return self.kept

    def discard(self) -> None:
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            self.path.unlink()


def key_of(parts: Iterable[str]) -> str:
    """One key for some texts: the same for the same ones, and for no others (SHA-256)."""
    joined = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(joined.encode("utf-8", "surrogatepass")).hexdigest()[:40]


def default_folder() -> Path:
    """Where assets are kept when nobody says where: with the user's caches, or else with temporary files."""
    home = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME", "")
    if os.path.isabs(home):
        return Path(home, NAME)
    try:
        user = Path.home()
    except RuntimeError:
        user = Path("/")
    caches = user / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    if user != Path("/") and os.access(caches if caches.is_dir() else user, os.W_OK):
        return caches / NAME
    owner = f"-{os.getuid()}" if hasattr(os, "getuid") else ""
    return Path(tempfile.gettempdir(), NAME + owner)
