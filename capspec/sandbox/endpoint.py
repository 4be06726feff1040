"""What a provider's imitation is made of: endpoints, and the refusals that they raise."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Protocol

from starlette.requests import Request
from starlette.responses import Response

from capspec.sandbox.fidelity import Note, Shape

Phase = Literal["submit", "poll", "asset", "token", "read", "write", "unknown"]


class RefusedError(Exception):
    """An endpoint's way out with an error answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status_code)
        self.response = response


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One method and path below the sandbox's root.

    phase: its part in a job's life, for fault rules and the journal. job: the path or query parameter that
    holds a job's id. answers: by status, the shape of the JSON or the media type.
    """

    method: str
    path: str
    call: Callable[[Request], Awaitable[Response]]
    phase: Phase
    answers: Mapping[int, Shape | str]
    job: str | None = None
    notes: tuple[Note, ...] = ()


class Provider(Protocol):
    """One provider's imitation.

    name: its word in rules and the journal. prefixes: every path below which it lives.
    """

    name: str
    title: str
    prefixes: tuple[str, ...]
    notes: tuple[Note, ...]

    def endpoints(self) -> tuple[Endpoint, ...]:
        """Everything that it answers."""
        ...

    def error(self, status: int) -> Response:
        """An answer of that status with the provider's own error body."""
        ...

    def sign(self, response: Response, number: int) -> None:
        """Add the headers that every answer carries; ``number`` counts requests."""
        ...

    def reset(self) -> None:
        """Forget everything that was stored."""
        ...
