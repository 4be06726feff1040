"""HTTP request to the arguments of a flow, and to what it passes on without knowing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote

from capspec.adapters.rest import body as rest_body
from capspec.cookies import parse_cookies
from capspec.edge import ASGIScope, Receive
from capspec.errors import UnknownPathError
from capspec.inputs import from_text
from capspec.plan import Extra, Flow, Input
from capspec.values import MISSING, Json


@dataclass(slots=True)
class Incoming:
    """A request as ASGI gives it, read only as far as somebody asks. `headers` has the last of a name."""

    scope: ASGIScope
    receive: Receive
    limit: int
    headers: dict[bytes, bytes] = field(init=False)
    _query: list[tuple[str, str]] | None = None

    def __post_init__(self) -> None:
        self.headers = dict(self.scope["headers"])

    @property
    def method(self) -> str:
        return str(self.scope["method"])

    @property
    def content_type(self) -> str:
        return self.headers.get(b"content-type", b"").decode("latin-1")

    @property
    def path(self) -> str:
        """The path after the mount point, percent-encoded. Raises UnknownPathError when it is not UTF-8."""
        raw: bytes = self.scope.get("raw_path") or quote(self.scope["path"]).encode()
        try:
            path = raw.decode()
        except UnicodeDecodeError as error:
            raise UnknownPathError("the path is not UTF-8") from error
        root = self.scope.get("root_path", "").rstrip("/")
        return _after(root, path) if root else path

    @property
    def query(self) -> list[tuple[str, str]]:
        """Decoded pairs in order. Raises InputError when they are not UTF-8."""
        if self._query is None:
            raw: bytes = self.scope["query_string"]
            self._query = rest_body.pairs(raw, "the query") if raw else []
        return self._query

    def header_values(self, name: bytes) -> list[str]:
        """All values of a header, in order."""
        return [_header_text(value) for key, value in self.scope["headers"] if key == name]


def _header_text(value: bytes) -> str:
    """A header's value: UTF-8 when it is, else Latin-1 as HTTP once had it (RFC 9110, 5.5)."""
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _after(root: str, path: str) -> str:
    """What follows the mount point, which is decoded in `root` and encoded in `path`."""
    count = root.count("/") + 1
    parts = path.split("/")
    if unquote("/".join(parts[:count])) != root:
        return path
    return "/" + "/".join(parts[count:])


_TREE = {"type": ["object", "array"]}
"""What a body is that paths lead into."""


@dataclass(frozen=True, slots=True)
class _Taken:
    """Where one argument comes from. `key` is the wire name, as its location compares it."""

    name: str
    key: str
    schema: Mapping[str, Json]


class Decoder:
    """Takes a flow's arguments from requests. What an input's `constant` fixes is not taken."""

    def __init__(self, flow: Flow, *, private_query: frozenset[str] = frozenset()) -> None:
        """`private_query` names query parameters that are the caller's credentials, and go no further."""
        self._path = tuple(_taken(flow, "path"))
        self._query = tuple(_taken(flow, "query"))
        self._headers = tuple(_taken(flow, "header"))
        self._cookies = tuple(_taken(flow, "cookie"))
        self._body = (*_taken(flow, "body"), *_taken(flow, "form"))
        self._pointed = tuple(
            (item.name, item.path)
            for item in flow.inputs
            if item.path is not None and item.location == "body"
        )
        self._whole = next((item for item in flow.inputs if item.whole and item.constant is MISSING), None)
        self._known_query = _keys(flow.inputs, "query") | private_query
        self._known_fields = _keys(flow.inputs, "body") | _keys(flow.inputs, "form")
        self._open_query = flow.open_query
        self._open_body = flow.open_body

    async def decode(self, request: Incoming, values: Mapping[str, str]) -> tuple[dict[str, Json], Extra]:
        """Arguments by input name, absent ones left out, and the rest.

        `values` are the path's placeholders. Raises InputError, and what `rest_body.read` raises.
        """
        arguments: dict[str, Json] = {}
        for item in self._path:
            if item.key in values:
                arguments[item.name] = from_text(item.schema, (values[item.key],))
        query = self._from_query(request, arguments)
        if self._headers or self._cookies:
            self._from_headers(request, arguments)
        extra = Extra(query=query)
        if self._whole is not None or self._body or self._pointed or self._open_body:
            extra = await self._from_body(request, arguments, query)
        return arguments, extra

    def _from_query(self, request: Incoming, arguments: dict[str, Json]) -> tuple[tuple[str, str], ...]:
        if not (self._query or self._open_query):
            return ()
        pairs = request.query
        for item in self._query if pairs else ():
            found = [value for name, value in pairs if name == item.key]
            if found:
                arguments[item.name] = from_text(item.schema, found)
        if not self._open_query:
            return ()
        return tuple(pair for pair in pairs if pair[0] not in self._known_query)

    def _from_headers(self, request: Incoming, arguments: dict[str, Json]) -> None:
        for item in self._headers:
            found = request.header_values(item.key.lower().encode("latin-1", "replace"))
            if found:
                arguments[item.name] = from_text(item.schema, found)
        cookies = parse_cookies("; ".join(request.header_values(b"cookie"))) if self._cookies else {}
        for item in self._cookies:
            if item.key in cookies:
                arguments[item.name] = from_text(item.schema, (cookies[item.key],))

    async def _from_body(
        self, request: Incoming, arguments: dict[str, Json], query: tuple[tuple[str, str], ...]
    ) -> Extra:
        content = await rest_body.read(request.receive, request.headers, request.limit)
        if not content:
            return Extra(query=query)
        content_type = request.content_type
        if self._pointed:
            document = rest_body.whole(content, content_type, _TREE)
            arguments.update(rest_body.pointed(document, self._pointed))
        if self._whole is not None:
            arguments[self._whole.name] = rest_body.whole(content, content_type, self._whole.schema)
            return Extra(query=query)
        if self._open_body and not (self._known_fields and rest_body.may_have_fields(content, content_type)):
            return Extra(query=query, body=content, content_type=content_type)
        if not (self._body or self._open_body):
            return Extra(query=query)
        fields = rest_body.fields(content, content_type)
        for item in self._body:
            value = fields.get(item.key, item.schema)
            if value is not MISSING:
                arguments[item.name] = value
        others = fields.others(self._known_fields) if self._open_body else {}
        return Extra(query=query, json=others) if others else Extra(query=query)


def _taken(flow: Flow, location: str) -> Iterable[_Taken]:
    for item in flow.inputs:
        taken_whole = item.whole or item.path is not None
        if item.location == location and not taken_whole and item.constant is MISSING:
            yield _Taken(item.name, item.wire or item.name, item.schema)


def _keys(inputs: Iterable[Input], location: str) -> frozenset[str]:
    return frozenset(
        item.wire or item.name for item in inputs if item.location == location and item.path is None
    )
