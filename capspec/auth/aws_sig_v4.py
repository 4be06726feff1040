"""AWS Signature Version 4: requests signed for one service in one region, the key itself never sent.

The steps are those of "Create a signed AWS API request" in the AWS IAM User Guide.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from capspec.clock import Clock, SystemClock
from capspec.credentials import checked_credential, credential, described
from capspec.egress import origin_of
from capspec.request.encoding import FRAMING
from capspec.settings import Settings
from capspec.wire import Headers, Request, Response, Send

SCHEMA = described({
    "service": "The service's name in signatures, such as s3 or execute-api.",
    "region": "Its region; AWS_REGION when left out.",
    "accessKeyId": "The id of the access key; AWS_ACCESS_KEY_ID when left out.",
    "secretAccessKey": "The access key itself; AWS_SECRET_ACCESS_KEY when left out.",
    "sessionToken": "What temporary credentials have besides.",
}, {
    "service": ("s3", "execute-api"), "region": ("eu-central-1",), "accessKeyId": ("{{AWS_ACCESS_KEY_ID}}",),
    "secretAccessKey": ("{{AWS_SECRET_ACCESS_KEY}}",), "sessionToken": ("{{AWS_SESSION_TOKEN}}",),
})  # fmt: skip

_ALGORITHM = "AWS4-HMAC-SHA256"
_UNSIGNED = FRAMING | {"accept", "authorization", "user-agent", "x-amzn-trace-id"}
"""Headers that may change on the way."""

_STORAGE = frozenset({"s3", "s3express", "s3-object-lambda", "s3-outposts"})
"""Services that take a path as it is sent, where the others normalise and encode it once more."""

_HASHED = _STORAGE | {"aoss"}
"""Services that want the hash of the body in a header."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signer:
    """Whose signature it is, and for what."""

    access_key: str
    secret: str = field(repr=False)
    session_token: str = field(repr=False)
    region: str
    service: str

    def signed(self, request: Request, moment: datetime) -> Request:
        """The request with its signature; its query is sent in the encoding that was signed."""
        request = replace(request, url=_with_exact_query(request.url))
        stamp = moment.strftime("%Y%m%dT%H%M%SZ")
        content = hashlib.sha256(request.body if isinstance(request.body, bytes) else b"").hexdigest()
        request = request.with_header("X-Amz-Date", stamp)
        if self.session_token:
            request = request.with_header("X-Amz-Security-Token", self.session_token)
        if self.service in _HASHED:
            request = request.with_header("X-Amz-Content-Sha256", content)
        headers = _signable(request)
        names = ";".join(name for name, _ in headers)
        scope = f"{stamp[:8]}/{self.region}/{self.service}/aws4_request"
        written = self._canonical(request, headers, names, content)
        text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(written.encode()).hexdigest()))
        signature = hmac.new(self._key(stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
        return request.with_header(
            "Authorization",
            f"{_ALGORITHM} Credential={self.access_key}/{scope}, SignedHeaders={names}, "
            f"Signature={signature}",
        )

    def _canonical(self, request: Request, headers: Headers, names: str, content: str) -> str:
        parts = urlsplit(request.url)
        fields = "".join(f"{name}:{value}\n" for name, value in headers)
        query = "&".join(f"{name}={value}" for name, value in sorted(_pairs(parts.query)))
        return "\n".join((request.method, self._path(parts.path), query, fields, names, content))

    def _path(self, path: str) -> str:
        if self.service in _STORAGE:
            return _quoted(unquote(path, errors="surrogateescape"), "/~") or "/"
        return _quoted(_normalised(path), "/~")

    def _key(self, day: str) -> bytes:
        key = f"AWS4{self.secret}".encode()
        for part in (day, self.region, self.service, "aws4_request"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        return key


class AwsSigV4:
    """Signs requests. `clock` may be replaced before the first request."""

    names = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
    urls: tuple[str, ...] = ()

    def __init__(self, signer: Signer) -> None:
        self.clock: Clock = SystemClock()
        self._signer = signer

    async def authenticate(self, request: Request, send: Send) -> Response:
        """A streamed body is read first, because its hash is signed."""
        moment = datetime.fromtimestamp(self.clock.wall(), UTC)
        return await send(self._signer.signed(await request.whole(), moment))


def compile_auth(settings: Settings) -> AwsSigV4:
    """Settings: `service`, and `region`, `accessKeyId`, `secretAccessKey` and `sessionToken`.

    Of the last four, a region and a pair of keys that are left out come from the variables that all AWS
    tools read: AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """
    access = _setting(settings, "AWS_ACCESS_KEY_ID", "accessKeyId", "accessKey", "accessKeyID", "keyId")
    secret = _setting(
        settings, "AWS_SECRET_ACCESS_KEY", "secretAccessKey", "secretKey", "secretAccessKeyId", "secret"
    )
    region = _setting(settings, "AWS_REGION", "region", "awsRegion")
    token = ""
    if settings.raw("sessionToken", "securityToken") is not None:
        token = credential(settings, "the session token", "sessionToken", "securityToken")
    return AwsSigV4(
        Signer(
            access_key=access,
            secret=secret,
            session_token=token,
            region=region,
            service=credential(settings, "the name of the AWS service", "service", "serviceName"),
        )
    )


def _setting(settings: Settings, variable: str, *names: str) -> str:
    if settings.raw(*names) is None:
        return checked_credential(settings, variable, settings.rendered(f"{{{{{variable}}}}}"))
    return credential(settings, f"'{names[0]}'", *names)


# -- the canonical request --------------------------------------------------------------------------------


def _signable(request: Request) -> Headers:
    """The headers to sign: lower-case names in order, values without superfluous blanks."""
    host = str(origin_of(request.url)).partition("://")[2]
    found = {"host": [host]}
    for name, value in request.headers:
        if name.lower() not in _UNSIGNED:
            found.setdefault(name.lower(), []).append(" ".join(value.split()))
    return tuple((name, ",".join(found[name])) for name in sorted(found))


def _pairs(query: str) -> list[tuple[str, str]]:
    found = parse_qsl(query, keep_blank_values=True, errors="surrogateescape")
    return [(_quoted(name), _quoted(value)) for name, value in found]


def _quoted(text: str, safe: str = "~") -> str:
    return quote(text, safe=safe, errors="surrogateescape")


def _with_exact_query(url: str) -> str:
    """The URL with a query in which nothing is encoded in two ways: AWS reads no `+` as a blank."""
    address, mark, query = url.partition("?")
    return address + mark + "&".join(f"{name}={value}" for name, value in _pairs(query))


def _normalised(path: str) -> str:
    """The path without empty and dot segments (RFC 3986, 6.2.2.3)."""
    kept: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            kept = kept[:-1]
        elif segment not in ("", "."):
            kept.append(segment)
    trail = "/" if kept and path.endswith("/") else ""
    return f"/{'/'.join(kept)}{trail}"
