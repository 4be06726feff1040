"""The published names of what several capabilities offer to names that are unique on one endpoint."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

NAME_LIMIT = 64
"""Characters in a name: the most that all clients take."""


def unique_names(offers: Sequence[tuple[str, str]]) -> list[str]:
    """Names in order, from pairs of a name and the name of its capability.

    A name that is offered more than once gets its capability's name before it each time, so that none
    depends on the order of the targets; what is still not unique after that gets a number at its end.
    """
    shared = Counter(name for name, _ in offers)
    taken: set[str] = set()
    names = []
    for name, capability in offers:
        names.append(new_name(_prefixed(capability, name) if shared[name] > 1 else name, taken))
    return names


def _prefixed(capability: str, name: str) -> str:
    prefix = re.sub(r"[^A-Za-z0-9_.-]+", "-", capability).strip("-") or "capability"
    return f"{prefix[: max(8, NAME_LIMIT - len(name) - 1)]}_{name}"[:NAME_LIMIT]


def new_name(name: str, taken: set[str]) -> str:
    """The name, with a number at its end if it is taken. It is taken then."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = with_ending(name, f"_{count}")
    taken.add(candidate)
    return candidate


def with_ending(name: str, ending: str) -> str:
    """The name and an ending, cut before the ending so that it is not too long."""
    return name[: NAME_LIMIT - len(ending)] + ending
