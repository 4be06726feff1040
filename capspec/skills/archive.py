"""The files of a skill to a zip archive, in chunks: only one of them is in memory at a time."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from io import RawIOBase
from typing import BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from capspec.folders import File
from capspec.skills.contents import SkillFiles

CHUNK = 64 * 1024
_LARGE = 2**31 - 1
"""Bytes from which on a member needs the larger headers (APPNOTE 6.3.9, 4.5.3)."""

_UNIX = 3
_EPOCH = (1980, 1, 1, 0, 0, 0)
"""The earliest time that an archive can hold: the same files make the same archive at any time."""


class _Sink(RawIOBase):
    """A file that can only be written to, and forgets what was taken from it."""

    def __init__(self) -> None:
        super().__init__()
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: bytes | bytearray | memoryview) -> int:  # type: ignore[override]
        self._parts.append(bytes(data))
        return len(data)

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken


def zipped(files: SkillFiles, listing: list[File]) -> Iterator[bytes]:
    """The archive of some files, under their names. What has gone meanwhile is left out.

    A file that its owner may execute stays so. Blocks; raises OSError.
    """
    sink = _Sink()
    with ZipFile(sink, "w", ZIP_DEFLATED, compresslevel=6) as archive:
        for item in listing:
            try:
                file = files.open(item.name)
            except FileNotFoundError:
                continue
            with file:
                yield from _member(archive, sink, item, file)
    yield sink.take()


def _member(archive: ZipFile, sink: _Sink, item: File, file: BinaryIO) -> Iterator[bytes]:
    info = ZipInfo(item.name, _EPOCH)
    info.compress_type = ZIP_DEFLATED
    info.create_system = _UNIX
    info.external_attr = (stat.S_IFREG | (0o755 if is_executable(file) else 0o644)) << 16
    with archive.open(info, "w", force_zip64=item.size >= _LARGE) as member:
        while chunk := file.read(CHUNK):
            member.write(chunk)
            if taken := sink.take():
                yield taken


def is_executable(file: BinaryIO) -> bool:
    """Whether the owner of an open file may execute it."""
    try:
        return bool(os.fstat(file.fileno()).st_mode & stat.S_IXUSR)
    except OSError:
        return False
