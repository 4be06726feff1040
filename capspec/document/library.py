"""A location in one Document to the Document there: within a root folder, each file read once.

Only files are read, never the network, and what a link leads to must be below the root folder as well.
"""

from __future__ import annotations

import difflib
import os
import re
from pathlib import Path
from typing import Final

from capspec.document.document import Document, parse
from capspec.document.text import Limits
from capspec.errors import LoadError, Problem
from capspec.folders import Folder, locate

REFUSED: Final = "CAP141"
FORBIDDEN: Final = "CAP149"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
_LIMITS: Final = Limits()


class Library:
    """The files around a main Document. Its root folder is `main.root`, or the folder that it is in."""

    def __init__(self, main: Document) -> None:
        self.main = main
        self._shown = main.root if main.root is not None or main.path is None else main.path.parent
        self._root = None if self._shown is None else _real(self._shown)
        self._known: dict[Path, Document | LoadError] = {}
        if main.path is not None:
            self._known[_real(main.path)] = main

    def open(self, location: str, asking: Document) -> Document:
        """The file that `location` means in `asking`.

        Raises LoadError: CAP141 when it cannot be read and CAP149 when it may not be, both without a place,
        and as `parse` does.
        """
        real = self._find(location, asking)
        found = self._known.get(real)
        if found is None:
            found = self._known[real] = self._read(real, location)
        if isinstance(found, LoadError):
            raise found
        return found

    def _find(self, location: str, asking: Document) -> Path:
        """The real path, which is below the root."""
        scheme = _SCHEME.match(location)
        if scheme is not None and scheme[1].lower() != "file":
            message = f"'{location}' is not a file, and nothing is imported over a network"
            raise _refusal(message, "download it, and import the copy", code=FORBIDDEN)
        try:
            path = locate(location, asking.folder)
        except ValueError as error:
            raise _refusal(str(error)) from None
        try:
            real = _real(path)
        except (OSError, RuntimeError, ValueError):
            raise _refusal(f"'{location}' leads nowhere", "check the path") from None
        if self._root is None:
            nowhere = f"'{location}' is in no folder that may be read from"
            raise _refusal(nowhere, "name one with --root DIR", code=FORBIDDEN)
        if not real.is_relative_to(self._root):
            outside = f"'{location}' leads out of '{self._shown}', the folder that may be imported from"
            raise _refusal(outside, _way_out(self._root, real), code=FORBIDDEN)
        return real

    def _read(self, real: Path, location: str) -> Document | LoadError:
        assert self._root is not None
        assert self._shown is not None
        name = real.relative_to(self._root)
        source = str(self._shown / name)
        try:
            data = Folder(self._root).read(str(name), _LIMITS.bytes)
            return parse(data, source, real, root=self.main.root or self._root)
        except FileNotFoundError:
            what = "is a folder" if real.is_dir() else "does not exist"
            return _refusal(f"'{location}' {what}", _near(real))
        except OSError as error:
            return _refusal(f"'{location}' cannot be read: {error.strerror or 'it is no file'}")
        except ValueError:
            return _refusal(f"'{location}' is larger than the {_LIMITS.bytes:,} bytes allowed")
        except LoadError as error:
            return error


def _real(path: Path) -> Path:
    return path.absolute().resolve()


def _way_out(root: Path, real: Path) -> str:
    try:
        around = Path(os.path.commonpath([root, real.parent]))
    except ValueError:  # another drive
        around = Path(root.anchor)
    if around == around.parent:
        return "keep what is imported below one folder with the file that imports it"
    return f"allow it with --root {around}"


def _near(path: Path) -> str:
    try:
        names = [entry.name for entry in path.parent.iterdir()]
    except OSError:
        return "check the path"
    near = difflib.get_close_matches(path.name, names, n=1)
    return f"did you mean '{near[0]}'?" if near and near[0] != path.name else "check the path"


def _refusal(message: str, hint: str = "", *, code: str = REFUSED) -> LoadError:
    return LoadError(Problem(code=code, message=message, hint=hint))
