"""The request that starts something: never repeated, unless a key makes that harmless."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from typing import Final

from capspec.clock import Clock
from capspec.errors import AlreadySubmitted, InputError, UpstreamError
from capspec.events import EventStream, UpstreamRetried
from capspec.jobs.asking import Sending, read
from capspec.jobs.judging import at, word_of
from capspec.plan import NOTHING, Answer, Extra, Operation
from capspec.plan.polling import Duplicate, Idempotency
from capspec.references import PREFIXES
from capspec.template import TemplateError
from capspec.values import MISSING, Json

KEY_NAME: Final = "idempotency.key"
"""The name under which an operation's own templates find the key."""

_PAUSES = (0.5, 2.0)
"""Seconds before each repetition: as many as there are."""


def new_key() -> str:
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitter:
    """Sends operations that must not happen twice. `make_key` gives the key where the caller gives none."""

    sending: Sending
    clock: Clock
    events: EventStream
    make_key: Callable[[], str] = new_key

    async def send(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Answer:
        """The answer, whatever its status; of the `recover` call when the key was used before.

        Without `idempotency` the request is sent once. With it, it is sent again with the same key, twice at
        the most, when the connection failed before any answer. Raises CallError, AlreadySubmitted for a key
        that was used before when the file names no `recover`.
        """
        rule = operation.idempotency
        if rule is None:
            return await self.sending.send(operation, arguments, extra)
        if rule.location == "body" and extra.body is not None:
            raise InputError(f"the body must be JSON, because '{rule.name}' is put into it")
        given = {**arguments, KEY_NAME: self._key(rule, arguments)}
        answer = await self._persistently(operation, given, extra)
        if rule.duplicate is not None and await self._is_duplicate(rule.duplicate, answer):
            return await self._recovered(operation, rule.duplicate, given)
        return answer

    def _key(self, rule: Idempotency, arguments: Mapping[str, Json]) -> Json:
        key: Json = MISSING
        if rule.key is not None:
            try:
                key = rule.key.value(_names(arguments))
            except TemplateError:
                raise InputError("the template of the idempotency key cannot be evaluated") from None
        if key in (MISSING, None, ""):
            key = arguments.get(rule.name)
        return key or self.make_key()

    async def _persistently(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra
    ) -> Answer:
        pauses = () if isinstance(extra.body, AsyncIterator) else _PAUSES
        for pause in pauses:
            try:
                return await self.sending.send(operation, arguments, extra)
            except UpstreamError as error:
                reason = f"there was no answer: {error.problems[0].message}"
                self.events.emit(UpstreamRetried(operation=operation.id, reason=reason))
            await self.clock.sleep(pause)
        return await self.sending.send(operation, arguments, extra)

    async def _is_duplicate(self, rule: Duplicate, answer: Answer) -> bool:
        """Whether the key was used before. An answer that is read for this can still be streamed."""
        if answer.status != rule.code:
            return False
        seen = await read(self.sending, answer)
        answer.response.chunks = _again(seen.content)
        return rule.path is None or word_of(at(rule.path, seen.body)) in rule.words

    async def _recovered(
        self, operation: Operation, rule: Duplicate, arguments: Mapping[str, Json]
    ) -> Answer:
        recover = None if operation.follow_ups is None else operation.follow_ups.recover
        if recover is None or rule.recover is None:
            raise AlreadySubmitted(
                f"{operation.id} was already submitted with this key, and the earlier submission counts",
                hint="look for its result; use a new key only to run it once more",
            )
        given = rule.recover.render(_names(arguments))
        return await self.sending.send(recover, given, NOTHING)


def _names(arguments: Mapping[str, Json]) -> dict[str, Json]:
    return {"inputParameters": arguments, **dict.fromkeys(PREFIXES, arguments), **arguments}


async def _again(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content
