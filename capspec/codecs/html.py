"""HTML: a page to the tables in it, each a list of objects that are named by the table's head.

`{"tables": [[{"Name": "Ada", "Born": "1815"}]]}`. The head is the first row of a `thead`, or else the first
row with a `th` in it; a table without one is left out, and so are rows with a `th`. Every value is text with
its blanks normalised; a cell that a row lacks is "".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from capspec.settings import FormatSettings
from capspec.values import Json

_MAX_DEPTH = 200
_MAX_ATTRIBUTES = 500
_CHUNK = 16 * 1024
_BLANKS = re.compile(r"[ \t\r\n\f]+")
_META = re.compile(rb"<meta\s[^>]{0,200}?charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)
_MARKS = ((b"\xef\xbb\xbf", "utf-8"), (b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"))
_BREAKING = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "details", "div", "dl", "dt", "fieldset",
    "figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li",
    "main", "nav", "ol", "option", "p", "pre", "section", "table", "tbody", "td", "tfoot", "th", "thead",
    "tr", "ul",
})  # fmt: skip
_UNSEEN = frozenset({"script", "style", "template", "noscript"})

Select = Callable[[Any], list[Any]]


class HtmlCodec:
    """Reads the tables that a selector means, or that are in what it means; without one, all of them."""

    media_type = "text/html"

    def __init__(self, select: Select | None) -> None:
        self._select = select

    def encode(self, value: Json) -> NoReturn:
        del value
        raise ValueError("cannot be written as HTML, which is only read")

    def decode(self, content: bytes, charset: str) -> dict[str, Json]:
        root = _parsed(_utf8(content, charset))
        if root is None:
            return {"tables": []}
        return {"tables": [rows for table in self._tables(root) if (rows := _rows(table)) is not None]}

    def _tables(self, root: Any) -> Iterator[Any]:
        if self._select is None:
            yield from root.iter("table")
            return
        wanted = {id(table): table for found in self._select(root) for table in found.iter("table")}
        # Of elements that are found in one another, and in the order of the page.
        yield from (table for table in root.iter("table") if id(table) in wanted)


def compile_codec(settings: FormatSettings) -> HtmlCodec:
    """`outputSchema` is a CSS selector, or "". Raises ValueError when it is none, or the extra is missing."""
    try:
        import lxml.etree  # noqa: F401, PLC0415 - an extra
        from cssselect import HTMLTranslator, SelectorError  # noqa: PLC0415
        from lxml.etree import XPath  # noqa: PLC0415
    except ImportError:
        raise ValueError("HTML needs a library that is not here: pip install 'capspec[html]'") from None
    if not settings.schema:
        return HtmlCodec(None)
    try:
        return HtmlCodec(XPath(HTMLTranslator().css_to_xpath(settings.schema)))
    except SelectorError as error:
        raise ValueError(f"'{settings.schema}' is no CSS selector: {error}") from None


# -- a page to its tree -----------------------------------------------------------------------------------


def _utf8(content: bytes, charset: str) -> bytes:
    """The page in UTF-8. The protocol's character set counts, then a byte order mark, then the page's own."""
    mark = next(((len(mark), name) for mark, name in _MARKS if content.startswith(mark)), None)
    own = _META.search(content, 0, 1024)
    name = charset or (mark[1] if mark else own[1].decode("ascii") if own else "utf-8")
    try:
        return content[mark[0] if mark and not charset else 0 :].decode(name, "replace").encode()
    except (LookupError, UnicodeError):
        raise ValueError(f"its character set '{name[:60]}' is not known") from None


def _parsed(content: bytes) -> Any:
    """The root element, None for a page without any.

    libxml2's own tree takes time that grows with the square of an element's attributes, and of the elements
    that stand in one another; a tree of our own lets the bounds be looked at while it grows.
    """
    from lxml.etree import HTMLParser, LxmlError  # noqa: PLC0415 - an extra

    tree = _Tree()
    parser = HTMLParser(target=tree, encoding="utf-8", no_network=True, huge_tree=False)
    try:
        for at in range(0, len(content), _CHUNK):
            parser.feed(content[at : at + _CHUNK])
            if tree.problem:
                raise ValueError(tree.problem)
        return parser.close()
    except (LxmlError, AssertionError):
        return None


class _Tree:
    """The target of a parser: builds a tree, and stops when there is something that no page needs."""

    def __init__(self) -> None:
        from lxml.etree import TreeBuilder  # noqa: PLC0415 - an extra

        self.problem = ""
        self._builder = TreeBuilder()
        self._depth = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _MAX_DEPTH:
            self.problem = f"its elements are nested more than {_MAX_DEPTH} levels deep"
        elif len(attributes) > _MAX_ATTRIBUTES:
            self.problem = f"an element has more than {_MAX_ATTRIBUTES} attributes"
        if not self.problem:
            self._builder.start(tag, dict(attributes))

    def end(self, tag: str) -> None:
        if not self.problem:
            self._depth -= 1
            self._builder.end(tag)

    def data(self, text: str) -> None:
        if not self.problem:
            self._builder.data(text)

    def close(self) -> Any:
        return None if self.problem else self._builder.close()


# -- a table to its rows ----------------------------------------------------------------------------------


def _rows(table: Any) -> list[Json] | None:
    """The rows as objects, None for a table without a head."""
    rows = list(_own(table, "tr"))
    head = next((row for row in rows if row.getparent().tag == "thead"), None)
    if head is None or not _cells(head, "th"):
        head = next((row for row in rows if _cells(row, "th")), None)
    if head is None:
        return None
    names = [_text(cell) for cell in _cells(head, "th", "td")]
    found: list[Json] = []
    for row in rows:
        cells = _cells(row, "td")
        if cells and not _cells(row, "th"):
            texts = [_text(cell) for cell in cells] + [""] * (len(names) - len(cells))
            found.append(dict(zip(names, texts, strict=False)))
    return found


def _own(table: Any, tag: str) -> Iterator[Any]:
    """The rows of a table that are not those of a table within it."""
    for child in table:
        if child.tag == tag:
            yield child
        elif child.tag in ("thead", "tbody", "tfoot"):
            yield from (row for row in child if row.tag == tag)


def _cells(row: Any, *tags: str) -> list[Any]:
    return [cell for cell in row if cell.tag in tags]


def _text(cell: Any) -> str:
    """What a reader sees, on one line."""
    return _BLANKS.sub(" ", "".join(_pieces(cell))).replace("\N{NO-BREAK SPACE}", " ").strip()


def _pieces(element: Any) -> Iterator[str]:
    if element.tag in _UNSEEN:
        return
    around = " " if element.tag in _BREAKING else ""
    yield around + (element.text or "")
    for child in element:
        yield from _pieces(child)
        yield child.tail or ""
    yield around
