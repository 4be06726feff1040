"""The oddities of what files consume: addresses, credentials, paths, parameters, bodies."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping

from capspec.corpus.view import PLACEHOLDER, View, placeholders, plain
from capspec.model import OperationSpec, ParameterSpec
from capspec.values import MISSING

_STAND_INS = re.compile(r"your[-_.]|example\.|localhost|127\.0\.0\.1|<[^>]+>", re.IGNORECASE)
_LEGAL = re.compile(r"[A-Za-z0-9_*-]+")
_VERB = re.compile(r"(?<!/):[A-Za-z]+$")
_STYLE = re.compile(r"/:[A-Za-z_]")
_KNOWN_AUTH = ("bearer", "apikey", "basic", "digest", "oauth2")
_KNOWN_BODIES = ("json", "text", "xml", "sparql", "formUrlEncoded", "multipartForm", "")
_WRITES = ("POST", "PUT", "PATCH")


def _bases(test: Callable[[str], object]) -> Callable[[View], Iterable[object]]:
    return lambda view: [item for item in view.capability.upstreams if test(item.base_uri)]


def _paths(test: Callable[[str], object]) -> Callable[[View], Iterable[object]]:
    return lambda view: [item for item in view.operations if test(item.path)]


def _inputs(test: Callable[[ParameterSpec, OperationSpec], object]) -> Callable[[View], Iterable[object]]:
    return lambda view: [
        item for operation in view.operations for item in operation.inputs if test(item, operation)
    ]


def _where(test: Callable[[OperationSpec], object]) -> Callable[[View], Iterable[object]]:
    return lambda view: [item for item in view.operations if test(item)]


def _outside(path: str) -> str:
    """A path with its placeholders blotted out."""
    return PLACEHOLDER.sub("\0", path)


def _route(path: str) -> str:
    return _outside(path).partition("?")[0].partition("#")[0]


def _undeclared(view: View) -> Iterator[str]:
    for operation in view.operations:
        given = {item.name for item in operation.inputs}
        yield from (name for name in placeholders(operation.path) if name not in given)


def _spelt_otherwise(view: View) -> Iterator[str]:
    for operation in view.operations:
        names = placeholders(operation.path)
        for item in operation.inputs:
            if item.location == "path" and item.name not in names and plain(item.name) in map(plain, names):
                yield item.name


def _is_absent(item: ParameterSpec, operation: OperationSpec) -> bool:
    names = placeholders(operation.path)
    return item.location == "path" and plain(item.name) not in map(plain, names)


def _is_misplaced(item: ParameterSpec, operation: OperationSpec) -> bool:
    return item.location not in ("path", "") and item.name in placeholders(operation.path)


def _twice(values: Iterable[object]) -> list[object]:
    return [value for value, count in Counter(values).items() if count > 1]


def _same_routes(view: View) -> list[object]:
    return _twice((item.namespace, item.method, item.path) for item in view.operations)


def _same_shapes(view: View) -> list[object]:
    routes = {(item.namespace, item.method, item.path) for item in view.operations}
    return _twice((namespace, method, _outside(path)) for namespace, method, path in routes)


def _is_partial(path: str) -> bool:
    return any("\0" in part and part != "\0" for part in _route(path).split("/"))


def _same_names(view: View) -> Iterator[object]:
    for operation in view.operations:
        yield from _twice(item.name for item in operation.inputs[operation.shared :])


def _bodiless(operation: OperationSpec) -> bool:
    places = {item.location.lower() for item in operation.inputs}
    return (
        operation.method in _WRITES and operation.body is None and not places & {"body", "formdata", "form"}
    )


def _takes_body(operation: OperationSpec) -> bool:
    return operation.body is not None or any(item.location == "body" for item in operation.inputs)


def _one_other_body(operation: OperationSpec) -> bool:
    fields = [item.name for item in operation.inputs if item.location == "body"]
    return len(fields) == 1 and fields != ["body"] and operation.body is None


def _own_paths(view: View) -> list[object]:
    return [operation for _, operation in view.raw_operations() if "path" in operation]


def _nameless(view: View) -> list[object]:
    return [
        item for _, item in view.raw_operations() if "operations" not in item and _has_no_name(view, item)
    ]


def _has_no_name(view: View, operation: Mapping[str, object]) -> bool:
    listed = any(isinstance(resource.get("operations"), list) for resource, _ in view.raw_operations())
    return listed and "name" not in operation


def _maps(view: View) -> list[object]:
    return [entry for entry in view.entries("consumes") if isinstance(entry.get("resources"), dict)] or [
        item for item in view.entries("exposes") if isinstance(item.get("tools"), dict)
    ]


def _imports(view: View) -> list[object]:
    return [
        entry for entry in view.entries("consumes") if "import" in entry or "from" in entry or "ref" in entry
    ]


def _namespaces(view: View) -> list[object]:
    return _twice(entry.get("namespace") for entry in view.entries("consumes") if entry.get("namespace"))


def _auth_types(view: View) -> list[object]:
    found = (upstream.auth for upstream in view.capability.upstreams if upstream.auth is not None)
    return [auth for auth in found if auth.type not in _KNOWN_AUTH]


def _auth_words(view: View) -> list[object]:
    """API keys in other words than `key`, `value` and `placement`."""
    found = (upstream.auth for upstream in view.capability.upstreams if upstream.auth is not None)
    return [auth for auth in found if auth.type == "apikey" and "key" not in _keys(auth.node.value)]


def _keys(value: object) -> list[str]:
    return [str(key) for key in value] if isinstance(value, dict) else []


def _beside_auth(view: View) -> Iterator[object]:
    for upstream in view.capability.upstreams:
        if upstream.auth is not None:
            for operation in upstream.operations:
                yield from (item for item in operation.inputs if item.name.lower() == "authorization")


def _is_header(*names: str) -> Callable[[ParameterSpec, OperationSpec], bool]:
    return lambda item, _: item.location == "header" and item.name.lower() in names


def _unread_bodies(operation: OperationSpec) -> bool:
    return operation.body is not None and any(item.location == "body" for item in operation.inputs)


ROWS: Mapping[str, tuple[str, Callable[[View], Iterable[object]]]] = {
    "base-uri-empty": ("base URI is empty", _bases(lambda uri: not uri)),
    "base-uri-placeholder": (
        "base URI with {placeholder}",
        _bases(lambda uri: "\0" in _outside(uri) and "{{" not in uri),
    ),
    "base-uri-template": ("base URI with {{template}}", _bases(lambda uri: "{{" in uri)),
    "base-uri-scheme": (
        "base URI without http(s)://",
        _bases(lambda uri: uri and not re.match(r"https?://", uri)),
    ),
    "base-uri-stand-in": ("base URI of nobody", _bases(_STAND_INS.search)),
    "base-uri-plain-http": ("base URI over http", _bases(lambda uri: uri.startswith("http://"))),
    "base-uri-trailing-slash": ("base URI ends in a slash", _bases(lambda uri: uri.endswith("/"))),
    "base-uri-query": ("base URI with ? or #", _bases(lambda uri: re.search(r"[?#]", _outside(uri)))),
    "namespace-twice": ("namespace consumed twice", _namespaces),
    "consumes-no-resources": (
        "consumed API without operations",
        lambda view: [item for item in view.capability.upstreams if not item.operations],
    ),
    "imported": ("entry of consumes is an import", _imports),
    "map-style": ("maps instead of lists", _maps),
    "auth-none": (
        "consumed API without authentication",
        lambda view: [item for item in view.capability.upstreams if item.auth is None],
    ),
    "auth-type": ("type of authentication outside the specification", _auth_types),
    "auth-words": ("API key in other words", _auth_words),
    "auth-beside-header": ("Authorization parameter beside an authentication", _beside_auth),
    "header-established": (
        "Accept or Content-Type as a parameter",
        _inputs(_is_header("accept", "content-type")),
    ),
    "header-framing": (
        "parameter for a header of the connection",
        _inputs(_is_header("accept-encoding", "content-length", "host", "connection")),
    ),
    "path-undeclared": ("path placeholder not declared", _undeclared),
    "path-spelt-otherwise": ("path parameter spelt unlike its placeholder", _spelt_otherwise),
    "path-absent": ("path parameter not in the path", _inputs(_is_absent)),
    "path-misplaced": ("path placeholder declared elsewhere", _inputs(_is_misplaced)),
    "path-repeated": (
        "same placeholder twice in a path",
        _paths(lambda path: len(set(placeholders(path))) < len(placeholders(path))),
    ),
    "path-partial": ("placeholder is a part of a segment", _paths(_is_partial)),
    "path-odata": ("path with (…)", _paths(lambda path: "(" in _outside(path))),
    "path-verb": ("path with :verb", _paths(lambda path: _VERB.search(_route(path)))),
    "path-colon": ("path with /:name", _paths(lambda path: _STYLE.search(_route(path)))),
    "path-kebab": (
        "placeholder with a hyphen",
        _paths(lambda path: any("-" in name for name in placeholders(path))),
    ),
    "path-odd-placeholder": (
        "placeholder such as {a.b}, {a+}, {a=*}",
        _paths(lambda path: re.search(r"\{[^{}]*[.+=*][^{}]*\}", path)),
    ),
    "path-query": ("path with a query", _paths(lambda path: "?" in _outside(path))),
    "path-fragment": ("path with #", _paths(lambda path: "#" in _outside(path))),
    "path-space": ("path with a space", _paths(lambda path: " " in _outside(path.strip()))),
    "path-trailing-slash": (
        "path ends in a slash",
        _paths(lambda path: len(path) > 1 and path.endswith("/")),
    ),
    "path-root": ("path is / or empty", _paths(lambda path: path in ("", "/"))),
    "path-double-slash": ("path with //", _paths(lambda path: "//" in path)),
    "path-no-slash": ("path without a slash at its start", _paths(lambda path: path and path[0] != "/")),
    "path-mustache": ("path with {{name}}", _paths(lambda path: "{{" in path)),
    "operation-path": ("operation has a path of its own", _own_paths),
    "operation-nameless": ("consumed operation without a name", _nameless),
    "route-twice": ("same method and path twice", _same_routes),
    "route-alike": ("same method and path but for names", _same_shapes),
    "operation-twice": (
        "operation name used twice in a namespace",
        lambda view: _twice((item.namespace, item.name) for item in view.operations),
    ),
    "parameter-name": (
        "parameter name outside A-Za-z0-9_*-",
        _inputs(lambda item, _: not _LEGAL.fullmatch(item.name)),
    ),
    "parameter-twice": ("same parameter twice in an operation", _same_names),
    "query-array": (
        "array in the query",
        _inputs(lambda item, _: item.location == "query" and item.type == "array"),
    ),
    "query-object": (
        "object in the query",
        _inputs(lambda item, _: item.location == "query" and item.type == "object"),
    ),
    "parameter-form": (
        "in: formData",
        _inputs(lambda item, _: item.location.lower() in ("formdata", "form")),
    ),
    "parameter-file": ("type: file", _inputs(lambda item, _: item.type == "file")),
    "parameter-value": ("parameter with a value", _inputs(lambda item, _: item.value is not MISSING)),
    "body-none": ("POST, PUT or PATCH without a body", _where(_bodiless)),
    "body-whole": (
        "parameter `body` is the body",
        _inputs(lambda item, _: item.location == "body" and item.name == "body"),
    ),
    "body-single": ("one parameter of another name in the body", _where(_one_other_body)),
    "body-both": ("body written out beside parameters in it", _where(_unread_bodies)),
    "body-on-get": ("GET with a body", _where(lambda item: item.method == "GET" and _takes_body(item))),
    "body-on-delete": (
        "DELETE with a body",
        _where(lambda item: item.method == "DELETE" and _takes_body(item)),
    ),
    "body-no-data": (
        "body with a type and no data",
        _where(lambda item: item.body is not None and item.body.data is MISSING),
    ),
    "body-text": (
        "body is a text",
        _where(lambda item: item.body is not None and isinstance(item.body.data, str)),
    ),
    "body-type": (
        "type of body outside the specification",
        _where(lambda item: item.body is not None and item.body.type not in _KNOWN_BODIES),
    ),
    "output-format": (
        "outputRawFormat other than json",
        _where(lambda item: item.raw_format not in ("json", "")),
    ),
    "output-whole": (
        "`$.` for the whole document",
        _where(lambda item: any(output.value == "$." for output in item.outputs)),
    ),
    "output-none": ("consumed operation without outputs", _where(lambda item: not item.outputs)),
}
