"""Passages: single requests that are to be passed on, and what passes them on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from capspec.plan.calls import Result
from capspec.plan.forwards import Forward
from capspec.plan.plan import ANONYMOUS, Principal
from capspec.wire import Headers


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One request to be passed on, with everything that its caller sent.

    `rest` is what the greedy variable took, percent-encoded as it was sent, None when there is none; `values`
    are the other variables, decoded. `query` is as it was sent. `body` is None when there is none, and has
    `length` bytes when that is known; `whole_limit` is how much of it may be held when the API's
    authentication needs all of it at once. A link to `base URI/x` becomes `before`, `x` and `after`.
    """

    forward: Forward
    method: str
    rest: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    headers: Headers = ()
    body: AsyncIterator[bytes] | None = None
    length: int | None = None
    whole_limit: int = 0
    before: str = ""
    after: str = ""
    listener: str = ""
    principal: Principal = ANONYMOUS
    request_id: str = ""


class Forwarder(Protocol):
    """Passes requests on: the result is the API's own answer, as a stream.

    Its `stream` is None for an answer without a body; `close` must be called in any case.
    Raises CallError when there is no answer.
    """

    async def send(self, passage: Passage) -> Result: ...
