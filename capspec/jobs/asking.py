"""Requests about a job: built, sent to where they may go, and read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from capspec.errors import MappingError
from capspec.jobs.addressing import Seen
from capspec.plan import NOTHING, Answer, Extra, FollowUp, Operation
from capspec.plan.polling import Target
from capspec.values import MISSING, Json


class Sending(Protocol):
    """The side that sends. All raise CallError."""

    async def send(
        self, operation: Operation, arguments: Mapping[str, Json], extra: Extra = NOTHING
    ) -> Answer: ...

    async def send_to(
        self, url: str, operation: Operation, arguments: Mapping[str, Json], *, allowed: Iterable[str]
    ) -> Answer: ...

    async def decode(self, answer: Answer) -> Json: ...


async def ask(
    sending: Sending, follow_up: FollowUp, target: Target, url: str, names: Mapping[str, Json]
) -> Seen | None:
    """The answer to a request about a job: at `url`, or with "" at the file's own address.

    `names` are what the request's templates see. None when there is no address at all. Raises CallError.
    """
    if url:
        answer = await sending.send_to(url, follow_up.found, names, allowed=target.allowed)
    elif follow_up.own is None:
        return None
    else:
        given = names if target.arguments is None else target.arguments.render(names)
        answer = await sending.send(follow_up.own, given, NOTHING)
    return await read(sending, answer)


async def read(sending: Sending, answer: Answer) -> Seen:
    """The whole answer. A body that is not in its format is MISSING. Raises CallError when it breaks off."""
    content = await answer.read()
    try:
        body = await sending.decode(answer)
    except MappingError:
        body = MISSING
    return Seen(
        status=answer.status,
        headers=answer.headers,
        body=body,
        content=content,
        media_type=answer.content_type,
    )
