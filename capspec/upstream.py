"""Operations to answers: build, check the address, authenticate, send, and read within limits."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import replace
from email.message import Message
from urllib.parse import urlsplit, urlunsplit

from capspec import registry
from capspec.clock import Clock
from capspec.deadlines import Bound, Deadline, Pauses
from capspec.egress import Egress
from capspec.errors import CallError, MappingError, MissingSecret, Unavailable, UpstreamError
from capspec.events import EventStream, UpstreamAnswered, UpstreamRetried
from capspec.plan import NOTHING, Answer, Codec, Extra, Operation, is_failure
from capspec.request import build, fetch_files
from capspec.values import Json
from capspec.wire import Request, Response, Transport, header

DEFAULT_TIMEOUT = 60.0
MAX_RESPONSE_BYTES = 10 * 1024 * 1024

_LARGE = 256 * 1024
_QUICK = ("application/json", "application/octet-stream", "text/plain")
"""Formats of which even a large answer is read in no time."""

_MAX_QUOTED = 80

_RAISE_OPTION = "ask for less, or raise --max-response-bytes"
_RAISE_FIELD = "ask for less, or raise the file's maxBinarySize"


class Upstreams:
    """Everything that is sent goes through here. One for the whole process."""

    def __init__(
        self,
        transport: Transport,
        egress: Egress,
        clock: Clock,
        events: EventStream,
        *,
        timeout: float = DEFAULT_TIMEOUT,
        max_response_bytes: int = MAX_RESPONSE_BYTES,
    ) -> None:
        """`timeout`: seconds that an exchange may take, to the last byte, where the file says nothing."""
        self._transport = transport
        self._egress = egress
        self._clock = clock
        self._events = events
        self._timeout = timeout
        self._limit = max_response_bytes

    async def send(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Answer:
        """Make the request; the answer's body has yet to be read, or closed, within the same deadline.

        Raises CallError: InputError for arguments that cannot be sent, MissingSecret and Unavailable for an
        operation that cannot work, EgressDenied, UpstreamError and UpstreamTimeout.
        """
        _check_usable(operation)
        files = await fetch_files(self, operation, arguments)
        return await self._answer(operation, build(operation, arguments, extra, files))

    async def send_to(
        self, url: str, operation: Operation, arguments: Mapping[str, Json], *, allowed: Iterable[str]
    ) -> Answer:
        """The same request at an absolute address that an upstream's answer gave, credentials included.

        `allowed` are the origins that it may go to, as `egress.pattern_of` reads them. Raises as `send` does:
        EgressDenied for every other address.
        """
        _check_usable(operation)
        self._egress.check_given(url, allowed)
        return await self._answer(operation, replace(build(operation, arguments), url=url))

    async def _answer(self, operation: Operation, request: Request) -> Answer:
        deadline = Deadline(operation.id, self._clock, self._seconds(operation))
        response = await self._begin(operation, request, deadline)
        response.chunks = deadline.guard(response.chunks)
        return Answer(
            response=response,
            codec=operation.codec,
            limit=self._limit if operation.max_size is None else operation.max_size,
            operation=operation.id,
            media_type="" if is_failure(response.status) else _declared_type(operation, response),
            remedy=_RAISE_OPTION if operation.max_size is None else _RAISE_FIELD,
        )

    def pauses(self, operation: Operation) -> Pauses:
        """What bounds a relayed exchange with the operation's upstream, of which only the pauses count."""
        return Pauses(operation.id, self._clock, self._seconds(operation))

    async def relay(self, operation: Operation, request: Request, pauses: Pauses) -> Response:
        """Send a request that was not built from arguments, with the credentials of an operation's upstream.

        The answer's body is as long, and takes as long, as it is. Raises as `send` does.
        """
        _check_usable(operation)
        return await self._begin(operation, request, pauses)

    async def _begin(self, operation: Operation, request: Request, bound: Bound) -> Response:
        """The answer as far as its body, with the event of it and a span."""
        about = {} if self._events.tracing is None else _described(operation, request)
        with self._events.span(f"http.client.{request.method}", about, "CLIENT") as span:
            for name, value in self._events.propagation():
                request = request.with_header(name, value)
            try:
                response = await bound.bound(self._exchange(operation, request))
            except CallError as error:
                self._report(operation, request, bound, code=error.code)
                raise
            if span is not None:
                span.attributes["http.response.status_code"] = response.status
                span.failed = response.status >= 500
            if not 100 <= response.status <= 599:
                await response.close()
                self._report(operation, request, bound, code=UpstreamError.code)
                raise UpstreamError(
                    f"{operation.id} answered with {response.status}, which is no HTTP status"
                )
            self._report(operation, request, bound, status=response.status)
            return response

    def _seconds(self, operation: Operation) -> float:
        return operation.timeout or operation.upstream.timeout or self._timeout

    async def fetch(self, request: Request) -> Response:
        """Make a request that is no operation's. Raises EgressDenied, UpstreamError and UpstreamTimeout."""
        self._egress.check(request.url)
        return await self._transport.send(request)

    async def decode(self, answer: Answer) -> Json:
        """The answer's body as a value; an empty one is None.

        Raises MappingError when it is not in the operation's format, ResponseTooLarge, UpstreamTimeout.
        """
        content = await answer.read()
        if not content:
            return None
        coding = header(answer.headers, "content-encoding")
        if coding and coding.lower() != "identity":
            raise MappingError(
                f"{answer.operation} answered in the content coding {_harmless(coding)}, unasked"
            )
        charset = charset_of(header(answer.headers, "content-type") or "")
        codec = _codec_of(answer)
        try:
            if len(content) > _LARGE and codec.media_type not in _QUICK:
                # Reading takes seconds, in which others want to be answered.
                return await asyncio.to_thread(codec.decode, content, charset)
            return codec.decode(content, charset)
        except ValueError as error:
            raise MappingError(_unreadable(answer, content, str(error))) from None

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def _exchange(self, operation: Operation, request: Request) -> Response:
        sent: set[str] = set()

        async def send(outgoing: Request) -> Response:
            self._egress.check(outgoing.url)
            if outgoing.url in sent:
                self._events.emit(
                    UpstreamRetried(operation=operation.id, reason="its credentials were not accepted")
                )
            sent.add(outgoing.url)
            return await self._transport.send(outgoing)

        auth = operation.upstream.auth
        return await (send(request) if auth is None else auth.authenticate(request, send))

    def _report(
        self, operation: Operation, request: Request, bound: Bound, *, status: int = 0, code: str = ""
    ) -> None:
        self._events.emit(
            UpstreamAnswered(
                operation=operation.id,
                method=request.method,
                host=urlsplit(request.url).netloc,
                status=status,
                seconds=bound.elapsed,
                code=code,
            )
        )


