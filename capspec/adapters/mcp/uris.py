"""A uri to the values of a template's variables, and a folder's files to uris and back."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from urllib.parse import quote, unquote, unquote_to_bytes

from capspec.folders import is_shown
from capspec.plan import PathVariable

URI_LIMIT = 4096
"""Characters of a uri that is looked at."""


class UriPattern:
    """Matches uris against a template: `{x}` is one segment, `{+x}` all that is between its neighbours.

    Matching never goes back over a variable but the last one and the one of many segments, so that its time
    does not grow faster than the square of a uri's length.
    """

    __slots__ = ("_names", "_regex")

    def __init__(self, parts: Sequence[str | PathVariable]) -> None:
        self._names = [part.name for part in parts if isinstance(part, PathVariable)]
        pattern, pending = "", ""
        for index, part in enumerate(parts, 1):
            if isinstance(part, PathVariable):
                pattern += pending
                pending = "(.+)" if part.greedy else "([^/]+)"
            elif pending == "([^/]+)" and index < len(parts):
                # The first place where the literal stands: what follows cannot do better with a later one.
                pattern += f"(?>([^/]+?){re.escape(part)})"
                pending = ""
            else:
                pattern += pending + re.escape(part)
                pending = ""
        self._regex = re.compile(pattern + pending, re.DOTALL)

    def match(self, uri: str) -> dict[str, str] | None:
        """The variables' values, percent-decoded; None when the uri is another."""
        found = self._regex.fullmatch(uri) if len(uri) <= URI_LIMIT else None
        if found is None:
            return None
        try:
            values = [unquote(text, errors="strict") for text in found.groups()]
        except UnicodeDecodeError:
            return None
        return dict(zip(self._names, values, strict=True))


def file_uri(base: str, name: str) -> str:
    """The uri of a file at `name` below a folder, percent-encoded byte by byte: names need not be UTF-8."""
    return f"{base.rstrip('/')}/{quote(os.fsencode(name))}"


def file_name(base: str, uri: str) -> str | None:
    """The name of the file that a uri below a folder's means; None for one that no file can have."""
    prefix = f"{base.rstrip('/')}/"
    rest = uri.removeprefix(prefix)
    if not uri.startswith(prefix) or len(uri) > URI_LIMIT or set(rest) & {"?", "#"}:
        return None
    segments = [os.fsdecode(unquote_to_bytes(segment)) for segment in rest.split("/")]
    return "/".join(segments) if all(map(is_shown, segments)) else None
