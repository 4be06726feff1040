"""A status and a reason to a complete answer: what the servers themselves say, as a problem (RFC 9457)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from http import HTTPStatus

from capspec.edge import SendMessage


async def refuse(
    send: SendMessage, status: HTTPStatus, detail: str, more: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """Answer a request with `application/problem+json`; `more` are further headers."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = json.dumps(problem).encode()
    length = str(len(body)).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", length), *more]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
