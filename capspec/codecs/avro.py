"""Avro: one value in the binary encoding of its schema (Avro 1.12, "Binary Encoding") to a value.

Bytes become base64, dates and times text (ISO 8601), decimals text, so that nothing of them is lost.
"""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, NoReturn
from uuid import UUID

from capspec.codecs.json import check_depth, finite
from capspec.settings import FormatSettings
from capspec.values import Json

_PRIMITIVES = frozenset({"null", "boolean", "int", "long", "float", "double", "bytes", "string"})


class AvroCodec:
    """Reads values of one schema. `read` takes a stream of bytes."""

    media_type = "application/avro"

    def __init__(self, read: Any) -> None:
        self._read = read

    def encode(self, value: Json) -> NoReturn:
        del value
        raise ValueError("cannot be written as Avro, which is only read")

    def decode(self, content: bytes, charset: str) -> Json:
        del charset
        if content.startswith(b"Obj\x01"):
            raise ValueError("it is an object container file, where one value without a header is expected")
        stream = io.BytesIO(content)
        try:
            value = _plain(self._read(stream))
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
        except (EOFError, IndexError, ValueError, OverflowError, KeyError, TypeError, MemoryError) as error:
            raise ValueError(f"it does not fit the schema: {_reason(error)}") from None
        if stream.tell() != len(content):
            raise ValueError(f"{len(content) - stream.tell()} bytes are left over after the schema's value")
        check_depth(value)
        return value


def compile_codec(settings: FormatSettings) -> AvroCodec:
    """`outputSchema` is the path of a schema (`.avsc`).

    Raises ValueError when it is none, when it admits lists of any length that have no bytes, or when the
    extra is missing.
    """
    try:
        import fastavro  # noqa: PLC0415 - an extra
        from fastavro import _read_py  # noqa: PLC0415
    except ImportError:
        raise ValueError("Avro needs a library that is not here: pip install 'capspec[avro]'") from None
    if not settings.schema:
        raise ValueError("Avro needs 'outputSchema', the path of its schema (.avsc)")
    try:
        written = json.loads(settings.read(settings.schema))
        schema = fastavro.parse_schema(written)
    except (ValueError, TypeError, KeyError, RecursionError, fastavro.schema.SchemaParseException) as error:
        raise ValueError(f"'{settings.schema}' is no Avro schema: {error}") from None
    shape = _Shape(written)
    if shape.has_weightless_items():
        raise ValueError(f"'{settings.schema}' has a list of items that take no bytes, which has no bounds")
    if shape.is_recursive():
        # The compiled reader follows nesting with the stack of the process, and dies of what has too much.
        return AvroCodec(lambda stream: _read_py.schemaless_reader(stream, schema, None))
    return AvroCodec(lambda stream: fastavro.schemaless_reader(stream, schema, None))


class _Shape:
    """A schema as written, looked at for what hostile bytes could use. Names go by their last part."""

    def __init__(self, schema: Json) -> None:
        self.schema = schema
        self.named = {
            _last(node["name"]): node for node in self._nodes(schema) if isinstance(node.get("name"), str)
        }

    def has_weightless_items(self) -> bool:
        return any(
            node.get("type") == "array" and self._weighs_nothing(node.get("items"), ())
            for node in self._nodes(self.schema)
        )

    def is_recursive(self) -> bool:
        return any(self._reaches(node, name, set()) for name, node in self.named.items())

    def _nodes(self, schema: Json) -> Iterator[dict[str, Json]]:
        """Every object of the schema that has a type."""
        if isinstance(schema, list):
            for item in schema:
                yield from self._nodes(item)
        elif isinstance(schema, dict):
            if isinstance(schema.get("type"), str):
                yield schema
            for key in ("type", "items", "values"):
                yield from self._nodes(schema.get(key))
            for field in schema.get("fields") or ():
                if isinstance(field, dict):
                    yield from self._nodes(field.get("type"))

    def _weighs_nothing(self, schema: Json, within: tuple[str, ...]) -> bool:
        if isinstance(schema, str):
            name = _last(schema)
            if schema in _PRIMITIVES or name in within or name not in self.named:
                return schema == "null"
            return self._weighs_nothing(self.named[name], (*within, name))
        if not isinstance(schema, dict):
            return False
        kind = schema.get("type")
        if kind in ("record", "error"):
            fields = schema.get("fields") or ()
            inner = (*within, _last(str(schema.get("name"))))
            return all(self._weighs_nothing(field.get("type"), inner) for field in fields)
        if kind == "fixed":
            return schema.get("size") == 0
        return kind not in ("array", "map", "enum") and self._weighs_nothing(kind, within)

    def _reaches(self, schema: Json, wanted: str, seen: set[str]) -> bool:
        if isinstance(schema, str):
            name = _last(schema)
            if schema in _PRIMITIVES or name not in self.named or name in seen:
                return name == wanted and name in self.named
            seen.add(name)
            return name == wanted or self._reaches(self.named[name], wanted, seen)
        if isinstance(schema, list):
            return any(self._reaches(item, wanted, seen) for item in schema)
        if not isinstance(schema, dict):
            return False
        below = [schema.get(key) for key in ("items", "values")]
        below += [field.get("type") for field in schema.get("fields") or ()]
        if not isinstance(schema.get("type"), str) or schema["type"] not in ("record", "enum", "fixed"):
            below.append(schema.get("type"))
        return any(self._reaches(item, wanted, seen) for item in below)


def _reason(error: Exception) -> str:
    if isinstance(error, IndexError):
        return "it makes a choice that the schema does not have"
    short = isinstance(error, EOFError) or "BytesIO" in str(error)
    return "it ends too early" if short else str(error) or type(error).__name__


def _last(name: str) -> str:
    return name.rpartition(".")[2]


def _plain(value: Any) -> Json:
    """What the library made of a value, in JSON."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    return str(value) if isinstance(value, (Decimal, UUID)) else value
