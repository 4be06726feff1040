"""ForwardSpec to Forward: where requests go, and what of them does."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from capspec import registry
from capspec.bindings import Bindings
from capspec.compiler.operations import LOCATIONS, CompiledUpstream
from capspec.compiler.paths import parse_exposed_path
from capspec.compiler.texts import Texts
from capspec.errors import Place
from capspec.guards import Described
from capspec.model import ParameterSpec, UpstreamSpec
from capspec.model.consumes import METHODS
from capspec.model.forward import ForwardSpec
from capspec.node import Report
from capspec.plan import Flow, Guard, Operation, Parameter, PathVariable, Upstream
from capspec.plan.forwards import Forward
from capspec.request.encoding import FRAMING, is_token
from capspec.sizes import parse_size
from capspec.template import Template, TemplateError, Tree
from capspec.template.binding import literal_template
from capspec.values import MISSING

PASSED = frozenset({
    "accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "content-digest",
    "content-disposition", "content-encoding", "content-language", "content-type", "idempotency-key",
    "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since", "last-event-id",
    "pragma", "prefer", "range", "repr-digest", "want-content-digest", "want-repr-digest",
})  # fmt: skip
"""Headers of every caller that are passed on: what its body is, and which form of the answer it takes."""

Parts = tuple[str | PathVariable, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Withheld:
    """Where a guard finds the caller's credentials, which go no further."""

    headers: frozenset[str] = frozenset()
    query: frozenset[str] = frozenset()
    cookies: frozenset[str] = frozenset()


class ForwardCompiler:
    """Compiles the forwards of listeners. `upstreams` are by namespace."""

    def __init__(
        self,
        upstreams: Mapping[str, tuple[UpstreamSpec, CompiledUpstream]],
        bindings: Bindings,
        report: Report,
        *,
        lost: Collection[str] = (),
        mock: bool = False,
    ) -> None:
        """`lost` are namespaces that could not be imported; with `mock` nobody is called."""
        self.upstreams = upstreams
        self.bindings = bindings
        self.report = report
        self.lost = lost
        self.mock = mock

    def forwards(
        self, specs: Sequence[ForwardSpec], flows: Sequence[Flow], guard: Guard | None
    ) -> tuple[Forward, ...]:
        """The forwards of a listener with these flows, which come first where they have the same path."""
        taken: dict[str, set[str]] = {}
        for flow in flows:
            taken.setdefault(_shape(flow.path), set()).add(flow.method)
        found = []
        for spec in specs:
            path = parse_exposed_path(spec.path).parts
            methods = self._methods(spec, taken.setdefault(_shape(path), set()))
            if methods:
                found.append(self._forward(spec, path, methods, _withheld_by(guard)))
        return tuple(map(_mocked, found)) if self.mock else tuple(found)

    def _forward(self, spec: ForwardSpec, path: Parts, methods: tuple[str, ...], kept: _Withheld) -> Forward:
        target = self.upstreams.get(spec.target)
        reason = self._unknown(spec) if target is None else _path_problem(path)
        if reason and spec.target not in self.lost:
            self._warn("CAP370", f"'{spec.path}' is not forwarded: {reason}", spec.target_place)
        forward = Forward(
            name=spec.name or spec.path,
            title=spec.title,
            description=spec.description,
            tags=spec.tags,
            path=path,
            methods=methods,
            target=spec.target,
            max_request_bytes=self._size(spec),
            unavailable=reason,
            place=spec.place,
        )
        return forward if target is None else self._aimed(forward, spec, target, kept)

    def _aimed(
        self,
        forward: Forward,
        spec: ForwardSpec,
        target: tuple[UpstreamSpec, CompiledUpstream],
        kept: _Withheld,
    ) -> Forward:
        upstream = target[1].upstream
        operation = self._operation(spec, forward.path, *target)
        trusted = self._trusted(spec, upstream, kept)
        fixed = {name.lower() for name in _own(operation, "header")} | upstream.auth_names
        return replace(
            forward,
            operation=operation,
            headers=(PASSED | frozenset(trusted)) - kept.headers - fixed,
            trusted_headers=trusted,
            withheld_query=kept.query | _own_query(operation),
            withheld_cookies=kept.cookies | _own(operation, "cookie"),
            returns_cookies="set-cookie" in trusted,
            missing=tuple(sorted({*upstream.missing, *operation.missing})),
            unavailable=forward.unavailable or upstream.problem,
        )

    def _unknown(self, spec: ForwardSpec) -> str:
        if not spec.target:
            return "it does not name a 'targetNamespace'"
        if spec.target in self.lost:
            return f"the namespace '{spec.target}' could not be imported"
        near = difflib.get_close_matches(spec.target, list(self.upstreams), 1, cutoff=0.5)
        mend = f"; did you mean '{near[0]}'?" if near else ""
        return f"nothing is consumed under the namespace '{spec.target}'{mend}"

    # -- what is passed on --------------------------------------------------------------------------

    def _methods(self, spec: ForwardSpec, taken: set[str]) -> tuple[str, ...]:
        """The methods that are left, which are taken then."""
        busy = taken | ({"HEAD"} if "GET" in taken else set())
        words = [word for word in METHODS if word not in busy] if spec.methods is None else []
        for word, place in spec.methods or ():
            method = word.upper()
            if method not in METHODS:
                hint = f"use one of {', '.join(METHODS)}"
                self.report.add("CAP371", f"'{word}' is not a method to forward", place=place, hint=hint)
            elif method in taken:
                self._warn(
                    "CAP372", f"'{method} {spec.path}' is not forwarded: what is exposed there answers", place
                )
            else:
                words.append(method)
        if not words and spec.methods is None:
            message = f"'{spec.path}' is not forwarded: every method is taken by what is exposed there"
            self._warn("CAP372", message, spec.place)
        taken.update(words)
        return tuple(dict.fromkeys(words))

    def _trusted(self, spec: ForwardSpec, upstream: Upstream, kept: _Withheld) -> tuple[str, ...]:
        """The trusted headers that can be passed on, in lower case."""
        found = []
        for word, place in spec.trusted_headers:
            name = word.lower()
            if not is_token(name):
                why = "it is not a name that a header can have"
            elif name in FRAMING - PASSED:
                why = "it belongs to the connection"
            elif name in kept.headers:
                why = "it holds what callers prove themselves with here"
            elif name in upstream.auth_names:
                why = f"the authentication of '{spec.target}' sets it"
            else:
                found.append(name)
                continue
            self._warn("CAP373", f"the trusted header '{word}' is not passed on: {why}", place)
        return tuple(dict.fromkeys(found))

    def _size(self, spec: ForwardSpec) -> int | None:
        try:
            return parse_size(spec.max_request_size) if spec.max_request_size else None
        except ValueError as error:
            self.report.add("CAP374", f"maxRequestSize: {error}", place=spec.place)
            return None

    # -- what the file adds -------------------------------------------------------------------------

    def _operation(
        self, forward: ForwardSpec, path: Parts, spec: UpstreamSpec, compiled: CompiledUpstream
    ) -> Operation:
        """What stands for every request: the upstream, and what the file adds for all its operations."""
        variables = {part.name for part in path if isinstance(part, PathVariable) and not part.greedy}
        texts = Texts(self.bindings.seen_in(spec.place.source), variables)
        parameters = [self._parameter(item, variables, compiled.upstream, texts) for item in spec.inputs]
        return Operation(
            id=f"{spec.namespace}.forward",
            upstream=compiled.upstream,
            method="GET",
            path=(),
            query=tuple((name, literal_template(value)) for name, value in compiled.query),
            parameters=tuple(item for item in parameters if item is not None),
            codec=registry.find("codec", "binary"),
            missing=tuple(dict.fromkeys(texts.missing)),
            description=forward.description,
            place=forward.place,
        )

    def _parameter(
        self, item: ParameterSpec, variables: Iterable[str], upstream: Upstream, texts: Texts
    ) -> Parameter | None:
        """A parameter of every request; None for one that only an operation's caller could fill."""
        word = item.location.lower()
        location = LOCATIONS.get(word, "query")
        if location not in ("query", "header", "cookie") or word == "path":
            return None
        if location == "header" and item.name.lower() in upstream.auth_names:
            return None
        if item.value is MISSING or item.value is None:
            return Parameter(name=item.name, location=location) if item.name in variables else None
        try:
            value = self._text(item, texts)
        except TemplateError as error:
            message = f"the value of '{item.name}' is not a template: {error}"
            self.report.add("CAP331", message, place=self.report.spot(item.place, error.text, error.offset))
            return None
        known = set(texts.arguments_in(value.names)) <= set(variables)
        return Parameter(name=item.name, location=location, value=value) if known else None

    def _text(self, item: ParameterSpec, texts: Texts) -> Template | Tree:
        if isinstance(item.value, str):
            return texts.template(item.value, item.place)
        return texts.tree(item.value, item.place)

    def _warn(self, code: str, message: str, place: Place) -> None:
        self.report.add(code, message, place=place, severity="warning")


