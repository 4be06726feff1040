"""Files broken at random: data with parts dropped, swapped and blown up, and texts with parts cut out."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from typing import Any

import yaml

Holder = dict[str, Any] | list[Any]

_ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1e308, -0.0, float("nan"), 10**40, 2**63, "", " ", "\t", "\n", "{{", "}}", "{{}}", "{{x", "{", "}", "{}",
    "{{ tools. }}", "{{a.b[0].c}}", "{{ x | frobnicate }}", "{% if %}", "$", "$.", "$..", "$[", "$.a[?(@.b==1)]", "rest.", "tools.x", ".",
    "..", "a.b.c.d", "*", "http://", "https://[::1", "://", "file:///", "../../x", "\u202e\u200b", "ünï\u0301 😀", "\ud7ff", "x" * 5000,
    "GET", "get", "header", "in", "2015-02-01", "12:30", "y", "~", "0x1f", [], {}, [[]], [{}], {"": ""}, {"a": {}}, [None], {"type": []},
    {"name": {"x": 1}}, ["a", 1, None, {}],
)  # fmt: skip

_MARKS = (
    "\t", "\n", ":", "- ", "{", "}", '"', "'", "#", "&a ", "*a ", "!!x ", "\x00", "|", ">", "%", "\ufeff", "---\n",
)  # fmt: skip
_PIECES = (
    "{", "}", "{{", "}}", "{x", "{{x}}", "..", "//", "?", "#", " ", "\n", "é", "%", "%zz", ":", "[", "]", "|", "'",
)  # fmt: skip


def broken_data(data: Any, seed: int) -> Any:
    """A copy with one to four changes, the same for the same seed."""
    chance = random.Random(seed)
    changed = copy.deepcopy(data)
    for _ in range(chance.randint(1, 4)):
        places = list(_places(changed))
        if places:
            chance.choice(_CHANGES)(chance, *chance.choice(places))
    return changed


def broken_text(text: str, seed: int) -> str:
    """The text with one to three pieces cut out, doubled, or put in, the same for the same seed."""
    chance = random.Random(seed)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(text) + 1)
        end = min(len(text), at + chance.choice((0, 1, 1, 2, 10, 100, 5000)))
        put = chance.choice(("", text[at:end] * 2, chance.choice(_MARKS)))
        text = text[:at] + put + text[end:]
    return text


def as_yaml(data: Any) -> str:
    try:
        return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
    except RecursionError:  # JSON is YAML, and its writer goes deeper
        return json.dumps(data, default=str)


def _places(value: Any) -> Iterator[tuple[Holder, Any]]:
    """Every key of every mapping, and every index of every list."""
    pairs: list[tuple[Any, Any]] = list(enumerate(value)) if isinstance(value, list) else []
    if isinstance(value, dict):
        pairs = list(value.items())
    for key, inner in pairs:
        yield value, key
        yield from _places(inner)


def _drop(chance: random.Random, holder: Holder, key: Any) -> None:
    del holder[key]


def _swap(chance: random.Random, holder: Holder, key: Any) -> None:
    holder[key] = copy.deepcopy(chance.choice(_ODD))


def _rename(chance: random.Random, holder: Holder, key: Any) -> None:
    if isinstance(holder, dict):
        names = (key[:-1], key + "s", key.upper(), "", "x-" + key, key[::-1], "type", "name", "with")
        holder[chance.choice(names)] = holder.pop(key)


def _double(chance: random.Random, holder: Holder, key: Any) -> None:
    if isinstance(holder, list):
        holder.insert(key, copy.deepcopy(holder[key]))
    else:
        holder[f"{key}2"] = copy.deepcopy(holder[key])


def _wrap(chance: random.Random, holder: Holder, key: Any) -> None:
    holder[key] = [holder[key]] if chance.random() < 0.5 else {"value": holder[key]}


def _deepen(chance: random.Random, holder: Holder, key: Any) -> None:
    value = holder[key]
    for _ in range(chance.choice((10, 40, 200))):
        value = [value] if chance.random() < 0.5 else {"a": value}
    holder[key] = value


def _spoil(chance: random.Random, holder: Holder, key: Any) -> None:
    """Part of a text becomes something else."""
    value = holder[key]
    if isinstance(value, str) and value:
        at = chance.randrange(len(value))
        holder[key] = value[:at] + chance.choice(_PIECES) + value[at + chance.randint(0, 2) :]


def _transplant(chance: random.Random, holder: Holder, key: Any) -> None:
    """A part of the same file where it does not belong."""
    inner = list(_places(holder[key]))
    if inner:
        other, place = chance.choice(inner)
        holder[key] = copy.deepcopy(other[place])


_CHANGES: tuple[Callable[[random.Random, Holder, Any], None], ...] = (
    _drop, _swap, _swap, _swap, _rename, _double, _wrap, _deepen, _spoil, _spoil, _transplant,
)  # fmt: skip
