"""A lookup step: finds elements of an earlier step's list by the value of one of their fields."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import CompileError, MappingError, Problem
from capspec.jsonpath import JsonPath, JsonPathError, compile_path
from capspec.linking import Linker
from capspec.node import Node
from capspec.plan import Runtime, Scope
from capspec.references import Source
from capspec.values import MISSING, Json, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupStep:
    """For one value: the first element whose `match` equals it. For a list: those of its values, in order.

    Equality is JSON's: 1 and "1" differ. What has no match is left out; when nothing matches there is no
    output. `fields` narrows the found elements; none keeps them whole.
    """

    name: str
    index: str
    rows: Source
    match: JsonPath
    wanted: Source
    fields: tuple[str, ...]

    async def run(self, scope: Scope, runtime: Runtime) -> Json | Missing:
        rows = self.rows.read(scope)
        if rows is MISSING:
            raise MappingError(f"step '{self.name}' looks into '{self.index}', which gave nothing")
        table = self._table(rows)
        wanted = self.wanted.read(scope)
        if isinstance(wanted, list):
            found = [self._narrowed(table[key]) for item in wanted if (key := _key(item)) in table]
            return found or MISSING
        key = _key(wanted)
        return self._narrowed(table[key]) if key in table else MISSING

    def _table(self, rows: Json) -> dict[object, Json]:
        table: dict[object, Json] = {}
        for row in rows if isinstance(rows, list) else [rows]:
            value = self.match.read(row, MISSING)
            if value is not MISSING:
                table.setdefault(_key(value), row)
        return table

    def _narrowed(self, row: Json) -> Json:
        if not self.fields or not isinstance(row, dict):
            return row
        return {name: row.get(name) for name in self.fields}


def _key(value: Json | Missing) -> object:
    """Equal for equal JSON values, hashable for all."""
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, (int, float)):
        return ("number", value)
    if isinstance(value, (dict, list)):
        return ("tree", repr(value))
    return (type(value).__name__, value)


def compile_step(name: str, node: Node, linker: Linker) -> LookupStep:
    """`index` (a step, or a JSONPath into one), `match` (a field or JSONPath), `lookupValue`,
    `outputParameters` (field names).
    """
    place = node.place
    wanted = node.raw("lookupValue")
    for key, what in _NEEDED.items():
        if not node.has(key):
            raise _incomplete(name, node, key, what)
    try:
        match = compile_path(node.text("match"))
    except JsonPathError as error:
        hint = "write the field's name, or a JSONPath like $.port.code"
        problem = Problem(code="CAP330", message=f"match: {error}", hint=hint, place=node.at("match"))
        raise CompileError(problem) from error
    index = node.text("index")
    return LookupStep(
        name=name,
        index=index,
        rows=linker.source(
            index if index.startswith("$") else f"$['{linker.step(index, node.at('index'))}']", place
        ),
        match=match,
        wanted=linker.source(wanted or "", place),
        fields=node.texts("outputParameters"),
    )


_NEEDED = {
    "index": "in which list to look",
    "match": "by which field to look",
    "lookupValue": "what value to look for",
}


def _incomplete(name: str, node: Node, key: str, what: str) -> CompileError:
    node.has("type", "outputParameters", *_NEEDED)
    node.finish("a lookup step")
    place, hint = node.report.instead(node.place, key) or (node.place, f"add '{key}'")
    message = f"lookup step '{name}' does not say {what}"
    return CompileError(Problem(code="CAP343", message=message, hint=hint, place=place))
