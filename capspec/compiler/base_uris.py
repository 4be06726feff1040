"""A base URI as it is written to one with its placeholders filled, or to why it cannot be called."""

from __future__ import annotations

import re

from capspec.bindings import Bindings
from capspec.egress import origin_of

_PLACEHOLDER = re.compile(r"\{\s*([A-Za-z0-9_.-]+)\s*\}")


def filled(text: str, bindings: Bindings) -> tuple[str, list[str]]:
    """The text with `{basePath}` from a variable of that name, and the names that have no value."""
    unfilled = []

    def fill(match: re.Match[str]) -> str:
        secret = bindings.value(match[1])
        if secret is None:
            unfilled.append(match[1])
            return match[0]
        return secret.reveal()

    return _PLACEHOLDER.sub(fill, text), unfilled


def base_problem(value: str) -> str:
    """Why nothing can be sent to an address, "" when something can."""
    try:
        origin_of(value)
    except ValueError as error:
        return f"its base URI cannot be used: {error}"
    return ""
