"""A Plan to a value that is equal for files that do the same, however and wherever they say it.

Everything that was compiled is looked through, closures included; left out is what only says where something
stands, what is wrong with it, and how its author wrote it.
"""

from __future__ import annotations

import functools
import re
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from pathlib import PurePath
from typing import Any, TypeAlias

from capspec.document import Document
from capspec.errors import Place, Problem
from capspec.model.groups import GroupSpec
from capspec.node import Node, Report
from capspec.plan import Operation, Parameter, PathVariable
from capspec.plan.forwards import Forward

Meaning: TypeAlias = object
"""Something that is only good for being compared."""

_LEFT_OUT = frozenset(
    {"document", "imported", "missing", "node", "place", "problem", "remarks", "spec", "warnings"}
)
_SILENT = (Place, Document, Node, Report, Problem, types.ModuleType)
_SILENT_FIELDS: dict[type, frozenset[str]] = {
    GroupSpec: frozenset({"name"}), Forward: frozenset({"name"}),
}  # fmt: skip
"""A resource has a name for its author's own use, which some dialects ask for and others do not."""

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def meaning_of(plan: object) -> Meaning:
    """That of a plan or of a part of one, comparable with others of the same process."""
    return _Meaning().of(plan)


class _Meaning:
    def __init__(self) -> None:
        self.open: dict[int, int] = {}
        self.known: dict[int, tuple[object, Meaning]] = {}

    def of(self, value: Any) -> Meaning:
        if value is None or isinstance(value, bool | int | float | str | bytes):
            return (type(value).__name__, value)
        if isinstance(value, type):
            return value.__qualname__
        if isinstance(value, _SILENT):
            return None
        if id(value) in self.known:
            return self.known[id(value)][1]
        if id(value) in self.open:
            return ("again", len(self.open) - self.open[id(value)])
        self.open[id(value)] = len(self.open)
        found = self._inside(value)
        del self.open[id(value)]
        # The value is kept with it, so that its id is not given to another.
        self.known[id(value)] = (value, found)
        return found

    def _inside(self, value: Any) -> Meaning:
        if isinstance(value, Mapping):
            return ("map", {self._key(key): self.of(item) for key, item in value.items()})
        if isinstance(value, set | frozenset):
            return ("set", sorted(repr(self.of(item)) for item in value))
        if isinstance(value, list | tuple):
            return [self.of(item) for item in value]
        if isinstance(value, Enum | PurePath | re.Pattern):
            return repr(value)
        if isinstance(value, types.CodeType):
            return (value.co_code, [self.of(item) for item in value.co_consts], value.co_names)
        if callable(value) and not is_dataclass(value):
            return self._function(value)
        return self._object(value)

    def _key(self, key: Any) -> Any:
        return key if isinstance(key, str | int) else repr(self.of(key))

    def _function(self, value: Any) -> Meaning:
        if isinstance(value, functools.partial):
            return ("partial", self.of(value.func), self.of(value.args), self.of(value.keywords))
        if isinstance(value, types.MethodType):
            return ("method", value.__func__.__qualname__, self.of(value.__self__))
        if isinstance(value, types.FunctionType):
            cells = [self._cell(cell) for cell in value.__closure__ or ()]
            return ("function", self.of(value.__code__), cells, self.of(value.__defaults__))
        if isinstance(value, types.BuiltinFunctionType):
            return value.__qualname__
        return self._object(value)

    def _cell(self, cell: types.CellType) -> Meaning:
        try:
            return self.of(cell.cell_contents)
        except ValueError:
            return None

    def _object(self, value: Any) -> Meaning:
        kind = type(value)
        name = f"{kind.__module__}.{kind.__qualname__}"
        if is_dataclass(value):
            names = [field.name for field in fields(value)]
        elif kind.__module__.partition(".")[0] == "capspec":
            names = _attributes(value)
        else:
            return (name, self._foreign(value))
        left_out = _LEFT_OUT | _SILENT_FIELDS.get(kind, frozenset())
        if isinstance(value, Operation):
            parameters = tuple(map(_alike(value), value.parameters))
            value = replace(value, parameters=parameters, path=_joined(value.path))
        return (name, {key: self.of(getattr(value, key, None)) for key in names if key not in left_out})

    def _foreign(self, value: Any) -> Meaning:
        """An object of a library: a template by its code, anything else by what it says of itself."""
        code = getattr(value, "root_render_func", None)
        if isinstance(code, types.FunctionType):
            return self.of(code)
        if type(value).__repr__ is object.__repr__:
            return None
        return _ADDRESS.sub("", repr(value))


def _alike(operation: Operation) -> Callable[[Parameter], Parameter]:
    """A parameter without what makes no difference: only one alone can be the body, and one called so can."""
    fields = [item for item in operation.parameters if item.location == "body" and item.value is None]
    alone = len(fields) == 1 and fields[0].name != "body"
    return lambda item: item if alone or not item.whole else replace(item, whole=False)


def _joined(path: tuple[str | PathVariable, ...]) -> tuple[str | PathVariable, ...]:
    """A path in which no two literals stand side by side."""
    found: list[str | PathVariable] = []
    for part in path:
        if isinstance(part, str) and found and isinstance(found[-1], str):
            found[-1] += part
        else:
            found.append(part)
    return tuple(found)


def _attributes(value: Any) -> list[str]:
    slots = [name for kind in type(value).__mro__ for name in getattr(kind, "__slots__", ())]
    return [*slots, *getattr(value, "__dict__", {})]
