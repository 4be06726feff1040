"""Method and raw request path to a target and the values of its placeholders: a trie of path segments.

A path is split at its slashes first and decoded after, so that an encoded slash stays inside its segment.
A placeholder may be a part of a segment, may have any name, and is never empty. Where several routes fit,
text beats a partial placeholder beats a whole placeholder beats a greedy one, segment by segment from the
left; a route that fits but has another method does not hide a later one that has the right method.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeAlias, TypeVar
from urllib.parse import unquote

from capspec.plan import PathVariable

Target = TypeVar("Target")


@dataclass(frozen=True, slots=True)
class Match(Generic[Target]):
    """The route that a request means. `values` are decoded; a name used twice has its last value.

    `rest` are the first segment of the path that a greedy placeholder took, and the first after that.
    """

    target: Target
    values: dict[str, str]
    rest: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class NotFound:
    """No route has this path."""


@dataclass(frozen=True, slots=True)
class MethodNotAllowed:
    """Routes have this path, but not with this method. `allow` is what the Allow header says, sorted."""

    allow: tuple[str, ...]


NOT_FOUND = NotFound()


@dataclass(frozen=True, slots=True)
class _Pattern:
    """A segment with placeholders, as the literals around them. A greedy one may span segments."""

    literals: tuple[str, ...]
    greedy: bool

    @property
    def weight(self) -> tuple[int, int]:
        """How specific it is."""
        return sum(map(len, self.literals)), len(self.literals)

    def match(self, text: str) -> list[str] | None:
        """The placeholders' values, each the shortest from the left; linear in the length of the text."""
        first, *inner, last = self.literals
        end = len(text) - len(last)
        if not (text.startswith(first) and text.endswith(last)):
            return None
        values = []
        start = len(first)
        for literal in inner:
            at = text.find(literal, start + 1, end)
            if at < 0:
                return None
            values.append(text[start:at])
            start = at + len(literal)
        if start >= end:
            return None
        return [*values, text[start:end]]


_WHOLE = ("", "")
_MOST_SEGMENTS = 256
"""A longer path is not found, which bounds the work that one request can ask of greedy placeholders."""

_Piece: TypeAlias = str | _Pattern


@dataclass(frozen=True, slots=True)
class _Route(Generic[Target]):
    target: Target
    names: tuple[str, ...]


@dataclass(slots=True)
class _Node(Generic[Target]):
    """What can follow at one place. `partial` is found by the text before and after its placeholders."""

    routes: dict[str, _Route[Target]] = field(default_factory=dict)
    static: dict[str, _Node[Target]] = field(default_factory=dict)
    partial: dict[tuple[str, str], dict[_Pattern, _Node[Target]]] = field(default_factory=dict)
    shapes: list[tuple[int, int]] = field(default_factory=list)
    whole: _Node[Target] | None = None
    greedy: dict[_Pattern, _Node[Target]] = field(default_factory=dict)

    def follow(self, piece: _Piece) -> _Node[Target]:
        """The node behind a piece of a route, made when there is none."""
        if isinstance(piece, str):
            return self.static.setdefault(piece, _Node())
        if piece.greedy:
            return _put(self.greedy, piece)
        if piece.literals == _WHOLE:
            if self.whole is None:
                self.whole = _Node()
            return self.whole
        ends = piece.literals[0], piece.literals[-1]
        shape = len(ends[0]), len(ends[1])
        if shape not in self.shapes:
            self.shapes.append(shape)
            self.shapes.sort(key=lambda item: (-sum(item), item))
        return _put(self.partial.setdefault(ends, {}), piece)

    @property
    def leads_on(self) -> bool:
        """Whether a route goes on from here."""
        return bool(self.static or self.shapes or self.whole or self.greedy)

    def fitting(self, segment: str) -> Iterator[tuple[list[str], _Node[Target]]]:
        """Partial placeholders that fit a segment, the most specific first."""
        size = len(segment)
        for before, after in self.shapes:
            group = self.partial.get((segment[:before], segment[size - after :]))
            for pattern, node in group.items() if group else ():
                values = pattern.match(segment)
                if values is not None:
                    yield values, node


def _put(patterns: dict[_Pattern, _Node[Target]], pattern: _Pattern) -> _Node[Target]:
    """The node of a pattern, made in its place of the order when there is none."""
    if pattern not in patterns:
        everything = sorted(
            [*patterns.items(), (pattern, _Node())], key=lambda item: item[0].weight, reverse=True
        )
        patterns.clear()
        patterns.update(everything)
    return patterns[pattern]


