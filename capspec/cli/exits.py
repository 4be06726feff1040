"""An error to the exit code that says what kind it is."""

from __future__ import annotations

from capspec.errors import CapspecError
from capspec.serving.sockets import ListenError

FAILED = 1
USAGE = 2
MISSING = 3
CANNOT_LISTEN = 4
UNEXPECTED = 70
INTERRUPTED = 130


def exit_code(error: CapspecError) -> int:
    """4 when an address cannot be listened on, 1 for every other refusal."""
    return CANNOT_LISTEN if isinstance(error, ListenError) else FAILED
