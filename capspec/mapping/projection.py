"""What a consumed operation's own outputs make of its answer, for the steps that read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from capspec.mapping.outputs import Output, compile_outputs
from capspec.model import OutputSpec
from capspec.node import Report
from capspec.values import MISSING, Json


@dataclass(frozen=True, slots=True)
class Projection:
    """Names for parts of an answer. They are added to an object, and to each element of a list."""

    fields: Mapping[str, Output]

    def read(self, answer: Json) -> Json:
        """The answer with the named parts that it has. It is not changed. Raises MappingError."""
        if isinstance(answer, list):
            return [self._with_fields(element) for element in answer]
        return self._with_fields(answer)

    def _with_fields(self, value: Json) -> Json:
        found = {name: output.read(value, {}) for name, output in self.fields.items()}
        given = {name: item for name, item in found.items() if item is not None}
        return {**value, **given} if isinstance(value, dict) else given or value


def compile_projection(outputs: Sequence[OutputSpec], report: Report) -> Projection | None:
    """The named outputs of a consumed operation; None when there are none."""
    named = [item for item in outputs if item.name]
    if not named:
        return None
    single = {item.name: compile_outputs([_unnamed(item)], mode="call", report=report) for item in named}
    return Projection(single)


def _unnamed(spec: OutputSpec) -> OutputSpec:
    """The output as the whole value: its name is where the value goes, and a member where it says no more."""
    said = spec.mapping or spec.value is not MISSING
    return replace(spec, name="", mapping=spec.mapping if said else f"$['{spec.name}']")
