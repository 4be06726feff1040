"""A status and a reason to a complete answer: what the servers themselves say, as a problem (RFC 9457)."""

from __future__ import annotations

import json
from http import HTTPStatus

from capspec.edge import SendMessage


async def refuse(send: SendMessage, status: HTTPStatus, detail: str) -> None:
    """Answer a request with `application/problem+json`."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status.value, "detail": detail}
    body = json.dumps(problem).encode()
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status.value, "headers": headers})
    await send({"type": "http.response.body", "body": body})
