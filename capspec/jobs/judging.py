"""An answer about a job to what it says of the job: the status in its body counts before its HTTP code."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from capspec.jsonpath import JsonPath, JsonPathBudgetError
from capspec.plan.polling import Absence, StatusRule
from capspec.values import MISSING, Json, Missing

_BUSY = frozenset({408, 425, 429})
"""Codes of the 4xx class that say "later", not "never" (RFC 9110, 15.5.9; RFC 8470; RFC 6585)."""

_ABOUT_CREDENTIALS = frozenset({401, 403, 407})
_NOT_YET = frozenset({202, 204})


class Kind(StrEnum):
    """What an answer says. ERROR and REJECTED say nothing of the job itself."""

    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"
    CANCELED = "canceled"
    ABSENT = "absent"
    ERROR = "error"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What an answer says of the job, and the status in the provider's own words, "" when it has none."""

    kind: Kind
    status: str = ""


def word_of(value: Json) -> str:
    """A status as it is compared: without case, numbers and flags as JSON has them; "" for anything else."""
    return text_of(value).strip().casefold()


def text_of(value: Json) -> str:
    """A scalar as text; "" for anything else, null included."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, (str, int, float)) else ""


def at(path: JsonPath | None, body: Json | Missing) -> Json:
    """What a path gives; None where there is nothing, no body, or one that is too large for the path."""
    if path is None or body is MISSING:
        return None
    try:
        return path.read(body)
    except JsonPathBudgetError:
        return None


def says(value: Json) -> bool:
    """Whether a flag or an error is there: null, false, zero, and what is empty are not."""
    return value not in (None, False, "", [], {})


def judge(rule: StatusRule, code: int, body: Json | Missing, seconds: float) -> Verdict:
    """What an answer says, `seconds` after the job was started. `body` is MISSING when it cannot be read.

    In this order: there is no such job; it failed or was canceled; it succeeded; the HTTP code says that
    something else is wrong; it is pending.
    """
    status = _status(rule, code, body)
    known = _known(rule, word_of(status), body)
    if rule.absence is not None and _is_absent(rule.absence, word_of(status), code, known):
        return Verdict(Kind.PENDING if seconds < rule.absence.grace else Kind.ABSENT, status)
    if known is not None:
        return Verdict(known, status)
    if not 200 <= code < 300:
        return Verdict(_refused(rule, code), status)
    return Verdict(_unknown(rule, code, status, body), status)


def judge_submission(rule: StatusRule, body: Json | Missing) -> Verdict:
    """The same for the answer that started the job: only what it says in its body counts.

    Its HTTP code means that the job was accepted, and there is nothing that could be absent.
    """
    if rule.http:
        return Verdict(Kind.PENDING)
    status = _status(rule, 200, body)
    return Verdict(_known(rule, word_of(status), body) or Kind.PENDING, status)


def _status(rule: StatusRule, code: int, body: Json | Missing) -> str:
    if rule.http:
        return str(code)
    return text_of(at(rule.path, body))


def _known(rule: StatusRule, word: str, body: Json | Missing) -> Kind | None:
    """What the file says that the status means; None when it says nothing."""
    done, failed = says(at(rule.done, body)), says(at(rule.failed_if, body))
    if failed and (done or rule.done is None):
        return Kind.FAILURE
    if done:
        return Kind.SUCCESS
    kinds = {
        Kind.FAILURE: rule.failure, Kind.CANCELED: rule.canceled, Kind.SUCCESS: rule.success,
        Kind.PENDING: rule.pending,
    }  # fmt: skip
    return next((kind for kind, words in kinds.items() if word in words), None)


def _is_absent(absence: Absence, word: str, code: int, known: Kind | None) -> bool:
    return word in absence.words or (known is None and code in absence.codes)


def _refused(rule: StatusRule, code: int) -> Kind:
    if code in _BUSY or code >= 500:
        return Kind.ERROR
    says_status = rule.http and code >= 400 and code not in _ABOUT_CREDENTIALS
    return Kind.FAILURE if says_status else Kind.REJECTED


def _unknown(rule: StatusRule, code: int, status: str, body: Json | Missing) -> Kind:
    """A good HTTP code, and no status that the file names."""
    if rule.done is not None:
        # Operations of this kind leave the flag out until it is true.
        return Kind.PENDING if isinstance(body, dict) or code in _NOT_YET else Kind.ERROR
    if status and not (rule.http and code in _NOT_YET):
        return Kind.PENDING if rule.tolerant else Kind.FAILURE
    return Kind.PENDING if code in _NOT_YET else Kind.ERROR
