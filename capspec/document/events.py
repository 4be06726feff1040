"""The events of a YAML parser to plain data, the offset of every node, and every problem on the way.

Nothing here recurses, and nothing is built twice: an alias gives the very object of its anchor, while the
limits count it as if it were written out.
"""

from __future__ import annotations

import gc
import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, NoReturn

import yaml

from capspec.document.problems import Problems
from capspec.document.scalars import MAPPING, SEQUENCE, plain, tagged, written
from capspec.document.text import Limits, Lines, hide_old_breaks
from capspec.values import Json

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MERGE: Final = "<<"
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    """Data and where its nodes stand, as offsets into the text.

    `marks` holds, by the id of a container: key, value, key, value… of a mapping, or the items of a sequence.
    `texts` holds, by container and key, the scalars whose text is not how their value is usually written.
    """

    data: dict[str, Json]
    root: int
    marks: dict[int, array[int]]
    texts: dict[tuple[int, str | int], str]


def build(lines: Lines, limits: Limits) -> Tree:
    """Raises LoadError with every problem that could be found."""
    return _built(lines, limits, yaml.StreamEndEvent).finish()


def build_first(lines: Lines, limits: Limits) -> Json:
    """The data of the first document, whatever it is; None when there is none. Raises as `build` does."""
    return _built(lines, limits, yaml.DocumentEndEvent).first()


def _built(lines: Lines, limits: Limits, last: type) -> _Builder:
    """What was built up to the event `last`. Raises LoadError."""
    text, stand_ins = hide_old_breaks(lines.text)
    builder = _Builder(lines, limits, stand_ins)
    parser = _LOADER(text)
    collecting = gc.isenabled()
    # Nothing that is built here is garbage, and a collection would look through all of it.
    gc.disable()
    try:
        builder.run(parser, last)
    finally:
        parser.dispose()
        if collecting:
            gc.enable()
    return builder


class _Anchor:
    """What an alias stands for. `text` is None for a container; `nodes` and `height` count it written out."""

    __slots__ = ("height", "nodes", "open", "text", "value")

    def __init__(self, value: Json, text: str | None, nodes: int) -> None:
        self.value = value
        self.text = text
        self.nodes = nodes
        self.height = 0
        self.open = text is None


class _Frame:
    """A container that is being read. `key` is None while a mapping waits for a key, and never in a list."""

    __slots__ = ("anchor", "height", "items", "key", "keyed", "marks", "merges")

    def __init__(self, items: Any, *, keyed: bool) -> None:
        self.items = items
        self.keyed = keyed
        self.key: str | None = None if keyed else ""
        self.marks = array("L")
        self.anchor: _Anchor | None = None
        self.height = 0
        self.merges = False


