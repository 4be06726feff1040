"""Arguments to an HTTP request as a client of a REST adapter would send it, and to the answer of its app."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from capspec.edge import ASGIApp, Message
from capspec.plan import Flow, Input, PathVariable
from capspec.request.encoding import pairs, text_of
from capspec.values import Json


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: bytes

    @property
    def problem(self) -> Mapping[str, Json]:
        """The problem document (RFC 9457) that an answer is, {} when it is none."""
        try:
            found = json.loads(self.body)
        except ValueError:
            return {}
        return found if isinstance(found, dict) and "code" in found else {}


async def call_rest(app: ASGIApp, flow: Flow, arguments: Mapping[str, Json]) -> Reply:
    """Ask a REST adapter for a flow. `arguments` are by an input's name."""
    method, target, headers, body = rest_request(flow, arguments)
    path, _, query = target.partition("?")
    return await exchange(app, method, path, query, [(b"host", b"localhost"), *headers], body)


def rest_request(
    flow: Flow, arguments: Mapping[str, Json]
) -> tuple[str, str, list[tuple[bytes, bytes]], bytes]:
    """Method, path with query, headers and body of a request with these arguments."""
    given = [(item, arguments[item.name]) for item in flow.inputs if item.name in arguments]
    body, content_type = _body(given)
    headers = [
        (_wire(item).lower().encode("latin-1"), _header_text(value).encode())
        for item, value in given
        if item.location == "header" and _wire(item).lower() != "content-type"
    ]
    cookies = [f"{_wire(item)}={text_of(value)}" for item, value in given if item.location == "cookie"]
    if cookies:
        headers.append((b"cookie", "; ".join(cookies).encode()))
    said = next((text_of(value) for item, value in given if _wire(item).lower() == "content-type"), "")
    if body or said:
        headers += [(b"content-type", said.encode() or content_type), (b"content-length", b"%d" % len(body))]
    query = urlencode(
        [pair for item, value in given if item.location == "query" for pair in _query(item, value)]
    )
    return flow.method, _path(flow, given) + (f"?{query}" if query else ""), headers, body


def _wire(item: Input) -> str:
    return item.wire or item.name


def _path(flow: Flow, given: list[tuple[Input, Json]]) -> str:
    values = {_wire(item): value for item, value in given if item.location == "path"}
    return "".join(
        part if isinstance(part, str) else _segment(part, values.get(part.name, "x")) for part in flow.path
    )


def _segment(variable: PathVariable, value: Json) -> str:
    return quote(_header_text(value), safe="/" if variable.greedy else "")


def _query(item: Input, value: Json) -> list[tuple[str, str]]:
    if isinstance(value, list) and not any(isinstance(inner, (dict, list)) for inner in value):
        return pairs(_wire(item), value)
    return [(_wire(item), text_of(value))]


def _header_text(value: Json) -> str:
    return ",".join(map(text_of, value)) if isinstance(value, list) else text_of(value)


def _body(given: list[tuple[Input, Json]]) -> tuple[bytes, bytes]:
    for item, value in given:
        if item.whole:
            return json.dumps(value).encode(), b"application/json"
    fields: dict[str, Json] = {}
    for item, value in given:
        if item.location in ("body", "form"):
            _put(fields, _steps(item), value)
    return (json.dumps(fields).encode(), b"application/json") if fields else (b"", b"")


def _steps(item: Input) -> list[str]:
    """The members of the body that lead to an input's value."""
    return [_wire(item)] if item.path is None else item.path.text.removeprefix("$").strip(".").split(".")


def _put(fields: dict[str, Json], steps: list[str], value: Json) -> None:
    for step in steps[:-1]:
        fields = fields.setdefault(step, {})
    fields[steps[-1]] = value


async def exchange(
    app: ASGIApp, method: str, path: str, query: str, headers: list[tuple[bytes, bytes]], body: bytes
) -> Reply:
    raw = path.encode()
    scope: Message = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": raw,
        "root_path": "",
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 1),
    }
    waiting: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
    said: list[Message] = []

    async def receive() -> Message:
        if not waiting:
            await asyncio.Event().wait()  # a client that waits for its answer
        return waiting.pop()

    async def send(message: Message) -> None:
        said.append(message)

    await app(scope, receive, send)
    start = next((item for item in said if item["type"] == "http.response.start"), {"status": 0})
    content = b"".join(item.get("body", b"") for item in said if item["type"] == "http.response.body")
    return Reply(int(start["status"]), content)
