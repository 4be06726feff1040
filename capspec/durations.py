"""Spans of time as people write them in a file, to seconds."""

from __future__ import annotations

import re

_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h)?\s*")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, None: 1.0}


def parse_duration(text: str) -> float:
    """`500ms`, `5s`, `2m`, `1h`, or a plain number of seconds. Raises ValueError for anything else."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a duration; write 500ms, 5s, 2m, 1h or a number of seconds")
    return float(match[1]) * _SECONDS[match[2]]
