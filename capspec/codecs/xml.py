"""XML: an answer's root element to an object of its children; everything in it is text.

Children become members, repeated ones lists, attributes members too; the root's own name and namespace
prefixes are dropped, and text beside elements stands under "".
"""

from __future__ import annotations

from functools import partial
from typing import Any
from xml.parsers.expat import ExpatError
from xml.sax.saxutils import escape

import xmltodict

from capspec.values import Json


class XmlCodec:
    """Reads XML. Entities are refused, so that a short document cannot become a long one."""

    media_type = "application/xml"
    escape = staticmethod(partial(escape, entities={'"': "&quot;", "'": "&apos;"}))

    def encode(self, value: Json) -> tuple[bytes, str]:
        if not isinstance(value, str):
            raise ValueError("an XML body is written as text")
        return value.encode(), "application/xml; charset=utf-8"

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
        except (ExpatError, ValueError, RecursionError) as error:
            raise ValueError(f"this is not XML: {error}") from error
        return next(iter(document.values())) if document else None


def _local(path: object, key: str, value: Json) -> Any:
    """The name without its prefix; declarations of namespaces are no data."""
    return None if key.startswith("xmlns") else (key.rpartition(":")[2], value)


CODEC = XmlCodec()
