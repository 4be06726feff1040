"""The tree of everything that capspec can refuse, and the problems that each refusal lists.

    CapspecError
      LoadError         CAP1xx   not YAML, or not a capability
      BindError         CAP2xx   a bound variable has no value
      CompileError      CAP3xx   a name, template or path does not resolve
      ListenError       CAP400   an address cannot be listened on
      LayoutError       CAP401   something else would have to listen
      CallError         CAP6xx   one call failed
        InputError        CAP601   400   arguments do not fit the inputs
        UpstreamError     CAP602   502   the upstream could not be reached, or broke off
        MappingError      CAP603   502   the upstream's answer could not be read or mapped
        UpstreamTimeout   CAP604   504   the upstream did not answer in time
        AuthError         CAP605   401   the caller is not authenticated
        ForbiddenError    CAP606   403   the caller may not do this
        MissingSecret     CAP607   503   the operation needs a bound variable that has no value
        EgressDenied      CAP608   502   the address may not be contacted
        Unavailable       CAP609   503   the operation cannot work with this file
        ResponseTooLarge  CAP610   502   the upstream's answer is over the limit
        JobNotFound       CAP621   404   there is no such job for this caller
        JobExpired        CAP622   410   the job can no longer be asked about
        AlreadySubmitted  CAP623   409   the upstream has seen this submission before
        AssetNotFound     CAP624   404   there is no such asset
        AssetGone         CAP625   410   the asset, or the link to it, is no more
        UnknownPathError  CAP611   404   no route has the path
        MethodError       CAP612   405   the path has routes for other methods
        BodySizeError     CAP613   413   the request's body is over the limit
        BodyEncodingError CAP614   415   the request's body is compressed
        AuthUnavailable   CAP615   503   who says who a caller is cannot be asked now
        BodyStalled       CAP616   408   the rest of the request's body does not come
        ScriptError       CAP617   500   a script failed, or was stopped at a limit
        ScriptTimeout     CAP618   504   a script took too long
        InternalError     CAP699   500   something broke that should not have

The first digit of a code is the phase, never an HTTP status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

Severity = Literal["error", "warning", "info"]


_GRAVITY: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a file: line and column count from 1."""

    source: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Related:
    """Another place that a problem has to do with, and what is there: `again` the same, or something else."""

    place: Place
    message: str
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong: what, where, and how to mend it.

    `end` is behind the last character of what is wrong, when that is known. `count` says how many places have
    it; `related` are the first of the others, and what else it is a matter of.
    """

    code: str
    message: str
    hint: str = ""
    place: Place | None = None
    severity: Severity = "error"
    end: Place | None = None
    count: int = 1
    related: tuple[Related, ...] = ()

    @property
    def facts(self) -> dict[str, str | int | None]:
        """It as an object of JSON; `file`, `line` and `column` are null when it has no place."""
        place = self.place
        return {
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
            "file": place.source if place else None,
            "line": place.line if place else None,
            "column": place.column if place else None,
        }

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        mend = f"; {self.hint}" if self.hint else ""
        return f"{where}{self.message}{self.others}{mend}"

    @property
    def others(self) -> str:
        """How many further places have it, for the end of the message."""
        more = self.count - 1
        return f" (and in {more} more place{'s' if more > 1 else ''})" if more > 0 else ""


def sort_problems(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    """Problems in the order of a file, each once; in one place the gravest first."""

    def key(problem: Problem) -> tuple[str, int, int, int, str]:
        place = problem.place or Place("", 0, 0)
        return place.source, place.line, place.column, _GRAVITY[problem.severity], problem.message

    return tuple(sorted(dict.fromkeys(problems), key=key))


class CapspecError(Exception):
    """Base of all refusals. `problems` is never empty."""

    code: ClassVar[str] = "CAP000"

    def __init__(self, problems: Sequence[Problem] | Problem | str, *, hint: str = "") -> None:
        if isinstance(problems, str):
            problems = Problem(code=self.code, message=problems, hint=hint)
        if isinstance(problems, Problem):
            problems = (problems,)
        self.problems = sort_problems(problems)
        super().__init__("\n".join(map(str, self.problems)))


class LoadError(CapspecError):
    """The file cannot be read as a capability."""

    code = "CAP100"


class BindError(CapspecError):
    """Bound variables have no value."""

    code = "CAP200"


class CompileError(CapspecError):
    """The capability is readable but cannot be made to work."""

    code = "CAP300"


class LayoutError(CapspecError):
    """While a capability is served, nothing else can be made to listen than what does."""

    code = "CAP401"


class CallError(CapspecError):
    """One call failed. `status` is the HTTP status that says so (RFC 9110)."""

    code = "CAP600"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "The call failed"

    def __init__(
        self,
        problems: Sequence[Problem] | Problem | str,
        *,
        hint: str = "",
        retry_after: float | None = None,
    ) -> None:
        super().__init__(problems, hint=hint)
        self.retry_after = retry_after


class InputError(CallError):
    """The arguments do not fit the declared inputs; every violation is a problem."""

    code = "CAP601"
    status = 400
    title = "Invalid input"


class UpstreamError(CallError):
    """The upstream could not be reached or the exchange broke off."""

    code = "CAP602"
    status = 502
    title = "The upstream failed"


class StepError(UpstreamError):
    """A step's upstream answered with an error: its status (RFC 9110, 15), and its body, None if unread."""

    def __init__(self, message: str, *, upstream_status: int, body: object = None) -> None:
        super().__init__(message)
        self.upstream_status = upstream_status
        self.body = body


