"""OAuth 1.0 (RFC 5849): each request signed for a client, and for a user whose token is at hand.

oauthlib does the arithmetic; its types stay in this module.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TypeAlias
from urllib.parse import parse_qsl, quote, urlencode

from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth1 import Client

from capspec.clock import Clock, SystemClock
from capspec.credentials import credential, described
from capspec.errors import InputError
from capspec.keys import private_key
from capspec.settings import Settings
from capspec.wire import Request, Response, Send, header

SCHEMA = described({
    "consumerKey": "The client's key.",
    "consumerSecret": "The client's secret.",
    "token": "A user's token.",
    "tokenSecret": "Its secret.",
    "signatureMethod": "HMAC-SHA1, HMAC-SHA256, HMAC-SHA512, RSA-SHA1, RSA-SHA256, RSA-SHA512 or PLAINTEXT.",
    "signingKey": "An RSA private key: PEM, PKCS #12 in Base64, or the path of a file.",
    "signingKeyPassword": "The password of the signing key.",
    "realm": "The realm to name.",
    "placement": "Where OAuth's parameters go: header or query.",
    "bodyHash": "Whether bodies that are no forms are hashed: true, false, or the digest.",
}, {
    "consumerKey": ("{{CONSUMER_KEY}}",), "consumerSecret": ("{{CONSUMER_SECRET}}",),
    "token": ("{{USER_TOKEN}}",), "tokenSecret": ("{{USER_TOKEN_SECRET}}",),
    "signatureMethod": (
        "HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT",
    ),
    "signingKey": ("{{SIGNING_KEY}}",), "signingKeyPassword": ("{{SIGNING_KEY_PASSWORD}}",),
    "realm": ("1234567",), "placement": ("header", "query"), "bodyHash": (True, False),
})  # fmt: skip

_FORM = "application/x-www-form-urlencoded"
_METHODS = (
    "HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT",
)  # fmt: skip
_KEYS = (
    "signingKey", "privateKey", "rsaKey", "rsaPrivateKey", "signingKeyPath", "signingKeyFile",
    "privateKeyPath", "privateKeyFile", "keystore", "keystorePath", "p12",
)  # fmt: skip
_KEY_PASSWORDS = ("signingKeyPassword", "keyPassword", "keystorePassword", "passphrase", "password")
_PARAMETERS = (
    "oauth_consumer_key", "oauth_token", "oauth_signature_method", "oauth_timestamp", "oauth_nonce",
    "oauth_version", "oauth_signature", "oauth_body_hash",
)  # fmt: skip
_PLACES = {"header": "AUTH_HEADER", "query": "QUERY"}


class _Client(Client):
    """The library's client with the OAuth Request Body Hash extension for digests better than SHA-1."""

    body_hash: str = ""

    def get_oauth_params(self, request: OAuthRequest) -> list[tuple[str, str]]:
        own: list[tuple[str, str]] = super().get_oauth_params(request)  # type: ignore[no-untyped-call]
        return [*own, ("oauth_body_hash", self.body_hash)] if self.body_hash else own


Open: TypeAlias = Callable[[str, str], _Client]
"""The signing client for one request, by its timestamp and nonce."""


class OAuth1:
    """Signs requests. `clock` and `nonce` may be replaced before the first request."""

    urls: tuple[str, ...] = ()

    def __init__(self, open_client: Open, *, hashed: str, realm: str, in_query: bool) -> None:
        """`hashed` names the digest of bodies that are no forms (the OAuth body hash); "" for none."""
        self.clock: Clock = SystemClock()
        # Many servers want 20 to 30 letters and digits.
        self.nonce: Callable[[], str] = partial(secrets.token_hex, 12)
        self.names = frozenset[str]() if in_query else frozenset({"authorization"})
        self.query_names = frozenset(_PARAMETERS) if in_query else frozenset[str]()
        self._open = open_client
        self._hashed = hashed
        self._realm = realm

    async def authenticate(self, request: Request, send: Send) -> Response:
        """A streamed body is read first, because forms and hashes of bodies are signed."""
        return await send(self._signed(await request.whole()))

    def _signed(self, request: Request) -> Request:
        content = request.body if isinstance(request.body, bytes) else b""
        is_form = (header(request.headers, "content-type") or "").partition(";")[0].strip().lower() == _FORM
        request = replace(request, url=_with_exact_query(request.url))
        client = self._open(str(int(self.clock.wall())), self.nonce())
        if self._hashed and not is_form:
            client.body_hash = base64.b64encode(hashlib.new(self._hashed, content).digest()).decode()
        try:
            form = _form_of(content) if is_form and request.method not in ("GET", "HEAD") else ""
            url, headers, _ = client.sign(
                request.url,
                http_method=request.method,  # type: ignore[arg-type]
                body=form or None,
                headers={"Content-Type": _FORM} if form else None,
                realm=self._realm or None,
            )
        except ValueError:
            # Its own message may quote the request.
            raise InputError("the request cannot be signed: its form is not URL-encoded text") from None
        if "Authorization" in headers:
            request = request.with_header("Authorization", headers["Authorization"])
        return replace(request, url=url)


