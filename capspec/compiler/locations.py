"""A `location` to what it means on disk, and no further out than it says."""

from __future__ import annotations

from capspec.document import Document
from capspec.errors import BindError
from capspec.folders import Folder


def open_location(location: str, document: Document) -> tuple[Folder, str]:
    """A folder and "", or a file's folder and its name.

    A path that begins with a slash may be anywhere. Any other is relative to the capability file, and what
    it leads to must be in the file's folder. Raises ValueError, saying what is wrong.
    """
    from capspec.binds.file import locate  # noqa: PLC0415 - imports python-dotenv

    home = None if document.path is None else document.path.parent.absolute()
    try:
        path = locate(location, home)
    except BindError as error:
        raise ValueError(error.problems[0].message) from None
    inside = home is not None and path.is_relative_to(home)
    jail = home.resolve() if home is not None and inside else path.parent.resolve()
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
    return Folder(jail), path.relative_to(home if home is not None and inside else path.parent).as_posix()
