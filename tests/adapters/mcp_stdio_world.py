"""Serves the world of mcp_world on standard input and output, with tools that try its manners."""

from __future__ import annotations

import asyncio
import sys

from capspec.adapters.mcp.adapter import run_stdio
from capspec.plan import Call, Listener, Result
from tests.adapters.mcp_world import FakeEngine, make_flow, make_target, options, world


async def noisy(call: Call) -> Result:
    sys.stdout.write("noise\n")
    sys.stdout.flush()
    return Result(value="quiet")


async def soon(call: Call) -> Result:
    await asyncio.sleep(0.2)
    return Result(value="done")


async def stuck(call: Call) -> Result:
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        sys.stderr.write("cancelled\n")
        raise
    return Result()


def manners() -> tuple[Listener, FakeEngine]:
    flows = [(make_flow("noisy"), noisy), (make_flow("soon"), soon), (make_flow("stuck"), stuck)]
    return make_target(flows, capability="manners")


async def main() -> None:
    stop = asyncio.Event()
    if "stop" in sys.argv:
        asyncio.get_running_loop().call_later(0.2, stop.set)
    targets = [world(), manners()] if "merged" in sys.argv else [world()]
    await run_stdio(targets, options(max_request_bytes=100_000), stop=stop)


asyncio.run(main())
