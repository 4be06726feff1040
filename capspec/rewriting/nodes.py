"""Changes to the nodes of a tree that take the comments of what they change along."""

from __future__ import annotations

from collections.abc import Iterable

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from capspec.rewriting.comments import Notes
from capspec.rewriting.tree import scalar, text_of

_MAP = "tag:yaml.org,2002:map"
_LIST = "tag:yaml.org,2002:seq"


class Editor:
    """Edits of one tree. Nodes that stand in several places, by alias, are changed once."""

    def __init__(self, notes: Notes) -> None:
        self.notes = notes
        self._names: dict[int, str] = {}
        self._made: dict[int, Node] = {}

    # -- entries of a mapping -------------------------------------------------------------------------

    def at(self, node: MappingNode, key: str) -> int | None:
        """The position of a key."""
        return next((at for at, (name, _) in enumerate(node.value) if text_of(name) == key), None)

    def rename(self, node: MappingNode, old: str, new: str) -> bool:
        """Call a key otherwise, unless the new name is taken."""
        at = self.at(node, old)
        if at is None or self.at(node, new) is not None:
            return False
        key = node.value[at][0]
        key.value, key.style = new, None
        return True

    def put(self, node: MappingNode, key: str, value: Node) -> None:
        """Another value for a key that is there, or a new entry at the end."""
        at = self.at(node, key)
        if at is None:
            node.value.append((scalar(key), value))
        else:
            node.value[at] = (node.value[at][0], value)

    def remove(self, node: MappingNode, key: str) -> Node | None:
        """Take an entry out and return its value; what was said beside it goes to the entry that follows."""
        at = self.at(node, key)
        if at is None:
            return None
        name, value = node.value.pop(at)
        note = self.notes.found.pop(id(name), None)
        heir = node.value[at][0] if at < len(node.value) else node.value[-1][0] if node.value else None
        if note is not None and heir is not None:
            other = self.notes.of(heir)
            said = [*note.before, *([note.beside] if note.beside else [])]
            if at < len(node.value):
                other.before[:0] = said
                other.after += note.after
            else:
                other.after += [*said, *note.after]
        return value  # type: ignore[no-any-return]

    # -- lists and maps -------------------------------------------------------------------------------

    def as_map(self, node: SequenceNode, names: Iterable[str]) -> MappingNode:
        """A list of objects as a map by these names, which the objects then no longer say themselves."""
        known = self._made.get(id(node))
        if isinstance(known, MappingNode):
            return known
        pairs = [(self._key(item, name), item) for item, name in zip(node.value, names, strict=True)]
        made = MappingNode(_MAP, pairs, flow_style=node.flow_style, anchor=node.anchor)
        self._made[id(node)] = made
        return made

    def name_of(self, item: Node) -> str:
        """What an object of a list is called, whether it still says so itself or no longer does."""
        known = self._names.get(id(item))
        if known is not None or not isinstance(item, MappingNode):
            return known or ""
        at = self.at(item, "name")
        return "" if at is None else text_of(item.value[at][1])

    def _key(self, item: Node, name: str) -> ScalarNode:
        key = scalar(name)
        if isinstance(item, MappingNode):
            at = self.at(item, "name")
            if at is not None:
                key.style = item.value[at][1].style
                own = self.notes.found.pop(id(item.value[at][0]), None)
                if own is not None:
                    self.notes.of(key).take(own)
                item.value.pop(at)
            self._names[id(item)] = name
        around = self.notes.found.pop(id(item), None)
        if around is not None:
            note = self.notes.of(key)
            note.before[:0] = around.before
            note.after += around.after
            note.beside = note.beside or around.beside
        return key

    def as_list(self, node: MappingNode, key: str = "name") -> SequenceNode:
        """A map of objects as a list in which each says its name under `key`, before everything else."""
        known = self._made.get(id(node))
        if isinstance(known, SequenceNode):
            return known
        items = [self._item(name, item, key) for name, item in node.value]
        made = SequenceNode(_LIST, items, flow_style=node.flow_style, anchor=node.anchor)
        self._made[id(node)] = made
        return made

    def _item(self, name: ScalarNode, value: Node, key: str) -> MappingNode:
        pairs = [pair for pair in value.value if text_of(pair[0]) != key]
        named = (scalar(key), scalar(text_of(name), name.style))
        item = MappingNode(_MAP, [named, *pairs], flow_style=value.flow_style if pairs else True)
        note = self.notes.found.pop(id(name), None)
        if note is not None:
            beside, note.beside = note.beside, ""
            self.notes.found[id(item)] = note
            if beside:
                self.notes.of(named[0] if not item.flow_style else item).beside = beside
        return item