class _Builder:
    def __init__(self, lines: Lines, limits: Limits, stand_ins: dict[int, str]) -> None:
        self.limits = limits
        self.problems = Problems(lines)
        self.top = _Frame([], keyed=False)
        self.stack: list[_Frame] = []
        self.marks: dict[int, array[int]] = {}
        self.texts: dict[tuple[int, str | int], str] = {}
        self.anchors: dict[str, _Anchor] = {}
        self.nodes = 0
        self.started = False
        self.stand_ins = stand_ins
        # Marks go by id, so what is merged and dropped must live until the last container is made.
        self.kept: list[Json] = []

    def run(self, parser: Any, last: type) -> None:
        take: dict[type, Callable[[Any], None]] = {
            yaml.ScalarEvent: self._scalar,
            yaml.MappingStartEvent: self._open,
            yaml.MappingEndEvent: self._close,
            yaml.SequenceStartEvent: self._open,
            yaml.SequenceEndEvent: self._close,
            yaml.AliasEvent: self._alias,
            yaml.DocumentStartEvent: self._document,
        }
        event: Any = None
        kind: type | None = None
        while kind is not last and kind is not yaml.StreamEndEvent:
            try:
                event = parser.get_event()
            except (yaml.YAMLError, ValueError, OverflowError) as error:
                # Not only YAMLError: the pure parser hands what stands in "\U00110000" to chr().
                holder = self.stack[-1].marks[-1] if self.stack else 0
                raise self.problems.syntax(error, event, holder) from None
            kind = type(event)
            if kind in take:
                take[kind](event)

    def finish(self) -> Tree:
        data = self.top.items[0] if self.top.items else None
        if not isinstance(data, dict):
            self.problems.not_a_mapping(data, self.top.marks[0] if self.top.marks else 0)
        self.problems.stop_if_any()
        return Tree(data=self.top.items[0], root=self.top.marks[0], marks=self.marks, texts=self.texts)

    def first(self) -> Json:
        self.problems.stop_if_any()
        return self.top.items[0] if self.top.items else None

    def _document(self, event: Any) -> None:
        if self.started:
            raise self.problems.second_document(event.start_mark.index)
        self.started = True

    def _scalar(self, event: Any) -> None:
        frame = self.top
        index = event.start_mark.index
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self._too_many(index)
        text = event.value
        if not text.isascii():
            text = self._characters(text, index)
        if event.tag is not None or event.anchor is not None:
            self._marked_scalar(event, text, index)
        elif frame.key is None:
            if text == _MERGE and not event.style:
                frame.merges = True
            self._key(text, index)
        elif event.style:
            self._add(text, index)
        else:
            self._add(self._plain(text, index), index, text)

    def _marked_scalar(self, event: Any, text: str, index: int) -> None:
        """A scalar with a tag or an anchor."""
        is_key = self.top.key is None
        value: Json = text
        if event.tag is not None:
            value = self._tagged(event.tag, text, index, is_key=is_key)
        elif not event.style and not is_key:
            value = self._plain(text, index)
        if event.anchor is not None:
            self.anchors[event.anchor] = _Anchor(value, text, 1)
        if is_key:
            self._key(text, index)
        else:
            self._add(value, index, text)

    def _characters(self, text: str, index: int) -> str:
        if _SURROGATE.search(text):
            self.problems.surrogate(index)
        return text.translate(self.stand_ins) if self.stand_ins else text

    def _plain(self, text: str, index: int) -> Json:
        try:
            return plain(text)
        except OverflowError as error:
            self.problems.long_number(str(error), index)
            return text

    def _tagged(self, tag: str, text: str, index: int, *, is_key: bool) -> Json:
        try:
            value = tagged(tag, text)
        except LookupError:
            self.problems.unknown_tag(tag, index)
        except OverflowError as error:
            self.problems.long_number(str(error), index)
        except ValueError as error:
            self.problems.tag_mismatch(str(error), index)
        else:
            return text if is_key else value
        return text

    def _open(self, event: Any) -> None:
        keyed = isinstance(event, yaml.MappingStartEvent)
        index = event.start_mark.index
        self.nodes += 1
        if self.nodes > self.limits.nodes:
            self._too_many(index)
        self._reach(1, index)
        if event.tag is not None and event.tag not in ("!", MAPPING if keyed else SEQUENCE):
            self.problems.unknown_tag(event.tag, index)
        frame = _Frame({} if keyed else [], keyed=keyed)
        if self.top.key is None:
            self._container_key(index)
        else:
            self._add(frame.items, index)
        self.marks[id(frame.items)] = frame.marks
        if event.anchor:
            frame.anchor = self.anchors[event.anchor] = _Anchor(frame.items, None, self.nodes - 1)
        self.stack.append(self.top)
        self.top = frame

    def _close(self, _event: Any) -> None:
        frame = self.top
        self.top = self.stack.pop()
        frame.height += 1
        self.top.height = max(self.top.height, frame.height)
        if frame.merges:
            self._merge(frame)
        if frame.anchor:
            frame.anchor.nodes = self.nodes - frame.anchor.nodes
            frame.anchor.height = frame.height
            frame.anchor.open = False

    def _alias(self, event: Any) -> None:
        index = event.start_mark.index
        anchor = self.anchors.get(event.anchor)
        if anchor is None or anchor.open:
            self.problems.bad_alias(index, recursive=anchor is not None)
            anchor = _Anchor({}, None, 1)
        self.nodes += anchor.nodes
        if self.nodes > self.limits.nodes:
            self._too_many(index)
        self._reach(anchor.height, index)
        self.top.height = max(self.top.height, anchor.height)
        if self.top.key is not None:
            self._add(anchor.value, index, anchor.text)
        elif anchor.text is None:
            self._container_key(index)
        else:
            self._key(anchor.text, index)

    def _add(self, value: Json, index: int, text: str | None = None) -> None:
        frame = self.top
        if text is not None and value is not text and written(value) != text:
            key: Any = frame.key if frame.keyed else len(frame.items)
            self.texts[id(frame.items), key] = text
        if frame.keyed:
            frame.items[frame.key] = value
            frame.key = None
        else:
            frame.items.append(value)
        frame.marks.append(index)

    def _key(self, key: str, index: int) -> None:
        frame = self.top
        if key in frame.items:
            self.problems.duplicate_key(key, frame.marks[2 * list(frame.items).index(key)], index)
            key = f"{key}\0{index}"
        frame.key = key
        frame.marks.append(index)

    def _container_key(self, index: int) -> None:
        self.problems.container_key(index)
        self._key(f"\0{index}", index)

    def _merge(self, frame: _Frame) -> None:
        """`<<` gives the keys of other mappings, where this one does not have them (yaml.org/type/merge)."""
        at = 2 * list(frame.items).index(_MERGE)
        index = frame.marks[at + 1]
        del frame.marks[at : at + 2]
        given = frame.items.pop(_MERGE)
        self.kept.append(given)
        for source in given if isinstance(given, list) else [given]:
            if isinstance(source, dict):
                self._merge_one(frame, source)
            else:
                self.problems.bad_merge(index)

    def _merge_one(self, frame: _Frame, source: dict[str, Json]) -> None:
        for number, (key, value) in enumerate(source.items()):
            if key not in frame.items:
                frame.items[key] = value
                frame.marks.extend(self.marks[id(source)][2 * number : 2 * number + 2])
                if (id(source), key) in self.texts:
                    self.texts[id(frame.items), key] = self.texts[id(source), key]

    def _too_many(self, index: int) -> NoReturn:
        raise self.problems.too_many_nodes(self.limits.nodes, index)

    def _reach(self, height: int, index: int) -> None:
        if len(self.stack) + height > self.limits.depth:
            raise self.problems.too_deep(self.limits.depth, index)
