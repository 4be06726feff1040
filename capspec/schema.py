"""The base of the language's JSON Schema, and each extension's own part, to the one that is published.

An extension says what its settings are in a dictionary `SCHEMA` of its module: a schema of the whole
object, `type` included. It then holds for every object of that `type`.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Mapping
from importlib.resources import files

from capspec import registry
from capspec.values import Json

_PLACES = {
    "adapter": "listener",
    "auth": "authentication",
    "guard": "guard",
    "step": "step",
    "bind": "bind",
    "codec": "body",
}
"""A kind of extension to the definition of the objects that name one."""


def published() -> str:
    """The schema (draft 2020-12) as text, ending in a newline."""
    return json.dumps(bundle(), ensure_ascii=False, indent=2) + "\n"


def bundle() -> dict[str, Json]:
    """The schema with every registered extension's part put in."""
    schema: dict[str, Json] = json.loads(files("capspec").joinpath("schema.base.json").read_text("utf-8"))
    for kind, place in _PLACES.items():
        for name in registry.names(kind):
            part = _part(kind, name)
            if part is not None:
                _add(schema["$defs"], place, f"{kind}.{name}", _when(kind, name), part)
        _suggest(schema["$defs"][place], kind)
    return schema


def _part(kind: str, name: str) -> Mapping[str, Json] | None:
    module = registry.EXTENSIONS[kind][name].partition(":")[0]
    part: Mapping[str, Json] | None = getattr(importlib.import_module(module), "SCHEMA", None)
    return part


def _add(
    definitions: dict[str, Json], place: str, name: str, condition: dict[str, Json], part: Mapping[str, Json]
) -> None:
    definitions[name] = dict(part)
    rules = definitions[place].setdefault("allOf", [])
    rules.append({"if": condition, "then": {"$ref": f"#/$defs/{name}"}})


def _when(kind: str, name: str) -> dict[str, Json]:
    """What tells that an object is the extension's: its `type`; for a bind, the scheme of its `location`."""
    if kind == "bind":
        return {"required": ["location"], "properties": {"location": {"pattern": f"^{name}:"}}}
    words = [name, *(word for (of, word), meant in registry.SYNONYMS.items() if (of, meant) == (kind, name))]
    return {"type": "object", "required": ["type"], "properties": {"type": {"enum": words}}}


def _suggest(definition: dict[str, Json], kind: str) -> None:
    """Let editors offer the words that `type` may have."""
    kind_of = definition.get("properties", {}).get("type")
    if kind_of is not None and kind != "bind":
        kind_of["examples"] = list(registry.names(kind))
