"""Where a job stands, in the same words for every provider."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from capspec.values import MISSING, Json, Missing


class State(StrEnum):
    """TIMED_OUT and UNKNOWN say nothing of the job: it may well be running, and can be asked about again."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    UNKNOWN = "unknown"

    @property
    def final(self) -> bool:
        """Whether it stays so."""
        return self in (State.SUCCEEDED, State.FAILED, State.CANCELED)

    @property
    def under_way(self) -> bool:
        return self in (State.QUEUED, State.RUNNING)


class Code(StrEnum):
    """`Outcome.code` where the provider gave none of its own."""

    FAILED = "failed"
    CANCELED = "canceled"
    TIMED_OUT = "timed_out"
    NOT_FOUND = "not_found"
    UNKNOWN_STATUS = "unknown_status"
    NO_JOB_ID = "no_job_id"
    UNTRUSTED_ADDRESS = "untrusted_poll_uri"
    POLL_REJECTED = "poll_rejected"
    POLL_FAILED = "poll_failed"
    RESULT_FAILED = "result_failed"
    RESULT_MISSING = "result_missing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A job at one instant.

    `progress` runs from 0 to 1; `position` is the place in a queue. `provider_status`, `code`, `message` and
    `details` are the provider's own where it gives them. `result` is a value, or MISSING with the bytes in
    `content`; it can be fetched until `result_expires_at`, in seconds since the epoch. `poll_url` is the
    address that the provider gave, "" where the file's own is used. `attempts` counts the looks. `retryable`
    says that the same submission may work another time; never while the job could still be running.
    `retry_after` is in how many seconds it is worth looking again.
    """

    state: State
    job_id: str = ""
    progress: float | None = None
    position: int | None = None
    provider_status: str = ""
    code: str = ""
    message: str = ""
    details: Json = None
    result: Json | Missing = MISSING
    content: bytes | None = field(default=None, repr=False)
    media_type: str = ""
    result_expires_at: float | None = None
    poll_url: str = field(default="", repr=False)
    attempts: int = 0
    retryable: bool = False
    retry_after: float | None = None

    @property
    def final(self) -> bool:
        return self.state.final
