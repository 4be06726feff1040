"""TargetSpec to the requests about a job: operations of their own, beside the one that started it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Literal, TypeAlias

from capspec import registry
from capspec.compiler.needs import BODY_METHODS
from capspec.compiler.operations import CompiledOperation, CompiledUpstream
from capspec.compiler.paths import PathParts, parse_consumed_path
from capspec.compiler.targets import Targets, UnknownTarget
from capspec.compiler.texts import Texts
from capspec.egress import is_among
from capspec.errors import Place
from capspec.jobs.terms import Terms
from capspec.jobs.vocabulary import METHODS
from capspec.model.jobs import TargetSpec, Written
from capspec.model.paths import loose_brace
from capspec.plan import Body, FollowUp, Location, Operation, Parameter, PathVariable, Upstream
from capspec.plan.polling import Target
from capspec.references import PREFIXES
from capspec.template import JsonText, Template, TemplateError, Tree, compile_template
from capspec.template.binding import literal_template
from capspec.values import MISSING, Json

Role: TypeAlias = Literal["submit", "status", "result", "cancel"]
"""Which request: the one that starts the job, or one about it."""

ANSWERS = ("id", "status", "submit")
"""First parts of the names that answers fill: the job's id, the latest answer, and the first one."""

_GIVEN: dict[Role, tuple[str, ...]] = {
    "submit": ("idempotency",), "status": ("id", "submit"), "result": ANSWERS, "cancel": ("id", "submit"),
}  # fmt: skip

_ABSOLUTE = re.compile(r"(https?://[^/?#]*)(.*)", re.DOTALL | re.IGNORECASE)


