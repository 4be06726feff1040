"""The text of a capability file to the same file in one style, with the keys of each object in their usual order.

Entries stay in their order, comments stay with what they are about, and what the author says of extensions
(`x-…`), of arguments and of other data of their own is not touched.
"""

from __future__ import annotations

from capspec.document import Document
from capspec.language.shapes import SHAPES
from capspec.language.walking import walk
from capspec.rewriting.tree import MappingNode, Tree, compose, render, text_of

_MERGE = "<<"


def formatted(document: Document) -> str:
    """Raises LoadError (CAP790) for YAML that cannot be rewritten."""
    tree = compose(document.text, document.source)
    for found in walk(document.data):
        node = tree.node(found.pointer)
        if isinstance(node, MappingNode):
            _order(node, SHAPES[found.kind].order)
    _separate(tree)
    return render(tree)


def _order(node: MappingNode, order: tuple[str, ...]) -> None:
    ranks = {key: rank for rank, key in enumerate((_MERGE, *order))}
    node.value.sort(key=lambda pair: ranks.get(text_of(pair[0]), len(ranks)))


def _separate(tree: Tree) -> None:
    """No blank line above the first key: what stood there once may have had others above it."""
    first = tree.root.value[0][0] if tree.root.value else None
    if first is not None:
        note = tree.notes.of(first)
        while note.before and not note.before[0]:
            note.before.pop(0)
