"""The catalogue to one page of Markdown, and one entry of it to a text for a terminal."""

from __future__ import annotations

import re

from capspec.diagnostics.catalogue import Entry, entries

_TITLED = re.compile(r'^```(?:yaml)? title="([^"]+)"$', re.MULTILINE)

FAMILIES = {
    "0": "Anything",
    "1": "The file",
    "2": "Binds and variables",
    "3": "What the file says does not work",
    "4": "Serving",
    "5": "Installing",
    "6": "Calls",
}
"""What the first digit of a code says: the phase."""

_OPENING = """\
# Diagnostics

Everything that `capspec` can say is wrong, by its code. `capspec explain CODE` prints one of these entries;
this page is what `capspec explain --markdown` prints.

An **error** stops the file from being served; a **warning** stops something in it, and the rest works; **info** is only
worth knowing. Codes keep their meaning: one that is no longer used is not given to anything else.
"""


def page() -> str:
    """The whole page."""
    parts = [_OPENING, _index()]
    for digit, family in FAMILIES.items():
        found = [entry for entry in entries() if entry.code[3] == digit]
        if found:
            parts += [f"## {family}\n", *map(_section, found)]
    return "\n".join(parts)


def entry_text(entry: Entry) -> str:
    """An entry for a terminal: no marks of Markdown but backquotes, examples set in."""
    body = _TITLED.sub(r"  (\1)\n```", entry.text)
    lines, inside = [], False
    for line in body.splitlines():
        if line.startswith("```"):
            inside = not inside
        else:
            lines.append(f"    {line}".rstrip() if inside else line)
    return f"{entry.code} ({entry.severity}): {entry.title}\n\n" + "\n".join(lines).strip() + "\n"


def _index() -> str:
    rows = (f"| [{item.code}](#{item.code.lower()}) | {item.severity} | {item.title} |" for item in entries())
    return "\n".join(["| code | severity | what |", "|---|---|---|", *rows]) + "\n"


def _section(entry: Entry) -> str:
    return f"### {entry.code}\n\n**{entry.title}** ({entry.severity})\n\n{entry.text}"
