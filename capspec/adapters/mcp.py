"""A listener and its engine to an MCP edge: each flow a tool, over Streamable HTTP or stdio.

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
    """One listener's tools on one endpoint, for every protocol revision from 2024-11-05 to 2026-07-28."""
    return build_merged([(listener, engine)], options)


def build_merged(targets: Sequence[tuple[Listener, Engine]], options: EdgeOptions) -> Edge:
    """The tools of several listeners on one endpoint.

    A tool name that more than one listener offers is written `<capability>_<tool>` for each of them, so no
    name depends on the order of the targets. Each guard opens its own listener's tools; where there are
    guards, a request that none of them admits is refused.
    """
    from capspec.adapters.mcp_http import build_edge  # noqa: PLC0415 - imports the SDK

    return build_edge(targets, options, ENDPOINT)


async def run_stdio(
    targets: Sequence[tuple[Listener, Engine]], options: EdgeOptions, *, stop: asyncio.Event | None = None
) -> None:
    """Serve the tools on standard input and output until input ends or `stop` is set.

    Calls in flight are answered first. Nothing else reaches standard output. Guards do not apply: whoever
    started the process is the caller.
    """
    from capspec.adapters.mcp_stdio import serve  # noqa: PLC0415 - imports the SDK

    await serve(targets, options, stop or asyncio.Event())
