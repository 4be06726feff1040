"""Operation, arguments and extra to a wire.Request: each value in its own place, and none can leave it.

The parts of a request are built as structures and written once, so no argument is ever read as syntax.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from typing import ParamSpec, TypeAlias, TypeVar
from urllib.parse import urlsplit

from capspec import __version__, registry
from capspec.errors import InputError, Problem
from capspec.jsonpath import JsonPathBudgetError
from capspec.plan import NOTHING, Body, Codec, Extra, Location, Operation, Parameter
from capspec.plan.bodies import Parts
from capspec.references import PREFIXES
from capspec.request.encoding import FRAMING, cookie_pair, form_text, header_value, is_token, query_pairs
from capspec.request.parts import NO_FILES, Files, rendered
from capspec.request.path import RequestPath
from capspec.template import JsonText, Template, TemplateError, Tree
from capspec.values import MISSING, Json, Missing
from capspec.wire import Request, header

Content: TypeAlias = bytes | AsyncIterator[bytes] | None

MULTIPART = "multipart/form-data"

_P = ParamSpec("_P")
_T = TypeVar("_T")


def build(
    operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING, files: Files = NO_FILES
) -> Request:
    """The request that the operation makes with these arguments. `files` are what was fetched for its body.

    Raises InputError with every argument that is missing from the path or cannot stand in its place.
    """
    return _RequestBuilder(operation, arguments, extra, files).request()


def scope_of(arguments: Mapping[str, Json]) -> dict[str, Json]:
    """The names that the templates of a request see: the arguments, and each prefix that means them."""
    return {**dict.fromkeys(PREFIXES, arguments), **arguments}


class _RequestBuilder:
    def __init__(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra, files: Files
    ) -> None:
        self.operation = operation
        self.arguments = arguments
        self.extra = extra
        self.files = files
        self.scope = scope_of(arguments)
        self.problems: list[Problem] = []
        self.values = self._values()

    def request(self) -> Request:
        url = self._url()
        headers = self._headers()
        content, content_type = self._content(header(list(headers.values()), "content-type") or "")
        if content is not None and content_type:
            if content_type.startswith(MULTIPART):
                # Only the encoder knows the boundary.
                headers.pop("content-type", None)
            headers.setdefault("content-type", ("Content-Type", content_type))
        if self.problems:
            raise InputError(self.problems)
        return Request(method=self.operation.method, url=url, headers=tuple(headers.values()), body=content)

    # -- values -------------------------------------------------------------------------------------

    def _values(self) -> dict[tuple[Location, str], tuple[Parameter, Json]]:
        """What each parameter sends: a later one of the same place and name counts, if it has a value."""
        found: dict[tuple[Location, str], tuple[Parameter, Json]] = {}
        for parameter in self.operation.parameters:
            value = self._value(parameter)
            if value is not MISSING and (value is not None or parameter.location == "body"):
                name = parameter.name.lower() if parameter.location == "header" else parameter.name
                found[parameter.location, name] = (parameter, value)
        return found

    def _value(self, parameter: Parameter) -> Json | Missing:
        if parameter.value is None:
            return self.arguments.get(parameter.name, MISSING)
        return self._try(f"'{parameter.name}'", _rendered, parameter.value, self.scope)

    def _given(self, location: Location) -> Iterator[tuple[Parameter, Json]]:
        return (pair for (place, _), pair in self.values.items() if place == location)

    def _declared(self, location: Location) -> set[str]:
        return {item.name for item in self.operation.parameters if item.location == location}

    # -- URL ----------------------------------------------------------------------------------------

    def _url(self) -> str:
        base = self.operation.upstream.base_url
        path = RequestPath(self._path_value, self._refuse).render(self.operation.path)
        # A lone slash adds nothing to a base that has its own path.
        url = base + ("" if path == "/" else path if path[:1] in ("", "/") else f"/{path}")
        if not self.problems and not _stays_below(base, url):
            self._refuse("the path", "leads away from the address in the file")
        query = self._query()
        return f"{url}?{query}" if query else url

    def _path_value(self, name: str) -> Json | Missing:
        given = self.values.get(("path", name))
        return self.arguments.get(name, MISSING) if given is None else given[1]

    def _query(self) -> str:
        found: list[tuple[str, str]] = []
        for name, template in self.operation.query:
            found += self._pairs(name, self._try(f"'{name}'", _rendered, template, self.scope))
        taken = {name for name, _ in found}
        for parameter, value in self._given("query"):
            if parameter.name not in taken:
                found += self._pairs(parameter.name, value)
        taken |= self._declared("query")
        for name, text in self.extra.query:
            if name not in taken:
                found += self._pairs(name, text)
        return form_text(found)

    def _pairs(self, name: str, value: Json | Missing) -> list[tuple[str, str]]:
        if value is MISSING:
            return []
        return self._try(f"'{name}'", query_pairs, name, value) or []

    # -- headers ------------------------------------------------------------------------------------

    def _headers(self) -> dict[str, tuple[str, str]]:
        """Headers by lower-case name. What belongs to the connection or the auth is not set here."""
        found = {"user-agent": ("User-Agent", f"capspec/{__version__}"), "accept": ("Accept", self._accept())}
        kept = FRAMING | self.operation.upstream.auth_names
        for parameter, value in self._given("header"):
            name = parameter.name
            if not is_token(name):
                self._refuse(f"'{name}'", "is not a name that a header can have (RFC 9110, 5.6.2)")
            elif name.lower() not in kept:
                found[name.lower()] = (name, self._try(f"'{name}'", header_value, value) or "")
        cookies = self._cookies()
        if cookies:
            before = found["cookie"][1] + "; " if "cookie" in found else ""
            found["cookie"] = ("Cookie", before + cookies)
        return found

    def _accept(self) -> str:
        media_type = self.operation.codec.media_type
        return "*/*" if media_type == "application/octet-stream" else f"{media_type}, */*;q=0.5"

    def _cookies(self) -> str:
        texts = [
            self._try(f"'{parameter.name}'", cookie_pair, parameter.name, value)
            for parameter, value in self._given("cookie")
        ]
        return "; ".join(filter(None, texts))

    # -- body ---------------------------------------------------------------------------------------

    def _content(self, content_type: str) -> tuple[Content, str]:
        if self.operation.body is not None:
            return self._written(self.operation.body)
        declared = self.operation.body_codec
        body = self._body_value()
        if body is not MISSING:
            return self._encoded(declared or _codec_for(content_type, body), body)
        form = {parameter.name: value for parameter, value in self._given("form")}
        if form:
            return self._encoded(declared or self._form_codec(content_type), form)
        if self.extra.json is not MISSING:
            return self._encoded(declared or _codec_for(content_type, self.extra.json), self.extra.json)
        if declared is not None and isinstance(self.extra.body, bytes) and "json" in self.extra.content_type:
            return self._rewritten(self.extra.body, declared)
        return self.extra.body, self.extra.content_type

    def _rewritten(self, content: bytes, codec: Codec) -> tuple[Content, str]:
        """A caller's JSON in the format that the file says the upstream takes."""
        try:
            value = registry.find("codec", "json").decode(content, "")
        except ValueError as error:
            self._refuse("the body", f"is not JSON: {error}")
            return None, ""
        return self._encoded(codec, value)

    def _written(self, body: Body) -> tuple[Content, str]:
        value = self._try("the body", _body_content, body, self.scope, self.files)
        if body.takes_fields and isinstance(value, dict):
            value = {**self._unread(body), **value}
        return (None, "") if value is MISSING else self._encoded(body.codec, value)

    def _unread(self, body: Body) -> dict[str, Json]:
        """The fields that a body was given and that it does not read itself."""
        read = {part for name in body.content.names for part in (name, name.partition(".")[2])}
        given = (*self._given("body"), *self._given("form"))
        fields = {parameter.name: value for parameter, value in given}
        return {name: value for name, value in fields.items() if name not in read and name != "body"}

    def _form_codec(self, content_type: str) -> Codec:
        """A form is sent in parts when the file says so, or has a field that is a file."""
        files = any(parameter.type == "file" for parameter, _ in self._given("form"))
        name = "multipart" if files or content_type.lower().startswith(MULTIPART) else "form"
        codec: Codec = registry.find("codec", name)
        return codec

    def _encoded(self, codec: Codec, value: Json) -> tuple[Content, str]:
        return self._try("the body", codec.encode, value) or (None, "")

    def _body_value(self) -> Json | Missing:
        """The body that parameters make: one of them as a whole, or an object of them all.

        A value that may be the body as a whole is looked at: see `Parameter.whole`.
        """
        given = {parameter.name: (parameter, value) for parameter, value in self._given("body")}
        if not given:
            return MISSING
        if len(self._declared("body")) == 1:
            ((name, (parameter, value)),) = given.items()
            whole = _structured(value)
            if whole is not MISSING and (name == "body" or parameter.whole):
                return whole
            if name == "body":
                return MISSING if value is None else value
        undeclared = self.extra.json if isinstance(self.extra.json, dict) else {}
        return {**undeclared, **{name: value for name, (_, value) in given.items()}}

    # -- refusals -----------------------------------------------------------------------------------

    def _try(self, owner: str, make: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T | None:
        try:
            return make(*args, **kwargs)
        except (TemplateError, JsonPathBudgetError):
            # Its message may quote a value, and values may be secrets.
            self._refuse(owner, "has a template that cannot be evaluated with these arguments")
        except ValueError as error:
            self._refuse(owner, str(error))
        return None

    def _refuse(self, owner: str, why: str) -> None:
        self.problems.append(Problem(code=InputError.code, message=f"{owner} {why}"))


def _rendered(content: Template | Tree | JsonText, scope: Mapping[str, Json]) -> Json | Missing:
    return content.value(scope) if isinstance(content, Template) else content.render(scope)


def _body_content(body: Body, scope: Mapping[str, Json], files: Files) -> Json | Missing:
    """What the codec is to write. Values inside a text are escaped, if the codec says how."""
    if isinstance(body.content, Parts):
        return rendered(body.content, scope, files)
    if isinstance(body.content, Template) and not body.content.is_single:
        fill = getattr(body.codec, "fill", None)
        if fill is not None:
            return _filled(body.content, scope, fill)
        return body.content.text(scope, encode=getattr(body.codec, "escape", None))
    return _rendered(body.content, scope)


def _filled(
    template: Template, scope: Mapping[str, Json], fill: Callable[[str, list[str]], str]
) -> str | Missing:
    """The text with its values put in all at once, by a codec that looks at what is around each."""
    if "\0" in template.source:
        raise ValueError("holds a NUL character in the file")
    values: list[str] = []

    def mark(value: str) -> str:
        values.append(value)
        return f"\0{len(values) - 1}\0"

    text = template.text(scope, encode=mark)
    return text if isinstance(text, Missing) else fill(text, values)


def _stays_below(base: str, url: str) -> bool:
    """Whether a URL has its base's origin and lies within its path, as a parser reads both."""
    try:
        fixed, built = urlsplit(base), urlsplit(url)
    except ValueError:
        return False
    rest = built.path.removeprefix(fixed.path)
    return (
        (built.scheme, built.netloc) == (fixed.scheme, fixed.netloc)
        and built.path.startswith(fixed.path)
        and (not rest or rest.startswith("/"))
        and not (built.query or built.fragment)
    )


def _structured(value: Json) -> Json | Missing:
    """The object or list that a value is, or that its text says in JSON; MISSING when it is neither."""
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "["):
        try:
            value = registry.find("codec", "json").decode(value.encode(), "utf-8")
        except ValueError:
            return MISSING
    return value if isinstance(value, (dict, list)) else MISSING


def _codec_for(content_type: str, value: Json) -> Codec:
    """The codec that writes a value as the content type that a header parameter asks for; JSON by default."""
    name = "json"
    if content_type and "json" not in content_type.lower():
        if isinstance(value, str):
            name = "text"
        elif isinstance(value, dict) and "x-www-form-urlencoded" in content_type.lower():
            name = "form"
        elif isinstance(value, dict) and content_type.lower().startswith(MULTIPART):
            name = "multipart"
    codec: Codec = registry.find("codec", name)
    return codec
