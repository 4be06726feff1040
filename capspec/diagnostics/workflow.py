"""A problem to a workflow command of GitHub Actions, which becomes a note at the line of the file."""

from __future__ import annotations

from capspec.errors import Place, Problem, Severity

_COMMANDS: dict[Severity, str] = {"error": "error", "warning": "warning", "info": "notice"}
_DATA = {"%": "%25", "\r": "%0D", "\n": "%0A"}
_PROPERTY = {**_DATA, ":": "%3A", ",": "%2C"}


def workflow_command(problem: Problem, end: Place | None) -> str:
    """`::error file=…,line=…,col=…,title=CODE::message`, escaped as the runner undoes it."""
    properties: dict[str, object] = {}
    if problem.place is not None:
        properties = {"file": problem.place.source, "line": problem.place.line, "col": problem.place.column}
    if end is not None:
        properties |= {"endLine": end.line, "endColumn": end.column}
    properties["title"] = problem.code
    written = ",".join(f"{name}={_escaped(str(value), _PROPERTY)}" for name, value in properties.items())
    mend = f"; {problem.hint}" if problem.hint else ""
    text = _escaped(f"{problem.message}{problem.others}{mend}", _DATA)
    return f"::{_COMMANDS[problem.severity]} {written}::{text}"


def _escaped(text: str, marks: dict[str, str]) -> str:
    return "".join(marks.get(character, character) for character in text)
