"""ASGI scopes to principals: asks a listener's guard who calls, and answers those whom it does not admit.

Every adapter that is served over HTTP has a `Gate`. It also tells everybody where tokens for the listener are
to be had, when its guard knows (RFC 9728).
"""

from __future__ import annotations

import json
import math
from dataclasses import replace
from http import HTTPStatus
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qsl, unquote

from capspec.edge import ASGIScope, SendMessage
from capspec.errors import AuthError, AuthUnavailable, CallError, ForbiddenError, InternalError
from capspec.events import CallersUnchecked, UnexpectedError
from capspec.guards import ProtectedResource
from capspec.plan import ANONYMOUS, Engine, Inbound, Listener, Principal
from capspec.refusal import refuse
from capspec.wire import Request, Response

Header = tuple[bytes, bytes]


@runtime_checkable
class FetchingEngine(Engine, Protocol):
    """An engine that makes requests which are no call's, to the addresses that its plan names."""

    async def fetch(self, request: Request) -> Response: ...


class Gate:
    """The guard of one listener. Without a guard, everybody is admitted as ANONYMOUS."""

    def __init__(self, listener: Listener, engine: Engine) -> None:
        self._name = listener.namespace
        self._guard = listener.guard
        self._events = engine.events
        self._fetch = engine.fetch if isinstance(engine, FetchingEngine) else None
        self._documents = _documents(listener)

    @property
    def guarded(self) -> bool:
        return self._guard is not None

    @property
    def well_known(self) -> frozenset[str]:
        """Paths of the origin that `describe` answers, whatever path the adapter is mounted at."""
        return frozenset(self._documents)

    async def enter(self, scope: ASGIScope, send: SendMessage) -> Principal | None:
        """Who calls; None when the request has been answered here, which ends it."""
        if await self.describe(scope, send):
            return None
        try:
            return await self.admit(scope)
        except CallError as error:
            detail = "; ".join(problem.message for problem in error.problems)
            await refuse(send, HTTPStatus(error.status), detail, refusal_headers(error))
            return None

    async def describe(self, scope: ASGIScope, send: SendMessage) -> bool:
        """Whether the request was for the metadata of the protected resource, and has been answered."""
        if scope["method"] not in ("GET", "HEAD") or str(scope.get("root_path", "")).rstrip("/"):
            return False
        document = self._documents.get(str(scope["path"]))
        if document is None:
            return False
        length = str(len(document)).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", length), *_OPEN]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else document
        await send({"type": "http.response.body", "body": body})
        return True

    async def admit(self, scope: ASGIScope, request_id: str = "") -> Principal:
        """Who calls. Raises CallError when nobody is to be let in (see `refusal_headers`)."""
        if self._guard is None:
            return ANONYMOUS
        try:
            return await self._guard.admit(self._inbound(scope))
        except AuthUnavailable as error:
            self._events.emit(CallersUnchecked(listener=self._name, reason=error.reason))
            raise
        except CallError:
            raise
        except Exception as error:  # noqa: BLE001 - a broken guard must not let anybody in
            where = f"the guard of {self._name}"
            self._events.emit(UnexpectedError(where=where, error=error, request_id=request_id))
            raise InternalError("the caller could not be checked") from None

    def _inbound(self, scope: ASGIScope) -> Inbound:
        method = str(scope["method"])
        inbound = Inbound(headers=_headers(scope), query=_query(scope), method=method, target=_target(scope))
        return inbound if self._fetch is None else replace(inbound, send=self._fetch)


_OPEN: tuple[Header, ...] = (
    (b"cache-control", b"public, max-age=300"),
    (b"x-content-type-options", b"nosniff"),
)


def refusal_headers(error: CallError) -> list[Header]:
    """The headers that an answer with this error needs: its challenges, and when to try again."""
    headers: list[Header] = []
    if isinstance(error, (AuthError, ForbiddenError)):
        headers += [(b"www-authenticate", text.encode("latin-1", "replace")) for text in error.challenges]
    if error.retry_after is not None:
        headers.append((b"retry-after", b"%d" % max(0, math.ceil(error.retry_after))))
    return headers


def _documents(listener: Listener) -> dict[str, bytes]:
    guard = listener.guard
    if not isinstance(guard, ProtectedResource):
        return {}
    content = json.dumps(dict(guard.resource_metadata), ensure_ascii=False).encode()
    return {unquote(path): content for path in guard.metadata_paths}


# -- what a request says ----------------------------------------------------------------------------------


def _headers(scope: ASGIScope) -> dict[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in scope["headers"]:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        # Of two credentials none is chosen: together they are a text that no guard takes for one.
        found[name] = f"{found[name]}{'; ' if name == 'cookie' else ', '}{value}" if name in found else value
    return found


def _query(scope: ASGIScope) -> dict[str, str]:
    text = bytes(scope["query_string"]).decode("utf-8", "surrogateescape")
    pairs = parse_qsl(text, keep_blank_values=True, errors="surrogateescape") if text else []
    return dict(reversed(pairs))


def _target(scope: ASGIScope) -> str:
    path = bytes(scope.get("raw_path") or str(scope["path"]).encode()).partition(b"?")[0]
    query = bytes(scope["query_string"])
    return (path + (b"?" + query if query else b"")).decode("latin-1")
