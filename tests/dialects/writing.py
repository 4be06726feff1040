"""One shape for a capability, and each dialect's own shape of it.

In the one shape everything with a name is in a map by that name, as in the newest dialect, and so are the entries
of `consumes`, `exposes`, `aggregates` and `binds`, under their namespaces.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml


@dataclass(frozen=True)
class Dialect:
    """A group of versions with the same shapes. `number` orders them."""

    name: str
    number: int
    root: str
    versions: tuple[str, ...]

    @property
    def lists(self) -> bool:
        return self.root == "naftiko"


DIALECTS: Final = tuple(
    Dialect(name, number, root, versions)
    for number, (name, root, versions) in enumerate([
        ("0.4", "naftiko", ("0.4",)),
        ("0.5", "naftiko", ("0.5",)),
        ("alpha1", "naftiko", ("1.0.0-alpha1",)),
        ("alpha2", "naftiko", ("1.0.0-alpha2", "1.0.0-alpha3")),
        ("ikanos", "ikanos", ("1.0.0-alpha3", "1.0.0-alpha4")),
        ("beta1", "ikanos", ("1.0.0-beta1", "1.0.0-beta2", "1.0.0-beta3")),
        ("beta4", "ikanos", ("1.0.0-beta4", "1.0.0-beta5")),
    ])
)  # fmt: skip

BY_NAME: Final = {dialect.name: dialect for dialect in DIALECTS}

_NAMED = frozenset({
    "inputParameters", "resources", "operations", "steps", "tools", "prompts", "arguments", "skills", "flows",
})  # fmt: skip
_SECTIONS = ("consumes", "exposes", "aggregates", "binds")
_OPAQUE = frozenset({"with", "data", "metadata", "schema", "keys", "labels", "responses"})
_OLD_WORDS = {"display": "label", "target": "targetName", "flows": "functions"}


def written(capability: Mapping[str, Any], dialect: Dialect, version: str = "") -> str:
    """The capability in a dialect, as YAML with a line for each key."""
    document: dict[str, Any] = {dialect.root: version or dialect.versions[0]}
    for key, value in capability.items():
        if key == "binds":
            document |= _binds(value, dialect)
        elif key in _SECTIONS:
            document[key] = _section(value, key, dialect)
        elif key == "capability":
            document[key] = _body(value, dialect)
        else:
            document[key] = _converted(value, key, dialect)
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=200)


def word(key: str, dialect: Dialect) -> str:
    """What a key is called in a dialect."""
    return _OLD_WORDS.get(key, key) if dialect.lists else key


def _body(value: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    body: dict[str, Any] = {}
    for key, section in value.items():
        body |= _binds(section, dialect) if key == "binds" else {key: _section(section, key, dialect)}
    return body


def _section(entries: Mapping[str, Any], section: str, dialect: Dialect) -> list[dict[str, Any]]:
    """A section is a list in every dialect."""
    found = []
    for name, entry in entries.items():
        if "import" in entry:
            found.append(
                {
                    key if key != "from" or not dialect.lists else "location": text
                    for key, text in entry.items()
                }
            )
            continue
        named = entry if section == "exposes" else {"namespace": name, **entry}
        converted = _converted(named, "", dialect, exposed=section != "consumes")
        if section == "exposes" and dialect.number == 0 and converted.get("type") == "rest":
            converted["type"] = "api"
        found.append(converted)
    return found


def _binds(entries: Mapping[str, Any], dialect: Dialect) -> dict[str, Any]:
    if dialect.number > 1:
        return {"binds": [{"namespace": name, **entry} for name, entry in entries.items()]}
    found = []
    for name, entry in entries.items():
        kept = {key: value for key, value in entry.items() if key != "location"}
        if "location" in entry:
            kept = {"type": "environment", "resolution": "file", "uri": entry["location"], **kept}
        else:
            kept = {"type": "variables", "resolution": "runtime", **kept}
        found.append({"name": name, **kept})
    return {"externalRefs": found}


def _converted(value: Any, key: str, dialect: Dialect, *, exposed: bool = False, output: bool = False) -> Any:
    def inner(item: Any, name: str = "") -> Any:
        within = output or name == "outputParameters"
        return _converted(item, name, dialect, exposed=exposed, output=within)

    if isinstance(value, list):
        return [inner(item) for item in value]
    if not isinstance(value, dict) or key in _OPAQUE:
        return value
    if key == "properties":
        return {name: inner(item) for name, item in value.items()}
    if key in _NAMED or (key in ("outputParameters", "items") and "type" not in value):
        return _collection({name: inner(item) for name, item in value.items()}, dialect)
    if key == "items" and output and dialect.number < 2:
        return [_converted(value, "", dialect, exposed=exposed, output=True)]
    found = {word(name, dialect): inner(item, name) for name, item in value.items()}
    if output and exposed and dialect.number < 3 and "value" in found:
        found["const"] = found.pop("value")
    return found


def _collection(entries: dict[str, Any], dialect: Dialect) -> Any:
    return [{"name": name, **entry} for name, entry in entries.items()] if dialect.lists else entries