def _mocked(forward: Forward) -> Forward:
    return replace(forward, unavailable="its answers are declared nowhere, and nobody is called", missing=())


def _shape(path: Parts) -> str:
    """A path without its placeholders' names."""
    return "".join(part if isinstance(part, str) else "{+}" if part.greedy else "{}" for part in path)


def _path_problem(path: Parts) -> str:
    """Why a path cannot say what is passed on, "" when it can."""
    greedy = [at for at, part in enumerate(path) if isinstance(part, PathVariable) and part.greedy]
    if len(greedy) > 1:
        return "its path has more than one placeholder for the rest of it"
    for at in greedy:
        before, after = path[at - 1] if at else "", path[at + 1] if at + 1 < len(path) else "/"
        if not (str(before).endswith("/") and str(after).startswith("/")):
            return "the placeholder for the rest of its path shares a segment with something else"
    return ""


def _own(operation: Operation, location: str) -> frozenset[str]:
    return frozenset(item.name for item in operation.parameters if item.location == location)


def _own_query(operation: Operation) -> frozenset[str]:
    """The names that the file itself has in the query, its credentials among them."""
    names: frozenset[str] = getattr(operation.upstream.auth, "query_names", frozenset())
    return names | _own(operation, "query") | {name for name, _ in operation.query}


def _withheld_by(guard: Guard | None) -> _Withheld:
    if guard is None:
        return _Withheld()
    scheme = guard.security_scheme if isinstance(guard, Described) else {}
    if scheme.get("type") != "apiKey":
        # A guard that does not say where it looks may look in any of them.
        return _Withheld(headers=frozenset({"authorization"} if scheme else {"authorization", "cookie"}))
    name, place = str(scheme["name"]), scheme["in"]
    if place == "header":
        return _Withheld(headers=frozenset({name.lower()}))
    return _Withheld(query=frozenset({name})) if place == "query" else _Withheld(cookies=frozenset({name}))
