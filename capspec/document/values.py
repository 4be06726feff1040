"""YAML that is data and no capability file: any value, to plain data and back.

It is read as capability files are: YAML 1.2 by the core schema, so that a date or `no` stays text; anchors
and aliases work, within limits that count what aliases repeat.
"""

from __future__ import annotations

from typing import Final

import yaml

from capspec.document.events import build_first
from capspec.document.text import Limits, Lines, to_text
from capspec.errors import LoadError
from capspec.values import Json

_LIMITS: Final = Limits(bytes=4 * 1024 * 1024, nodes=1_000_000)


def parse_value(text: str | bytes) -> Json:
    """The first document. Aliases share objects, so the value is not to be changed.

    Raises ValueError with the first thing that is wrong, and where.
    """
    try:
        return build_first(Lines(to_text(text, "it", _LIMITS), "it"), _LIMITS)
    except LoadError as error:
        problem = error.problems[0]
        where = f" at line {problem.place.line}, column {problem.place.column}" if problem.place else ""
        raise ValueError(problem.message.replace("the file", "it", 1) + where) from None


def write_value(value: Json) -> str:
    """A value in block style, members in their order. Raises ValueError for what YAML cannot carry."""
    try:
        text: str = yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True)
    except (yaml.YAMLError, RecursionError):
        raise ValueError("holds a value that YAML cannot carry, or is nested too deeply") from None
    return text


class _Dumper(yaml.SafeDumper):
    def ignore_aliases(self, data: object) -> bool:
        del data
        return True
