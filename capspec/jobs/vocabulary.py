"""PollSpec and IdempotencySpec to Poll and Idempotency: every problem is reported with its place."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from capspec.egress import HOST_RULE, Origin, origin_of, own_names, pattern_of
from capspec.errors import Place
from capspec.jobs.rules import error_rule, progress_rule, rhythm, status_rule
from capspec.jobs.terms import Terms
from capspec.model.jobs import AddressSpec, PollSpec, ResultSpec, TargetSpec, Written
from capspec.model.submissions import DuplicateSpec, IdempotencySpec
from capspec.plan.polling import (
    AddressSource,
    Duplicate,
    Idempotency,
    Policy,
    Poll,
    ResultRule,
    Stage,
    Target,
)
from capspec.template import Template, Tree
from capspec.values import Json

TIMEOUT: Final = 600.0
"""Seconds that a job may take, where the file does not say."""

MAX_ERRORS: Final = 5
METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")

_STAGES: tuple[Stage, ...] = ("status", "submit")
_POLICIES: tuple[Policy, ...] = ("leave", "cancel")
_LOCATIONS: tuple[Literal["header", "query", "body"], ...] = ("header", "query", "body")

CompileTree: TypeAlias = Callable[[Json, Place], Tree | None]
"""A JSON value with templates, bound variables put in; None when it cannot be read, which is reported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """Compiles the blocks of one operation. `base_url` is "" while it has no value."""

    terms: Terms
    base_url: str
    tree: CompileTree

    def poll(self, spec: PollSpec) -> Poll | None:
        """A `poll` block; None when it does not say where to ask, or what the answers mean."""
        if spec.request is None:
            place, hint = self.terms.report.instead(spec.place, "request") or (spec.place, "add 'request'")
            self.terms.wrong("CAP356", "'poll' does not say where to ask", place, hint=hint)
        if spec.status is None:
            place, hint = self.terms.report.instead(spec.place, "status") or (spec.place, "add 'status'")
            self.terms.wrong("CAP355", "'poll' does not say what the answers mean", place, hint=hint)
        if spec.request is None or spec.status is None:
            return None
        timeout = self._timeout(spec)
        status = status_rule(spec.status, self.terms)
        hosts = spec.request.allow_hosts
        return Poll(
            id=self.terms.path(spec.id),
            request=self._target(spec.request, hosts),
            status=status,
            rhythm=rhythm(spec, self.terms, timeout),
            timeout=timeout,
            max_attempts=self.terms.at_least(1, "maxAttempts", spec.max_attempts, spec.place),
            max_errors=self._max_errors(spec),
            progress=progress_rule(spec.progress, self.terms),
            position=self.terms.path(spec.position),
            message=self.terms.paths(spec.message),
            result=self._result(spec.result, hosts, by_code=status.http),
            error=error_rule(spec.error, self.terms),
            cancel=None if spec.cancel is None else self._target(spec.cancel, hosts),
            on_timeout=self._policy("onTimeout", spec.on_timeout, spec),
            on_disconnect=self._policy("onDisconnect", spec.on_disconnect, spec),
        )

    def idempotency(self, spec: IdempotencySpec, key: Template | None) -> Idempotency:
        """An `idempotency` block; `key` is its own template."""
        if not spec.name:
            hint = "name the header, the query parameter or the body field"
            self.terms.wrong("CAP356", "'idempotency' has no 'name'", spec.place, hint=hint)
        return Idempotency(
            location=self.terms.choice("in", spec.location, _LOCATIONS),
            name=spec.name,
            key=key,
            window=None if spec.window is None else self.terms.duration("window", spec.window, 0.0),
            duplicate=None if spec.duplicate is None else self._duplicate(spec.duplicate),
        )

    # -- within ---------------------------------------------------------------------------------------

    def _timeout(self, spec: PollSpec) -> float:
        seconds = self.terms.duration("timeout", spec.timeout, TIMEOUT)
        if seconds <= 0 and spec.timeout is not None:
            self.terms.wrong("CAP351", "timeout: a job needs some time", spec.timeout.place)
        return seconds

    def _max_errors(self, spec: PollSpec) -> int:
        count = self.terms.at_least(0, "maxErrors", spec.max_errors, spec.place)
        return MAX_ERRORS if count is None else count

    def _policy(self, name: str, written: Written | None, spec: PollSpec) -> Policy:
        policy = self.terms.choice(name, written, _POLICIES)
        if policy == "cancel" and spec.cancel is None and written is not None:
            hint = "add 'cancel'"
            self.terms.wrong(
                "CAP356", f"{name}: nothing says how a job is canceled", written.place, hint=hint
            )
        return policy

    def _target(self, spec: TargetSpec, hosts: Iterable[Written]) -> Target:
        """A target; `hosts` are allowed where it names none itself."""
        if spec.empty:
            hint = "write 'uri', 'uriFrom' or 'call'"
            self.terms.wrong("CAP356", "this names no address", spec.place, hint=hint)
        if spec.call is not None and spec.uri is not None:
            self.terms.wrong(
                "CAP356", "this names both 'call' and 'uri'", spec.place, hint="keep one of them"
            )
        return Target(
            sources=tuple(source for item in spec.sources if (source := self._source(item)) is not None),
            allowed=self._allowed(spec.allow_hosts or hosts),
            arguments=None if spec.call is None else self.tree(spec.arguments, spec.place),
        )

    def _source(self, spec: AddressSpec) -> AddressSource | None:
        if (spec.body is None) == (not spec.header):
            self.terms.wrong("CAP356", "'uriFrom' should say either 'body' or 'header'", spec.place)
            return None
        of = self.terms.choice("of", spec.of, _STAGES)
        return AddressSource(body=self.terms.path(spec.body), header=spec.header, of=of)

    def _allowed(self, hosts: Iterable[Written]) -> tuple[str, ...]:
        """The origins that answers may name: the base URL's, and those of `hosts` at its scheme and port."""
        try:
            base = origin_of(self.base_url)
        except ValueError:
            return ()
        found = own_names(base)
        for written in hosts:
            found += self._pattern(written, base)
        return tuple(dict.fromkeys(found))

    def _pattern(self, written: Written, base: Origin) -> list[str]:
        host = written.text.strip()
        match = HOST_RULE.fullmatch(host)
        text = f"{base.scheme}://{host}" if match and match[3] else str(base._replace(host=host.strip("[]")))
        try:
            if match is None:
                raise ValueError("it is not a host name, nor '*.' before one")
            pattern_of(text)
        except ValueError as error:
            self.terms.wrong("CAP354", f"'{host}' cannot be allowed: {error}", written.place)
            return []
        return [text]

    def _result(self, spec: ResultSpec | None, hosts: Iterable[Written], *, by_code: bool) -> ResultRule:
        if spec is None:
            return ResultRule()
        binary = self.terms.choice("format", spec.format, ("json", "binary")) == "binary"
        if binary and spec.target is None and not by_code:
            hint = "give 'result' an 'uri', 'uriFrom' or 'call'"
            self.terms.wrong("CAP356", "a binary result needs a request of its own", spec.place, hint=hint)
        return ResultRule(
            path=self.terms.path(spec.path),
            target=None if spec.target is None else self._target(spec.target, hosts),
            binary=binary,
            lasts=None if spec.expires is None else self.terms.duration("expires", spec.expires, 0.0),
        )

    def _duplicate(self, spec: DuplicateSpec) -> Duplicate:
        if (spec.path is None) != (not spec.values):
            self.terms.wrong("CAP356", "'path' and 'equals' of 'duplicate' go together", spec.place)
        return Duplicate(
            code=409 if spec.code is None else spec.code,
            path=self.terms.path(spec.path),
            words=self.terms.words(spec.values),
            recover=None if spec.recover is None else self.tree(spec.arguments, spec.place),
        )