def _described(operation: Operation, request: Request) -> dict[str, str | int]:
    """The attributes of a request's span. Keys of APIs are often in queries, so that is left out."""
    return {
        "capspec.operation.id": operation.id,
        "http.request.method": request.method,
        "url.full": urlunsplit(urlsplit(request.url)._replace(query="", fragment="")),
    }


def _check_usable(operation: Operation) -> None:
    missing = tuple(dict.fromkeys((*operation.upstream.missing, *operation.missing)))
    if missing:
        names = ", ".join(missing)
        raise MissingSecret(
            f"{operation.id} cannot be called: {names} {'has' if len(missing) == 1 else 'have'} no value",
            hint=f"set {names} where the file's 'binds' look for it",
        )
    if operation.upstream.problem:
        raise Unavailable(f"{operation.id} cannot be called: {operation.upstream.problem}")


def _declared_type(operation: Operation, response: Response) -> str:
    """The media type that the file says an answer has, "" for what the upstream says."""
    declared = [kind for status, kind in operation.media_types if _fits(status, response.status)]
    said = _essence(header(response.headers, "content-type") or "")
    if operation.media_type or not declared:
        return operation.media_type
    return "" if said in map(_essence, declared) else declared[0]


def _fits(pattern: str, status: int) -> bool:
    return all(said in ("X", digit) for said, digit in zip(pattern, str(status), strict=True))


def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def _codec_of(answer: Answer) -> Codec:
    """What reads an answer: an error is often JSON where other answers are in another format."""
    essence = answer.content_type.partition(";")[0].strip().lower()
    if is_failure(answer.status) and (essence == "application/json" or essence.endswith("+json")):
        codec: Codec = registry.find("codec", "json")
        return codec
    return answer.codec


def charset_of(content_type: str) -> str:
    """The charset parameter of a content type (RFC 9110, 8.3.2), "" when there is none."""
    message = Message()
    message["content-type"] = content_type
    return message.get_content_charset() or ""


def _unreadable(answer: Answer, content: bytes, why: str) -> str:
    received = answer.content_type.partition(";")[0].strip().lower() or "no content type"
    expected = answer.codec.media_type
    said = (
        f"{_harmless(received)} where {expected} was expected" if received != expected else f"bad {expected}"
    )
    return f"{answer.operation} answered {said} ({why}); it begins '{_harmless(content)}'"


def _harmless(text: str | bytes) -> str:
    """The beginning of foreign text, safe for a terminal, a log and a reader: one line, printable only."""
    if isinstance(text, bytes):
        text = text[: 4 * _MAX_QUOTED].decode("utf-8", "replace")
    line = " ".join(text.split())[:_MAX_QUOTED]
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in line)
