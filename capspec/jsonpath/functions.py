"""The functions that may end a path, `$.items.length()`: a value to its length, sum, keys and so on (Jayway).

Each gives MISSING for a value that it does not fit. Sums and the like skip what is not a number, and always
give a float.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

from capspec.values import MISSING, Json

Function: TypeAlias = Callable[[Json], Json]

NUMBERS = (int, float)


def _length(value: Json) -> Json:
    return len(value) if isinstance(value, (list, dict)) else MISSING


def _keys(value: Json) -> Json:
    return list(value) if isinstance(value, dict) else MISSING


def _first(value: Json) -> Json:
    return value[0] if isinstance(value, list) and value else MISSING


def _last(value: Json) -> Json:
    return value[-1] if isinstance(value, list) and value else MISSING


def _mean(numbers: Sequence[float]) -> float:
    return math.fsum(numbers) / len(numbers)


def _deviation(numbers: Sequence[float]) -> float:
    """The standard deviation of a whole population."""
    mean = _mean(numbers)
    return math.sqrt(math.fsum((number - mean) ** 2 for number in numbers) / len(numbers))


def _over_numbers(calculate: Callable[[Sequence[float]], float]) -> Function:
    def function(value: Json) -> Json:
        if not isinstance(value, list):
            return MISSING
        try:
            numbers = [float(item) for item in value if is_number(item)]
            result = calculate(numbers) if numbers else math.nan
        except OverflowError:
            return MISSING
        return result if math.isfinite(result) else MISSING

    return function


def is_number(value: Json) -> bool:
    """Whether a value is a JSON number; Python's booleans are integers, JSON's are not."""
    return type(value) in NUMBERS


FUNCTIONS: Mapping[str, Function] = {
    "length": _length,
    "size": _length,
    "keys": _keys,
    "first": _first,
    "last": _last,
    "min": _over_numbers(min),
    "max": _over_numbers(max),
    "sum": _over_numbers(math.fsum),
    "avg": _over_numbers(_mean),
    "stddev": _over_numbers(_deviation),
}
