"""What runs flows, to the scripts that belong to it."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from capspec.errors import Unavailable
from capspec.scripting.scripts import Scripts

_BY_RUNTIME: WeakKeyDictionary[object, Scripts] = WeakKeyDictionary()


def attach(runtime: object, scripts: Scripts) -> None:
    """Let the steps that `runtime` runs use these scripts."""
    _BY_RUNTIME[runtime] = scripts


def scripts_of(runtime: object) -> Scripts:
    """Raises Unavailable when nothing was attached."""
    found = _BY_RUNTIME.get(runtime)
    if found is None:
        raise Unavailable("scripts cannot run here")
    return found
