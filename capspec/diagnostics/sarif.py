"""Problems to a SARIF log (OASIS, 2.1.0), as code hosts and editors read it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from urllib.parse import quote

from capspec.diagnostics.catalogue import Entry, entry_of
from capspec.errors import Place, Problem, Severity
from capspec.values import Json

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "note"}

EndOf = Callable[[Problem], Place | None]
"""Where what is wrong ends, None when that is not known."""


def sarif(problems: Iterable[Problem], *, version: str, end_of: EndOf) -> dict[str, Json]:
    """One run of the tool. Its rules are the entries of the codes that the problems have."""
    listed = list(problems)
    codes = sorted({problem.code for problem in listed})
    positions = {code: index for index, code in enumerate(codes)}
    driver: dict[str, Json] = {
        "name": "capspec",
        "version": version,
        "rules": [_rule(code) for code in codes],
    }
    results: list[Json] = [_result(problem, positions[problem.code], end_of(problem)) for problem in listed]
    run: dict[str, Json] = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results}
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Json]:
    entry = entry_of(code)
    return {"id": code} if entry is None else _described(entry)


def _described(entry: Entry) -> dict[str, Json]:
    return {
        "id": entry.code,
        "shortDescription": {"text": entry.title},
        "fullDescription": {"text": entry.why},
        "help": {"text": entry.mend, "markdown": entry.text},
        "defaultConfiguration": {"level": _LEVELS[entry.severity]},
    }


def _result(problem: Problem, rule: int, end: Place | None) -> dict[str, Json]:
    mend = f"; {problem.hint}" if problem.hint else ""
    result: dict[str, Json] = {
        "ruleId": problem.code,
        "ruleIndex": rule,
        "level": _LEVELS[problem.severity],
        "message": {"text": problem.message + mend},
        "occurrenceCount": problem.count,
    }
    if problem.place is not None:
        result["locations"] = [_location(problem.place, end)]
    if problem.related:
        result["relatedLocations"] = [
            {"id": number, "message": {"text": item.message}, **_location(item.place, None)}
            for number, item in enumerate(problem.related, start=1)
        ]
    return result


def _location(place: Place, end: Place | None) -> dict[str, Json]:
    region: dict[str, Json] = {"startLine": place.line, "startColumn": place.column}
    if end is not None:
        region |= {"endLine": end.line, "endColumn": end.column}
    return {"physicalLocation": {"artifactLocation": {"uri": _uri(place.source)}, "region": region}}


def _uri(source: str) -> str:
    """A relative path as a relative reference (RFC 3986), an absolute one as a file URL."""
    path = Path(source)
    return path.as_uri() if path.is_absolute() else quote(path.as_posix())
