"""The catalogue to one page of Markdown, and one entry of it to a text for a terminal."""

from __future__ import annotations

import re

from capspec.diagnostics.catalogue import Entry, entries

_TITLED = re.compile(r'^```\w* title="([^"]+)"$', re.MULTILINE)

FAMILIES = {
    "0": "Anything",
    "1": "The file",
    "2": "Binds and variables",
    "3": "What the file says does not work",
    "4": "Serving",
    "5": "Installing",
    "6": "Calls",
    "7": "Style and rewriting",
}
"""What the first digit of a code says: the phase."""

_OPENING = """\
# Diagnostics

Everything that `capspec` can say is wrong, by its code. `capspec explain CODE` prints one of these entries;
this page is what `capspec explain --markdown` prints.

An **error** stops the file from being served; a **warning** stops something in it, and the rest works;
**info** is only worth knowing. Codes keep their meaning: one that is no longer used is not given to
anything else.

Examples without a root key show parts of a `capability`; the API `shop` with its operation `get-order` is
understood where they do not have it.

## How they are told

`capspec validate FILE…` prints every problem of every file, sorted by their places. What has one cause in
many places is one problem with a count, and what only follows from another problem is not told.

| `--format` | what is printed |
|---|---|
| `text` | for people: see below |
| `json` | an array of objects with the members below |
| `sarif` | a log in SARIF 2.1.0, whose rules are the entries of this page |
| `github` | workflow commands, which GitHub Actions shows at the lines of the file |

A problem as text begins with `file:line:column: severity CODE message`. The line of the file follows, with
marks under what is wrong; then `hint` (how to mend it), `see` (other places that matter), `also` (where else
it is), and once for each code `why`.

| member | what it is |
|---|---|
| `code`, `message`, `hint` | texts; the hint may be "" |
| `severity` | `error`, `warning` or `info` |
| `why` | why it matters, as on this page |
| `file`, `line`, `column` | where it begins, counted from 1; null when it is nowhere in a file |
| `endLine`, `endColumn` | behind its last character; null when that is not known |
| `count` | how many places have it |
| `related` | other places: objects with `message`, `file`, `line`, `column` |
| `doc` | its anchor on this page |

Literals in the shown line that look like secrets are masked, and control characters are spelled out. Members
may be added, and keep their meaning.

The exit code is 0 without errors, 1 with at least one (with `--strict` also for a warning), and 2 for a wrong
command line. `info` never fails.
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
