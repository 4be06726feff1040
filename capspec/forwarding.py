"""Passages to results: a caller's request goes on to an API with what the file adds, and comes back as it is.

What of a request goes on is in `capspec.plan.forwards`. Of an answer everything end-to-end comes back (RFC
9110, 7.6.1), but for cookies that are not trusted and for headers that speak for the whole of an origin.
Secrets that an error echoes are masked; one that is compressed comes back as it is.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from urllib.parse import quote, unquote, unquote_plus

from capspec.clock import Clock
from capspec.deadlines import Pauses
from capspec.errors import CallError, InputError, Unavailable, UpstreamError
from capspec.events import EventStream, FlowFinished
from capspec.masking import Masking
from capspec.plan import Operation, Plan, Result, is_failure
from capspec.plan.passages import Passage
from capspec.relocation import relocated
from capspec.request import build
from capspec.request.encoding import MOST_CODINGS, leaves_place
from capspec.upstream import Upstreams
from capspec.wire import Headers, Request, Response, header

_HOP_BY_HOP = frozenset({
    "connection", "http2-settings", "keep-alive", "proxy-authenticate", "proxy-authentication-info",
    "proxy-authorization", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
})  # fmt: skip

_OURS = frozenset({"date", "x-content-type-options", "x-request-id"})
"""Headers that every answer has from this server."""

_OF_THE_ORIGIN = frozenset({
    "alt-svc", "clear-site-data", "expect-ct", "nel", "public-key-pins", "report-to", "reporting-endpoints",
    "strict-transport-security",
})  # fmt: skip
"""Headers about everything that an origin serves, which only this server may send for its own."""

_COOKIES = frozenset({"set-cookie", "set-cookie2"})
_LINKS = frozenset({"content-location", "location"})
_OF_THE_BYTES = frozenset({
    "content-digest", "content-length", "content-md5", "digest", "etag", "repr-digest",
})  # fmt: skip
"""Headers that tell of the very bytes of a body."""
_BODILESS = frozenset({204, 205, 304})

_PRINTABLE = "".join(chr(code) for code in range(0x21, 0x7F) if chr(code) not in "#\\")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_ESCAPES = re.compile(r"[\x00-\x1f\x7f\\]")


class Forwarding:
    """Passes requests on to the upstreams of one plan (Forwarder of `capspec.plan.passages`)."""

    def __init__(self, plan: Plan, upstreams: Upstreams, clock: Clock, events: EventStream) -> None:
        self._plan = plan
        self._upstreams = upstreams
        self._clock = clock
        self._events = events
        self._masking = Masking(plan.secrets)

    async def send(self, passage: Passage) -> Result:
        """The API's answer, whatever its status, its body as a stream.

        Raises InputError for a path or a header that cannot be passed on, and what `Upstreams.relay` raises.
        """
        ending = _Ending(self, passage, self._clock.monotonic())
        try:
            return await self._answer(passage, ending)
        except CallError as error:
            ending.code = error.code
            raise
        finally:
            if not ending.goes_on:
                ending.tell()

    async def _answer(self, passage: Passage, ending: _Ending) -> Result:
        forward, operation = passage.forward, passage.forward.operation
        if forward.unavailable or operation is None:
            raise Unavailable(f"'{forward.name}' is not available: {forward.unavailable}")
        pauses = self._upstreams.pauses(operation)
        request = _request(passage, operation, pauses)
        response = await self._upstreams.relay(operation, request, pauses)
        if response.status < 200:
            await response.close()
            raise UpstreamError(f"{operation.id} answered with {response.status}, which nobody asked for")
        ending.goes_on = True
        ending.code = f"HTTP {response.status}" if is_failure(response.status) else ""

        async def close() -> None:
            await response.close()
            ending.tell()

        masked = self._is_masked(passage, response)
        body = None if response.status in _BODILESS else _relayed(response, pauses, ending)
        return Result(
            status=response.status,
            headers=self._headers(passage, request.url, response, masked=masked),
            media_type=response.header("content-type") or "",
            stream=self._masking.stream(body) if masked and body is not None else body,
            closer=close,
        )

    def _is_masked(self, passage: Passage, response: Response) -> bool:
        """Whether a body is an error's that may have a secret in it which can be seen."""
        if not self._masking or response.status < 400 or passage.method == "HEAD":
            return False
        codings = (value for name, value in response.headers if name.lower() == "content-encoding")
        words = (word.strip().lower() for value in codings for word in value.split(","))
        return all(word in ("", "identity") for word in words)

    def _headers(self, passage: Passage, url: str, response: Response, *, masked: bool) -> Headers:
        left_out = _HOP_BY_HOP | _OURS | _OF_THE_ORIGIN | _nominated(response.headers)
        if masked:
            left_out |= _OF_THE_BYTES
        if not passage.forward.returns_cookies:
            left_out |= _COOKIES
        if response.status in _BODILESS or response.header("transfer-encoding") is not None:
            left_out |= {"content-length"}
        kept = ((name, value) for name, value in response.headers if name.lower() not in left_out)
        found = (
            (name, relocated(value, url, passage) if name.lower() in _LINKS else value)
            for name, value in kept
        )
        return self._masking.headers(tuple(found))

    def finished(self, passage: Passage, seconds: float, code: str) -> None:
        """Tell that a passage is over: the access log's line."""
        self._events.emit(
            FlowFinished(
                capability=self._plan.name,
                listener=passage.listener,
                flow=passage.forward.name,
                principal=passage.principal.name,
                request_id=passage.request_id,
                seconds=seconds,
                code=code,
            )
        )


