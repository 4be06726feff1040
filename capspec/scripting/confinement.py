"""This process, and what it can still do after its sandbox is ready: no files, no sockets, bounded memory."""

from __future__ import annotations

import contextlib
import os

try:
    import resource
except ImportError:  # a system without process limits: the sandbox stands alone there
    resource = None  # type: ignore[assignment]

_DATA = 1024 * 1024 * 1024
"""Bytes that a whole process may have; the sandbox's own limit is far below."""

_GRACE = 5
"""Seconds of processor time beyond what a script may take."""


def begin() -> None:
    """Limits that hold from the start, and for processes that the sandbox starts."""
    if resource is not None:
        _lower(resource.RLIMIT_CORE, 0)
        _lower(resource.RLIMIT_DATA, _DATA)


def seal() -> None:
    """From now on nothing can be opened: every number that a new file or socket could have is taken."""
    if resource is None:
        return
    _lower(resource.RLIMIT_FSIZE, 0)
    top = max((fd for fd in range(256) if _is_open(fd)), default=2)
    while True:
        filler = os.open(os.devnull, os.O_RDONLY)
        if filler > top:
            os.close(filler)
            break
    _lower(resource.RLIMIT_NOFILE, top + 1)


def seal_other(pid: int | None) -> None:
    """The same for a process that the sandbox has started, where the system can do that."""
    if resource is not None and hasattr(resource, "prlimit") and pid is not None:
        with contextlib.suppress(OSError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (0, 0))


def allow(seconds: float) -> None:
    """The processor time that may be used from now on, so that no process outlives whoever should end it."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    soft = int(used.ru_utime + used.ru_stime + seconds) + _GRACE
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    if hard == resource.RLIM_INFINITY or soft < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def _lower(which: int, limit: int) -> None:
    _, hard = resource.getrlimit(which)
    if hard == resource.RLIM_INFINITY or limit < hard:
        resource.setrlimit(which, (limit, limit))


def _is_open(fd: int) -> bool:
    try:
        os.fstat(fd)
    except OSError:
        return False
    return True
