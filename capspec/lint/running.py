"""A Plan to the problems that the rules find in its file, in the order of the file."""

from __future__ import annotations

from capspec.errors import Problem, sort_problems
from capspec.lint.ignoring import without_ignored
from capspec.lint.subject import Subject
from capspec.lint.table import RULES, names_of
from capspec.node import Report
from capspec.plan import Plan


def examine(plan: Plan, *, remarks: bool = True) -> tuple[Problem, ...]:
    """Everything that is worth knowing of a plan's file: what was found when it was compiled, and by the rules;
    without `remarks`, of the rules only what they warn of.

    What its author asked not to hear of is left out, errors excepted, of which a plan has none.
    """
    documents = {document.source: document for document in (plan.document, *plan.imported)}
    found = without_ignored((*plan.warnings, *plan.remarks), documents, names_of())
    return sort_problems((*found, *lint(plan, remarks=remarks)))


def lint(plan: Plan, *, remarks: bool = True) -> tuple[Problem, ...]:
    """Warnings and, with `remarks`, what is only worth knowing; what its author asked not to hear of is left out."""
    subject = Subject.of_plan(plan)
    report = Report()
    for rule in (rule for rule in RULES if remarks or rule.severity != "info"):
        for finding in rule.check(subject):
            report.add(
                rule.code,
                finding.message,
                place=subject.document.place(finding.pointer, key=finding.key),
                hint=finding.hint,
                severity=rule.severity,
                cause=finding.cause,
            )
    documents = {subject.document.source: subject.document}
    return tuple(without_ignored(report.problems, documents, names_of()))
