"""A URL and one answer to a draft of the operation: its path with variables, its query, and what it gives.

Nothing of the answer but names and types comes into the draft, and no credential of the URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import unquote, urlencode, urlsplit

from capspec.drafting.draft import (
    Input,
    Operation,
    Output,
    base_uri_of,
    operation_name,
    query_inputs,
    singular,
    type_of,
    with_body,
)
from capspec.values import MISSING, Json, Missing

_FRONT: Final = re.compile(r"api|rest|public|v\d+(\.\d+)*([a-z]+\d*)?|\d{4}-\d{2}(-\d{2})?", re.IGNORECASE)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_SECRET: Final = re.compile(
    r"(x[-_])?(api[-_]?)?key|app[-_]?id|.*(token|secret|signature|password|apikey|api[-_]key)", re.IGNORECASE
)
_PLAIN: Final = re.compile(r"[A-Za-z_]\w*")
_KINDS: Final = ("type", "kind", "object")
_DEEPEST: Final = 6
_ELEMENTS: Final = 50
"""Of a list in an answer, to learn from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What a URL and an answer told. `key` is the query parameter that holds a credential, or ""."""

    base_uri: str
    operation: Operation
    key: str = ""


def learn(url: str, method: str = "GET", answer: Json | Missing = MISSING, *, base_uri: str = "") -> Learned:
    """Raises ValueError for what is no URL of HTTP, or does not begin with the base URI that is given."""
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{url}' is no URL: it begins with https:// and a host")
    base, segments = _split(parts.scheme, parts.netloc.rpartition("@")[2], parts.path, base_uri)
    path, inputs = _path(segments, answer)
    pairs = re.findall(r"([^&=]+)(?:=([^&]*))?", parts.query)
    secret = next((unquote(name) for name, _ in pairs if _SECRET.fullmatch(unquote(name))), "")
    kept = urlencode(
        [(unquote(name), unquote(text)) for name, text in pairs if not _SECRET.fullmatch(unquote(name))]
    )
    operation = Operation(
        name=operation_name(
            method, path, many=None if answer is MISSING else isinstance(_list_in(answer), list)
        ),
        method=method,
        path=path,
        inputs=(*inputs, *query_inputs(kept, (item.name for item in inputs))),
        outputs=() if answer is MISSING else outputs(answer),
    )
    return Learned(base_uri=base, operation=with_body(operation), key=secret)


def outputs(answer: Json) -> tuple[Output, ...]:
    """The parts of an answer: of an object its members, else the answer as it is."""
    if isinstance(answer, dict):
        return tuple(_member(name, value, 1) for name, value in answer.items())
    return (_output("", answer, "$.", 1),)


def _split(scheme: str, netloc: str, path: str, base_uri: str) -> tuple[str, list[str]]:
    """The base URI, and the segments of the path that follow it."""
    whole = f"{scheme}://{netloc}{path}"
    segments = [segment for segment in path.split("/") if segment]
    if base_uri:
        base = base_uri_of(base_uri)
        if not f"{whole}/".startswith(f"{base}/"):
            raise ValueError(f"the URL does not begin with the base URI '{base}'")
        return base, [segment for segment in whole.removeprefix(base).split("/") if segment]
    front = 0
    while front < len(segments) - 1 and _FRONT.fullmatch(segments[front]):
        front += 1
    return "/".join([f"{scheme}://{netloc}", *segments[:front]]), segments[front:]


def _path(segments: list[str], answer: Json | Missing) -> tuple[str, list[Input]]:
    """The path with a variable for each segment that seems to be an identifier."""
    named = [
        _variable(unquote(segment), at == len(segments) - 1, answer) for at, segment in enumerate(segments)
    ]
    several = sum(name is not None for name in named) > 1
    inputs: list[Input] = []
    written: list[str] = []
    for at, (segment, name) in enumerate(zip(segments, named, strict=True)):
        if name is None:
            written.append(segment)
            continue
        if several and at and named[at - 1] is None:
            owner = re.sub(r"\W+", "_", singular(unquote(segments[at - 1]).lower())).strip("_")
            name = f"{owner}_{name}" if owner else name
        while name in {item.name for item in inputs}:
            name += "_2"
        inputs.append(Input(name=name, place="path", type=type_of(segment)))
        written.append(f"{{{name}}}")
    return "/" + "/".join(written), inputs


def _variable(segment: str, last: bool, answer: Json | Missing) -> str | None:
    """What a segment identifies by, None for one that is a word of the API."""
    if last and isinstance(answer, dict):
        same: list[str] = [name for name, value in answer.items() if str(value) == segment]
        usable = [name for name in same if _PLAIN.fullmatch(name) and name not in _KINDS]
        if usable:
            return usable[0]
    identifier = re.search(r"\d", segment) and not _FRONT.fullmatch(segment)
    return "id" if _UUID.fullmatch(segment) or identifier else None


def _list_in(answer: Json) -> Json:
    """The list that an answer is, or that it mostly holds."""
    if isinstance(answer, dict):
        lists = [value for value in answer.values() if isinstance(value, list)]
        return lists[0] if len(lists) == 1 and not {"id", "uuid", "name"} & set(answer) else None
    return answer


def _member(name: str, value: Json, depth: int) -> Output:
    mapping = f"$.{name}" if _PLAIN.fullmatch(name) else f"$[{_quoted(name)}]"
    return _output(name, value, mapping, depth)


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _output(name: str, value: Json, mapping: str, depth: int) -> Output:
    if isinstance(value, dict) and value and depth < _DEEPEST:
        members = tuple(_member(key, item, depth + 1) for key, item in value.items())
        return Output(name=name, type="object", mapping=mapping, properties=members)
    if isinstance(value, list):
        element = _element(value)
        items = None if element is MISSING else _output("", element, "", depth + 1)
        return Output(name=name, type="array", mapping=mapping, items=items)
    return Output(name=name, type=_kind(value), mapping=mapping)


def _element(values: list[Json]) -> Json | Missing:
    """One value that stands for all elements of a list; of objects, with the members of all of them."""
    some = [value for value in values[:_ELEMENTS] if value is not None]
    if not some:
        return MISSING
    kinds = {_kind(value) for value in some}
    if kinds == {"object"}:
        return _together(some)
    if kinds == {"array"}:
        return [item for value in some for item in value[:_ELEMENTS]]
    if kinds == {"integer", "number"}:
        return next(value for value in some if isinstance(value, float))
    return some[0] if len(kinds) == 1 else MISSING


def _together(objects: Iterable[dict[str, Json]]) -> dict[str, Json]:
    members: dict[str, list[Json]] = {}
    for item in objects:
        for key, value in item.items():
            members.setdefault(key, []).append(value)
    found = {key: _element(values) for key, values in members.items()}
    return {key: None if value is MISSING else value for key, value in found.items()}


def _kind(value: Json) -> Literal["", "boolean", "integer", "number", "string", "object", "array"]:
    match value:
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case dict():
            return "object"
        case list():
            return "array"
        case _:
            return ""
