"""The library's catalogue: JSON, a bearer token, and a header that says which version the caller speaks."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Mapping

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import Endpoint, Phase, RefusedError
from capspec.sandbox.fidelity import Note, Shape
from capspec.sandbox.journal import BODY
from capspec.sandbox.keys import bearer
from capspec.sandbox.providers.library import shapes
from capspec.sandbox.providers.library.holdings import BOOKS, BRANCHES, LOANS, Book
from capspec.sandbox.world import World

PREFIX = "/library-catalogue"
VERSION = "2026-01"
_TOKEN = re.compile(r"cat_[\w-]{4,}")
_MESSAGES = {
    400: "The request is wrong",
    401: "A token is needed",
    404: "There is nothing here",
    405: "This cannot be done here",
    429: "Too many requests",
    500: "The catalogue has a problem",
    503: "The catalogue is closed",
}


class Catalogue:
    """Books, branches and holds."""

    name = "library-catalogue"
    title = "Larchwood library, catalogue"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = shapes.CATALOGUE_NOTES

    def __init__(self, world: World) -> None:
        self._world = world
        self._holds: dict[str, list[str]] = {}

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Branches for everybody; books and holds for who has a token."""
        return (
            self._endpoint("GET", "/branches", self._branches, "read", {200: shapes.BRANCHES}),
            self._endpoint("GET", "/branches/{code}", self._branch, "read", {200: shapes.BRANCH}),
            self._endpoint("GET", "/books", self._books, "read", {200: shapes.BOOKS}),
            self._endpoint("GET", "/books/{id}", self._book, "read", {200: shapes.BOOK}),
            self._endpoint("POST", "/holds", self._hold, "write", {201: shapes.HOLD}),
        )

    def error(self, status: int) -> Response:
        """``{"error": "…"}``."""
        return JSONResponse({"error": _MESSAGES.get(status, "Error")}, status)

    def sign(self, response: Response, number: int) -> None:
        """Say which version was spoken."""
        response.headers["catalogue-version"] = VERSION

    def reset(self) -> None:
        """Forget every hold."""
        self._holds.clear()

    def _endpoint(
        self,
        method: str,
        path: str,
        call: Callable[[Request], Awaitable[Response]],
        phase: Phase,
        answers: Mapping[int, Shape | str],
    ) -> Endpoint:
        errors: dict[int, Shape | str] = dict.fromkeys((400, 401, 404), shapes.ERROR)
        return Endpoint(
            method=method, path=f"{PREFIX}/v1{path}", call=call, phase=phase, answers={**answers, **errors}
        )

    async def _branches(self, request: Request) -> Response:
        return JSONResponse({"branches": [branch.as_json() for branch in BRANCHES.values()]})

    async def _branch(self, request: Request) -> Response:
        code = request.path_params["code"]
        if code not in BRANCHES:
            raise _refused(404, f"There is no branch {code}")
        return JSONResponse(BRANCHES[code].as_json())

    async def _books(self, request: Request) -> Response:
        _authenticated(request)
        subject = request.query_params.get("subject")
        found = [book.as_json() for book in BOOKS.values() if subject is None or subject in book.subjects]
        return JSONResponse({"total": len(found), "items": found[: _limit(request)]})

    async def _book(self, request: Request) -> Response:
        _authenticated(request)
        return JSONResponse(_book(request.path_params["id"]).as_json())

    async def _hold(self, request: Request) -> Response:
        _authenticated(request)
        body = _parsed(request)
        book, reader, pickup = (_text(body, name) for name in ("book", "reader", "pickup"))
        if reader not in LOANS:
            raise _refused(404, f"There is no reader {reader}")
        if pickup not in BRANCHES:
            raise _refused(400, f"pickup must be one of {', '.join(BRANCHES)}")
        queue = self._holds.setdefault(_book(book).id, [])
        queue.append(reader)
        number = sum(map(len, self._holds.values()))
        hold = {"hold": {"id": f"H-{number}", "place": len(queue)}, "book": book, "pickup": pickup}
        return JSONResponse(hold, 201)


def _authenticated(request: Request) -> None:
    """Raises RefusedError for a token that is not one, and for another version."""
    if not _TOKEN.fullmatch(bearer(request.headers.get("authorization")) or ""):
        response = JSONResponse({"error": _MESSAGES[401]}, 401, headers={"www-authenticate": "Bearer"})
        raise RefusedError(response)
    if request.headers.get("catalogue-version") != VERSION:
        raise _refused(400, f"Send Catalogue-Version: {VERSION}")


def _book(identifier: str) -> Book:
    if identifier not in BOOKS:
        raise _refused(404, f"There is no book {identifier}")
    return BOOKS[identifier]


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "20")
    if not text.isdecimal() or not 1 <= int(text) <= 50:
        raise _refused(400, "limit must be a number from 1 to 50")
    return int(text)


def _parsed(request: Request) -> dict[str, object]:
    try:
        body = json.loads(request.scope[BODY])
    except (ValueError, RecursionError):
        raise _refused(400, "The body must be JSON") from None
    if not isinstance(body, dict):
        raise _refused(400, "The body must be a JSON object")
    return body


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if not isinstance(value, str):
        raise _refused(400, f"{name} must be a string")
    return value


def _refused(status: int, message: str) -> RefusedError:
    return RefusedError(JSONResponse({"error": message}, status))
