"""JSONPath text to a query: the syntax of RFC 9535 with Jayway's looser spellings and additions.

    path       $  $.  @.name  name  then segments, and perhaps a function: .length() .sum() …
    segment    .name  .*  ['name']  [0]  [-1]  [*]  [1:3]  [0,2]  ['a','b']  [?condition]  ..segment
    name       as in the document; quote one that holds . [ ] ( ) * ' " ` , ? | = < > or a backslash
    condition  a && b   a || b   !a   (a)   path   x == y  (and != < <= > >=)
               x =~ /whole text/i   x =~ 'part of it'   x in [1, 2]   x nin […]   x size 3   x empty true
               match(x, 're')  search(x, 're')  length(x)  count(path)  value(path)

Only a `$` or `@` before a dot, a bracket or the end is the root: `$ref` and `@type` are names. Inside a
filter a name ends at a blank or an operator.
"""

from __future__ import annotations

import re

from capspec.jsonpath import calls, predicates, segments
from capspec.jsonpath.functions import FUNCTIONS, Function
from capspec.jsonpath.patterns import Pattern, pattern
from capspec.jsonpath.predicates import Operand
from capspec.jsonpath.query import Query, nowhere, query
from capspec.jsonpath.run import JsonPathError
from capspec.jsonpath.scanner import Scanner
from capspec.jsonpath.segments import Predicate, Segment
from capspec.values import MISSING, Json

_LONGEST = 4096
_DEEPEST = 32

_ROOT = re.compile(r"[$@]\s*(?=\.|\[|$)")
_ROOT_DOT = re.compile(r"\.\s*$")
_DOTS = re.compile(r"\.\.")
_DOT = re.compile(r"\.")
_NAME = re.compile(r"""[^.\[\]()*'"`,?|=<>\\\x00-\x1f]+""")
_NAMES = re.compile(rf"[$@]((?:\.{_NAME.pattern})+)")
_FILTER_ROOT = re.compile(r"[$@]")
_FILTER_NAME = re.compile(r"""[^\s.\[\]()*'"`,?|=<>\\!&~]+""")
_FUNCTION = re.compile(r"\s*(\w+)\s*\(")
_CALL = re.compile(r"(\w+)\s*\(")
_INTEGER = re.compile(r"-?\d{1,15}(?!\d)")
_SLICE = re.compile(r"(-?\d{1,15})?\s*:\s*(-?\d{1,15})?\s*(?::\s*(-?\d{1,15})?)?")
_OPERATOR = re.compile(r"==|!=|<=|>=|=~|<|>|(?:in|nin|size|empty)\b", re.IGNORECASE)
_REGEX = re.compile(r"/((?:[^/\\\n]|\\.)+)/([a-z]*)")


def parse(text: str) -> Query:
    """The query of a path; an empty one finds nothing. Raises JsonPathError."""
    if len(text) > _LONGEST:
        raise JsonPathError(f"a JSONPath is at most {_LONGEST} characters long, not {len(text)}")
    plain = _NAMES.fullmatch(text)
    names = [name.strip() for name in plain[1][1:].split(".")] if plain else []
    if not names or not all(names) or names[-1] == "length":
        return _Parser(text).path()
    return query([segments.member(name) for name in names])


