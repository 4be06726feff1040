"""What a file says of a job that an operation starts, compiled: where to look, when, and what it means."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from capspec.jsonpath import JsonPath
from capspec.template import Template, Tree

Stage: TypeAlias = Literal["submit", "status"]
"""Which answer: the one to the request that started the job, or the latest one about it."""

Policy: TypeAlias = Literal["leave", "cancel"]
"""What becomes of a job that nobody waits for any longer."""


# -- where ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressSource:
    """Where an answer says an address: in its body, or with `body` None in the header of that name."""

    body: JsonPath | None = None
    header: str = ""
    of: Stage = "status"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where a request about a job goes: the first of `sources` found and allowed, else the file's own.

    `allowed` are the origins that a found address may have, as `egress.pattern_of` reads them. `arguments` is
    the `with` of a `call`. The requests themselves are the operation's `follow_ups`.
    """

    sources: tuple[AddressSource, ...] = ()
    allowed: tuple[str, ...] = ()
    arguments: Tree | None = None


# -- when -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Seconds that an answer says, in seconds or, with `unit` 0.001, in milliseconds; bounded."""

    path: JsonPath
    unit: float = 1.0
    minimum: float = 0.0
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryAfter:
    """The header that says when to look again; its value counts within bounds. All figures are seconds."""

    header: str = "Retry-After"
    unit: float = 1.0
    minimum: float
    maximum: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rhythm:
    """How often to look. `jitter` is the share of a delay that chance may add or take. Seconds."""

    interval: float
    longest: float
    backoff: float = 1.0
    jitter: float = 0.0
    initial: float | Span | None = None
    retry_after: RetryAfter | None = None


# -- what it means ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Absence:
    """How an answer says that there is no such job, and for how long after the start that means nothing."""

    words: frozenset[str] = frozenset()
    codes: frozenset[int] = frozenset()
    grace: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusRule:
    """How an answer says where the job stands: by a word at `path`, by its HTTP code, or by a flag at `done`.

    Words are compared without case; `judging.word_of` makes them. `tolerant` takes unknown ones for pending.
    """

    path: JsonPath | None = None
    http: bool = False
    done: JsonPath | None = None
    failed_if: JsonPath | None = None
    success: frozenset[str] = frozenset()
    failure: frozenset[str] = frozenset()
    canceled: frozenset[str] = frozenset()
    pending: frozenset[str] = frozenset()
    tolerant: bool = True
    absence: Absence | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgressRule:
    """A figure between `minimum` and `maximum` that says how much is done."""

    path: JsonPath
    minimum: float = 0.0
    maximum: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ResultRule:
    """Where the result is: at `path` of the last answer, or with `target` of the answer to one more request.

    `binary` takes the answer's bytes. `lasts` is for how many seconds the result can be fetched.
    """

    path: JsonPath | None = None
    target: Target | None = None
    binary: bool = False
    lasts: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """Where an answer says why a job failed: the first not null. `retryable` are words of the code."""

    code: tuple[JsonPath, ...] = ()
    message: tuple[JsonPath, ...] = ()
    details: tuple[JsonPath, ...] = ()
    retryable: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """A `poll` block. `timeout` is seconds since the start; `max_errors` may follow each other.

    `kept` are the names in its templates that only the start of the job can fill.
    """

    id: JsonPath | None
    request: Target
    status: StatusRule
    rhythm: Rhythm
    timeout: float
    max_attempts: int | None = None
    max_errors: int = 5
    progress: ProgressRule | None = None
    position: JsonPath | None = None
    message: tuple[JsonPath, ...] = ()
    result: ResultRule = ResultRule()
    error: ErrorRule = ErrorRule()
    cancel: Target | None = None
    on_timeout: Policy = "leave"
    on_disconnect: Policy = "leave"
    kept: tuple[str, ...] = ()


# -- the request that starts it ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """How an answer says that its key was used before: HTTP `code`, and one of `words` at `path`.

    `recover` is the `with` of the call that finds the earlier job, when the file names one.
    """

    code: int
    path: JsonPath | None = None
    words: frozenset[str] = frozenset()
    recover: Tree | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Idempotency:
    """The key that makes repeating a request harmless: `name` is its header, query or body field.

    The caller's own is what `key` gives, or the argument called `name`. `window` is for how many seconds the
    upstream remembers it.
    """

    location: Literal["header", "query", "body"]
    name: str
    key: Template | None = None
    window: float | None = None
    duplicate: Duplicate | None = None
