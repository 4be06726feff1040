"""The words of a file for formats to codecs: what reads an operation's answers, and what writes a body."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import NoReturn

from capspec import registry
from capspec.compiler.locations import open_location
from capspec.document import Document
from capspec.errors import Place
from capspec.node import Report, nearest
from capspec.plan import Codec
from capspec.settings import FormatSettings
from capspec.values import Json

SCHEMA_LIMIT = 1024 * 1024
"""Bytes of a schema's file."""

READ_ONLY = ("html", "markdown", "avro", "protobuf")
"""Formats that no body is written in."""

WRITTEN_ONLY = ("sparql", "sparql-update", "multipart")
"""Formats that no answer is read in."""

_MEDIA_TYPE = re.compile(r"[\w!#$&^.+-]+/[\w!#$&^.+-]+( *; *[\w!#$&^.+-]+=[\w!#$&^.+-]+)*", re.ASCII)
_BY_MEDIA_TYPE = {
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
    "application/sparql-query": "sparql",
    "application/sparql-update": "sparql-update",
    "text/csv": "csv",
    "text/tab-separated-values": "tsv",
    "application/yaml": "yaml",
    "application/x-yaml": "yaml",
    "text/yaml": "yaml",
    "text/xml": "xml",
}


@dataclass(slots=True)
class Labelled:
    """A codec whose bodies have another media type than its own."""

    codec: Codec
    media_type: str

    @property
    def escape(self) -> Callable[[str], str] | None:
        found: Callable[[str], str] | None = getattr(self.codec, "escape", None)
        return found

    @property
    def fill(self) -> Callable[[str, list[str]], str] | None:
        found: Callable[[str, list[str]], str] | None = getattr(self.codec, "fill", None)
        return found

    def encode(self, value: Json) -> tuple[bytes, str]:
        return self.codec.encode(value)[0], self.media_type

    def decode(self, content: bytes, charset: str) -> Json:
        return self.codec.decode(content, charset)


@dataclass(slots=True)
class Unreadable:
    """Stands for a format that cannot be read here: answers can be passed on, but nothing taken from them."""

    media_type: str
    reason: str

    def encode(self, value: Json) -> NoReturn:
        del value
        raise ValueError(f"cannot be written: {self.reason}")

    def decode(self, content: bytes, charset: str) -> NoReturn:
        del content, charset
        raise ValueError(self.reason)


def reading_codec(word: str, schema: str, document: Document, place: Place, report: Report) -> Codec:
    """What reads answers in a format, `schema` being what the file says of it besides.

    Warns of a format that is not known (CAP325), which is then passed on as it is, and of one that lacks
    what it needs (CAP327).
    """
    try:
        found = registry.find("codec", word or "json")
    except registry.UnknownExtension as error:
        message = f"outputRawFormat: {error.message}; answers are passed on as they are"
        place = report.spot(place, error.word, key="outputRawFormat")
        hint = _meant(word, WRITTEN_ONLY) or error.hint
        report.add("CAP325", message, place=place, hint=hint, severity="warning")
        codec: Codec = registry.find("codec", "binary")
        return codec
    if hasattr(found, "decode"):
        reader: Codec = getattr(found, "reader", found)
        return reader
    try:
        codec = found(FormatSettings(schema, lambda path: read_beside(path, document, SCHEMA_LIMIT)))
    except ValueError as error:
        message = f"outputRawFormat: {error}; answers can be passed on, but nothing taken from them"
        place = report.spot(place, word, key="outputRawFormat")
        report.add("CAP327", message, place=place, severity="warning")
        return Unreadable(f"application/{registry.canonical('codec', word)}", str(error))
    return codec


def writing_codec(word: str) -> tuple[str, Codec]:
    """The codec's own word, and what writes bodies of a type; the type may be a media type.

    What has a media type that no codec is for is sent as it is. Raises registry.UnknownExtension.
    """
    name = _named(word) if "/" in word else registry.canonical("codec", word)
    try:
        codec = registry.find("codec", name)
    except registry.UnknownExtension as error:
        raise registry.UnknownExtension(error.message, _meant(word, READ_ONLY), word=word) from None
    if not hasattr(codec, "encode"):
        raise registry.UnknownExtension(
            f"'{word}' can be read, but not written", _one_of(READ_ONLY), word=word
        )
    if "/" in word and name != "multipart" and word != codec.media_type:
        return name, Labelled(codec, word)
    return name, codec


def _meant(word: str, without: Collection[str]) -> str:
    """Which format may be meant, of those that can be used here."""
    near = nearest(word, [name for name in registry.names("codec") if name not in without])
    return f"did you mean '{near}'?" if near else _one_of(without)


def _one_of(without: Collection[str]) -> str:
    return f"use one of: {', '.join(name for name in registry.names('codec') if name not in without)}"


def _named(media_type: str) -> str:
    if not _MEDIA_TYPE.fullmatch(media_type):
        raise registry.UnknownExtension(f"'{media_type}' is no media type")
    essence = media_type.partition(";")[0].strip().lower()
    if essence == "application/json" or essence.endswith(("+json", "/json")):
        return "json"
    if essence == "application/xml" or essence.endswith("+xml"):
        return "xml"
    return _BY_MEDIA_TYPE.get(essence, "text" if essence.startswith("text/") else "binary")


def read_beside(path: str, document: Document, limit: int) -> bytes:
    """The bytes of a file that lies beside a capability file.

    Raises ValueError when there is none, when it leads out of the folder, or is larger than `limit`.
    """
    folder, name = open_location(path, document)
    if not name:
        raise ValueError(f"'{path}' is a folder, and should be a file")
    try:
        return folder.read(name, limit)
    except OSError as error:
        raise ValueError(f"'{path}' cannot be read: {error.strerror or 'it is no file'}") from None
    except ValueError:
        raise ValueError(f"'{path}' is larger than {limit} bytes") from None
