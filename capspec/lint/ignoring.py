"""Problems and the files that they are in to the problems that nobody asked not to hear of.

A comment `# capspec: ignore CAP740` silences a line, at its end or on a line of its own above; a list
`x-capspec-ignore` at the root silences the whole file. Both name codes, or the names of rules. Errors stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from capspec.document import Document
from capspec.errors import Place, Problem

KEY: Final = "x-capspec-ignore"

_COMMENT = re.compile(r"#\s*capspec:\s*ignore\b(?P<what>[^#]*)")
_WORD = re.compile(r"[A-Za-z][\w-]*")


def without_ignored(
    problems: Iterable[Problem], documents: Mapping[str, Document], names: Mapping[str, tuple[str, ...]]
) -> list[Problem]:
    """`documents` by their names in places; `names` are what a code may be called besides."""
    files = {source: _Ignored(document) for source, document in documents.items()}
    return [
        problem
        for problem in problems
        if problem.severity == "error"
        or problem.place is None
        or problem.place.source not in files
        or not files[problem.place.source].silences(
            problem.place, {problem.code, *names.get(problem.code, ())}
        )
    ]


class _Ignored:
    """What one file does not want to hear of."""

    def __init__(self, document: Document) -> None:
        self.document = document
        said = document.data.get(KEY)
        words = said if isinstance(said, list) else [said]
        self.everywhere = {word for item in words if isinstance(item, str) for word in _WORD.findall(item)}
        self.comments = "capspec:" in document.text

    def silences(self, place: Place, names: set[str]) -> bool:
        return bool(names & self.everywhere) or (self.comments and self._on_line(place, names))

    def _on_line(self, place: Place, names: set[str]) -> bool:
        above = self.document.line(place.line - 1)
        lines = [self.document.line(place.line), *([above] if above.lstrip().startswith("#") else [])]
        for line in lines:
            found = _COMMENT.search(line)
            if found is not None and (
                not _WORD.search(found["what"]) or names & set(_WORD.findall(found["what"]))
            ):
                return True
        return False