class Routes(Generic[Target]):
    """A route table. Finding costs the same with one route and with ten thousand."""

    def __init__(self) -> None:
        self._root: _Node[Target] = _Node()

    def add(self, method: str, path: Sequence[str | PathVariable], target: Target) -> bool:
        """Put a route in; False when there is one with this method and path, which stays as it is.

        Paths are the same when they differ only in their placeholders' names. Literals may be written
        percent-encoded or not.
        """
        node = self._root
        for piece in _pieces(path):
            node = node.follow(piece)
        if method in node.routes:
            return False
        names = tuple(part.name for part in path if isinstance(part, PathVariable))
        node.routes[method] = _Route(target, names)
        return True

    def find(self, method: str, path: str) -> Match[Target] | NotFound | MethodNotAllowed:
        """The route of a request, by its path as it was sent: percent-encoded, without the query.

        GET routes answer HEAD too. A path that differs by one slash at its end is found when there is no
        exact one. A path that is not UTF-8 is not found.
        """
        segments = _segments(path)
        wanted = ("HEAD", "GET") if method == "HEAD" else (method,)
        allowed: set[str] = set()
        for spelling in _spellings(segments):
            search: _Search[Target] = _Search(spelling, wanted, allowed)
            route = search.walk(self._root, 0)
            if route is not None:
                values = dict(zip(route.names, search.values, strict=True))
                return Match(route.target, values, search.rest)
        if not allowed:
            return NOT_FOUND
        allowed |= {"OPTIONS", "HEAD"} if "GET" in allowed else {"OPTIONS"}
        return MethodNotAllowed(tuple(sorted(allowed)))


@dataclass(slots=True)
class _Search(Generic[Target]):
    """One walk through the trie, with the values taken so far. Backtracks; never tries a place twice."""

    segments: Sequence[str]
    wanted: tuple[str, ...]
    allowed: set[str]
    values: list[str] = field(default_factory=list)
    dead: set[tuple[int, int]] = field(default_factory=set)
    rest: tuple[int, int] | None = None

    def walk(self, node: _Node[Target], index: int) -> _Route[Target] | None:
        if index == len(self.segments):
            return self._arrive(node)
        segment = self.segments[index]
        child = node.static.get(segment)
        found = self.walk(child, index + 1) if child is not None else None
        if found is None and segment and node.shapes:
            found = self._partial(node, segment, index)
        if found is None and segment and node.whole is not None:
            found = self._take([segment], node.whole, index + 1)
        if found is None and node.greedy:
            found = self._greedy(node, index)
        return found

    def _arrive(self, node: _Node[Target]) -> _Route[Target] | None:
        for method in self.wanted:
            if method in node.routes:
                return node.routes[method]
        self.allowed.update(node.routes)
        return None

    def _take(self, values: list[str], node: _Node[Target], index: int) -> _Route[Target] | None:
        mark = len(self.values)
        self.values += values
        found = self.walk(node, index)
        if found is None:
            del self.values[mark:]
        return found

    def _partial(self, node: _Node[Target], segment: str, index: int) -> _Route[Target] | None:
        for values, child in node.fitting(segment):
            found = self._take(values, child, index + 1)
            if found is not None:
                return found
        return None

    def _greedy(self, node: _Node[Target], index: int) -> _Route[Target] | None:
        for pattern, child in node.greedy.items():
            # The shortest span first, so that what a route says after the placeholder counts.
            for end in range(index + 1 if child.leads_on else len(self.segments), len(self.segments) + 1):
                if (id(child), end) in self.dead:
                    continue
                values = pattern.match("/".join(self.segments[index:end]))
                found = self._take(values, child, end) if values is not None else None
                if found is not None:
                    self.rest = self.rest or (index, end)
                    return found
                if values is not None:
                    self.dead.add((id(child), end))
        return None


def _segments(path: str) -> list[str] | None:
    if not path.startswith("/"):
        return [""] if not path else None
    segments = path[1:].split("/")
    if len(segments) > _MOST_SEGMENTS:
        return None
    if "%" not in path:
        return segments
    try:
        return [unquote(segment, errors="strict") for segment in segments]
    except UnicodeDecodeError:
        return None


def _spellings(segments: list[str] | None) -> Iterator[list[str]]:
    """The path as it is, and with its last slash taken away or put there."""
    if segments is None:
        return
    yield segments
    if segments[-1]:
        yield [*segments, ""]
    elif len(segments) > 1:
        yield segments[:-1]


def _pieces(path: Sequence[str | PathVariable]) -> list[_Piece]:
    """A route's path by segments."""
    segments: list[tuple[list[str], bool]] = [([""], False)]
    for part in path:
        literals, greedy = segments[-1]
        if isinstance(part, PathVariable):
            segments[-1] = [*literals, ""], greedy or part.greedy or part.name == "path"
            continue
        head, *others = part.split("/")
        literals[-1] += unquote(head)
        segments += [([unquote(text)], False) for text in others]
    if len(segments) > 1 and segments[0][0] == [""]:
        del segments[0]
    return [
        _Pattern(tuple(literals), greedy) if len(literals) > 1 else literals[0]
        for literals, greedy in segments
    ]
