"""What a `poll` block says of status, time, progress and errors, to the rules that answers are read by."""

from __future__ import annotations

from typing import Final

from capspec.jobs.terms import Terms
from capspec.jsonpath import JsonPath
from capspec.model.jobs import (
    AbsenceSpec,
    ErrorSpec,
    FigureSpec,
    PollSpec,
    RetryAfterSpec,
    StatusSpec,
    Written,
)
from capspec.plan.polling import Absence, ErrorRule, ProgressRule, RetryAfter, Rhythm, Span, StatusRule

INTERVAL: Final = 2.0
LONGEST_DELAY: Final = 60.0
SHORTEST_RETRY: Final = 0.5
"""Seconds between looks: the default, the most that an answer may demand, and the least."""

_UNITS = {"s": 1.0, "ms": 0.001}
_LARGEST = 1e12


# -- status -----------------------------------------------------------------------------------------------


def status_rule(spec: StatusSpec, terms: Terms) -> StatusRule:
    """A `status` block; what does not make sense in it is reported as CAP355."""
    rule = StatusRule(
        path=terms.path(spec.path),
        http=spec.http,
        done=terms.path(spec.done),
        failed_if=terms.path(spec.failed_if),
        success=terms.words(spec.success),
        failure=terms.words(spec.failure),
        canceled=terms.words(spec.canceled),
        pending=terms.words(spec.pending),
        tolerant=terms.choice("unknown", spec.unknown, ("pending", "fail")) == "pending",
        absence=None if spec.absence is None else _absence(spec.absence, terms),
    )
    _check_status(spec, rule, terms)
    return rule


def _check_status(spec: StatusSpec, rule: StatusRule, terms: Terms) -> None:
    said = [name for name, there in (("path", spec.path), ("http", spec.http), ("done", spec.done)) if there]
    if len(said) != 1:
        message = "'status' should say one of 'path', 'http' and 'done'"
        message = message if not said else f"{message}, not {' and '.join(said)}"
        place, hint = terms.report.instead(spec.place, "path", "done", "http") or (spec.place, "")
        hint = hint or ("keep one of them" if said else "add 'path', a JSONPath to the status in the answer")
        terms.wrong("CAP355", message, place, hint=hint)
    elif said != ["done"] and not rule.success:
        hint = "list the values that mean that the job is done"
        terms.wrong("CAP355", "'status' has no 'success'", spec.place, hint=hint)
    taken: set[str] = set()
    for words in (rule.success, rule.failure, rule.canceled, rule.pending):
        for word in sorted(words & taken):
            terms.wrong("CAP355", f"the status '{word}' has two meanings", spec.place)
        taken |= words


def _absence(spec: AbsenceSpec, terms: Terms) -> Absence:
    codes = frozenset(code for code in spec.codes if type(code) is int and 100 <= code <= 599)
    if len(codes) < len(set(spec.codes)):
        terms.wrong("CAP355", "each of 'codes' should be an HTTP status code", spec.place)
    return Absence(
        words=terms.words(spec.values), codes=codes, grace=terms.duration("grace", spec.grace, 0.0)
    )


# -- time -------------------------------------------------------------------------------------------------


def rhythm(spec: PollSpec, terms: Terms, timeout: float) -> Rhythm:
    """How often to look. `timeout` bounds what an answer may say of the first wait."""
    interval = terms.duration("interval", spec.interval, INTERVAL)
    backoff = terms.number("backoff", spec.backoff, 1.0, low=1, high=10)
    return Rhythm(
        interval=interval,
        longest=terms.duration("maxInterval", spec.max_interval, max(interval, LONGEST_DELAY)),
        backoff=backoff,
        jitter=terms.number("jitter", spec.jitter, 0.0, low=0, high=1),
        initial=_initial(spec.initial_delay, terms, timeout),
        retry_after=_retry_after(spec.retry_after, terms),
    )


def _initial(written: Written | FigureSpec | None, terms: Terms, timeout: float) -> float | Span | None:
    if written is None or isinstance(written, Written):
        return None if written is None else terms.duration("initialDelay", written, INTERVAL)
    path = _figure_path(written, "initialDelay", terms)
    if path is None:
        return None
    return Span(
        path=path,
        unit=_UNITS[terms.choice("unit", written.unit, ("s", "ms"))],
        minimum=terms.duration("min", written.minimum, 0.0),
        maximum=terms.duration("max", written.maximum, timeout),
    )


def _retry_after(spec: RetryAfterSpec, terms: Terms) -> RetryAfter | None:
    if not spec.enabled:
        return None
    minimum = terms.duration("min", spec.minimum, SHORTEST_RETRY)
    return RetryAfter(
        header=spec.header or "Retry-After",
        unit=_UNITS[terms.choice("unit", spec.unit, ("s", "ms"))],
        minimum=minimum,
        maximum=max(minimum, terms.duration("max", spec.maximum, LONGEST_DELAY)),
    )


# -- progress and errors ----------------------------------------------------------------------------------


def progress_rule(spec: FigureSpec | None, terms: Terms) -> ProgressRule | None:
    """A `progress` block; from 0 to 1 unless it says otherwise."""
    path = None if spec is None else _figure_path(spec, "progress", terms)
    if spec is None or path is None:
        return None
    minimum = terms.number("min", spec.minimum, 0.0, low=-_LARGEST, high=_LARGEST)
    maximum = terms.number("max", spec.maximum, 1.0, low=-_LARGEST, high=_LARGEST)
    if minimum >= maximum:
        terms.wrong("CAP357", "'min' of 'progress' should be less than its 'max'", spec.place)
        return None
    return ProgressRule(path=path, minimum=minimum, maximum=maximum)


def _figure_path(spec: FigureSpec, name: str, terms: Terms) -> JsonPath | None:
    if spec.path is None:
        terms.wrong("CAP356", f"'{name}' has no 'path'", spec.place, hint="say where in the answer it is")
    return terms.path(spec.path)


def error_rule(spec: ErrorSpec | None, terms: Terms) -> ErrorRule:
    if spec is None:
        return ErrorRule()
    return ErrorRule(
        code=terms.paths(spec.code),
        message=terms.paths(spec.message),
        details=terms.paths(spec.details),
        retryable=terms.words(spec.retryable),
    )
