"""Errors to problem documents (RFC 9457): what went wrong and how to mend it, never where it went wrong.

A document has type, title, status, detail, code, request_id, and `errors`: one object with message, code and
maybe hint for each problem. Places in files, hosts and class names stay out.
"""

from __future__ import annotations

import json

from capspec.adapters.rest.encode import Reply
from capspec.admission import refusal_headers
from capspec.errors import CallError, InternalError, MethodError, Problem
from capspec.values import Json


def problem(error: CallError, request_id: str) -> Reply:
    """The answer that says what is wrong."""
    document: dict[str, Json] = {
        "type": f"urn:capspec:{error.code}",
        "title": error.title,
        "status": error.status,
        "detail": "; ".join(item.message for item in error.problems),
        "code": error.code,
        "errors": [_one(item) for item in error.problems],
        "request_id": request_id,
    }
    body = json.dumps(document, ensure_ascii=False).encode("utf-8", "replace")
    headers = [(b"content-type", b"application/problem+json"), (b"cache-control", b"no-store")]
    return Reply(status=error.status, headers=headers + _headers(error), body=body)


def unexpected(request_id: str) -> Reply:
    """The answer when something broke here: the log has the rest, under the same id."""
    message = "something went wrong on this side"
    return problem(
        InternalError(message, hint="report the request_id to whoever runs this server"), request_id
    )


def _one(item: Problem) -> dict[str, Json]:
    document = {"message": item.message, "code": item.code}
    return {**document, "hint": item.hint} if item.hint else document


def _headers(error: CallError) -> list[tuple[bytes, bytes]]:
    headers = refusal_headers(error)
    if isinstance(error, MethodError):
        headers.append((b"allow", ", ".join(error.allow).encode()))
    return headers
