"""What an author wrote of an operation to what its requests must look like, worked out without the compiler.

A second opinion: it is read off the model with rules that are as plain as can be, so that an error of the
compiler's is not repeated here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from capspec.corpus.upstream import Sent
from capspec.model import Capability, OperationSpec, ParameterSpec
from capspec.plan import Flow, Upstream
from capspec.values import MISSING, Json

_PLACEHOLDER = re.compile(r"\{\{\s*([^{}]+?)\s*\}\}|\{\s*([^{}]+?)\s*\}")
_ANYWAY = frozenset({
    "accept", "accept-encoding", "authorization", "connection", "content-length", "content-type", "cookie",
    "host", "user-agent",
})  # fmt: skip
"""Headers that a request has, or must not have, whatever a file says of them."""


@dataclass(frozen=True, slots=True)
class Expected:
    """One operation's requests. `path` is what the path after the base must match once it is decoded."""

    spec: OperationSpec
    path: re.Pattern[str]
    inputs: tuple[ParameterSpec, ...]
    absent: frozenset[str]

    def flaws(self, sent: Sent, base: str) -> Iterator[str]:
        """What is wrong with a request that has all arguments."""
        if sent.method != self.spec.method:
            yield f"{sent.method} was sent where the file says {self.spec.method}"
        path = sent.path.removeprefix(unquote(urlsplit(base).path)) or "/"
        if self.path.fullmatch(path) is None:
            yield f"{path} was called where the file says {self.spec.path}"

    def ungiven(self, sent: Sent) -> Iterator[str]:
        """Parameters that must be sent, and are not."""
        for item in self.inputs:
            if item.required is True and not _is_sent(item, self.spec, sent):
                yield item.name

    @property
    def takes_whole_body(self) -> bool:
        """Whether what a caller gives as `body` is the whole body."""
        fields = [item.name for item in self.inputs if item.location == "body"]
        return fields == ["body"] and self.spec.body is None

    def unexploded(self, sent: Sent, arguments: Mapping[str, Json]) -> Iterator[str]:
        """Lists in the query whose every element has no pair of its own."""
        for item in self.inputs:
            value = arguments.get(item.name)
            if item.location == "query" and isinstance(value, list) and _is_flat(value):
                found = [text for name, text in sent.query if name == item.name]
                if found and len(found) != len(value):
                    yield item.name


def expectations(capability: Capability) -> dict[tuple[str, int, int], Expected]:
    """What is expected of each operation, by the file, line and column that it stands at."""
    found = {}
    for upstream in capability.upstreams:
        for spec in upstream.operations:
            place = spec.place
            found[place.source, place.line, place.column] = _expected(spec)
    return found


def expected_of(flow: Flow, known: Mapping[tuple[str, int, int], Expected]) -> list[Expected]:
    """What is expected of the requests of a flow, in the order of its calls."""
    places = (operation.place for operation in flow.calls)
    keys = [(place.source, place.line, place.column) for place in places if place is not None]
    return [known[key] for key in keys if key in known]


def _expected(spec: OperationSpec) -> Expected:
    path = spec.path.strip()
    names = {(double or single).strip() for double, single in _PLACEHOLDER.findall(path)}
    names |= {name.strip("+*").partition("=")[0] for name in names}
    absent = {item.name for item in spec.inputs if item.location == "path" and item.name not in names}
    # What the path should have and has not may be sent at its end.
    pattern = _pattern(path, more=bool(absent))
    return Expected(spec, pattern, tuple(_sent_inputs(spec, names)), frozenset(absent))


def _pattern(path: str, *, more: bool) -> re.Pattern[str]:
    """What a path without its query and its fragment matches, with something in every placeholder."""
    hidden = _PLACEHOLDER.sub("\0", path)
    literal = hidden.partition("#")[0].partition("?")[0]
    literal = literal if literal.startswith("/") else "/" + literal
    pieces = [re.escape(unquote(piece)) for piece in literal.split("\0")]
    return re.compile("[^{}]+".join(pieces) + ("(/?[^{}]+)?" if more else ""), re.DOTALL)


def _sent_inputs(spec: OperationSpec, names: Iterable[str]) -> Iterator[ParameterSpec]:
    placed = set(names)
    for item in spec.inputs:
        if item.name and item.value is MISSING and item.name not in placed and item.location != "path":
            yield item


def _is_sent(item: ParameterSpec, spec: OperationSpec, sent: Sent) -> bool:
    """Whether a request has it where the author says, or, for a body that the file writes out, at all."""
    location = item.location.lower()
    if location == "header":
        names = {name.lower() for name, _ in sent.headers}
        return item.name.lower() in names | _ANYWAY
    if location == "cookie":
        return any(name.lower() == "cookie" and f"{item.name}=" in value for name, value in sent.headers)
    if location == "query":
        return any(name == item.name or name.startswith(f"{item.name}[") for name, _ in sent.query)
    return bool(sent.body) or spec.body is not None


def _is_flat(value: list[Json]) -> bool:
    return len(value) > 1 and not any(isinstance(item, (dict, list)) for item in value)


def credential_names(upstream: Upstream) -> frozenset[str]:
    """Names of what its authentication sets, wherever that is."""
    kinds = ("query_names", "cookie_names", "member_names")
    found: list[frozenset[str]] = [getattr(upstream.auth, kind, frozenset()) for kind in kinds]
    return upstream.auth_names.union(*found)
