"""Amounts of data as people write them in a file, to bytes."""

from __future__ import annotations

import re

_SIZE = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(B|KiB|MiB|GiB)?\s*")
_BYTES = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, None: 1}


def parse_size(text: str) -> int:
    """`512KiB`, `50MiB`, `1.5GiB`, or a plain number of bytes. Raises ValueError for anything else."""
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"'{text}' is not a size; write 512KiB, 50MiB, 1.5GiB or a number of bytes")
    return int(float(match[1]) * _BYTES[match[2]])
