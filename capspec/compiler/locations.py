"""A `location` to what it means on disk, and no further out than it says."""

from __future__ import annotations

from pathlib import Path

from capspec.document import Document
from capspec.folders import Folder, locate


def open_location(location: str, document: Document) -> tuple[Folder, str]:
    """A folder and "", or a file's folder and its name.

    `document` is the file that says so. A path that begins with a slash may be anywhere. Any other is
    relative to that file, and what it leads to must be in its folder, or in the root folder around that when
    there is one. Raises ValueError, saying what is wrong.
    """
    home = document.folder
    path = locate(location, home)
    inside = home is not None and path.is_relative_to(home)
    jail = path.parent.resolve()
    if home is not None and inside:
        path = home.resolve() / path.relative_to(home)
        jail = _jail(home.resolve(), document.root)
    try:
        real = path.resolve(strict=True)
    except (OSError, RuntimeError, ValueError):
        raise ValueError(f"there is no file or folder '{location}'") from None
    if real.is_dir() and (not inside or real.is_relative_to(jail)):
        return Folder(real), ""
    if not real.is_relative_to(jail):
        raise ValueError(f"'{location}' leads out of the folder that it is in")
    if not real.is_file():
        raise ValueError(f"'{location}' is neither a file nor a folder")
    # The name, and not what it is a link to now: a link may be given a new target while this is served.
    return Folder(jail), path.relative_to(jail if inside else path.parent).as_posix()


def _jail(home: Path, root: Path | None) -> Path:
    around = home if root is None else root.resolve()
    return around if home.is_relative_to(around) else home
