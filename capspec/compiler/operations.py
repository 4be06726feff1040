"""UpstreamSpec and OperationSpec to Upstream and Operation: addresses, credentials, parameters, bodies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl, urlsplit

from capspec import registry
from capspec.bindings import Bindings
from capspec.compiler.base_uris import base_problem, filled
from capspec.compiler.bodies import BodyCompiler
from capspec.compiler.formats import reading_codec
from capspec.compiler.paths import PathParts, parse_consumed_path
from capspec.compiler.texts import Texts
from capspec.compiler.unusable import unusable
from capspec.durations import parse_duration
from capspec.errors import CompileError, Place, Problem
from capspec.keys import identified
from capspec.mapping.projection import compile_projection
from capspec.model import BodySpec, OperationSpec, ParameterSpec, UpstreamSpec
from capspec.model.paths import loose_brace
from capspec.node import Report
from capspec.plan import Location, Operation, Parameter, Upstream
from capspec.request.encoding import FRAMING
from capspec.request.inline import MEDIA_TYPE
from capspec.settings import Settings
from capspec.sizes import parse_size
from capspec.template import Template, TemplateError, Tree, compile_template
from capspec.template.binding import literal_template
from capspec.values import MISSING

_TEMPLATE = re.compile(r"\{[^{}]+\}")
BODYLESS = ("GET", "HEAD", "DELETE", "OPTIONS")
"""Methods whose data goes into the query when nobody says where it goes."""

LOCATIONS: dict[str, Location] = {
    "query": "query", "header": "header", "cookie": "cookie", "body": "body",
    "formdata": "form", "form": "form",
}  # fmt: skip
"""The words of `in` in lower case, but for those of the path."""


@dataclass(frozen=True, slots=True)
class CompiledUpstream:
    """An upstream, what its base URI says in its query, and further addresses that its auth contacts."""

    upstream: Upstream
    query: tuple[tuple[str, str], ...]
    urls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CompiledOperation:
    """An operation and its spec, which input inference still needs; `names` are arguments its texts read.

    `withheld` are the parameters that its author lists and that no request takes from a caller.
    """

    spec: OperationSpec
    operation: Operation
    variables: tuple[str, ...]
    names: tuple[str, ...]
    withheld: frozenset[str] = frozenset()

    def withholds(self, name: str) -> bool:
        """Whether an argument of this name would go nowhere, or into the place of a credential."""
        if name in self.withheld:
            return True
        if any(item.name == name for item in self.spec.inputs):
            return False
        upstream = self.operation.upstream
        if name.lower() == "authorization":
            return is_credential(name, upstream, "header")
        return is_credential(name, upstream, "query" if self.operation.method in BODYLESS else "body")


class OperationCompiler:
    """Compiles the consumed side of one capability."""

    def __init__(
        self,
        bindings: Bindings,
        base_uris: Mapping[str, str],
        report: Report,
        *,
        dialects: Mapping[str, str],
        rewrite: Callable[[str], str] = str,
    ) -> None:
        """`dialects` says which one each file is in; `rewrite` leads from an address that a file names to the
        one that is called, "" for none.
        """
        self.bindings = bindings
        self.base_uris = base_uris
        self.report = report
        self.dialects = dialects
        self.rewrite = rewrite
        self.bodies = BodyCompiler(report=report, rewrite=rewrite)

    @property
    def contacts(self) -> list[str]:
        """Origins that files in bodies may come from."""
        return self.bodies.contacts

    # -- upstreams ----------------------------------------------------------------------------------

    def upstream(self, spec: UpstreamSpec) -> CompiledUpstream:
        base_url, query, missing, problem = self._base(spec)
        auth, names, urls = None, frozenset[str](), ()
        if spec.auth is not None:
            settings = Settings(spec.auth.node, self._resolved)
            try:
                auth = identified(registry.find("auth", spec.auth.type)(settings), settings)
                names, urls = auth.names, getattr(auth, "urls", ())
                settings.node.finish(f"'{spec.auth.type}' authentication")
            except (registry.UnknownExtension, CompileError) as error:
                # Fail closed: without its credentials the API must not be called at all.
                found = unusable(spec.auth, "auth", error)
                problem = problem or f"its authentication cannot be used: {_said(found)}"
                self._cannot_be_called("CAP321", spec, found)
            missing += tuple(settings.missing)
        upstream = Upstream(
            namespace=spec.namespace,
            base_url=base_url,
            auth=auth,
            auth_names=names,
            timeout=self._timeout(spec.timeout, spec.place),
            missing=tuple(dict.fromkeys(missing)),
            problem=problem,
        )
        return CompiledUpstream(upstream, query, urls)

    def _resolved(self, text: str, place: Place) -> tuple[str, tuple[str, ...]]:
        """A setting with its variables; an address in it is the one that is really called."""
        value, missing = self.bindings.resolve(text, place)
        return (self.rewrite(value) if value.startswith(("http://", "https://")) else value), missing

    def _base(self, spec: UpstreamSpec) -> tuple[str, tuple[tuple[str, str], ...], tuple[str, ...], str]:
        """The base URL, its query, missing variables, and why it cannot be used."""
        text, place = self.base_uris.get(spec.namespace, spec.base_uri), spec.base_uri_place
        try:
            value, missing = self.bindings.resolve(text, place)
        except CompileError as error:
            found = error.problems[0]
            if isinstance(error.__cause__, TemplateError):
                at = self.report.spot(place, error.__cause__.text, error.__cause__.offset)
                found = replace(found, place=at)
            self._cannot_be_called("CAP322", spec, found)
            return "", (), (), found.message
        value, unfilled = filled(value, self.bindings.seen_in(place.source))
        how = f"give one with --base-uri {spec.namespace}=URL"
        if missing:
            return "", (), missing, ""
        hint = how
        if unfilled:
            problem = f"its base URI has no value for {', '.join(unfilled)}"
        elif not value:
            problem = "it has no base URI"
        else:
            problem, hint = base_problem(value), "write all of it, like https://api.example.com/v1"
        called = value if problem or spec.namespace in self.base_uris else self.rewrite(value)
        if not problem and not called:
            problem, hint = f"nothing stands for {value} here", how
        if problem:
            found = Problem(code="CAP322", message=problem, hint=hint, place=place)
            meant = None if spec.base_uri else self.report.instead(spec.place, "baseUri", "baseUrl")
            if meant is not None:
                found = replace(found, place=meant[0], hint=meant[1])
            self._cannot_be_called("CAP322", spec, found)
            return "", (), (), _said(found)
        parts = urlsplit(called)
        query = tuple(parse_qsl(parts.query, keep_blank_values=True))
        return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}", query, (), ""

    def _cannot_be_called(self, code: str, spec: UpstreamSpec, found: Problem) -> None:
        message = f"namespace '{spec.namespace}' cannot be called: {found.message}"
        self.report.add(code, message, place=found.place, hint=found.hint, severity="warning")

    # -- operations ---------------------------------------------------------------------------------

    def operation(self, spec: OperationSpec, compiled: CompiledUpstream) -> CompiledOperation:
        inputs = [item for item in spec.inputs if item.name]
        path = self._path(spec)
        bindings = self.bindings.seen_in(spec.place.source)
        given = {item.name for item in inputs}
        bound = [name for name in path.variables if name not in given and bindings.declares(name)]
        asked = tuple(name for name in path.variables if name not in bound)
        texts = Texts(bindings, {item.name for item in inputs if item.value is MISSING} | set(asked))
        parameters, names = self._parameters(spec, path, compiled.upstream, inputs, texts)
        parameters += [
            Parameter(name=name, location="path", value=texts.template(f"{{{{{name}}}}}", spec.place))
            for name in bound
        ]
        query = self._query(path, compiled, spec.place, texts)
        body = self.bodies.body(_without_credentials(spec.body, compiled.upstream), compiled.upstream, texts)
        names += [name for _, template in query for name in texts.arguments_in(template.names)]
        names += body.names
        operation = Operation(
            id=f"{spec.namespace}.{spec.name}",
            upstream=compiled.upstream,
            method=spec.method,
            path=path.parts,
            query=query,
            parameters=tuple(parameters),
            body=body.body,
            body_codec=body.codec,
            codec=reading_codec(spec.raw_format, spec.output_schema, spec.document, spec.place, self.report),
            media_type=self._media_type(spec),
            max_size=self._max_size(spec),
            timeout=self._timeout(spec.timeout, spec.place),
            missing=tuple(dict.fromkeys(texts.missing)),
            problem=body.problem or _path_problem(spec.path),
            description=spec.description,
            place=spec.place,
            projection=compile_projection(spec.outputs, self.report),
        )
        known = {parameter.name for parameter in parameters if parameter.value is None} | set(asked)
        extra = tuple(name for name in dict.fromkeys(names) if name not in known)
        unread = {item.name for item in inputs if item.value is MISSING} - known - set(names)
        return CompiledOperation(spec, operation, asked, extra, frozenset(unread | _unused(operation, names)))

    def _path(self, spec: OperationSpec) -> PathParts:
        """The path, with parameters at its end that it should have and does not.

        Public files often leave them out: `/users` with a parameter `id` in the path is `/users/{id}`.
        """
        placed = [item for item in spec.inputs if item.name and item.location.lower() == "path"]
        path = parse_consumed_path(spec.path).respelt(item.name for item in placed)
        if self.dialects[spec.place.source] == "capspec":
            return path
        own = {item.name: item for item in spec.inputs[spec.shared :] if item in placed}
        added = [name for name in own if name not in (*path.variables, *path.queried)]
        for name in added:
            message = f"path parameter '{name}' is not in the path '{spec.path}', and is sent at its end"
            hint = f"write {{{name}}} where it belongs"
            self.report.add("CAP323", message, place=own[name].place, hint=hint, severity="warning")
        return path.extended(added)

    def _parameters(
        self,
        spec: OperationSpec,
        path: PathParts,
        upstream: Upstream,
        inputs: list[ParameterSpec],
        texts: Texts,
    ) -> tuple[list[Parameter], list[str]]:
        found: list[Parameter] = []
        names: list[str] = []
        for item in inputs:
            location = self._location(item, spec, path, upstream)
            if location is None:
                continue
            value, read = self._value(item, texts)
            names += read
            required = item.required is True and value is None
            # The body's own type got lost when files of the other dialects were made.
            untyped = item.type in ("string", "") and self.dialects[spec.place.source] != "capspec"
            found.append(
                Parameter(
                    name=item.name,
                    location=location,
                    type=item.type,
                    value=value,
                    required=required,
                    whole=location == "body" and untyped,
                )
            )
        return found, names

    def _location(
        self, item: ParameterSpec, spec: OperationSpec, path: PathParts, upstream: Upstream
    ) -> Location | None:
        """Where a parameter goes; None when it goes nowhere of its own."""
        if item.name in path.variables:
            # A value written for a placeholder is an argument with a constant; the path reads it by name.
            return "path" if item.value is not MISSING else None
        if item.location.lower() == "path":
            if item.name not in path.queried:
                message = f"path parameter '{item.name}' is not in the path '{spec.path}' and is not sent"
                self._warn("CAP323", message, item.place)
            return None
        location = LOCATIONS.get(item.location.lower(), "query" if spec.method in BODYLESS else "body")
        if is_credential(item.name, upstream, location):
            return None
        if location == "header" and item.name.lower() in FRAMING:
            return None
        if _TEMPLATE.search(item.name):
            hint = "write one parameter for each name that it can have"
            message = f"the name '{item.name}' has a placeholder in it, so the parameter is not sent"
            self.report.add("CAP323", message, place=item.place, hint=hint, severity="warning")
            return None
        return location

    def _value(self, item: ParameterSpec, texts: Texts) -> tuple[Template | Tree | None, list[str]]:
        if item.value is MISSING or item.value is None:
            return None, []
        try:
            template = (
                texts.setting(item.value, item.place)
                if isinstance(item.value, str)
                else texts.tree(item.value, item.place)
            )
        except TemplateError as error:
            place = self.report.spot(item.place, error.text, error.offset)
            message = f"the value of '{item.name}' is not a template: {error.reason}"
            self.report.add("CAP331", message, place=place, hint=error.hint)
            return compile_template(""), []
        return template, texts.arguments_in(template.names)

    def _query(
        self, path: PathParts, compiled: CompiledUpstream, place: Place, texts: Texts
    ) -> tuple[tuple[str, Template], ...]:
        literal = [(name, literal_template(value)) for name, value in compiled.query]
        asked = [pair for pair in path.query if not is_credential(pair[0], compiled.upstream, "query")]
        own = [(name, texts.template(value, place, single_brace=True)) for name, value in asked]
        return tuple(literal + own)

    def _media_type(self, spec: OperationSpec) -> str:
        if not spec.media_type or MEDIA_TYPE.fullmatch(spec.media_type):
            return spec.media_type
        message = f"outputMediaType: '{spec.media_type}' is no media type, and has no effect"
        self._warn("CAP329", message, self.report.spot(spec.place, spec.media_type, key="outputMediaType"))
        return ""

    def _max_size(self, spec: OperationSpec) -> int | None:
        try:
            return parse_size(spec.max_size) if spec.max_size else None
        except ValueError as error:
            place = self.report.spot(spec.place, spec.max_size, key="maxBinarySize")
            self._warn("CAP338", f"maxBinarySize: {error}; it has no effect", place)
            return None

    def _timeout(self, text: str, place: Place) -> float | None:
        if not text:
            return None
        try:
            return parse_duration(text)
        except ValueError as error:
            at = self.report.spot(place, text, key="timeout")
            message, _, hint = str(error).partition("; ")
            self.report.add("CAP326", f"timeout: {message}", place=at, hint=hint)
            return None

    def _warn(self, code: str, message: str, place: Place) -> None:
        self.report.add(code, message, place=place, severity="warning")


def _path_problem(path: str) -> str:
    return "" if loose_brace(path) is None else "a brace of its path belongs to no placeholder"


def is_credential(name: str, upstream: Upstream, location: Location) -> bool:
    """Whether an upstream's authentication puts something of its own there."""
    if location == "header":
        return name.lower() in upstream.auth_names
    if location == "path":
        return False
    kind = {"query": "query_names", "cookie": "cookie_names"}.get(location, "member_names")
    names: frozenset[str] = getattr(upstream.auth, kind, frozenset())
    return name in names


def _without_credentials(body: BodySpec | None, upstream: Upstream) -> BodySpec | None:
    """A body without the fields that the authentication adds to it."""
    if body is None or not isinstance(body.data, dict):
        return body
    data = {name: value for name, value in body.data.items() if not is_credential(name, upstream, "body")}
    return body if len(data) == len(body.data) else replace(body, data=data)


def _unused(operation: Operation, names: Collection[str]) -> set[str]:
    """Parameters of a body that the file writes out without them, and that has no room for them."""
    body = operation.body
    if body is None:
        return set()
    listed = {item.name for item in operation.parameters if item.location in ("body", "form")}
    return {name for name in listed if name not in names and (name == "body" or not body.takes_fields)}


def _said(problem: Problem) -> str:
    return f"{problem.message}; {problem.hint}" if problem.hint else problem.message