@dataclass(slots=True)
class _Ending:
    """The end of a passage, which is told once. `goes_on`: the answer's body has yet to come."""

    forwarding: Forwarding
    passage: Passage
    began: float
    code: str = ""
    goes_on: bool = False
    told: bool = False

    def tell(self) -> None:
        if not self.told:
            self.told = True
            seconds = self.forwarding._clock.monotonic() - self.began
            self.forwarding.finished(self.passage, seconds, self.code)


async def _relayed(response: Response, pauses: Pauses, ending: _Ending) -> AsyncIterator[bytes]:
    """The body as it comes. A stream of events may be silent for as long as it likes."""
    events = (response.header("content-type") or "").lower().startswith("text/event-stream")
    try:
        async for part in response.chunks if events else pauses.incoming(response.chunks):
            yield part
    except CallError as error:
        ending.code = error.code
        raise


# -- the request ------------------------------------------------------------------------------------------


def _request(passage: Passage, operation: Operation, pauses: Pauses) -> Request:
    own = build(operation, dict(passage.values))
    base, _, constants = own.url.partition("?")
    path = "" if passage.rest is None else f"/{below(passage.rest)}"
    url = f"{base}{path}" if base.count("/") > 2 or path else f"{base}/"
    query = "&".join(filter(None, (constants, _query(passage))))
    headers = _headers(passage, own.headers)
    if passage.body is not None and passage.length is not None:
        headers += (("Content-Length", str(passage.length)),)
    return Request(
        method=passage.method,
        url=f"{url}?{query}" if query else url,
        headers=headers,
        body=None if passage.body is None else pauses.outgoing(passage.body),
        verbatim=True,
        whole_limit=passage.whole_limit,
    )


def below(rest: str) -> str:
    """A part of a path that stays below what is before it, whatever a server decodes to resolve dots.

    It is percent-encoded already, and stays as it is but for characters that no URL can hold.
    Raises InputError.
    """
    encoded = quote(rest, safe=_PRINTABLE)
    text, before = rest, ""
    for _ in range(MOST_CODINGS):
        if _ESCAPES.search(text) or text.startswith("/"):
            _refuse("must not begin with a slash, nor hold a backslash or a control character")
        text, before = unquote(text), text
        if text == before:
            break
    else:
        _refuse("is percent-encoded over and over")
    if any(leaves_place(segment) for segment in encoded.split("/")):
        _refuse("must not hold '.' or '..' as a part of it")
    return encoded.replace("?", "%3F")


def _refuse(why: str) -> None:
    raise InputError(f"the path {why}", hint="send the path that the API itself would be sent")


def _query(passage: Passage) -> str:
    """The caller's query as it was sent, without what only the file may say."""
    withheld = passage.forward.withheld_query
    pairs = passage.query.split("&")
    kept = [pair for pair in pairs if unquote_plus(pair.partition("=")[0]) not in withheld]
    # The characters stand for the bytes that were sent.
    return quote("&".join(kept).encode("latin-1"), safe=_PRINTABLE)


def _headers(passage: Passage, own: Headers) -> Headers:
    """What the file says, and what the caller may say; where both do, the caller's own defaults count."""
    allowed = passage.forward.headers - _nominated(passage.headers)
    given = [item for item in passage.headers if item[0].lower() in allowed and item[0].lower() != "cookie"]
    for name, value in given:
        if _CONTROL.search(value):
            raise InputError(f"the header '{name}' holds a control character, which cannot be sent on")
    names = {name.lower() for name, _ in given}
    kept = [item for item in own if item[0].lower() not in names and item[0].lower() != "cookie"]
    cookies = _cookies(passage, own, allowed)
    return (*kept, *given, *((("Cookie", cookies),) if cookies else ()))


def _cookies(passage: Passage, own: Headers, allowed: Iterable[str]) -> str:
    ours = header(own, "cookie") or ""
    if "cookie" not in allowed:
        return ours
    given = (value for name, value in passage.headers if name.lower() == "cookie")
    pairs = (pair.strip() for value in given for pair in value.split(";"))
    withheld = passage.forward.withheld_cookies
    kept = [pair for pair in pairs if pair and pair.partition("=")[0].strip() not in withheld]
    return "; ".join(filter(None, (ours, *kept)))


def _nominated(headers: Headers) -> frozenset[str]:
    """The headers that a Connection header says are for the connection only (RFC 9110, 7.6.1)."""
    values = (value for name, value in headers if name.lower() == "connection")
    return frozenset(word.strip().lower() for value in values for word in value.split(","))