class MappingError(CallError):
    """The upstream's answer is not in the declared format, or cannot be mapped."""

    code = "CAP603"
    status = 502
    title = "The upstream's answer could not be read"


class UpstreamTimeout(CallError):
    """The upstream did not answer before the deadline."""

    code = "CAP604"
    status = 504
    title = "The upstream did not answer in time"


class AuthError(CallError):
    """The caller did not prove who it is. Each of `challenges` is a WWW-Authenticate (RFC 9110, 11.6.1)."""

    code = "CAP605"
    status = 401
    title = "Authentication required"

    def __init__(self, message: str, *, challenge: str | tuple[str, ...] = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.challenges = challenge if isinstance(challenge, tuple) else (challenge,) if challenge else ()

    @property
    def challenge(self) -> str:
        """The first of them, "" when there is none."""
        return self.challenges[0] if self.challenges else ""


class ForbiddenError(CallError):
    """The caller is known and may not do this. `challenge` says what it would take (RFC 6750, 3)."""

    code = "CAP606"
    status = 403
    title = "Not allowed"

    def __init__(self, message: str, *, challenge: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.challenges = (challenge,) if challenge else ()


class MissingSecret(CallError):
    """The operation needs a bound variable that has no value."""

    code = "CAP607"
    status = 503
    title = "A secret is missing"


class EgressDenied(CallError):
    """The address is not one that this capability may contact."""

    code = "CAP608"
    status = 502
    title = "The address may not be contacted"


class Unavailable(CallError):
    """The operation exists but cannot work with the file as it is written."""

    code = "CAP609"
    status = 503
    title = "The operation is not available"


class ResponseTooLarge(CallError):
    """The upstream's answer is larger than the limit."""

    code = "CAP610"
    status = 502
    title = "The upstream's answer is too large"


class UnknownPathError(CallError):
    """No route has the path."""

    code = "CAP611"
    status = 404
    title = "Not found"


class MethodError(CallError):
    """The path has routes for other methods. `allow` lists them (RFC 9110, 15.5.6)."""

    code = "CAP612"
    status = 405
    title = "Method not allowed"

    def __init__(self, message: str, *, allow: tuple[str, ...]) -> None:
        super().__init__(message, hint=f"use one of {', '.join(allow)}")
        self.allow = allow


class BodySizeError(CallError):
    """The request's body is over the limit."""

    code = "CAP613"
    status = 413
    title = "The request body is too large"


class BodyEncodingError(CallError):
    """The request's body has a Content-Encoding, which is not undone here."""

    code = "CAP614"
    status = 415
    title = "Unsupported content encoding"


class BodyStalled(CallError):
    """The caller stopped sending its request's body (RFC 9110, 15.5.9)."""

    code = "CAP616"
    status = 408
    title = "The request body did not come"


class AuthUnavailable(CallError):
    """Who says who a caller is cannot be asked, so nobody gets in. `reason` is for the log only."""

    code = "CAP615"
    status = 503
    title = "Callers cannot be checked"

    def __init__(self, reason: str, *, retry_after: float = 5.0) -> None:
        message = "who is calling cannot be checked at the moment"
        super().__init__(message, hint="try again later", retry_after=retry_after)
        self.reason = reason


class ScriptError(CallError):
    """A script of a flow failed, or was stopped at one of its limits."""

    code = "CAP617"
    status = 500
    title = "A script failed"


class ScriptTimeout(ScriptError):
    """A script did not end in time."""

    code = "CAP618"
    status = 504
    title = "A script took too long"


class InternalError(CallError):
    """Something broke that should not have; the log says what, the caller is told nothing of it."""

    code = "CAP699"
    status = 500
    title = "Internal error"


class JobNotFound(CallError):
    """There is no such job, or not for this caller: the two cannot be told apart."""

    code = "CAP621"
    status = 404
    title = "There is no such job"


class JobExpired(CallError):
    """The job was there, and can no longer be asked about."""

    code = "CAP622"
    status = 410
    title = "The job is gone"


class AlreadySubmitted(CallError):
    """The upstream has seen this submission before, and did not start another job."""

    code = "CAP623"
    status = 409
    title = "Already submitted"


class AssetNotFound(CallError):
    """No link of ours leads there."""

    code = "CAP624"
    status = 404
    title = "There is no such asset"


class AssetGone(CallError):
    """The asset was there; the link, the file or the upstream's original has run out."""

    code = "CAP625"
    status = 410
    title = "The asset is gone"
