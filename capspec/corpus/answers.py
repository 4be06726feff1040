"""The outputs that operations declare to one answer that has them all, so that later steps find data."""

from __future__ import annotations

import re
from collections.abc import Iterable

from capspec.model import OperationSpec, OutputSpec
from capspec.values import Json

_STEP = re.compile(r"\.([A-Za-z_][\w -]*)|\[(\d+|\*)\]")


def answer_for(specs: Iterable[OperationSpec]) -> Json:
    """An object with a value wherever the operations look for one with a plain JSONPath."""
    answer: dict[str, Json] = {}
    for spec in specs:
        for output in spec.outputs:
            path = output.value if isinstance(output.value, str) else output.mapping
            value = _value_of(output)
            _put(answer, _steps(path), value)
            if output.name:
                answer.setdefault(output.name, value)
    return answer


def _steps(path: str) -> list[str | int]:
    """The members that a path leads through; [] for anything but plain ones."""
    rest = path.strip().removeprefix("$")
    if not path.strip().startswith("$") or _STEP.sub("", rest).strip("."):
        return []
    return [name or (0 if index == "*" else int(index)) for name, index in _STEP.findall(rest)]


def _put(holder: dict[str, Json], steps: list[str | int], value: Json) -> None:
    """Set the member at a path of names; an index makes its member a list of one."""
    names = [step for step in steps if isinstance(step, str)]
    if not names:
        return
    node: Json = holder
    for position, name in enumerate(names):
        last = position == len(names) - 1
        after = steps[steps.index(name) + 1 :][:1]
        listed = bool(after) and isinstance(after[0], int)
        if not isinstance(node, dict):
            return
        if last:
            node.setdefault(name, [value] if listed else value)
            return
        node = node.setdefault(name, [{}] if listed else {})
        if isinstance(node, list):
            node = node[0] if node else {}


def _value_of(output: OutputSpec) -> Json:
    kind = output.type.strip().lower()
    if output.properties:
        return {item.name: _value_of(item) for item in output.properties}
    if kind == "array":
        return [_value_of(output.items)] if output.items is not None else ["a1"]
    values: dict[str, Json] = {"number": 1.5, "integer": 1, "boolean": True, "object": {"a": "a1"}}
    return values.get(kind, "a1")
