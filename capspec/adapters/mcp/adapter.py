"""A listener and its engine to an MCP edge: tools, resources and prompts, over Streamable HTTP or stdio.

The SDK takes over half a second to import, so only building an edge imports it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from capspec.edge import Edge, EdgeOptions
from capspec.plan import Engine, Listener

ENDPOINT = "/mcp"
"""The path that clients are told. The mount point itself answers as well."""


def build(listener: Listener, engine: Engine, options: EdgeOptions) -> Edge:
    """All that one listener offers on one endpoint, for every revision from 2024-11-05 to 2026-07-28."""
    return build_merged([(listener, engine)], options)


def build_merged(targets: Sequence[tuple[Listener, Engine]], options: EdgeOptions) -> Edge:
    """All that several listeners offer on one endpoint.

    A name that more than one listener offers is written `<capability>_<name>` for each of them, so no name
    depends on the order of the targets; of resources with the same uri the first answers, and an event tells
    of the others. Each guard opens what its own listener offers; where there are guards, a request that none
    of them admits is refused.
    """
    from capspec.adapters.mcp.http import build_edge  # noqa: PLC0415 - imports the SDK

    return build_edge(targets, options, ENDPOINT)


async def run_stdio(
    targets: Sequence[tuple[Listener, Engine]], options: EdgeOptions, *, stop: asyncio.Event | None = None
) -> None:
    """Serve all of it on standard input and output until input ends or `stop` is set.

    Calls in flight are answered first. Nothing else reaches standard output. Guards do not apply: whoever
    started the process is the caller.
    """
    from capspec.adapters.mcp.stdio import serve  # noqa: PLC0415 - imports the SDK

    await serve(targets, options, stop or asyncio.Event())
