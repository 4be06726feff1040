"""A first file before it is written: one API, its operations, and who may use them how."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, Literal
from urllib.parse import parse_qsl, urlsplit

AuthKind = Literal["none", "bearer", "apikey"]
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
_VERBS: Final = {"POST": "create", "PUT": "replace", "PATCH": "update", "DELETE": "delete"}
_PLACEHOLDER: Final = re.compile(r"\{([A-Za-z_][\w.-]*)\}")
_LOCAL: Final = ("www", "api", "rest", "app")


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """What a caller gives. `place` is where the request carries it."""

    name: str
    place: Literal["path", "query", "body"]
    type: str = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One part of an answer: its JSONPath within what is around it. `type` "" is not known."""

    name: str
    type: str
    mapping: str
    properties: tuple[Output, ...] = ()
    items: Output | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request, and what is known of its answer."""

    name: str
    method: str
    path: str
    inputs: tuple[Input, ...] = ()
    outputs: tuple[Output, ...] = ()

    @property
    def subject(self) -> str:
        """What its name says that it is about."""
        return self.name.partition("-")[2].replace("-", " ") or self.name

    @property
    def body(self) -> bool:
        return self.method in ("POST", "PUT", "PATCH")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """One API and how it is offered. `key_in` and `key_name` say where an API key goes."""

    name: str
    base_uri: str
    operations: tuple[Operation, ...]
    auth: AuthKind = "none"
    key_in: Literal["header", "query"] = "header"
    key_name: str = "X-API-Key"
    rest: bool = True
    mcp: bool = True

    @property
    def variable(self) -> str:
        """The variable that holds the credential."""
        ending = "TOKEN" if self.auth == "bearer" else "API_KEY"
        return re.sub(r"\W", "_", self.name).upper() + f"_{ending}"


def base_uri_of(text: str) -> str:
    """An address that paths can follow, without a slash at its end. Raises ValueError."""
    text = text.strip().rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"'{text}' is no address: it begins with https:// and a host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("credentials do not belong into an address: choose how to authenticate instead")
    if parts.query or parts.fragment:
        raise ValueError(f"'{text}' ends in a query: give it with an operation")
    return text


def operation_of(text: str) -> Operation:
    """`GET /things/{id}?limit=10`, or a path alone for GET. Raises ValueError."""
    words = text.split()
    if not words or len(words) > 2 or not words[-1].startswith("/"):
        raise ValueError(f"'{text}' is no operation: write a method and a path, such as 'GET /things/{{id}}'")
    method = words[0].upper() if len(words) == 2 else "GET"
    if method not in METHODS:
        raise ValueError(f"'{words[0]}' is not an HTTP method; use one of {', '.join(METHODS)}")
    path, _, query = words[-1].partition("?")
    if re.search(r"[{}]", _PLACEHOLDER.sub("", path)):
        raise ValueError(f"a brace of '{path}' belongs to no placeholder: write one as {{name}}")
    inputs = [Input(name=name, place="path") for name in dict.fromkeys(_PLACEHOLDER.findall(path))]
    inputs += query_inputs(query, (item.name for item in inputs))
    operation = Operation(name=operation_name(method, path), method=method, path=path, inputs=tuple(inputs))
    return with_body(operation)


def with_body(operation: Operation) -> Operation:
    """With an input for the whole body, where the method sends one."""
    if not operation.body:
        return operation
    return replace(operation, inputs=(*operation.inputs, Input(name="body", place="body", type="object")))


def query_inputs(query: str, taken: Iterable[str]) -> list[Input]:
    """The parameters of a query, each with the type of its value."""
    names = set(taken)
    found = dict(parse_qsl(query, keep_blank_values=True))
    return [
        Input(name=name, place="query", type=type_of(text))
        for name, text in found.items()
        if name not in names
    ]


def type_of(text: str) -> str:
    """The type that a text of a URL seems to have."""
    if re.fullmatch(r"0|-?[1-9]\d{0,17}", text):
        return "integer"
    if re.fullmatch(r"-?\d+\.\d+", text):
        return "number"
    return "boolean" if text in ("true", "false") else "string"


def operation_name(method: str, path: str, *, many: bool | None = None) -> str:
    """`get-thing`, `list-things`, `create-thing`; `many` says whether the answer is a list, if known."""
    segments = [segment for segment in path.split("/") if segment]
    last = next((_slug(segment) for segment in reversed(segments) if "{" not in segment), "") or "root"
    to_all = not segments or "{" not in segments[-1]
    if method in _VERBS:
        return f"{_VERBS[method]}-{singular(last)}"
    if method not in ("GET", "HEAD"):
        return f"{method.lower()}-{last}"
    if many if many is not None else to_all and singular(last) != last:
        return f"list-{last}"
    return f"get-{last if to_all else singular(last)}"


def singular(word: str) -> str:
    for ending, instead in (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh")):
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word.removesuffix(ending) + instead
    return (
        word[:-1] if word.endswith("s") and not word.endswith(("ss", "us", "is")) and len(word) > 2 else word
    )


def unique(operations: Iterable[Operation]) -> tuple[Operation, ...]:
    """The same, each with a name of its own; what is there twice, once."""
    taken: dict[str, Operation] = {}
    for operation in dict.fromkeys(operations):
        name, number = operation.name, 2
        while name in taken:
            name, number = f"{operation.name}-{number}", number + 1
        taken[name] = replace(operation, name=name)
    return tuple(taken.values())


def name_of(base_uri: str) -> str:
    """A short name for the API at an address: its domain's."""
    host = urlsplit(base_uri).hostname or ""
    labels = [label for label in host.split(".") if label not in _LOCAL]
    if re.fullmatch(r"[\d.:a-f]+", host) or not labels:
        return "api"
    return _slug(labels[-2] if len(labels) > 1 else labels[0]) or "api"


def name_from(text: str) -> str:
    """A name as it can be written. Raises ValueError when nothing is left of it."""
    name = _slug(text)
    if not name or not name[0].isalpha():
        raise ValueError(f"'{text}' is no name: begin it with a letter")
    return name


def _slug(text: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", spaced.lower()).strip("-")
