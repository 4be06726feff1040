"""Access tokens, minted and read: JWTs (RFC 7519, HS256) whose signing secret is no secret."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass

from capspec.sandbox.keys import Standing, standing

_SECRET = b"capspec sandbox: this signs nothing of value"
_HEADER = {"alg": "HS256", "typ": "JWT"}
DEMO_CLIENT = "sandbox-client"


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Whose a token is. subject: the client that got it; expires: seconds since the epoch, None for never."""

    subject: str
    standing: Standing
    expires: float | None = None


def mint(subject: str, *, expires: float | None = None, issued: float | None = None, word: str = "") -> str:
    """A token for ``subject``; ``word`` is a standing for its end."""
    claims: dict[str, object] = {"iss": "sandbox", "sub": subject}
    if issued is not None:
        claims["iat"] = int(issued)
    if expires is not None:
        claims["exp"] = int(expires)
    payload = f"{_encode(_json(_HEADER))}.{_encode(_json(claims))}"
    return f"{payload}.{_signature(payload)}" + (f"-{word}" if word else "")


def read(token: str) -> Token | None:
    """What ``token`` says, expired or not; None when this sandbox did not sign it."""
    found = standing(token)
    bare = token.removesuffix(f"-{found}")
    payload, _, signature = bare.rpartition(".")
    if not hmac.compare_digest(_signature(payload).encode(), signature.encode()):
        return None
    claims = json.loads(_decode(payload.partition(".")[2]))
    return Token(subject=claims["sub"], standing=found, expires=claims.get("exp"))


def demo_token() -> str:
    """A token that never runs out."""
    return mint(DEMO_CLIENT)


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True).encode()


def _signature(payload: str) -> str:
    return _encode(hmac.digest(_SECRET, payload.encode(), "sha256"))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
