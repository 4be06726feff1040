"""`capspec serve` as a real process, with its banner read and its end awaited."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

BANNER_END = "Stop with"
BANNER_SECONDS = 60


class Process:
    """A running server. `banner` is what it said when it was ready."""

    def __init__(self, process: asyncio.subprocess.Process, banner: str) -> None:
        self.process = process
        self.banner = banner

    def url(self, kind: str, *, number: int = 0) -> str:
        """The address that the banner gives for REST or MCP."""
        found = re.findall(rf"{kind}\s+(http://\S+)", self.banner)
        return found[number]

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        await self.process.stdout.read()
        return await self.process.wait()

    @staticmethod
    def in_use(*ports: int) -> bool:
        for port in ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    return True
        return False


@asynccontextmanager
async def capspec_serving(
    *arguments: str | Path, environ: Mapping[str, str] | None = None
) -> AsyncIterator[Process]:
    """A server for as long as the block lasts; its environment holds what is given and little else."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "capspec", "serve", *map(str, arguments),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **(environ or {})},
        cwd=Path(__file__).parent.parent,
    )  # fmt: skip
    try:
        banner = await asyncio.wait_for(_banner(process), BANNER_SECONDS)
        yield Process(process, banner)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def _banner(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    lines = []
    while line := await process.stdout.readline():
        lines.append(line.decode())
        if BANNER_END in lines[-1]:
            return "".join(lines)
    raise AssertionError("it did not start:\n" + "".join(lines))