def _form_of(content: bytes) -> str:
    # The library only takes the strict encoding, in which it collects what the server will decode.
    return urlencode(parse_qsl(content.decode("utf-8"), keep_blank_values=True), quote_via=quote)


def _with_exact_query(url: str) -> str:
    """The URL with a query that every server decodes in the same way, blanks as %20."""
    address, mark, query = url.partition("?")
    pairs = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return address + mark + urlencode(pairs, quote_via=quote, errors="surrogateescape")


# -- settings ---------------------------------------------------------------------------------------------


def compile_auth(settings: Settings) -> OAuth1:
    """Settings: `consumerKey` and `consumerSecret`, and `token` and `tokenSecret` of a user.

    Also `signatureMethod`, `signingKey` (an RSA key: PEM, PKCS #12 or the path of a file; its password is
    `signingKeyPassword`), `realm`, `placement` (header or query) and `bodyHash` (true, false, or a digest).
    With a `signingKey`, the method is RSA-SHA256 and bodies are hashed, unless the file says otherwise.
    """
    key = private_key(settings, *_KEYS, passwords=_KEY_PASSWORDS)
    has_key = settings.raw(*_KEYS) is not None
    method = settings.text("signatureMethod", "algorithm", default="RSA-SHA256" if has_key else "HMAC-SHA1")
    method = method.strip().upper().replace("_", "-").replace("SHA-", "SHA")
    if method not in _METHODS:
        raise settings.refuse(f"'{method}' is no OAuth 1 method", hint=f"use one of {', '.join(_METHODS)}")
    if method.startswith("RSA") != has_key:
        raise settings.refuse(
            f"{method} needs {'no' if has_key else 'a'} signing key",
            hint="RSA methods have a 'signingKey', the others a 'consumerSecret'",
        )
    place = settings.text("placement", "in", default="header")
    if place not in _PLACES:
        raise settings.refuse(f"OAuth parameters cannot be placed in the {place}", hint="use header or query")
    consumer = credential(settings, "the consumer's key", "consumerKey", "clientId", "clientKey")
    secret = settings.text("consumerSecret", "clientSecret").strip()
    if not (secret or has_key or settings.missing):
        raise settings.refuse("the consumer's secret is empty", hint="write it as 'consumerSecret'")
    token = settings.text("token", "accessToken", "tokenKey").strip()
    token_secret = settings.text("tokenSecret", "accessTokenSecret").strip()

    def open_client(timestamp: str, nonce: str) -> _Client:
        return _Client(
            consumer,
            client_secret=secret,
            resource_owner_key=token or None,
            resource_owner_secret=token_secret or None,
            signature_method=method,
            signature_type=_PLACES[place],
            rsa_key=key or None,
            timestamp=timestamp,
            nonce=nonce,
        )

    return OAuth1(
        open_client,
        hashed=_body_hash(settings, method, default=has_key),
        realm=settings.text("realm"),
        in_query=place == "query",
    )


def _body_hash(settings: Settings, method: str, *, default: bool) -> str:
    """The digest of the body's hash: that of the signature, unless one is named; "" for no hash at all."""
    own = "sha256" if method.endswith("SHA256") else "sha512" if method.endswith("SHA512") else "sha1"
    word = settings.text("bodyHash", default="true" if default else "false").strip().lower().replace("-", "")
    known = {"true": own, "false": "", "sha1": "sha1", "sha256": "sha256", "sha512": "sha512"}
    if word not in known:
        raise settings.refuse(f"'bodyHash' cannot be '{word}'", hint=f"use one of {', '.join(known)}")
    return known[word]
