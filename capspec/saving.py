"""Bytes to files on somebody's machine: replaced whole or not at all, and never where a link was followed
unawares."""

from __future__ import annotations

import os
import stat
import tempfile
from contextlib import suppress
from pathlib import Path

from capspec.errors import CapspecError


class InstallError(CapspecError):
    """Something cannot be put where it belongs, or is in the way there."""

    code = "CAP500"


def replace_file(path: Path, content: bytes, *, mode: int | None = None) -> None:
    """Write a file, and its folders when they are not there.

    A link is followed, so that what it leads to is written and the link stays. A file that is there keeps its
    permissions; `mode` is those of a new one, by default what the process's mask leaves of 0o666. Raises
    InstallError.
    """
    try:
        _replace(_followed(path), content, mode)
    except OSError as error:
        raise InstallError(f"{path} cannot be written: {error.strerror or error}") from None


def read_file(path: Path) -> bytes | None:
    """The contents of a file, None when there is none. Raises InstallError when it cannot be read."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InstallError(f"{path} cannot be read: {error.strerror or error}") from None


def _followed(path: Path) -> Path:
    return path.resolve() if path.is_symlink() else path


def _replace(path: Path, content: bytes, mode: int | None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".new")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(_mode_of(path, mode))
        os.replace(name, path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def _mode_of(path: Path, mode: int | None) -> int:
    try:
        return stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        pass
    if mode is not None:
        return mode
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
