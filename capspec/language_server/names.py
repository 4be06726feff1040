"""What the names of a file stand for: operations, functions, steps, inputs and variables, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from capspec.document import Pointer
from capspec.errors import Place
from capspec.language.walking import Found
from capspec.language_server.reading import FLOWS, Reading
from capspec.model import OperationSpec, ParameterSpec, UpstreamSpec
from capspec.model.aggregates import FunctionSpec
from capspec.references import PREFIXES

_PLACEHOLDER: Final = re.compile(r"(?<!\{)\{([^{}]+?)\+?\}(?!\})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Variable:
    """A variable that a bind declares: its key at the source, and where it is declared."""

    name: str
    namespace: str
    location: str
    key: str
    description: str
    place: Place


def operations(reading: Reading) -> dict[str, tuple[UpstreamSpec, OperationSpec]]:
    """By `namespace.name`; of several that have one name, the first."""
    found: dict[str, tuple[UpstreamSpec, OperationSpec]] = {}
    for upstream in reading.capability.upstreams if reading.capability else ():
        for operation in upstream.operations:
            found.setdefault(f"{upstream.namespace}.{operation.name}", (upstream, operation))
    return found


def operation_called(reading: Reading, word: str) -> tuple[UpstreamSpec, OperationSpec] | None:
    """What a `call` means, also with a resource in the middle, or without the namespace if that is clear."""
    known = operations(reading)
    word = word.strip()
    namespace, _, rest = word.partition(".")
    alone = [name for name in known if name.partition(".")[2] == word]
    for name in (word, f"{namespace}.{rest.rpartition('.')[2]}", *(alone if len(alone) == 1 else ())):
        if name in known:
            return known[name]
    return None


def functions(reading: Reading) -> dict[str, FunctionSpec]:
    return {item.id: item for item in reading.capability.functions} if reading.capability else {}


def flow_around(reading: Reading, pointer: Pointer) -> Found | None:
    return reading.around(pointer, *FLOWS)


def steps(reading: Reading, pointer: Pointer) -> dict[str, Found]:
    """The steps of the flow that a node is in."""
    flow = flow_around(reading, pointer)
    found = reading.inside(flow.pointer, "step") if flow else []
    return {item.name: item for item in found if item.name}


def inputs(reading: Reading, pointer: Pointer) -> dict[str, Pointer]:
    """The inputs that are declared for the flow that a node is in, and where."""
    flow = flow_around(reading, pointer)
    if flow is None:
        return {}
    around = [item for item in (*flow.parents, flow) if item.kind in ("rest", "restResource", *FLOWS)]
    below = {item.pointer: item for level in around for item in reading.inside(level.pointer, "input")}
    own = [item for item in below.values() if item.parents and item.parents[-1] in around]
    return {item.name: item.pointer for item in own if item.name}


def inputs_of(operation: OperationSpec) -> dict[str, ParameterSpec | None]:
    """What a call of it takes; None for a placeholder of its path that it does not declare."""
    found: dict[str, ParameterSpec | None] = dict.fromkeys(placeholders(operation.path))
    return {**found, **{item.name: item for item in operation.inputs}}


def placeholders(path: str) -> list[str]:
    return _PLACEHOLDER.findall(path)


def needed(reading: Reading, pointer: Pointer) -> tuple[str, ...]:
    """Further inputs of a flow: those of the operation that it calls."""
    flow = flow_around(reading, pointer)
    called = flow.text("call") if flow else ""
    found = operation_called(reading, called) if called else None
    return () if found is None else tuple(inputs_of(found[1]))


def prefixes(reading: Reading, pointer: Pointer) -> tuple[str, ...]:
    """Words that stand for the caller's arguments."""
    adapter = reading.around(pointer, "rest", "mcp", "aggregate")
    own = adapter.text("namespace", "name") if adapter else ""
    return tuple(dict.fromkeys((*PREFIXES, *filter(None, [own]))))


def arguments(reading: Reading, pointer: Pointer) -> dict[str, Pointer]:
    """The arguments of the prompt that a node is in, and where they are declared."""
    prompt = reading.around(pointer, "prompt")
    found = reading.inside(prompt.pointer, "argument") if prompt else []
    return {item.name: item.pointer for item in found if item.name}


def variables(reading: Reading) -> dict[str, Variable]:
    """By name, and by `namespace.name`."""
    found: dict[str, Variable] = {}
    for variable in _variables(reading):
        found[variable.name] = found[f"{variable.namespace}.{variable.name}"] = variable
    return found


def _variables(reading: Reading) -> Iterator[Variable]:
    for bind in reading.capability.binds if reading.capability else ():
        for name, key in bind.keys.items():
            yield Variable(
                name=name,
                namespace=bind.namespace,
                location=bind.location,
                key=key,
                description=bind.description,
                place=bind.key_places.get(name, bind.place),
            )
