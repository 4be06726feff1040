"""A JobRef to a text that its caller can keep, and back: nobody can read, change or borrow it.

The address of a job may hold a token of the provider's, so a handle is encrypted as well as authenticated
(AES-GCM; NIST SP 800-38D). Who may use it is part of what is authenticated: anybody else has no handle.
"""

from __future__ import annotations

import json
from typing import Final

from capspec.errors import JobExpired, JobNotFound, Unavailable
from capspec.jobs.reference import JobRef
from capspec.sealing import SHORTEST_SECRET, Sealer

PREFIX: Final = "job1_"
"""What every handle begins with; the figure changes with what is inside."""

LONGEST: Final = 8192
"""Characters of a handle at the most."""


class HandleKey:
    """The key of the handles of one capability. Two keys from one secret differ when their purposes do."""

    __slots__ = ("_sealer",)

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes."""
        self._sealer = Sealer(key)

    @classmethod
    def generate(cls) -> HandleKey:
        """A key that lasts as long as the process."""
        return cls._of(Sealer.generate())

    @classmethod
    def from_secret(cls, secret: str, purpose: str = "") -> HandleKey:
        """The key that a secret stands for, so that handles outlive the process.

        Raises ValueError for a secret that is too short to be one.
        """
        if len(secret) < SHORTEST_SECRET:
            raise ValueError(f"a secret for handles has at least {SHORTEST_SECRET} characters")
        return cls._of(Sealer.from_secret(secret, f"capspec job handle {PREFIX} {purpose}"))

    @classmethod
    def _of(cls, sealer: Sealer) -> HandleKey:
        key = cls.__new__(cls)
        key._sealer = sealer
        return key

    def __repr__(self) -> str:
        return "HandleKey(****)"

    def seal(self, job: JobRef, principal: str) -> str:
        """The handle of a job, for the caller of that name. Raises Unavailable when it would be too long."""
        content = json.dumps(job.to_json(), separators=(",", ":")).encode()
        handle = PREFIX + self._sealer.seal(content, _bound_to(principal))
        if len(handle) > LONGEST:
            raise Unavailable(f"a job of {job.operation} was started, but is too long for a handle")
        return handle

    def open(self, handle: str, principal: str, *, now: float, operation: str = "") -> JobRef:
        """The job of a handle. `now` is seconds since the epoch; `operation` must have started it, if given.

        Raises JobExpired for one that was valid; and JobNotFound, always in the same words, for one that was
        changed, that belongs to somebody else or to another operation, or that never was a handle.
        """
        text = handle.removeprefix(PREFIX)
        if text == handle or len(handle) > LONGEST:
            raise _not_found()
        content = self._sealer.open(text, _bound_to(principal))
        if content is None:
            raise _not_found()
        job = JobRef.from_json(json.loads(content))
        if operation not in ("", job.operation):
            raise _not_found()
        if now >= job.expires_at:
            raise JobExpired("the job can no longer be asked about")
        return job


def _not_found() -> JobNotFound:
    return JobNotFound(
        "there is no such job", hint="use the handle as it was given, with the same credentials"
    )


def _bound_to(principal: str) -> bytes:
    return PREFIX.encode() + principal.encode("utf-8", "surrogatepass")
