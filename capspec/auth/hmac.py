"""HMAC (RFC 2104): a text made of the request, signed with a shared secret, in headers or in the query.

Every API has its own text, so the file writes it down, with placeholders in single braces.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email.utils import format_datetime
from urllib.parse import urlsplit

from capspec.clock import Clock, SystemClock
from capspec.credentials import checked_credential, credential, described, with_query, without_query
from capspec.egress import origin_of
from capspec.errors import InputError
from capspec.request.encoding import FRAMING, header_value, is_token
from capspec.settings import Settings
from capspec.wire import Request, Response, Send

SCHEMA = described({
    "keyId": "The name of the secret, {keyId} in texts.",
    "secret": "What is shared with the API.",
    "secretEncoding": "What the secret is written in: text, hex or base64.",
    "algorithm": "sha256, sha512, sha384, sha1 or md5.",
    "encoding": "What signatures and hashes are written in: hex, base64 or base64url.",
    "timestamp": "What {timestamp} looks like: unix, unix-ms, iso or http.",
    "sign": "The texts that are signed, with placeholders such as {method}, {pathAndQuery}, {body}.",
    "separator": "What stands between these texts; a line end when left out.",
    "deriveKey": "Texts that make the key of the secret, each signed with what the one before gave.",
    "headers": "The headers that are sent, with {signature}, {timestamp}, {nonce}, {keyId} and the others.",
    "query": "The query parameters that are sent, in the same way.",
    "apiId": "The id of Veracode credentials, for its own scheme.",
    "apiKey": "The key of Veracode credentials.",
}, {
    "keyId": ("{{API_KEY}}",), "secret": ("{{API_SECRET}}",), "secretEncoding": ("text", "hex", "base64"),
    "algorithm": ("sha256", "sha512", "sha384", "sha1", "md5"), "encoding": ("hex", "base64", "base64url"),
    "timestamp": ("unix", "unix-ms", "iso", "http"), "separator": ("",),
    "sign": (["{timestamp}", "{method}", "{pathAndQuery}", "{body}"],), "deriveKey": (["{timestamp}"],),
    "headers": ({"X-Signature": "{signature}", "X-Timestamp": "{timestamp}"},),
    "query": ({"signature": "{signature}"},), "apiId": ("{{API_ID}}",), "apiKey": ("{{API_KEY}}",),
})  # fmt: skip

_PLACEHOLDER = re.compile(r"(?<!\{)\{([A-Za-z][A-Za-z0-9-]*(?::[^{}]+)?)\}(?!\})")
_OF_REQUEST = (
    "method", "host", "path", "query", "pathAndQuery", "url", "body", "bodyHash", "timestamp", "nonce",
    "nonceBytes", "keyId",
)  # fmt: skip
_ALGORITHMS = ("sha256", "sha512", "sha384", "sha1", "md5")
_STAMPS: dict[str, Callable[[datetime], str]] = {
    "unix": lambda moment: str(int(moment.timestamp())),
    "unix-ms": lambda moment: str(int(moment.timestamp() * 1000)),
    "iso": lambda moment: moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
    "http": lambda moment: format_datetime(moment, usegmt=True),
}
_ENCODINGS: dict[str, Callable[[bytes], str]] = {
    "hex": bytes.hex,
    "base64": lambda digest: base64.b64encode(digest).decode(),
    "base64url": lambda digest: base64.urlsafe_b64encode(digest).rstrip(b"=").decode(),
}
_SECRETS: dict[str, Callable[[str], bytes]] = {
    "text": str.encode,
    "hex": bytes.fromhex,
    "base64": lambda text: base64.b64decode(text, validate=True),
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text with placeholders: literals and names by turns, beginning with a literal."""

    parts: tuple[str, ...] = field(repr=False)

    def filled(self, values: Mapping[str, bytes]) -> bytes:
        """The text with a value for each of its names; a header that is not there is empty."""
        return b"".join(
            values.get(part, b"") if index % 2 else part.encode() for index, part in enumerate(self.parts)
        )

    @property
    def names(self) -> tuple[str, ...]:
        return self.parts[1::2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a request is signed, and where what came of it goes. `derive` leads from the secret to the key."""

    secret: bytes = field(repr=False)
    key_id: str
    algorithm: str
    encode: Callable[[bytes], str]
    stamp: Callable[[datetime], str]
    derive: tuple[Pattern, ...]
    text: Pattern
    headers: Mapping[str, Pattern]
    query: Mapping[str, Pattern]

    def signature(self, values: Mapping[str, bytes]) -> str:
        key = self.secret
        for pattern in (*self.derive, self.text):
            key = hmac.new(key, pattern.filled(values), self.algorithm).digest()
        return self.encode(key)


class Hmac:
    """Signs requests. `clock` and `nonce`, 16 random bytes, may be replaced before the first request."""

    urls: tuple[str, ...] = ()

    def __init__(self, recipe: Recipe) -> None:
        self.clock: Clock = SystemClock()
        self.nonce: Callable[[], bytes] = lambda: secrets.token_bytes(16)
        self.names = frozenset(name.lower() for name in recipe.headers)
        self.query_names = frozenset(recipe.query)
        self._recipe = recipe

    async def authenticate(self, request: Request, send: Send) -> Response:
        """A streamed body is read first, because it is signed."""
        request = await request.whole()
        values = self._unsigned(request)
        # What is sent besides the signature may be signed itself, so it is there first.
        request = self._with(request, values, signed=False)
        values |= _parts_of(request)
        values["signature"] = self._recipe.signature(values).encode()
        return await send(self._with(request, values, signed=True))

    def _unsigned(self, request: Request) -> dict[str, bytes]:
        recipe, nonce = self._recipe, self.nonce()
        body = request.body if isinstance(request.body, bytes) else b""
        return _parts_of(request) | {
            "body": body,
            "bodyHash": recipe.encode(hashlib.new(recipe.algorithm, body).digest()).encode(),
            "timestamp": recipe.stamp(datetime.fromtimestamp(self.clock.wall(), UTC)).encode(),
            "nonce": nonce.hex().encode(),
            "nonceBytes": nonce,
            "keyId": recipe.key_id.encode(),
        }

    def _with(self, request: Request, values: Mapping[str, bytes], *, signed: bool) -> Request:
        """The request with those headers and query pairs that hold the signature, or those that do not."""
        for name, pattern in self._recipe.headers.items():
            if ("signature" in pattern.names) == signed:
                request = request.with_header(name, _sendable(pattern.filled(values)))
        url = request.url
        for name, pattern in self._recipe.query.items():
            if ("signature" in pattern.names) == signed:
                url = with_query(url, name, pattern.filled(values))
            elif not signed:
                # A signature that a caller sent is not signed.
                url = without_query(url, name)
        return replace(request, url=url)


def _parts_of(request: Request) -> dict[str, bytes]:
    parts = urlsplit(request.url)
    path = parts.path or "/"
    texts = {
        "method": request.method,
        "host": str(origin_of(request.url)).partition("://")[2],
        "path": path,
        "query": parts.query,
        "pathAndQuery": f"{path}?{parts.query}" if parts.query else path,
        "url": request.url,
    }
    texts |= {f"header:{name.lower()}": value for name, value in request.headers}
    return {name: text.encode() for name, text in texts.items()}


def _sendable(text: bytes) -> str:
    try:
        return header_value(text.decode("utf-8"))
    except ValueError:
        raise InputError("the request cannot be signed: a header of its signature cannot be sent") from None


# -- settings ---------------------------------------------------------------------------------------------


def compile_auth(settings: Settings) -> Hmac:
    """Settings: `secret`, and `sign`, the texts to sign, which `separator` joins (a line end by default).

    A text may hold {method}, {host}, {path}, {query}, {pathAndQuery}, {url}, {body}, {bodyHash}, {timestamp},
    {nonce}, {nonceBytes}, {keyId} and {header:Name}. `headers` and `query` say what is sent; there,
    {signature} is known too, and what is sent without it can be signed. Also `keyId`; `algorithm` (sha256);
    `encoding` of signature and hash (hex, base64 or base64url); `secretEncoding` (text, hex or base64);
    `timestamp` (unix, unix-ms, iso or http); and `deriveKey`, texts which are signed one with the signature
    of the other to make the key.

    A block with nothing but `apiId` and `apiKey` signs as Veracode's APIs want it.
    """
    if settings.raw("apiId") is not None and settings.raw("sign") is None:
        return Hmac(_veracode(settings))
    signed = _texts(settings, "sign", "signedParts", "stringToSign")
    if not signed:
        raise settings.refuse(
            "it does not say what is signed",
            hint="write 'sign', such as ['{method}', '{path}']",
        )
    recipe = Recipe(
        secret=_secret(settings),
        key_id=_key_id(settings),
        algorithm=_choice(settings, "algorithm", _ALGORITHMS, "sha256"),
        encode=_ENCODINGS[_choice(settings, "encoding", _ENCODINGS, "hex")],
        stamp=_STAMPS[_choice(settings, "timestamp", _STAMPS, "unix")],
        derive=tuple(_pattern(settings, text) for text in _texts(settings, "deriveKey")),
        text=_pattern(settings, settings.node.text("separator", default="\n").join(signed)),
        headers=_sent(settings, "headers"),
        query=_sent(settings, "query"),
    )
    if not any("signature" in item.names for item in (*recipe.headers.values(), *recipe.query.values())):
        raise settings.refuse(
            "it does not say where the signature goes", hint="write headers: {X-Signature: '{signature}'}"
        )
    return Hmac(recipe)


def _veracode(settings: Settings) -> Recipe:
    """The scheme of Veracode's REST APIs, whose files give only the credentials."""
    # Newer credentials have their region before a dash, which is not signed.
    key_id, key = (credential(settings, f"'{name}'", name).rpartition("-")[2] for name in ("apiId", "apiKey"))
    words = {"Authorization": "VERACODE-HMAC-SHA-256 id={keyId},ts={timestamp},nonce={nonce},sig={signature}"}
    return Recipe(
        secret=_decoded(settings, key, "hex"),
        key_id=key_id,
        algorithm="sha256",
        encode=_ENCODINGS["hex"],
        stamp=_STAMPS["unix-ms"],
        derive=tuple(map(_split, ("{nonceBytes}", "{timestamp}", "vcode_request_version_1"))),
        text=_split("id={keyId}&host={host}&url={pathAndQuery}&method={method}"),
        headers={name: _split(text) for name, text in words.items()},
        query={},
    )


def _key_id(settings: Settings) -> str:
    names = ("keyId", "accessKeyId", "apiId", "accessKey", "clientId")
    if settings.raw(*names) is None:
        return ""
    return credential(settings, "the key's id", *names)


def _secret(settings: Settings) -> bytes:
    names = ("secret", "secretKey", "secretAccessKey", "apiKey", "apiSecret", "key")
    return _decoded(
        settings,
        credential(settings, "the secret", *names),
        _choice(settings, "secretEncoding", _SECRETS, "text"),
    )


def _decoded(settings: Settings, text: str, encoding: str) -> bytes:
    try:
        return b"" if settings.missing else _SECRETS[encoding](text)
    except (ValueError, binascii.Error):
        raise settings.refuse(f"the secret is not {encoding}") from None


def _choice(settings: Settings, name: str, known: Iterable[str], default: str) -> str:
    word = settings.text(name, default=default).strip().lower()
    if name == "algorithm":
        word = word.removeprefix("hmac").replace("-", "").replace("_", "")
    if word not in known:
        raise settings.refuse(f"'{name}' cannot be '{word}'", hint=f"use one of {', '.join(known)}")
    return word


def _texts(settings: Settings, *names: str) -> tuple[str, ...]:
    """The texts as they are written: their variables are put in later, between the placeholders."""
    return settings.node.texts(*names)


def _sent(settings: Settings, name: str) -> dict[str, Pattern]:
    found = {}
    for key, value in settings.node.mapping(name).items():
        if name == "headers" and (not is_token(key) or key.lower() in FRAMING):
            raise settings.refuse(f"the header '{key}' cannot carry a signature")
        found[key] = pattern = _pattern(settings, str(value), "signature")
        checked_credential(settings, f"'{key}'", "".join(pattern.parts[::2]).strip() or "-")
    return found


def _pattern(settings: Settings, text: str, *more: str) -> Pattern:
    """A text with its variables put in; nothing in their values counts as a placeholder."""
    pattern = _split(text)
    for name in pattern.names:
        if name not in (*_OF_REQUEST, *more) and not name.startswith("header:"):
            raise settings.refuse(
                f"'{{{name}}}' stands for nothing in a signature",
                hint=f"use one of {', '.join((*_OF_REQUEST, *more))}, header:NAME",
            )
    return Pattern(
        tuple(
            part if index % 2 or not part else settings.rendered(part)
            for index, part in enumerate(pattern.parts)
        )
    )


def _split(text: str) -> Pattern:
    parts = _PLACEHOLDER.split(text)
    return Pattern(tuple(_plain(part) if index % 2 else part for index, part in enumerate(parts)))


def _plain(name: str) -> str:
    """The placeholder of a header in lower case."""
    return name.lower() if name.startswith("header:") else name