@dataclass(slots=True, kw_only=True)
class FollowUpCompiler:
    """Compiles the requests about the jobs of one operation. `names` are those that their templates read."""

    compiled: CompiledOperation
    upstream: CompiledUpstream
    targets: Targets
    texts: Texts
    terms: Terms
    names: list[str] = field(default_factory=list)

    def follow_up(self, role: Role, spec: TargetSpec, target: Target) -> FollowUp:
        """The request at an address that an answer gives, and the one at the file's own address."""
        found = self._found(role, spec)
        if spec.call is not None:
            self._only_with(spec)
            self.note(role, () if target.arguments is None else target.arguments.names, spec.place)
            return FollowUp(found=found, own=self.called(spec.call, spec.arguments))
        if spec.uri is not None:
            return FollowUp(found=found, own=self._own(role, spec.uri, found, target.allowed))
        return FollowUp(found=found)

    def called(self, written: Written, arguments: Mapping[str, Json]) -> Operation | None:
        """An operation of the file by its name, with parameters for arguments that it does not declare."""
        try:
            compiled = self.targets.find(written.text)
        except UnknownTarget as error:
            self.terms.wrong("CAP353", str(error), written.place)
            return None
        operation = compiled.operation
        known = {item.name for item in operation.parameters} | set(compiled.variables) | set(compiled.names)
        location: Location = "body" if operation.method in BODY_METHODS else "query"
        added = [Parameter(name=name, location=location) for name in arguments if name not in known]
        if operation.body is not None:
            added = []
        return replace(operation, parameters=(*operation.parameters, *added))

    def _only_with(self, spec: TargetSpec) -> None:
        if spec.method or spec.headers or spec.body is not MISSING:
            message = "'method', 'headers' and 'body' are those of the operation that 'call' names"
            self.terms.wrong("CAP356", message, spec.place, hint="leave them out")

    # -- requests that the block itself describes -----------------------------------------------------

    def _found(self, role: Role, spec: TargetSpec) -> Operation:
        origin = self.compiled.operation
        body = self._body(role, spec)
        return Operation(
            id=f"{origin.id} ({role})",
            upstream=origin.upstream,
            method=self.terms.choice("method", spec.method, METHODS),
            path=(),
            parameters=(*self._inherited(spec), *self._headers(role, spec)),
            body=body,
            codec=origin.codec,
            missing=self._missing(),
            place=spec.place,
        )

    def _own(self, role: Role, uri: Written, found: Operation, allowed: tuple[str, ...]) -> Operation | None:
        """The same request where `uri` says, below the base URI unless it is absolute."""
        text, upstream = uri.text, found.upstream
        absolute = _ABSOLUTE.fullmatch(text)
        if absolute is not None:
            text, upstream = absolute[2], self._elsewhere(absolute[1], uri.place, allowed)
        at = loose_brace(text)
        if at is not None:
            message = f"a '{text[at]}' of '{uri.text}' belongs to no placeholder"
            hint = "write a placeholder as {{name}}"
            self.terms.wrong("CAP352", message, uri.place, text=text, offset=at, hint=hint)
        parts = parse_consumed_path(text)
        base = () if absolute is not None else self.upstream.query
        query = [(name, literal_template(value)) for name, value in base]
        query += [(name, self._template(role, value, uri.place, braces=True)) for name, value in parts.query]
        return replace(
            found,
            upstream=upstream,
            path=tuple(self._part(part) for part in parts.parts),
            query=tuple(query),
            parameters=(*found.parameters, *self._variables(role, parts, uri.place)),
            missing=tuple(dict.fromkeys((*found.missing, *self._missing()))),
        )

    def _elsewhere(self, base: str, place: Place, allowed: tuple[str, ...]) -> Upstream:
        """The upstream, credentials included, at another address that the file allows for it."""
        if allowed and not is_among(base, allowed):
            hint = "add its host to 'allowHosts'"
            self.terms.wrong("CAP359", f"'{base}' is not allowed for this job", place, hint=hint)
        return replace(self.compiled.operation.upstream, base_url=base)

    @staticmethod
    def _part(part: str | PathVariable) -> str | PathVariable:
        """An id may hold slashes (`projects/x/operations/1`); what a caller gives may not."""
        if isinstance(part, str) or _root(part.name) not in ANSWERS:
            return part
        return replace(part, greedy=True)

    def _variables(self, role: Role, parts: PathParts, place: Place) -> list[Parameter]:
        found: list[Parameter] = []
        for name in parts.variables:
            template = self._template(role, f"{{{{{name}}}}}", place)
            found.append(Parameter(name=name, location="path", value=template))
        return found

    def _inherited(self, spec: TargetSpec) -> list[Parameter]:
        """Constant headers of the operation go along: many an API wants its version in one."""
        own = {name.lower() for name in spec.headers} | {"content-type", "prefer"}
        return [
            item
            for item in self.compiled.operation.parameters
            if item.location == "header"
            and item.value is not None
            and not item.value.names
            and item.name.lower() not in own
        ]

    def _headers(self, role: Role, spec: TargetSpec) -> list[Parameter]:
        return [
            Parameter(name=name, location="header", value=self._template(role, str(value), spec.place))
            for name, value in spec.headers.items()
        ]

    def _body(self, role: Role, spec: TargetSpec) -> Body | None:
        if spec.body is MISSING or spec.body is None:
            return None
        content: Tree | JsonText
        try:
            if isinstance(spec.body, str):
                content = self.texts.json_text(spec.body, spec.place)
            else:
                content = self.texts.tree(spec.body, spec.place)
        except TemplateError as error:
            message = f"the body is not a template: {error.reason}"
            self.terms.wrong(
                "CAP352", message, spec.place, text=error.text, offset=error.offset, hint=error.hint
            )
            return None
        self.note(role, content.names, spec.place)
        return Body(codec=registry.find("codec", "json"), content=content)

    # -- templates ------------------------------------------------------------------------------------

    def _template(self, role: Role, text: str, place: Place, *, braces: bool = False) -> Template:
        try:
            template = self.texts.template(text, place, single_brace=braces)
        except TemplateError as error:
            message = f"'{text}' is not a template: {error.reason}"
            self.terms.wrong("CAP352", message, place, text=error.text, offset=error.offset, hint=error.hint)
            return compile_template("")
        self.note(role, template.names, place)
        return template

    def note(self, role: Role, names: Iterable[str], place: Place) -> None:
        """Keep the names that a request reads, and report those that nothing will fill (CAP358)."""
        given = (*_GIVEN[role], "inputParameters", *PREFIXES)
        for name in names:
            self.names.append(name)
            if _root(name) not in given and name not in self.texts.arguments:
                answers = "".join(f"{word}, " for word in _GIVEN[role])
                hint = f"use {answers}or an input of the operation"
                self.terms.wrong("CAP358", f"nothing gives '{name}' a value here", place, hint=hint)

    def _missing(self) -> tuple[str, ...]:
        missing = tuple(dict.fromkeys(self.texts.missing))
        self.texts.missing.clear()
        return missing


def _root(name: str) -> str:
    return re.split(r"[.\[]", name, maxsplit=1)[0]
