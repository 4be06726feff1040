"""Every request that reaches a provider's imitation, with its secrets masked, for tests to look at."""

from __future__ import annotations

import hashlib
import re
from collections import deque
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from capspec.sandbox.clock import Clock, iso

ENTRY = "sandbox.entry"
BODY = "sandbox.body"
MAX_ENTRIES = 10_000
MAX_BODY = 64 * 1024 * 1024
_SECRET = re.compile(
    r"authorization|cookie|token|secret|password|signature|(^|[-_])(api[-_]?)?key$|^apikey$", re.IGNORECASE
)
_OPEN = frozenset({"idempotency-key", "sec-websocket-key", "idempotency_key"})


@dataclass(slots=True, kw_only=True)
class Entry:
    """One request and what became of it.

    credentials: names of the headers and query parameters that carried a secret. status: None when the
    connection was broken before an answer began. job: the job it made or asked about.
    """

    number: int
    at: float
    method: str
    host: str
    path: str
    query: str
    headers: dict[str, str]
    credentials: list[str]
    body_sha256: str
    body_bytes: int
    provider: str | None = None
    phase: str | None = None
    job: str | None = None
    fault: str | None = None
    fault_source: str | None = None
    status: int | None = None

    def as_json(self) -> dict[str, object]:
        """The entry as the control plane shows it."""
        shown: dict[str, object] = {name: getattr(self, name) for name in self.__slots__}
        return shown | {"at": iso(self.at)}


@dataclass(slots=True)
class Journal:
    """The latest entries since the start or the last reset, oldest first."""

    entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=MAX_ENTRIES))
    _count: int = 0

    def reset(self) -> None:
        """Forget every entry."""
        self.entries.clear()
        self._count = 0

    def open(self, scope: Scope, body: bytes, at: float) -> Entry:
        """A new entry for a request whose body has been read."""
        self._count += 1
        headers = Headers(scope=scope)
        query, query_secrets = _masked_query(scope.get("query_string", b"").decode("latin-1"))
        entry = Entry(
            number=self._count,
            at=at,
            method=scope["method"],
            host=headers.get("host", ""),
            path=scope["path"],
            query=query,
            headers={name: mask(value) if is_secret(name) else value for name, value in headers.items()},
            credentials=sorted({name for name in headers if is_secret(name)} | query_secrets),
            body_sha256=hashlib.sha256(body).hexdigest(),
            body_bytes=len(body),
        )
        self.entries.append(entry)
        return entry


class Journaled:
    """ASGI middleware: reads the body, keeps an entry, notes the status that went out."""

    def __init__(self, app: ASGIApp, journal: Journal, clock: Clock, control: str) -> None:
        self._app, self._journal, self._clock, self._control = app, journal, clock, control

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(self._control):
            await self._app(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except ClientDisconnect:
            return
        if body is None:
            await _too_large(send)
            return
        entry = self._journal.open(scope, body, self._clock.now())

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start":
                entry.status = message["status"]
            await send(message)

        await self._app({**scope, ENTRY: entry, BODY: body}, receive, noting)


def is_secret(name: str) -> bool:
    """Whether a header or query parameter of that name carries a secret."""
    return name.lower() not in _OPEN and _SECRET.search(name) is not None


def mask(value: str) -> str:
    """A secret's last four characters; nothing of a short one."""
    return f"…{value[-4:]}" if len(value) >= 12 else "…"


def _masked_query(query: str) -> tuple[str, set[str]]:
    pairs = parse_qsl(query, keep_blank_values=True)
    secrets = {name for name, _ in pairs if is_secret(name)}
    if not secrets:
        return query, secrets
    return urlencode([(name, mask(value) if name in secrets else value) for name, value in pairs]), secrets


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None for one that is too large. Raises ClientDisconnect."""
    body, more = bytearray(), True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > MAX_BODY:
            return None
    return bytes(body)


async def _too_large(send: Send) -> None:
    await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
