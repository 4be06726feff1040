"""What the tests of the command line share."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    """Commands set the log up for a whole process; here the process is the tests' own."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    for name in ("uvicorn", "httpx", "httpcore", "mcp"):
        logging.getLogger(name).setLevel(logging.NOTSET)
