"""Declared outputs to an Output: how they combine, and what of the whole answer a caller gets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

from capspec.errors import MappingError
from capspec.jsonpath import JsonPathBudgetError
from capspec.mapping.fields import FieldCompiler, is_whole, mocked, with_path
from capspec.mapping.shapes import Anything, Field, FirstOf, Fixed, Object, Shape
from capspec.mapping.sources import Constant, whole
from capspec.model import OutputSpec
from capspec.node import Report
from capspec.template import TemplateRenderError
from capspec.values import Json, Scope

Mode: TypeAlias = Literal["call", "steps", "mock"]
"""What an operation does: calls one other, runs several steps, or answers from the file alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """What callers get of a document.

    With `identity` that is the document itself, unchanged and untyped. `schema` is JSON Schema (draft
    2020-12) that holds for everything `read` gives, or None where the file does not say what that is.
    """

    identity: bool
    schema: Mapping[str, Json] | None
    _field: Field = field(repr=False)

    def read(self, document: Json, scope: Scope) -> Json:
        """The mapped value; `scope` has the names that templates see. It is not to be changed.

        What the document does not have is null. Raises MappingError when reading visits too much of the
        document, finds it nested too deeply to be written as text, or a template cannot use its values.
        """
        try:
            return self._field.read(document, scope)
        except (JsonPathBudgetError, TemplateRenderError) as error:
            raise MappingError(f"the answer cannot be mapped: {error}") from error
        except RecursionError as error:
            raise MappingError("the answer cannot be mapped: it is nested too deeply") from error


_WHOLE: Final = Output(identity=True, schema=None, _field=Field(source=whole, shape=Anything()))


def compile_outputs(outputs: Sequence[OutputSpec], *, mode: Mode, report: Report) -> Output:
    """The outputs of one operation, compiled.

    Named outputs make one object; unnamed ones beside them have no effect. A single unnamed output is the
    value itself, and of several the first that is not null counts. No outputs, and `$.` without a shape,
    are the whole document. In "mock" there is no document: what has no value in the file is left out.

    A path that cannot be read is reported as CAP330, a template as CAP331; of an unknown type CAP332 warns.
    """
    compiler = FieldCompiler(report, mock=mode == "mock")
    given = mocked(outputs) if compiler.mock else [with_path(item) for item in outputs]
    named = {item.name: item for item in given if item.name}
    if compiler.mock and not given:
        return _single(Field(source=Constant({}), shape=Fixed({})))
    if named:
        return _known(Object({name: compiler.field(item) for name, item in named.items()}))
    if all(map(is_whole, given)):
        return _WHOLE
    if len(given) == 1:
        return _single(compiler.outer(given[0]))
    return _known(FirstOf(tuple(map(compiler.outer, given))))


def _known(shape: Shape) -> Output:
    return _single(Field(source=whole, shape=shape))


def _single(found: Field) -> Output:
    return Output(identity=False, schema=found.schema if found.shape.schema else None, _field=found)
