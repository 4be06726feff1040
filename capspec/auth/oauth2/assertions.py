"""Signed assertions (RFC 7523): a key and claims to a JWT that stands for a client, or for a user.

PyJWT does the arithmetic.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from capspec.egress import origin_of
from capspec.keys import material, private_key
from capspec.settings import Settings
from capspec.values import Json

LIFETIME = 300
"""Seconds for which an assertion holds when the file does not say."""

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA",
    "HS256", "HS384", "HS512",
)  # fmt: skip
_CURVES = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What is claimed, and the key that signs it. `audience` "" means the token endpoint."""

    key: str = field(repr=False)
    algorithm: str
    key_id: str
    issuer: str
    subject: str
    audience: str = ""
    lifetime: int = LIFETIME
    claims: Mapping[str, Json] = field(default_factory=dict)

    def written(self, endpoint: str, now: float) -> str:
        """The JWT, new each time (RFC 7523, 3). `now` is wall seconds."""
        issued = int(now)
        claims = {
            "iss": self.issuer,
            "sub": self.subject,
            "aud": self.audience or endpoint,
            "iat": issued,
            "exp": issued + self.lifetime,
            "jti": secrets.token_hex(16),
            **self.claims,
        }
        given = {name: value for name, value in claims.items() if value not in ("", None)}
        headers = {"kid": self.key_id} if self.key_id else None
        return jwt.encode(given, self.key, algorithm=self.algorithm, headers=headers)


def algorithm_for(pem: str) -> str:
    """The usual algorithm of a private key (RFC 7518, 3.1). Raises ValueError for a key that signs no JWT."""
    key = load_pem_private_key(pem.encode(), None)
    if isinstance(key, rsa.RSAPrivateKey):
        return "RS256"
    if isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name in _CURVES:
        return _CURVES[key.curve.name]
    if isinstance(key, (ed25519.Ed25519PrivateKey, ed448.Ed448PrivateKey)):
        return "EdDSA"
    raise ValueError("the key is of a kind that signs no JWT")


# -- settings ---------------------------------------------------------------------------------------------

PRIVATE_KEYS = ("privateKey", "privateKeyFile", "privateKeyPath", "signingKey", "signingKeyFile")
_KEY_PASSWORDS = ("privateKeyPassword", "keyPassword", "passphrase")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What the key file of a Google service account says."""

    email: str = ""
    key: str = field(default="", repr=False)
    key_id: str = ""
    endpoint: str = ""


def read_account(settings: Settings, *names: str) -> Account:
    """The key file in the first of these settings: JSON, or the path of a file. Raises CompileError."""
    content = material(settings, *names)
    if settings.missing:
        return Account()
    try:
        found = json.loads(content or b"null")
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise settings.refuse(
            "there is no key of a service account", hint="write 'serviceAccount': JSON, or the path of a file"
        )
    texts = {name: str(found.get(name) or "") for name in ("client_email", "private_key", "private_key_id")}
    if not (texts["client_email"] and _algorithm(settings, texts["private_key"]) == "RS256"):
        raise settings.refuse("the key of the service account has no 'client_email' and RSA 'private_key'")
    return Account(
        email=texts["client_email"],
        key=texts["private_key"],
        key_id=texts["private_key_id"],
        endpoint=checked_address(settings, "token_uri", settings.rendered(str(found.get("token_uri") or ""))),
    )


def read_assertion(settings: Settings, *, issuer: str, subject: str, audience: str) -> Assertion:
    """An assertion from `privateKey`, `keyId`, `algorithm`, `assertionLifetime` (seconds) and `claims`.

    Raises CompileError for a key that is missing, or that signs no JWT.
    """
    key = private_key(settings, *PRIVATE_KEYS, passwords=_KEY_PASSWORDS)
    if not (key or settings.missing):
        raise settings.refuse("there is no key to sign an assertion with", hint="write it as 'privateKey'")
    own = "" if settings.missing else _algorithm(settings, key)
    algorithm = settings.text("algorithm", default=own).strip()
    # Every key has its algorithms; one of another family would only fail when the first token is needed.
    if not settings.missing and (algorithm not in ALGORITHMS or not _fits(algorithm, own)):
        raise settings.refuse(
            f"'{algorithm}' is no algorithm for this key", hint=f"leave it out, or use {own}"
        )
    return Assertion(
        key=key,
        algorithm=algorithm,
        key_id=settings.text("keyId", "kid").strip(),
        issuer=issuer,
        subject=subject,
        audience=audience,
        lifetime=settings.node.integer("assertionLifetime") or LIFETIME,
        claims=settings.mapping("claims"),
    )


def _fits(algorithm: str, own: str) -> bool:
    return algorithm == own or (own == "RS256" and algorithm[:2] in ("RS", "PS"))


def _algorithm(settings: Settings, key: str) -> str:
    try:
        return algorithm_for(key)
    except (ValueError, TypeError):
        raise settings.refuse("the private key cannot sign a JWT: it should be RSA, EC or Ed25519") from None


def checked_address(settings: Settings, name: str, url: str) -> str:
    """The URL when it can be contacted, "" when there is none yet. Raises CompileError."""
    if not url:
        return ""
    try:
        origin_of(url)
    except ValueError as error:
        if settings.missing:
            return ""
        raise settings.refuse(f"'{name}' cannot be used: {error}") from None
    return url
