"""Merge keys (`<<`) to the entries that they stand for: only then can these be changed one by one."""

from __future__ import annotations

from typing import Final

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from capspec.rewriting.tree import Tree, text_of

_MERGE: Final = "<<"


def write_out_merges(tree: Tree) -> None:
    """Each mapping gets copies of what it merges in behind its own keys, which count first."""
    _Merging().mapping(tree.root)


class _Merging:
    def __init__(self) -> None:
        self.done: set[int] = set()

    def mapping(self, node: Node) -> None:
        """The node and all below it."""
        if id(node) in self.done:
            return
        self.done.add(id(node))
        if isinstance(node, SequenceNode):
            for item in node.value:
                self.mapping(item)
        elif isinstance(node, MappingNode):
            for _, value in node.value:
                self.mapping(value)
            node.value = self._whole(node)

    def _whole(self, node: MappingNode) -> list[tuple[Node, Node]]:
        own = [(key, value) for key, value in node.value if text_of(key) != _MERGE or key.style is not None]
        taken = {text_of(key) for key, _ in own}
        for key, value in node.value:
            if text_of(key) == _MERGE and key.style is None:
                for name, item in self._merged(value):
                    if text_of(name) not in taken:
                        taken.add(text_of(name))
                        own.append((ScalarNode(name.tag, name.value, style=name.style), _copy(item)))
        return own

    def _merged(self, value: Node) -> list[tuple[ScalarNode, Node]]:
        """The entries of one mapping or of several, of which the first counts."""
        several = value.value if isinstance(value, SequenceNode) else [value]
        return [pair for item in several if isinstance(item, MappingNode) for pair in item.value]


def _copy(node: Node) -> Node:
    """A node of its own: otherwise it would be written as an alias of the other one, with an invented name."""
    if node.anchor is not None:
        return node
    if isinstance(node, ScalarNode):
        return ScalarNode(node.tag, node.value, style=node.style)
    if isinstance(node, SequenceNode):
        return SequenceNode(node.tag, [_copy(item) for item in node.value], flow_style=node.flow_style)
    pairs = [(_copy(key), _copy(value)) for key, value in node.value]
    return MappingNode(node.tag, pairs, flow_style=node.flow_style)
