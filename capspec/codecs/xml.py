"""XML: an answer's root element to an object of its children, and an object of one root to a document.

Read: children become members, repeated ones lists, attributes members too; the root's own name and
namespace prefixes are dropped, text beside elements stands under "", and everything is text. Written: `@name`
is an attribute, `#text` the text beside it, and a list an element for each of its items. In a text, a value
is escaped, but for CDATA sections and comments, where nothing is (XML 1.0, 2.4).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import xmltodict

from capspec.codecs.json import MAX_DEPTH, check_depth
from capspec.values import Json

_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NAME = re.compile(r"[A-Za-z_\u00c0-\u02ff\u0370-\u037d\u037f-\u1fff\u3001-\ud7ff][\w.\-\u00b7:]*")
_VERBATIM = re.compile(r"<!--(?P<comment>.*?)-->|<!\[CDATA\[(?P<section>.*?)\]\]>|<\?.*?\?>", re.DOTALL)
_MARK = re.compile(r"\0(\d+)\0")
_ENTITIES = {'"': "&quot;", "'": "&apos;", "\r": "&#13;"}


class XmlReader:
    """Reads XML. Entities are refused, so that a short document cannot become a long one."""

    media_type = "application/xml"

    def encode(self, value: Json) -> tuple[bytes, str]:
        """What was read has lost its root's name and its attributes, so it is not written again."""
        del value
        raise ValueError("is XML that was read, which cannot be written back")

    def decode(self, content: bytes, charset: str) -> Json:
        try:
            document = xmltodict.parse(
                content,
                encoding=charset or None,
                attr_prefix="",
                cdata_key="",
                disable_entities=True,
                postprocessor=_local,
            )
        except LookupError:
            raise ValueError("its character set is not known") from None
        except (ExpatError, ValueError, RecursionError) as error:
            raise ValueError(f"this is not XML: {error}") from error
        return next(iter(document.values())) if document else None


class XmlCodec(XmlReader):
    """Writes XML too. A text counts as a document that its author has written."""

    escape = staticmethod(lambda text: escape(_checked(text), _ENTITIES))
    reader = XmlReader()

    def fill(self, text: str, values: Sequence[str]) -> str:
        """A document with marks `NUL index NUL` in the place of its values, to the document.

        Raises ValueError for a value that could leave its place.
        """

        def escaped(piece: str) -> str:
            return _MARK.sub(lambda mark: self.escape(values[int(mark[1])]), piece)

        written: list[str] = []
        at = 0
        for found in _VERBATIM.finditer(text):
            written.append(escaped(text[at : found.start()]))
            written.append(_verbatim(found, values) if found.lastgroup else escaped(found[0]))
            at = found.end()
        return "".join((*written, escaped(text[at:])))

    def encode(self, value: Json) -> tuple[bytes, str]:
        text = value if isinstance(value, str) else _written(value)
        return _checked(text).encode(), "application/xml; charset=utf-8"


def _local(path: Sequence[object], key: str, value: Json) -> Any:
    """The name without its prefix; declarations of namespaces are no data."""
    if len(path) > MAX_DEPTH:
        raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")
    return None if key.startswith("xmlns") else (key.rpartition(":")[2], value)


def _verbatim(found: re.Match[str], values: Sequence[str]) -> str:
    """A comment or a CDATA section with its values, which cannot end it (XML 1.0, 2.5 and 2.7)."""
    inner = found[found.lastgroup or 0]
    if not _MARK.search(inner):
        return found[0]
    inner = _MARK.sub(lambda mark: _checked(values[int(mark[1])]), inner)
    if found.lastgroup == "section":
        # A parser would read a carriage return as the end of a line.
        inner = inner.replace("]]>", "]]]]><![CDATA[>").replace("\r", "]]>&#13;<![CDATA[")
        return f"<![CDATA[{inner}]]>"
    if "--" in inner or inner.endswith("-"):
        raise ValueError("has a value in a comment that makes '--' there, which XML does not allow")
    return f"<!--{inner}-->"


def _checked(text: str) -> str:
    if _FORBIDDEN.search(text):
        raise ValueError("holds a control character or broken Unicode, which XML cannot carry")
    return text


def _written(value: Json) -> str:
    if not isinstance(value, dict) or len(value) != 1 or isinstance(next(iter(value.values())), list):
        raise ValueError("must be a text, or an object with one member, to be sent as XML")
    check_depth(value)
    _check_names(value)
    try:
        text: str = xmltodict.unparse(value, short_empty_elements=True)
    except (ValueError, TypeError) as error:
        raise ValueError(f"cannot be written as XML: {error}") from None
    return text


def _check_names(value: Json) -> None:
    if isinstance(value, dict):
        for name, item in value.items():
            if name != "#text" and not _NAME.fullmatch(name.removeprefix("@")):
                raise ValueError("has a member whose name cannot be that of an XML element or attribute")
            if name[:1] in "@#" and isinstance(item, (dict, list)):
                raise ValueError(f"has an object or a list under '{name}', which takes a single value")
            _check_names(item)
    elif isinstance(value, list):
        for item in value:
            if isinstance(item, list):
                raise ValueError("has a list right in a list, for which XML has no form")
            _check_names(item)


CODEC = XmlCodec()
