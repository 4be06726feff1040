"""The command line as real processes: started, read, signalled, and never left behind."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

PATIENCE = 30
"""Seconds until a process that does not do what it should fails the test."""


@dataclass
class Serving:
    """A running `capspec serve`. `banner` is what it said when it was ready."""

    process: Process
    banner: dict[str, Any]

    def url(self, kind: str, capability: int = 0) -> str:
        endpoints = self.banner["capabilities"][capability]["endpoints"]
        return str(next(item["url"] for item in endpoints if item["kind"] == kind))

    async def refuses(self, url: str) -> None:
        """Return when no new connection is taken any more."""
        port = httpx.URL(url).port
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    _, writer = await asyncio.open_connection("127.0.0.1", port)
                except ConnectionRefusedError:
                    return
                except ConnectionResetError:  # the socket was closed in between
                    continue
                writer.close()
                await asyncio.sleep(0.01)

    async def ended(self) -> int:
        async with asyncio.timeout(PATIENCE):
            await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode


@asynccontextmanager
async def started(*words: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Process]:
    """A `capspec` process, killed at the end of the block if it is still there."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "capspec", *words,
        stdin=PIPE, stdout=PIPE, stderr=PIPE,
        env={"PATH": os.environ["PATH"], "COLUMNS": "200", **(env or {})},
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@asynccontextmanager
async def served(*words: str, env: Mapping[str, str] | None = None) -> AsyncIterator[Serving]:
    """`capspec serve`, ready."""
    async with started("serve", *words, "--log-format", "json", env=env) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            line = await process.stdout.readline()
        if not line:
            _, errors = await process.communicate()
            raise AssertionError(f"serve did not start: {errors.decode()}")
        yield Serving(process, json.loads(line))


@dataclass
class Finished:
    """What a process said, and its exit code."""

    code: int
    out: str
    err: str


async def finished(*words: str, env: Mapping[str, str] | None = None, given: bytes = b"") -> Finished:
    """A `capspec` process that ran to its end."""
    async with started(*words, env=env) as process:
        async with asyncio.timeout(PATIENCE):
            out, err = await process.communicate(given)
        assert process.returncode is not None
        return Finished(process.returncode, out.decode(), err.decode())
