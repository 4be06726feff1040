"""Problems as workflow commands, escaped so that nothing in them can be taken for another command."""

from __future__ import annotations

import pytest

from capspec.diagnostics.workflow import workflow_command
from capspec.errors import Place, Problem


def test_marks_that_mean_something_are_escaped() -> None:
    place = Place("a,b:c%.yaml", 3, 5)
    command = workflow_command(Problem(code="CAP110", message="50% of\r\n::error::x", place=place), None)
    assert command == ("::error file=a%2Cb%3Ac%25.yaml,line=3,col=5,title=CAP110::50%25 of%0D%0A::error::x")
    assert "\n" not in command


def test_without_a_place_there_is_only_the_code() -> None:
    assert (
        workflow_command(Problem(code="CAP101", message="m", hint="h"), None) == "::error title=CAP101::m; h"
    )


def test_the_end_and_the_count_are_told() -> None:
    problem = Problem(code="CAP341", message="m", place=Place("f", 1, 2), count=3)
    command = workflow_command(problem, Place("f", 1, 6))
    assert (
        command == "::error file=f,line=1,col=2,endLine=1,endColumn=6,title=CAP341::m (and in 2 more places)"
    )


@pytest.mark.parametrize(
    ("severity", "word"), [("error", "error"), ("warning", "warning"), ("info", "notice")]
)
def test_severities_are_commands(severity: str, word: str) -> None:
    problem = Problem(code="CAP211", message="m", severity=severity)  # type: ignore[arg-type]
    assert workflow_command(problem, None).startswith(f"::{word} ")
