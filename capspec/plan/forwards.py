"""Forwards: the paths of a REST adapter whose requests go on to an API as they are."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.plan.operations import Operation, PathVariable


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """A path whose requests are passed on.

    `path` alternates literals and variables as a flow's does; its greedy variable, if it has one, takes the
    part of the path that is passed on. `operation` stands for every request to the API: it holds what the
    file itself adds, and its own path is the base URI.

    Of a caller's headers those in `headers` (lower case) are passed on, of its cookies those that are not in
    `withheld_cookies`, of its query everything but the names in `withheld_query`. `returns_cookies` says that
    the API may set cookies at the caller. `max_request_bytes` None leaves it to the API how long a body may
    be. `unavailable` says why nothing can be passed on; requests are then answered with an error.
    """

    name: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    path: tuple[str | PathVariable, ...]
    methods: tuple[str, ...]
    target: str
    operation: Operation | None = None
    headers: frozenset[str] = frozenset()
    trusted_headers: tuple[str, ...] = ()
    withheld_query: frozenset[str] = frozenset()
    withheld_cookies: frozenset[str] = frozenset()
    returns_cookies: bool = False
    max_request_bytes: int | None = None
    missing: tuple[str, ...] = ()
    unavailable: str = ""
    place: Place | None = None

    @property
    def takes_rest(self) -> bool:
        """Whether a part of the path is passed on."""
        return any(isinstance(part, PathVariable) and part.greedy for part in self.path)
