"""The rules for scripts: what a file says of them, how they change while it runs, and what is counted."""

from __future__ import annotations

import pytest

from capspec import document
from capspec.errors import InputError
from capspec.node import Node
from capspec.scripting.governance import Governance, Rules, Statistics, parse_rules, rules_of

SPOKEN = """
capspec: "1"
capability:
  exposes:
    - {type: mcp, port: 1}
    - {type: control, port: 2}
    - type: control
      port: 3
      management: {scripting: {defaultLanguage: python, timeout: 5000, statementLimit: 7, enabled: true,
        defaultLocation: 'file:///srv/scripts', allowedLanguages: [python, groovy]}}
"""


def root(text: str) -> Node:
    return Node.root(document.parse(text, "cap.yaml"))


def block(text: str) -> Node:
    found = root(text).get("scripting")
    assert found is not None
    return found


def test_the_first_control_adapter_that_says_something_counts():
    found = rules_of(root(SPOKEN))
    assert found == Rules(
        default_language="python",
        timeout=5000,
        statement_limit=7,
        default_location="file:///srv/scripts",
        allowed_languages=("python",),
    )
    assert rules_of(root("capspec: '1'\ncapability: {exposes: [{type: control, port: 1}]}")) is None
    assert rules_of(root("capspec: '1'\nexposes: [{type: control, management: {scripting: {}}}]")) == Rules()


def test_groovy_among_the_allowed_languages_is_a_warning():
    node = block("scripting: {allowedLanguages: [groovy, javascript]}")
    assert parse_rules(node).allowed_languages == ("javascript",)
    assert ["Groovy" in problem.message for problem in node.report.warnings] == [True]


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("timeout: 0", "'timeout' should be a whole number, 1 or more"),
        ("timeout: 1.5", "'timeout' should be a whole number, 1 or more"),
        ("statementLimit: many", "'statementLimit' should be a whole number"),
        ("enabled: 1", "'enabled' should be true or false"),
        ("defaultLanguage: ruby", "'defaultLanguage' should be one of javascript, python"),
        ("defaultLanguage: groovy", "'defaultLanguage' should be one of javascript, python"),
        ("allowedLanguages: [perl]", "'allowedLanguages' should be a list of javascript, python"),
        ("allowedLanguages: python", "'allowedLanguages' should be a list of javascript, python"),
        ("defaultLocation: scripts", "'defaultLocation' should be an absolute file URL"),
        ("defaultLocation: 'http://example.com/x'", "'defaultLocation' should be an absolute file URL"),
        ("defaultLocation: 'file:///./x'", "'defaultLocation' should be an absolute file URL"),
    ],
)
def test_what_is_wrong_is_said_at_its_place_and_refused_as_a_change(written, said):
    node = block(f"scripting: {{{written}}}")
    assert parse_rules(node) == Rules()
    (problem,) = node.report.errors
    assert said in problem.message
    assert problem.code == "CAP347"
    governance = Governance()
    with pytest.raises(InputError) as caught:
        governance.change(node.value)
    assert said in caught.value.problems[0].message
    assert governance.rules == Rules()


def test_a_key_that_nobody_knows_is_a_warning_in_a_file_and_an_error_in_a_change():
    node = block("scripting: {timeOut: 5}")
    parse_rules(node)
    assert ["timeOut" in problem.message for problem in node.report.warnings] == [True]
    with pytest.raises(InputError, match="'timeOut' is not known"):
        Governance().change({"timeOut": 5})


def test_a_change_holds_at_once_and_only_for_what_it_names():
    governance = Governance(Rules(default_language="python"))
    governance.change({"enabled": False, "timeout": 10_000, "allowedLanguages": ["javascript"]})
    assert governance.rules == Rules(
        default_language="python", enabled=False, timeout=10_000, allowed_languages=("javascript",)
    )
    assert not governance.rules.allows("python")
    governance.change({"enabled": True, "statementLimit": 200_000, "defaultLocation": "file:///a/b"})
    assert governance.state() == {
        "enabled": True,
        "defaultLocation": "file:///a/b",
        "defaultLanguage": "python",
        "timeout": 10_000,
        "statementLimit": 200_000,
        "allowedLanguages": ["javascript"],
        "stats": {"totalExecutions": 0, "totalErrors": 0, "averageDurationMs": 0.0},
    }


def test_a_change_with_mistakes_changes_nothing_and_names_them_all():
    governance = Governance()
    with pytest.raises(InputError) as caught:
        governance.change({"timeout": 5, "statementLimit": True, "enabled": "yes"})
    assert len(caught.value.problems) == 2
    assert governance.rules == Rules()
    with pytest.raises(InputError):
        governance.change([1])


def test_who_runs_it_has_the_last_word():
    governance = Governance(Rules(enabled=True), forbidden=True)
    assert not governance.rules.enabled
    with pytest.raises(InputError, match="cannot be switched on here"):
        governance.change({"enabled": True})
    governance.change({"enabled": False, "timeout": 5})
    assert governance.rules.timeout == 5


def test_whether_the_file_says_anything_of_scripts_is_known():
    assert not Governance().configured
    assert Governance(Rules()).configured


def test_what_ran_is_counted():
    statistics = Statistics()
    statistics.note(0.010, failed=False, now=1_700_000_000.0)
    statistics.note(0.020, failed=True, now=1_700_000_001.5)
    assert statistics.state() == {
        "totalExecutions": 2,
        "totalErrors": 1,
        "averageDurationMs": 15.0,
        "lastExecutionAt": "2023-11-14T22:13:21.500Z",
    }