class _Parser(Scanner):
    """Reads one expression, compiling as it goes."""

    depth = 0

    # -- paths --------------------------------------------------------------------------------------------

    def path(self) -> Query:
        self.skip_blanks()
        if self.at == len(self.text):
            return nowhere()
        rooted = self.take(_ROOT)
        if rooted and self.take(_ROOT_DOT):
            return query(())
        parts = [] if rooted or self.sees("[") else [self.dotted(_NAME)]
        function = self.segments(parts, _NAME)
        if self.skip_blanks() < len(self.text):
            self.fail(f"unexpected {self.text[self.at]!r}")
        if parts and parts[-1].names and function is None:
            parts[-1] = segments.members(parts[-1].names)
        return query(parts, function)

    def segments(self, parts: list[Segment], names: re.Pattern[str]) -> Function | None:
        """Read segments as long as there are any, and the function after them."""
        while True:
            if self.sees("["):
                parts.append(self.bracket())
            elif self.take(_DOTS):
                parts.append(segments.descendants(self.dotted(names)))
            elif self.take(_DOT):
                if function := self.function():
                    return function
                parts.append(self.dotted(names))
            else:
                return None

    def dotted(self, names: re.Pattern[str]) -> Segment:
        """What may follow a dot."""
        if self.sees("["):
            return self.bracket()
        if self.skip("*"):
            return segments.wildcard()
        start = self.at
        found = self.take(names)
        name = found[0].strip() if found else ""
        if not name:
            self.fail("expected a name", start)
        if name == "length" and not self.sees((".", "[")):
            return segments.length()
        return segments.member(name)

    def function(self) -> Function | None:
        start = self.at
        found = self.take(_FUNCTION)
        if found is None:
            return None
        if found[1] not in FUNCTIONS:
            self.fail(f"there is no function {found[1]}(), only {', '.join(FUNCTIONS)}", start)
        if not self.skip(")"):
            self.fail(f"{found[1]}() takes no arguments")
        if self.sees((".", "[")):
            self.fail(f"nothing can follow {found[1]}()")
        return FUNCTIONS[found[1]]

    def bracket(self) -> Segment:
        self.need("[")
        parts = [self.selector()]
        while self.skip(","):
            parts.append(self.selector())
        self.need("]")
        return parts[0] if len(parts) == 1 else segments.union(parts)

    def selector(self) -> Segment:
        if self.skip("?"):
            return segments.chosen(self.condition())
        if self.skip("*"):
            return segments.wildcard()
        name = self.quoted()
        if name is not None:
            return segments.member(name)
        if part := self.take(_SLICE):
            return segments.elements(*(None if bound is None else int(bound) for bound in part.groups()))
        index = self.take(_INTEGER)
        if index is None:
            self.fail("expected a quoted name, an index, a slice, * or a ?filter")
        return segments.element(int(index[0]))

    # -- filters ------------------------------------------------------------------------------------------

    def condition(self) -> Predicate:
        self.depth += 1
        if self.depth > _DEEPEST:
            self.fail(f"filters nest more than {_DEEPEST} deep")
        options = [self.conjunction()]
        while self.skip("||"):
            options.append(self.conjunction())
        self.depth -= 1
        return predicates.either(options)

    def conjunction(self) -> Predicate:
        parts = [self.test()]
        while self.skip("&&"):
            parts.append(self.test())
        return predicates.every(parts)

    def test(self) -> Predicate:
        negative = self.skip("!")
        if self.skip("("):
            predicate = self.condition()
            self.need(")")
        else:
            start = self.skip_blanks()
            predicate = self.standing(self.operand(), start) if negative else self.comparison()
        return predicates.negated(predicate) if negative else predicate

    def standing(self, operand: Operand, start: int) -> Predicate:
        if operand.test is None:
            self.fail("a value alone is no condition", start)
        return operand.test

    def comparison(self) -> Predicate:
        start = self.skip_blanks()
        left = self.operand()
        self.skip_blanks()
        sign = self.take(_OPERATOR)
        if sign is None:
            return self.standing(left, start)
        self.single(left, start)
        return self.relation(left, sign[0].lower())

    def relation(self, left: Operand, sign: str) -> Predicate:
        if sign == "=~":
            return predicates.like(left, self.regex())
        start = self.skip_blanks()
        right = self.array() if sign in ("in", "nin") and self.sees("[") else self.operand()
        self.single(right, start)
        if sign in ("in", "nin"):
            return predicates.within(left, right, inside=sign == "in")
        if sign == "size":
            return predicates.sized(left, right)
        if sign == "empty":
            return predicates.emptied(left, right)
        return predicates.compare(sign, left, right)

    def single(self, operand: Operand, start: int) -> None:
        if operand.value is None:
            self.fail("what can give several values cannot be compared", start)

    def operand(self) -> Operand:
        start = self.skip_blanks()
        if self.sees(("@", "$")):
            return self.query()
        literal = self.literal()
        if literal is not MISSING:
            return predicates.constant(literal)
        call = self.take(_CALL)
        if call is None:
            self.fail("expected a path or a value", start)
        return self.call(call[1], start)

    def query(self) -> Operand:
        root = self.take(_FILTER_ROOT)
        parts: list[Segment] = []
        function = self.segments(parts, _FILTER_NAME)
        found = query(parts, function)
        return predicates.relative(found) if root and root[0] == "@" else predicates.absolute(found)

    def array(self) -> Operand:
        items: list[Json] = []
        self.need("[")
        while not self.skip("]"):
            if items:
                self.need(",")
            start = self.skip_blanks()
            items.append(self.literal())
            if items[-1] is MISSING:
                self.fail("expected a value", start)
        return predicates.constant(items)

    def regex(self) -> Pattern:
        start = self.skip_blanks()
        slashed = self.take(_REGEX)
        source = slashed[1] if slashed else self.quoted()
        if source is None:
            self.fail("expected a /pattern/ or a quoted pattern", start)
        return self.pattern(source, slashed[2] if slashed else "", whole=slashed is not None, start=start)

    def pattern(self, source: str, flags: str, *, whole: bool, start: int) -> Pattern:
        try:
            return pattern(source, flags, whole=whole)
        except ValueError as error:
            self.fail(str(error), start)

    # -- filter functions (RFC 9535, 2.4) -----------------------------------------------------------------

    def call(self, name: str, start: int) -> Operand:
        if name in ("match", "search"):
            return self.search(whole=name == "match")
        if name not in calls.CALLS:
            self.fail(
                f"there is no filter function {name}(), only match, search, {', '.join(calls.CALLS)}", start
            )
        argument = self.operand()
        self.need(")")
        try:
            return calls.CALLS[name](argument)
        except ValueError as error:
            self.fail(str(error), start)

    def search(self, *, whole: bool) -> Operand:
        start = self.skip_blanks()
        subject = self.operand()
        self.single(subject, start)
        self.need(",")
        start = self.skip_blanks()
        source = self.quoted()
        if source is None:
            self.fail("expected a quoted pattern", start)
        self.need(")")
        return Operand(test=predicates.like(subject, self.pattern(source, "", whole=whole, start=start)))
