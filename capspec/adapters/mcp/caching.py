"""Listeners to what clients are told of how long, and by whom, answers may be kept (MCP 2026-07-28)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from mcp.server.caching import CacheableMethod, CacheHint

from capspec.plan import Listener

LIST_TTL_MS = 60_000
"""For how long a client may reuse a list that changes only when the server starts again."""

_LISTS: tuple[CacheableMethod, ...] = (
    "tools/list", "resources/list", "resources/templates/list", "prompts/list",
)  # fmt: skip
_OTHERS: tuple[CacheableMethod, ...] = ("resources/read", "server/discover")


def cache_hints(listeners: Sequence[Listener]) -> Mapping[CacheableMethod, CacheHint]:
    """What the files say; where they say nothing, lists are kept for a minute, and nothing else is.

    Of several listeners the shortest time counts, and "private" before "public". What depends on who asks is
    private whatever they say.
    """
    ttl = declared_ttl(listeners)
    hints = dict.fromkeys(_LISTS, CacheHint(LIST_TTL_MS if ttl is None else ttl, _scope(listeners)))
    said = all(listener.cache_scope == "public" for listener in listeners)
    return hints | dict.fromkeys(_OTHERS, CacheHint(ttl or 0, _scope(listeners) if said else "private"))


def declared_ttl(listeners: Sequence[Listener]) -> int | None:
    """Milliseconds; None when no file says so."""
    return min((item.ttl_ms for item in listeners if item.ttl_ms is not None), default=None)


def _scope(listeners: Sequence[Listener]) -> Literal["public", "private"]:
    said = {listener.cache_scope for listener in listeners}
    guarded = any(listener.guard is not None for listener in listeners)
    alone = len(listeners) == 1 and said == {"public"}
    return "private" if "private" in said or (guarded and not alone) else "public"
