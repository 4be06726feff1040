"""The text of a capability file to the same file in another dialect, comments and order kept.

Between the dialects the root key changes, lists of named things become maps and back, and some keys are
called otherwise. What a dialect cannot say stays as it is: see `capspec.lint.portability.unsayable`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from capspec.document import Document
from capspec.language.dialects import ALPHA2, BETA5, Dialect
from capspec.language.shapes import SHAPES
from capspec.language.walking import Found, entries, walk
from capspec.rewriting.merging import write_out_merges
from capspec.rewriting.nodes import Editor
from capspec.rewriting.sections import gather_sections
from capspec.rewriting.tree import Tree, compose, render, scalar, text_of, value_of

ROOTS: Final = ("capspec", "naftiko", "ikanos")


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A dialect to write. `maps` None leaves lists and maps as they are."""

    name: str
    root: str
    version: str
    maps: bool | None
    spellings: Mapping[tuple[str, str], str]
    dialect: Dialect | None = None


def _target(dialect: Dialect) -> Target:
    return Target(
        name=dialect.name,
        root=dialect.root,
        version=dialect.version,
        maps=dialect.maps,
        spellings=dialect.spellings,
        dialect=dialect,
    )


CAPSPEC_1: Final = Target(
    name="capspec-1",
    root="capspec",
    version="1",
    maps=None,
    spellings={
        ("import", "location"): "from", ("import", "url"): "from", ("mapping", "targetName"): "target",
        ("api", "baseUrl"): "baseUri", ("api", "auth"): "authentication", ("file", "externalRefs"): "binds",
        ("capability", "externalRefs"): "binds", ("bind", "name"): "namespace", ("bind", "uri"): "location",
    },
)  # fmt: skip

TARGETS: Final = {target.name: target for target in (CAPSPEC_1, _target(ALPHA2), _target(BETA5))}
"""The dialects that can be written, by the names that commands take."""

_OTHER_NAMES: Final = (
    "tool",
    "restOperation",
    "apiOperation",
    "restResource",
    "apiResource",
    "prompt",
    "input",
    "step",
)
_TYPES: Final = {"rest": ("rest", {"api"}), "skillAdapter": ("skill", {"agent-skill"})}
_BODIES: Final = {"form": "formUrlEncoded", "multipart": "multipartForm"}


def migrated(document: Document, target: Target) -> str:
    """Raises LoadError (CAP790) for YAML that cannot be rewritten."""
    tree = compose(document.text, document.source)
    write_out_merges(tree)
    return _Migration(tree, target).run(document.data)


