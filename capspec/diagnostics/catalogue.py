"""A diagnostic's code to what is known of it: one file each in `codes`, read when it is first asked for.

Such a file is Markdown: a heading that is the title, the severity, why it matters, how to mend it, and as a
rule an example that is wrong after `Wrong:` and the same mended after `Right:`. Blocks with a title are files
that lie beside the example.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Final, cast

from capspec.errors import Severity

PAGE: Final = "docs/diagnostics.md"
"""The page that all entries are on, in the project's folder."""

_ENTRY: Final = re.compile(
    r"# (?P<title>[^\n]+)\n\n(?P<severity>error|warning|info)\n\n(?P<why>.+?)\n\n(?P<mend>.+?)\n"
    r"(?:\nWrong:\n(?P<wrong>.+?)\nRight:\n(?P<right>.+))?",
    re.DOTALL,
)
_BLOCK: Final = re.compile(
    r'^```\w*(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """The text of a file, or of parts of its `capability`, and the files beside it by their names."""

    text: str
    beside: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One diagnostic. `wrong` gives it, and `right` does not; both are None where no text of a file can."""

    code: str
    title: str
    severity: Severity
    why: str
    mend: str
    wrong: Example | None
    right: Example | None
    text: str
    """The entry as it is written, without its heading."""


@cache
def codes() -> tuple[str, ...]:
    """All codes, sorted."""
    names = (item.name for item in files(__package__).joinpath("codes").iterdir())
    return tuple(sorted(name.removesuffix(".md") for name in names if name.startswith("CAP")))


@cache
def entry_of(code: str) -> Entry | None:
    """What is known of a code; None when there is no such code."""
    if code not in codes():
        return None
    written = files(__package__).joinpath("codes", f"{code}.md").read_text("utf-8")
    found = _ENTRY.fullmatch(written)
    if found is None:
        raise ValueError(f"the entry of {code} is not in the form of the others")
    return Entry(
        code=code,
        title=found["title"],
        severity=cast("Severity", found["severity"]),
        why=_line(found["why"]),
        mend=_line(found["mend"]),
        wrong=_example(found["wrong"]),
        right=_example(found["right"]),
        text=written.partition("\n\n")[2].partition("\n\n")[2],
    )


def entries() -> tuple[Entry, ...]:
    """Every entry, by code."""
    return tuple(entry for entry in map(entry_of, codes()) if entry is not None)


def why(code: str) -> str:
    """Why it matters, in one line; "" for a code that is not known."""
    entry = entry_of(code)
    return "" if entry is None else entry.why


def doc_of(code: str) -> str:
    """Where it is explained; "" for a code that is not known."""
    return f"{PAGE}#{code.lower()}" if code in codes() else ""


def _line(text: str) -> str:
    return " ".join(text.split())


def _example(section: str | None) -> Example | None:
    if section is None:
        return None
    blocks = [(found["title"], found["text"]) for found in _BLOCK.finditer(section)]
    own = [text for title, text in blocks if title is None]
    beside = {title: text for title, text in blocks if title is not None}
    return Example(text="".join(own), beside=beside)
