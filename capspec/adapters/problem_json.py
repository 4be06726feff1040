"""Errors to problem documents (RFC 9457): what went wrong and how to mend it, never where it went wrong.

A document has type, title, status, detail, code, request_id, and `errors`: one object with message, code and
maybe hint for each problem. Places in files, hosts and class names stay out. Beside the codes of
`capspec.errors` there are those of requests that reach no flow:

    CAP611  404  no such path                     CAP613  413  the body is over the limit
    CAP612  405  the path has other methods       CAP614  415  the body is compressed
"""

from __future__ import annotations

import json
import math
from typing import ClassVar

from capspec.adapters.rest_encode import Reply
from capspec.errors import AuthError, CallError, Problem
from capspec.values import Json


class UnknownPathError(CallError):
    """No route has the path."""

    code = "CAP611"
    status = 404
    title = "Not found"


class MethodError(CallError):
    """The path has routes for other methods. `allow` lists them (RFC 9110, 15.5.6)."""

    code = "CAP612"
    status = 405
    title = "Method not allowed"

    def __init__(self, message: str, *, allow: tuple[str, ...]) -> None:
        super().__init__(message, hint=f"use one of {', '.join(allow)}")
        self.allow = allow


class BodySizeError(CallError):
    """The request's body is over the limit."""

    code = "CAP613"
    status = 413
    title = "The request body is too large"


class BodyEncodingError(CallError):
    """The request's body has a Content-Encoding, which is not undone here."""

    code = "CAP614"
    status = 415
    title = "Unsupported content encoding"


class _InternalError(CallError):
    """Stands for everything else, and says nothing of it."""

    code = "CAP699"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"


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
        _InternalError(message, hint="report the request_id to whoever runs this server"), request_id
    )


def _one(item: Problem) -> dict[str, Json]:
    document = {"message": item.message, "code": item.code}
    return {**document, "hint": item.hint} if item.hint else document


def _headers(error: CallError) -> list[tuple[bytes, bytes]]:
    headers = []
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(0, math.ceil(error.retry_after))))
    if isinstance(error, AuthError) and error.challenge:
        headers.append((b"www-authenticate", error.challenge.encode("latin-1", "replace")))
    if isinstance(error, MethodError):
        headers.append((b"allow", ", ".join(error.allow).encode()))
    return headers
