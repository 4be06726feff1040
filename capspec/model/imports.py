"""The entries of a section, with those that other files hold put in where they are imported.

An import is `{import: NAMESPACE, from: FILE, as: NAME}`; `location` says the same as `from`, and
`import: "*"` means every entry of the section. The file may hold the section at its root or below
`capability`, and what is imported may be an import itself. One that fails is left out with a warning: the
rest of the file works.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from capspec.document import Document
from capspec.document.library import Library
from capspec.errors import LoadError
from capspec.model.entries import ALL, Wish, body_of, called, entries_of, is_import, namespace_of, wish_of
from capspec.model.renaming import renamed
from capspec.node import Node, Report

DEEPEST: Final = 16
"""Files from which one entry may be handed on."""

MOST: Final = 1000
"""Imports that one capability may come to."""

_Trail = tuple[Node, ...]
"""The imports that led to a file, the first one first."""


class Imports:
    """Resolves the imports of one capability, each file read once.

    `lost` are the namespaces that nothing is consumed under because their import failed. `files` are those
    that were read, without the main one, by their names in places.
    """

    def __init__(self, main: Document, report: Report) -> None:
        self.files: dict[str, Document] = {}
        self.lost: dict[str, None] = {}
        self._main = main
        self._report = report
        self._library = Library(main)
        self._importers: dict[str, dict[str, None]] = {}
        self._left = MOST

    def section(self, root: Node, body: Node, name: str) -> list[Node]:
        """The entries of `consumes`, `exposes`, `aggregates` or `binds` of a file and its `capability`."""
        found: list[Node] = []
        taken: dict[str, Node] = {}
        for entry in (*entries_of(root, name), *entries_of(body, name)):
            nodes = self._expanded(entry, name, ())
            if not nodes and name == "consumes" and called(entry, name) != ALL:
                self.lost[called(entry, name)] = None
            found += [node for node in nodes if self._is_free(namespace_of(node, name), entry, name, taken)]
        return found

    def binds(self, root: Node, body: Node) -> list[tuple[str, Node]]:
        """Every bind, and the file whose texts see it: those of the capability, and of the files that entries
        of the other sections came from, which must have been asked for before."""
        found = [(self._main.source, node) for node in self.section(root, body, "binds")]
        for source in self._importers:
            top = self._top(self.files[source])
            found += [(source, node) for node in self.section(top, body_of(top), "binds")]
        return found

    @property
    def scopes(self) -> dict[str, tuple[str, ...]]:
        """Each imported file to those whose binds its texts see: importers first, itself last."""
        return {source: self._seen_from(source) for source in self._importers}

    def _seen_from(self, source: str) -> tuple[str, ...]:
        seen = [source]
        for file in seen:
            seen += [other for other in self._importers.get(file, ()) if other not in seen]
        return (self._main.source, *(file for file in reversed(seen) if file != self._main.source))

    def _is_free(self, namespace: str, entry: Node, section: str, taken: dict[str, Node]) -> bool:
        """Whether a namespace is not taken yet; entries that are no imports may share one."""
        first = taken.setdefault(namespace, entry) if namespace else entry
        if first is entry or not (is_import(entry, section) or is_import(first, section)):
            return True
        message = f"the namespace '{namespace}' is already taken at {first.place}"
        entry.error("CAP144", message, hint="give one of them another name with 'as'")
        return False

    # -- one import -----------------------------------------------------------------------------------

    def _expanded(self, entry: Node, section: str, trail: _Trail) -> list[Node]:
        """The entry, or what it imports; nothing, after a warning, when it cannot be imported."""
        if not is_import(entry, section):
            return [entry]
        wish = wish_of(entry)
        if wish is None or not self._may_follow(entry, trail):
            return []
        document = self._open(entry, wish)
        if document is None:
            return []
        if section != "binds" and document is not self._main:
            # A bind that is imported brings nothing but itself.
            self._importers.setdefault(document.source, {})[entry.document.source] = None
        return self._taken(entry, wish, document, section, (*trail, entry))

    def _may_follow(self, entry: Node, trail: _Trail) -> bool:
        way = " -> ".join(str(node.place) for node in (*trail, entry))
        self._left -= 1
        if self._left <= 0:
            if self._left == 0:
                entry.warn("CAP147", f"there are more than {MOST:,} imports; the others are left out")
            return False
        if any(node.document is entry.document and node.pointer == entry.pointer for node in trail):
            entry.warn("CAP143", f"imports go in a circle: {way}", hint="take one of them out")
            return False
        if len(trail) >= DEEPEST:
            entry.warn("CAP147", f"imports go through more than {DEEPEST} files: {way}")
            return False
        return True

    def _open(self, entry: Node, wish: Wish) -> Document | None:
        """The file that an import names, None after a warning."""
        reached = self._report.reached
        before = reached.get(entry.document.source)
        way = f"imported at {entry.place}" + (f", {before}" if before else "")
        try:
            document = self._library.open(wish.location, entry.document)
        except LoadError as error:
            for problem in error.problems:
                message, place = problem.message, problem.place
                if place is None:
                    message, place = f"{wish} is not imported: {message}", wish.file_place
                else:
                    reached.setdefault(place.source, way)
                entry.warn(problem.code, message, hint=problem.hint, place=place)
            return None
        if document is entry.document:
            message = f"{wish} is not imported: '{wish.location}' is this file itself"
            entry.warn("CAP143", message, place=wish.file_place)
            return None
        if document is not self._main:
            self.files[document.source] = document
            self._report.documents[document.source] = document
            reached.setdefault(document.source, way)
        return document

    # -- what is taken from a file --------------------------------------------------------------------

    def _taken(self, entry: Node, wish: Wish, document: Document, section: str, trail: _Trail) -> list[Node]:
        top = self._top(document)
        entries = [*entries_of(top, section), *entries_of(body_of(top), section)]
        if not entries:
            message = f"{wish} is not imported: '{wish.location}' has no '{section}'"
            entry.warn("CAP142", message, place=wish.file_place)
            return []
        if wish.name != ALL:
            found = self._named(entry, wish, entries, section, trail)
        else:
            found = self._all(entries, section, trail)
            if wish.alias and len(found) > 1:
                message = f"'as' names one entry, and '{wish.location}' has {len(found)} in '{section}'"
                entry.warn("CAP148", message, hint="say with 'import' which one it means")
                return []
        return [renamed(node, section, wish.alias) for node in found] if wish.alias else found

    def _named(self, entry: Node, wish: Wish, entries: list[Node], section: str, trail: _Trail) -> list[Node]:
        same = [item for item in entries if called(item, section) == wish.name]
        if same:
            return self._all(same, section, trail)
        handed_on = [item for item in entries if called(item, section) == ALL]
        offered = self._all(handed_on, section, trail)
        found = [node for node in offered if called(node, section) == wish.name]
        if found:
            return found
        names = dict.fromkeys(called(item, section) for item in (*entries, *offered))
        known = [name for name in names if name not in ("", ALL)]
        if section == "consumes" and len(known) == len(entries) == 1:
            return self._only(entry, wish, known[0], self._all(entries, section, trail))
        self._refuse(entry, wish, section, known)
        return []

    def _only(self, entry: Node, wish: Wish, known: str, nodes: list[Node]) -> list[Node]:
        """The one API of a file, which is meant whatever it is called: many public files have it so."""
        message = f"'{wish.location}' has no '{wish.name}'; its only namespace '{known}' is taken for it"
        hint = f"write 'import: {known}' and 'as: {wish.alias or wish.name}'"
        entry.warn("CAP146", message, hint=hint, place=wish.name_place)
        return [renamed(node, "consumes", wish.name) for node in nodes]

    def _refuse(self, entry: Node, wish: Wish, section: str, known: list[str]) -> None:
        near = difflib.get_close_matches(wish.name, known, 1)
        hint = f"did you mean '{near[0]}'? " if near else ""
        hint += f"it has: {', '.join(known)}" if known else "its entries have no namespace"
        message = f"{wish} is not imported: '{wish.location}' does not have it in '{section}'"
        entry.warn("CAP142", message, hint=hint, place=wish.name_place)

    def _all(self, entries: Iterable[Node], section: str, trail: _Trail) -> list[Node]:
        return [node for item in entries for node in self._expanded(item, section, trail)]

    def _top(self, document: Document) -> Node:
        return Node(document, (), document.data, self._report)
