"""A section of one file to its entries: what each is called, and what those that are imports ask for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capspec.errors import Place
from capspec.node import Node

ALL: Final = "*"
"""What `import` says for every entry of the section."""

_KEYS: Final = {"consumes": ("consumes", "imports"), "binds": ("binds", "externalRefs")}
_NAMES: Final = {
    "consumes": ("namespace", "name", "id"),
    "exposes": ("namespace",),
    "aggregates": ("namespace", "name"),
    "binds": ("namespace", "name"),
}
_OWN: Final = {
    "consumes": {"baseUri", "baseUrl", "resources", "operations"},
    "exposes": {"type"},
    "aggregates": {"functions", "flows"},
    "binds": {"keys", "location"},
}
"""Keys that say, where there is no `import`, that an entry is none."""

_FILE: Final = ("from", "location", "url")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What an import asks for: `name` is ALL for everything, `alias` is "" when names stay as they are."""

    location: str
    name: str
    alias: str
    file_place: Place
    name_place: Place

    def __str__(self) -> str:
        return f"'{(self.alias or self.location) if self.name == ALL else self.name}'"


def body_of(top: Node) -> Node:
    """The `capability` of a file; an empty one when it has none."""
    return top.get("capability") or Node(top.document, (), {}, top.report)


def entries_of(node: Node, section: str) -> list[Node]:
    """The objects of a list, or of a map whose keys are namespaces, in order."""
    found: list[Node] = []
    for key in _KEYS.get(section, (section,)):
        value = node.value.get(key) if isinstance(node.value, dict) else None
        if isinstance(value, dict) and all(isinstance(item, dict) for item in value.values()):
            found += [_keyed(name, item) for name, item in node.named(key)]
        elif key != "imports" or (isinstance(value, list) and all(isinstance(item, dict) for item in value)):
            found += node.members(key)
    return found


def _keyed(name: str, node: Node) -> Node:
    return Node(node.document, node.pointer, {"namespace": name, **node.value}, node.report)


def namespace_of(entry: Node, section: str) -> str:
    """The namespace that an entry of its own says it has, "" for none."""
    return entry.text(*_NAMES[section])


def is_import(entry: Node, section: str) -> bool:
    # Asking the node would make the keys of an import known in an entry that is none.
    said = {key for key, value in entry.value.items() if value is not None}
    if "import" in said:
        return not said & {"baseUri", "baseUrl"}
    return not said.isdisjoint(_FILE) and not said & _OWN[section]


def called(entry: Node, section: str) -> str:
    """The name that an entry goes by in its own file: an exposed one without a namespace goes by its type, an
    import by what it becomes there, or by ALL."""
    if is_import(entry, section):
        asked = entry.text("import")
        return entry.text("as", "namespace") or (ALL if _is_file(entry, asked) else asked)
    return namespace_of(entry, section) or (entry.text("type") if section == "exposes" else "")


def _is_file(entry: Node, asked: str) -> bool:
    """Whether `import` is the file itself, as older files write it."""
    return not entry.has(*_FILE) and ("/" in asked or asked.endswith((".yaml", ".yml")))


def wish_of(entry: Node) -> Wish | None:
    """What an import says, None after a warning when it does not say enough."""
    asked, namespace = entry.text("import"), entry.text("namespace")
    location, name = entry.text(*_FILE), asked or namespace
    if _is_file(entry, asked):
        location, name = asked, ALL
    alias = entry.text("as") or (namespace if asked else "")
    entry.has("description")
    entry.finish("an import")
    if not location:
        place, hint = entry.report.instead(entry.place, *_FILE) or (None, "add 'from: FILE'")
        entry.warn("CAP140", "this import does not say which file it is from", hint=hint, place=place)
        return None
    if not name:
        hint = f"add 'import: NAMESPACE', or 'import: \"{ALL}\"' for everything"
        entry.warn("CAP140", f"this import does not say what it takes from '{location}'", hint=hint)
        return None
    return Wish(
        location=location,
        name=name,
        alias="" if alias == name else alias,
        file_place=(entry.get(*_FILE, "import") or entry).place,
        name_place=(entry.get("import", "namespace") or entry).place,
    )
