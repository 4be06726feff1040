"""The upstream of a check: a transport that sends nothing, remembers what it was given, and answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from capspec.values import Json
from capspec.wire import Headers, Request, Response

DOMAIN = ".capability.test"
"""The end of the hosts of all capabilities' upstreams."""

_TOKEN = {"access_token": "t0ken", "token_type": "Bearer", "expires_in": 3600}


@dataclass(frozen=True, slots=True)
class Sent:
    """One request, as an upstream reads it: `path` is decoded, `raw` the whole URL as it was written."""

    method: str
    raw: str
    headers: Headers
    body: bytes

    @property
    def path(self) -> str:
        return unquote(urlsplit(self.raw).path)

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.raw).query, keep_blank_values=True)

    @property
    def content_type(self) -> str:
        return next((value for name, value in self.headers if name.lower() == "content-type"), "")

    @property
    def json(self) -> Json:
        """The body as a value, None when it is not JSON."""
        try:
            return json.loads(self.body) if self.body else None
        except ValueError:
            return None

    @property
    def form(self) -> list[tuple[str, str]]:
        """The fields of a URL-encoded body."""
        if "x-www-form-urlencoded" not in self.content_type.lower():
            return []
        return parse_qsl(self.body.decode("utf-8", "replace"), keep_blank_values=True)


@dataclass(slots=True)
class RecordingUpstream:
    """A Transport for one capability, whose upstreams are all at `host`.

    `answer` is the JSON value that every request to it gets; any other host is taken for one that gives
    tokens. `astray` are requests to hosts of other capabilities.
    """

    host: str
    sent: list[Sent] = field(default_factory=list)
    astray: list[str] = field(default_factory=list)
    answer: Json = field(default_factory=dict)

    async def send(self, request: Request) -> Response:
        whole = await request.whole()
        host = urlsplit(whole.url).netloc
        answer = self.answer
        if host == self.host:
            body = whole.body if isinstance(whole.body, bytes) else b""
            self.sent.append(Sent(whole.method, whole.url, whole.headers, body))
        else:
            answer = _TOKEN
            if host.endswith(DOMAIN):
                self.astray.append(whole.url)
        # Others get their turn between a request and its answer, as they do on a network.
        await asyncio.sleep(0)
        return _response(answer)

    async def close(self) -> None:
        return None

    def take(self) -> tuple[Sent, ...]:
        """What was sent since the last time."""
        taken = tuple(self.sent)
        self.sent.clear()
        return taken


def _response(value: Json) -> Response:
    content = json.dumps(value).encode()

    async def chunks() -> AsyncIterator[bytes]:
        yield content

    headers = (("content-type", "application/json"),)
    return Response(status=200, headers=headers, chunks=chunks(), closer=_closed)


async def _closed() -> None:
    return None
