"""Serves the capability of mcp_jobs_world on standard input and output.

Arguments: the provider's URL, lines of the `poll` block, seconds for which a call waits, and for which calls
may go on when input has ended. SIGTERM stops it.
"""

from __future__ import annotations

import asyncio
import signal
import sys

from capspec import app
from capspec.adapters.mcp import stdio as mcp_stdio
from capspec.adapters.mcp.adapter import run_stdio
from capspec.edge import EdgeOptions
from tests.adapters.mcp_jobs_world import KEY, job_text
from tests.whole import plan_of


async def main(upstream: str, poll: str, wait: str, grace: str) -> None:
    mcp_stdio.GRACE = float(grace)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    plan = plan_of(job_text(poll=poll, interval="100ms"), base=upstream, environ={"MAKER_KEY": KEY})
    async with app.open_engine(plan) as engine:
        await run_stdio(
            [(plan.listeners[0], engine)], EdgeOptions(version="test", inline_wait=float(wait)), stop=stop
        )


asyncio.run(main(*sys.argv[1:]))
