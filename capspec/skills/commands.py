"""A tool of a skill to the command line that runs it where the capability file is."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from typing import Final

from capspec.plan import Flow, Input
from capspec.plan.skills import ToolSource
from capspec.values import MISSING

_PLACE: Final = "VALUE"


def call_command(file: str, source: ToolSource) -> str:
    """`capspec call` for a tool, with a place for each required argument, quoted for a POSIX shell."""
    flow = source.flow
    words = ["capspec", "call", file, flow.published, "--listener", source.namespace]
    if flow.job is not None:
        words.append("--wait")
    return shlex.join([*words, *_places(flow)])


def _places(flow: Flow) -> Iterator[str]:
    for item in flow.inputs:
        if item.required and item.constant is MISSING:
            yield f"{item.argument}{':=' if _is_json(item) else '='}{_PLACE}"


def _is_json(item: Input) -> bool:
    return item.schema.get("type") in ("object", "array")
