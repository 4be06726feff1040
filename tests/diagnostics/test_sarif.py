"""Problems as a SARIF log: what the standard asks of one, as far as this tool writes it."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from capspec.diagnostics import entry_of
from capspec.diagnostics.sarif import sarif
from capspec.errors import Place, Problem, Related

_TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string", "minLength": 1}}}
_NUMBER = {"type": "integer", "minimum": 1}
_LEVEL = {"enum": ["none", "note", "warning", "error"]}
_REGION = {
    "type": "object",
    "additionalProperties": False,
    "required": ["startLine"],
    "properties": dict.fromkeys(("startLine", "startColumn", "endLine", "endColumn"), _NUMBER),
}
_LOCATION = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "id": {"type": "integer", "minimum": -1},
        "message": _TEXT,
        "physicalLocation": {
            "type": "object",
            "additionalProperties": False,
            "required": ["artifactLocation"],
            "properties": {
                "region": _REGION,
                "artifactLocation": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {"uri": {"type": "string", "format": "uri-reference"}},
                },
            },
        },
    },
}
_RULE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["id"],
    "properties": {
        "id": {"type": "string"},
        "shortDescription": _TEXT,
        "fullDescription": _TEXT,
        "help": {
            "type": "object",
            "required": ["text"],
            "additionalProperties": False,
            "properties": {"text": {"type": "string"}, "markdown": {"type": "string", "minLength": 1}},
        },
        "defaultConfiguration": {
            "type": "object",
            "properties": {"level": _LEVEL},
            "additionalProperties": False,
        },
    },
}
_RESULT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["message"],
    "properties": {
        "ruleId": {"type": "string"},
        "ruleIndex": {"type": "integer", "minimum": -1},
        "level": _LEVEL,
        "message": _TEXT,
        "occurrenceCount": _NUMBER,
        "locations": {"type": "array", "items": _LOCATION},
        "relatedLocations": {"type": "array", "items": _LOCATION, "uniqueItems": True},
    },
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["tool"],
                "properties": {
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "results": {"type": "array", "items": _RESULT},
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "additionalProperties": False,
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "rules": {"type": "array", "items": _RULE, "uniqueItems": True},
                                },
                            }
                        },
                    },
                },
            },
        },
    },
}
"""Those parts of the standard's schema (SARIF 2.1.0, errata 01) that a log of this tool has."""


def log(*problems: Problem, end: Place | None = None) -> dict[str, Any]:
    found = sarif(problems, version="1.2.3", end_of=lambda problem: end)
    jsonschema.validate(found, SCHEMA, format_checker=jsonschema.FormatChecker())
    return found


WRONG = Problem(
    code="CAP124", message="'FETCH' is no method", hint="use GET", place=Place("a b/c.yaml", 9, 37)
)


def test_a_log_without_problems_is_one_too() -> None:
    (run,) = log()["runs"]
    assert run["results"] == []
    assert run["tool"]["driver"] == {"name": "capspec", "version": "1.2.3", "rules": []}


def test_a_result_has_its_rule_from_the_catalogue() -> None:
    (run,) = log(WRONG, Problem(code="CAP107", message="m", severity="warning"), WRONG)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rule["id"] for rule in rules] == ["CAP107", "CAP124"]
    assert [rules[item["ruleIndex"]]["id"] for item in run["results"]] == ["CAP124", "CAP107", "CAP124"]
    entry = entry_of("CAP124")
    assert entry is not None
    assert rules[1]["fullDescription"]["text"] == entry.why
    assert "```yaml" in rules[1]["help"]["markdown"]


def test_a_result_says_where_and_how_to_mend_it() -> None:
    (run,) = log(WRONG, end=Place("a b/c.yaml", 9, 42))["runs"]
    (result,) = run["results"]
    assert result["message"]["text"] == "'FETCH' is no method; use GET"
    assert result["locations"] == [
        {
            "physicalLocation": {
                "artifactLocation": {"uri": "a%20b/c.yaml"},
                "region": {"startLine": 9, "startColumn": 37, "endLine": 9, "endColumn": 42},
            }
        }
    ]


def test_an_absolute_path_is_a_file_url() -> None:
    (run,) = log(Problem(code="CAP124", message="m", place=Place("/x/ü.yaml", 1, 1)))["runs"]
    location = run["results"][0]["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "file:///x/%C3%BC.yaml"


def test_a_problem_without_a_place_has_no_location() -> None:
    (run,) = log(Problem(code="CAP101", message="m"))["runs"]
    assert "locations" not in run["results"][0]


def test_other_places_and_how_often_are_told() -> None:
    related = (Related(Place("f", 2, 1), "the first one"), Related(Place("f", 5, 1), "m", again=True))
    (run,) = log(Problem(code="CAP319", message="m", count=7, related=related))["runs"]
    (result,) = run["results"]
    assert result["occurrenceCount"] == 7
    assert [item["message"]["text"] for item in result["relatedLocations"]] == ["the first one", "m"]


@pytest.mark.parametrize(
    ("severity", "level"), [("error", "error"), ("warning", "warning"), ("info", "note")]
)
def test_severities_are_levels(severity: Any, level: str) -> None:
    (run,) = log(Problem(code="CAP211", message="m", severity=severity))["runs"]
    assert run["results"][0]["level"] == level


def test_a_code_that_is_not_in_the_catalogue_is_a_rule_all_the_same() -> None:
    (run,) = log(Problem(code="X1", message="m"))["runs"]
    assert run["tool"]["driver"]["rules"] == [{"id": "X1"}]
