"""A JobRef to a text that its caller can keep, and back: nobody can read, change or borrow it.

The address of a job may hold a token of the provider's, so a handle is encrypted as well as authenticated
(AES-GCM; NIST SP 800-38D). Who may use it is part of what is authenticated: anybody else has no handle.
"""

from __future__ import annotations

import base64
import binascii
import json
import os
from typing import Final

from capspec.errors import JobExpired, JobNotFound, Unavailable
from capspec.jobs.reference import JobRef

PREFIX: Final = "job1_"
"""What every handle begins with; the figure changes with what is inside."""

LONGEST: Final = 8192
"""Characters of a handle at the most."""

_SHORTEST_SECRET = 16
_KEY_BYTES = 32
_NONCE_BYTES = 12


class HandleKey:
    """The key of the handles of one capability. Two keys from one secret differ when their purposes do."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        """`key` is 32 random bytes."""
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - few files have jobs

        if len(key) != _KEY_BYTES:
            raise ValueError(f"a key for handles has {_KEY_BYTES} bytes")
        self._cipher = AESGCM(key)

    @classmethod
    def generate(cls) -> HandleKey:
        """A key that lasts as long as the process."""
        return cls(os.urandom(_KEY_BYTES))

    @classmethod
    def from_secret(cls, secret: str, purpose: str = "") -> HandleKey:
        """The key that a secret stands for (HKDF; RFC 5869), so that handles outlive the process.

        Raises ValueError for a secret that is too short to be one.
        """
        from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF  # noqa: PLC0415

        if len(secret) < _SHORTEST_SECRET:
            raise ValueError(f"a secret for handles has at least {_SHORTEST_SECRET} characters")
        info = f"capspec job handle {PREFIX} {purpose}".encode()
        return cls(HKDF(SHA256(), _KEY_BYTES, salt=None, info=info).derive(secret.encode()))

    def __repr__(self) -> str:
        return "HandleKey(****)"

    def seal(self, job: JobRef, principal: str) -> str:
        """The handle of a job, for the caller of that name. Raises Unavailable when it would be too long."""
        nonce = os.urandom(_NONCE_BYTES)
        content = json.dumps(job.to_json(), separators=(",", ":")).encode()
        sealed = nonce + self._cipher.encrypt(nonce, content, _bound_to(principal))
        handle = PREFIX + base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")
        if len(handle) > LONGEST:
            raise Unavailable(f"a job of {job.operation} was started, but is too long for a handle")
        return handle

    def open(self, handle: str, principal: str, *, now: float, operation: str = "") -> JobRef:
        """The job of a handle. `now` is seconds since the epoch; `operation` must have started it, if given.

        Raises JobExpired for one that was valid; and JobNotFound, always in the same words, for one that was
        changed, that belongs to somebody else or to another operation, or that never was a handle.
        """
        from cryptography.exceptions import InvalidTag  # noqa: PLC0415

        sealed = _decoded(handle)
        if sealed is None:
            raise _not_found()
        try:
            content = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], _bound_to(principal))
        except (InvalidTag, ValueError):
            raise _not_found() from None
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


def _decoded(handle: str) -> bytes | None:
    """The bytes of a handle that is written in the only way that `seal` writes it."""
    text = handle.removeprefix(PREFIX)
    if text == handle or len(handle) > LONGEST or not text.isascii():
        return None
    try:
        sealed = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        return None
    # Several texts mean the same bytes to a decoder.
    return sealed if base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=") == text else None


def _bound_to(principal: str) -> bytes:
    return PREFIX.encode() + principal.encode("utf-8", "surrogatepass")
