"""Operations with `poll` or `idempotency` blocks to the same operations with their rules and follow-ups."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from capspec.bindings import Bindings
from capspec.compiler.follow_ups import ANSWERS, FollowUpCompiler
from capspec.compiler.operations import CompiledOperation, CompiledUpstream
from capspec.compiler.targets import Targets
from capspec.compiler.texts import Texts
from capspec.errors import Place
from capspec.jobs.submitting import KEY_NAME
from capspec.jobs.terms import Terms
from capspec.jobs.vocabulary import Vocabulary
from capspec.model.jobs import PollSpec
from capspec.model.submissions import IdempotencySpec
from capspec.node import Report
from capspec.plan import Body, FollowUps, Location, Operation, Parameter
from capspec.plan.polling import Idempotency
from capspec.references import PREFIXES
from capspec.template import Template, TemplateError, Tree, compile_template
from capspec.values import MISSING, Json

_PREFIXES = (*ANSWERS, "inputParameters", *PREFIXES, KEY_NAME.partition(".")[0])


@dataclass(slots=True, kw_only=True)
class JobCompiler:
    """Compiles the jobs of one capability. `contacts` are the origins that their answers may name."""

    bindings: Bindings
    report: Report
    targets: Targets
    contacts: list[str] = field(default_factory=list)

    def operation(self, compiled: CompiledOperation, upstream: CompiledUpstream) -> CompiledOperation:
        """The operation with what its blocks say; without any, itself."""
        spec = compiled.spec
        if spec.poll is None and spec.idempotency is None:
            return compiled
        made = _Blocks(self, compiled, upstream)
        operation = compiled.operation
        if spec.poll is not None:
            operation = made.with_poll(operation, spec.poll)
        if spec.idempotency is not None:
            operation = made.with_idempotency(operation, spec.idempotency)
        return replace(compiled, operation=operation)


class _Blocks:
    """The blocks of one operation."""

    def __init__(self, jobs: JobCompiler, compiled: CompiledOperation, upstream: CompiledUpstream) -> None:
        inputs = {item.name for item in compiled.spec.inputs if item.value is MISSING}
        inputs |= {*compiled.variables, *compiled.names}
        self.jobs = jobs
        self.compiled = compiled
        self.texts = Texts(jobs.bindings.seen_in(compiled.spec.place.source), inputs, _PREFIXES)
        self.terms = Terms(jobs.report)
        self.words = Vocabulary(terms=self.terms, base_url=upstream.upstream.base_url, tree=self._tree)
        self.requests = FollowUpCompiler(
            compiled=compiled, upstream=upstream, targets=jobs.targets, texts=self.texts, terms=self.terms
        )

    # -- poll -----------------------------------------------------------------------------------------

    def with_poll(self, operation: Operation, spec: PollSpec) -> Operation:
        poll = self.words.poll(spec)
        if poll is None or spec.request is None:
            return operation
        status = self.requests.follow_up("status", spec.request, poll.request)
        result = cancel = None
        if spec.result is not None and spec.result.target is not None and poll.result.target is not None:
            result = self.requests.follow_up("result", spec.result.target, poll.result.target)
        if spec.cancel is not None and poll.cancel is not None:
            cancel = self.requests.follow_up("cancel", spec.cancel, poll.cancel)
        for target in filter(None, (poll.request, poll.result.target, poll.cancel)):
            self.jobs.contacts += target.allowed
        kept = (name for name in self.requests.names if name.partition(".")[0] not in ("id", "status"))
        return replace(
            operation,
            poll=replace(poll, kept=tuple(dict.fromkeys(kept))),
            follow_ups=FollowUps(status=status, result=result, cancel=cancel),
        )

    # -- idempotency ----------------------------------------------------------------------------------

    def with_idempotency(self, operation: Operation, spec: IdempotencySpec) -> Operation:
        key = None if spec.key is None else self._template(spec.key.text, spec.key.place)
        rule = self.words.idempotency(spec, key)
        operation = self._with_key(operation, rule, spec.place)
        written = None if spec.duplicate is None else spec.duplicate.recover
        if spec.duplicate is not None and written is not None:
            recover = self.requests.called(written, spec.duplicate.arguments)
            follow_ups = replace(operation.follow_ups or FollowUps(), recover=recover)
            operation = replace(operation, follow_ups=follow_ups)
        missing = dict.fromkeys((*operation.missing, *self.texts.missing))
        return replace(operation, idempotency=rule, missing=tuple(missing))

    def _with_key(self, operation: Operation, rule: Idempotency, place: Place) -> Operation:
        """The operation with a place for the key in its request."""
        if rule.location == "body" and operation.body is not None:
            return self._with_key_in_body(operation, operation.body, rule, place)
        locations = {item.location for item in operation.parameters}
        location: Location = "form" if rule.location == "body" and "form" in locations else rule.location
        whole = any(item.location == "body" and item.name == "body" for item in operation.parameters)
        if location == "body" and whole:
            self._no_room(rule, place)
            return operation
        parameter = Parameter(
            name=rule.name, location=location, value=compile_template(f"{{{{{KEY_NAME}}}}}")
        )
        return replace(operation, parameters=(*operation.parameters, parameter))

    def _with_key_in_body(
        self, operation: Operation, body: Body, rule: Idempotency, place: Place
    ) -> Operation:
        spec = self.compiled.spec.body
        if spec is None or not isinstance(spec.data, dict):
            self._no_room(rule, place)
            return operation
        tree = self._tree({**spec.data, rule.name: f"{{{{{KEY_NAME}}}}}"}, spec.place)
        return operation if tree is None else replace(operation, body=replace(body, content=tree))

    def _no_room(self, rule: Idempotency, place: Place) -> None:
        message = f"'{rule.name}' cannot be put into this operation's body, which is one value"
        self.terms.wrong("CAP356", message, place, hint="use 'in: header', or describe the body as a mapping")

    # -- texts ----------------------------------------------------------------------------------------

    def _template(self, text: str, place: Place) -> Template | None:
        try:
            template = self.texts.template(text, place)
        except TemplateError as error:
            message = f"'{text}' is not a template: {error.reason}"
            self.terms.wrong("CAP352", message, place, text=error.text, offset=error.offset, hint=error.hint)
            return None
        self.requests.note("submit", template.names, place)
        return template

    def _tree(self, data: Json, place: Place) -> Tree | None:
        try:
            return self.texts.tree(data, place)
        except TemplateError as error:
            message = f"a text is not a template: {error.reason}"
            self.terms.wrong("CAP352", message, place, text=error.text, offset=error.offset, hint=error.hint)
            return None