class _Migration:
    def __init__(self, tree: Tree, target: Target) -> None:
        self.tree = tree
        self.target = target
        self.edit = Editor(tree.notes)
        self.done: set[int] = set()

    def run(self, data: dict[str, Any]) -> str:
        lacks_paths = self.target.dialect is None and "capspec" not in data
        located = [(found, self.tree.node(found.pointer)) for found in walk(data)]
        for found, node in reversed(located):
            if isinstance(node, MappingNode) and id(node) not in self.done:
                self.done.add(id(node))
                self._object(found, node)
                if lacks_paths and found.kind == "apiOperation":
                    self._completed(found, node)
        if self.target.dialect is not None:
            gather_sections(self.tree.root, self.edit)
        self._root()
        return render(self.tree)

    def _root(self) -> None:
        root = self.tree.root
        version = scalar(self.target.version, '"')
        for key in ROOTS:
            if self.edit.at(root, key) is not None:
                self.edit.put(root, key, version)
                self.edit.rename(root, key, self.target.root)
                return
        root.value.insert(0, (scalar(self.target.root), version))

    def _object(self, found: Found, node: MappingNode) -> None:
        for key, _ in list(node.value):
            spelling = self.target.spellings.get((found.kind, text_of(key)))
            if spelling is not None:
                self.edit.rename(node, text_of(key), spelling)
        if found.kind in _OTHER_NAMES:
            self.edit.rename(node, "id", "name")
        self._values(found, node)
        for key in SHAPES[found.kind].named:
            at = self.edit.at(node, key)
            if at is not None:
                name, value = node.value[at]
                node.value[at] = (name, self._collection(found, key, value))

    def _completed(self, found: Found, node: MappingNode) -> None:
        """Write out the parameters at the end of a path that the other dialects leave out."""
        resource, own = found.parents[-1].text("path"), found.text("path")
        placeholders = {_plain(name) for name in re.findall(r"\{+\+?([^{}]+?)\+?\}+", f"{resource}{own}")}
        missing = [
            name
            for _, name, value in entries(found.value.get("inputParameters"))
            if name and str(value.get("in", "")).lower() == "path" and _plain(name) not in placeholders
        ]
        if missing:
            tail = "".join(f"/{{{name}}}" for name in dict.fromkeys(missing))
            self.edit.put(node, "path", scalar(f"{own.rstrip('/')}{tail}"))

    # -- values ---------------------------------------------------------------------------------------

    def _values(self, found: Found, node: MappingNode) -> None:
        if found.kind in _TYPES:
            word, others = _TYPES[found.kind]
            kind = value_of(node, "type")
            if isinstance(kind, ScalarNode) and kind.value.lower() in others:
                self.edit.put(node, "type", scalar(word))
        if found.kind in ("input", "output"):
            self.edit.rename(node, "const", "value")
        if found.kind == "input":
            self.edit.rename(node, "template", "value")
        if found.kind == "output":
            self._items(node)
        if found.kind == "bind" and self.edit.at(node, "resolution") is not None:
            self.edit.remove(node, "resolution")
            self.edit.remove(node, "type")
        if self.target.dialect is not None:
            self._for_engine(found, node)

    def _for_engine(self, found: Found, node: MappingNode) -> None:
        """What the reference engine knows under one name only."""
        if found.kind == "authentication" and text_of(value_of(node, "type")).lower() == "apikey":
            if value_of(node, "name") is not None and value_of(node, "value") is not None:
                if value_of(node, "key", "header") is None:
                    self.edit.rename(node, "name", "key")
            self.edit.rename(node, "in", "placement")
        if found.kind == "apiOperation":
            body = value_of(node, "body")
            if isinstance(body, MappingNode) and text_of(value_of(body, "type")) in _BODIES:
                self.edit.put(body, "type", scalar(_BODIES[text_of(value_of(body, "type"))]))

    def _items(self, node: MappingNode) -> None:
        """`items` as a list of one object is that object; a list of named fields is a map, or back."""
        items = value_of(node, "items")
        if (
            isinstance(items, SequenceNode)
            and items.value
            and all(isinstance(item, MappingNode) for item in items.value)
        ):
            names = [self.edit.name_of(item) for item in items.value]
            if not names[0]:
                if len(items.value) == 1:
                    self.edit.put(node, "items", items.value[0])
            elif self.target.maps and len(set(names)) == len(names) and all(names):
                self.edit.put(node, "items", self.edit.as_map(items, names))
        elif self.target.maps is False and isinstance(items, MappingNode) and items.value:
            fields = [value for _, value in items.value]
            if self.edit.at(items, "type") is None and all(
                isinstance(value, MappingNode) for value in fields
            ):
                self.edit.put(node, "items", self.edit.as_list(items))

    # -- collections ----------------------------------------------------------------------------------

    def _collection(self, found: Found, key: str, value: Node) -> Node:
        maps = True if key == "properties" and self.target.maps is not None else self.target.maps
        if maps and isinstance(value, SequenceNode):
            names = self._names(found, key, value)
            if names is not None:
                return self.edit.as_map(value, names)
        elif maps is False and isinstance(value, MappingNode) and value.value:
            if all(isinstance(item, MappingNode) for _, item in value.value):
                return self.edit.as_list(value)
        return value

    def _names(self, found: Found, key: str, value: SequenceNode) -> list[str] | None:
        """The names of a list's objects, None where a map cannot hold them."""
        if not value.value or not all(isinstance(item, MappingNode) for item in value.value):
            return None
        kind = SHAPES[found.kind].named[key]
        names = [
            self.edit.name_of(item) or self._synthetic(found, kind, item, at)
            for at, item in enumerate(value.value, start=1)
        ]
        if kind in ("apiResource", "restResource") and all(value_of(item, "path") for item in value.value):
            names = _distinct([name or "resource" for name in names])
        return names if all(names) and len(set(names)) == len(names) else None

    def _synthetic(self, found: Found, kind: str, item: MappingNode, at: int) -> str:
        """The name that something without one goes by here, so that it keeps it."""
        method, path = text_of(value_of(item, "method")).lower() or "get", found.text("path")
        if kind == "step":
            return f"step-{at}"
        if kind in ("tool", "restOperation", "apiOperation") and value_of(item, "operationId") is not None:
            return text_of(value_of(item, "operationId"))
        if kind in ("tool", "restOperation") and value_of(item, "ref") is not None:
            return text_of(value_of(item, "ref")).rpartition(".")[2]
        if kind in ("apiResource", "restResource"):
            return _words(text_of(value_of(item, "path")))
        if not path or value_of(item, "path") is not None:
            return ""
        if kind == "restOperation":
            return f"{method}-{path.strip('/') or 'root'}"
        return "-".join(filter(None, [method, _words(path)])) if kind == "apiOperation" else ""


def _plain(name: str) -> str:
    """A name as placeholders are matched: without case and signs."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _words(path: str) -> str:
    return "-".join(re.findall(r"[a-z0-9]+", path.lower())) or "root"


def _distinct(names: list[str]) -> list[str]:
    """Names of what is called by nobody, with numbers where they repeat."""
    taken: set[str] = set()
    for at, name in enumerate(names):
        number, found = 2, name
        while found in taken:
            found, number = f"{name}-{number}", number + 1
        taken.add(found)
        names[at] = found
    return names
