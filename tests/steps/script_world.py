"""Scripts run in their real processes: one pool of each language for all tests of a module."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from capspec.scripting import language as languages
from capspec.scripting.evaluation import Evaluated, Evaluation, Failed
from capspec.scripting.language import Language
from capspec.scripting.workers import Workers
from capspec.values import Json

MEMORY = 64 * 1024 * 1024


def evaluation(*texts: str, context: Json = None, **limits: Any) -> Evaluation:
    """The texts as files a, b, c…; the last is the script."""
    files = tuple(zip("abcdef", texts, strict=False))
    found = {"seconds": 10.0, "statements": 100_000, "memory": MEMORY, "largest": 1024 * 1024, **limits}
    return Evaluation(files=files, context={} if context is None else context, **found)


async def value_of(workers: Workers, *texts: str, context: Json = None, **limits: Any) -> Any:
    return (await workers.evaluate(evaluation(*texts, context=context, **limits))).value


async def failure_of(workers: Workers, *texts: str, context: Json = None, **limits: Any) -> Failed:
    with pytest.raises(Failed) as caught:
        await workers.evaluate(evaluation(*texts, context=context, **limits))
    return caught.value


@asynccontextmanager
async def pool(name: str, size: int = 2) -> AsyncIterator[Workers]:
    workers = Workers(languages.find(name), size)
    try:
        yield workers
    finally:
        await workers.close()


class Probe:
    """No sandbox at all: says what the process around one can do."""

    def evaluate(self, evaluation: Evaluation) -> Evaluated:
        return Evaluated(
            value={
                "environment": dict(os.environ),
                "folder": str(Path.cwd()),
                "file": _tried(lambda: Path("/etc/passwd").read_text()),
                "write": _tried(lambda: Path("/tmp/capspec-probe").write_text("x")),
                "socket": _tried(lambda: socket.create_connection(("127.0.0.1", 9), 1)),
                "process": _tried(lambda: subprocess.run(["/bin/true"], check=True)),
                "path": [item for item in sys.path if item == ""],
                "descriptors": sorted(fd for fd in range(64) if _leads_somewhere(fd)),
            }
        )


def open_probe() -> Probe:
    return Probe()


PROBE = Language(
    name="probe", title="Probe", suffixes=(), engine="pytest", sandbox="tests.steps.script_world:open_probe"
)


def _tried(action: Any) -> str:
    try:
        action()
    except (OSError, subprocess.SubprocessError) as error:
        return type(error).__name__
    return "it worked"


def _leads_somewhere(fd: int) -> bool:
    """Whether a descriptor is open, and not of the null device."""
    try:
        status = os.fstat(fd)
    except OSError:
        return False
    return status.st_rdev != os.stat(os.devnull).st_rdev
