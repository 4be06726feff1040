"""Avro values, written by the library's own writer, and bytes that nobody wrote."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.avro import AvroCodec, compile_codec
from capspec.settings import FormatSettings

SHIP: dict[str, Any] = {
    "type": "record",
    "name": "Ship",
    "namespace": "sea",
    "fields": [
        {"name": "imo", "type": "long"},
        {"name": "name", "type": ["null", "string"]},
        {"name": "photo", "type": "bytes"},
        {"name": "built", "type": {"type": "int", "logicalType": "date"}},
        {"name": "seen", "type": {"type": "long", "logicalType": "timestamp-millis"}},
        {"name": "id", "type": {"type": "string", "logicalType": "uuid"}},
        {"name": "price", "type": {"type": "bytes", "logicalType": "decimal", "precision": 9, "scale": 2}},
        {"name": "draft", "type": "double"},
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["TUG", "TANKER"]}},
        {"name": "crew", "type": {"type": "array", "items": {"type": "record", "name": "Sailor", "fields": [
            {"name": "name", "type": "string"}]}}},
        {"name": "tags", "type": {"type": "map", "values": "int"}},
        {"name": "mate", "type": ["null", "Sailor"]},
    ],
}  # fmt: skip
CHAIN: dict[str, Any] = {
    "type": "record",
    "name": "Node",
    "fields": [{"name": "next", "type": ["null", "Node"]}],
}


def codec(schema: Any) -> AvroCodec:
    return compile_codec(FormatSettings("x.avsc", lambda path: json.dumps(schema).encode()))


def written(schema: Any, value: Any) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(schema), value)
    return out.getvalue()


def test_the_registry_knows_it() -> None:
    assert registry.find("codec", "avro") is compile_codec


def test_a_record_is_an_object_of_json_values() -> None:
    value = {
        "imo": 2**53 + 1, "name": "Göteborg", "photo": b"\xff\x00", "built": date(1999, 1, 2),
        "seen": datetime(2024, 5, 1, 12, tzinfo=UTC), "id": UUID(int=7), "price": Decimal("12.34"),
        "draft": float("nan"), "kind": "TANKER", "crew": [{"name": "Ada"}], "tags": {"a": 1}, "mate": None,
    }  # fmt: skip
    assert codec(SHIP).decode(written(SHIP, value), "") == {
        "imo": 2**53 + 1, "name": "Göteborg", "photo": "/wA=", "built": "1999-01-02",
        "seen": "2024-05-01T12:00:00+00:00", "id": "00000000-0000-0000-0000-000000000007", "price": "12.34",
        "draft": "NaN", "kind": "TANKER", "crew": [{"name": "Ada"}], "tags": {"a": 1}, "mate": None,
    }  # fmt: skip


def test_a_record_within_itself_is_read_as_deep_as_a_value_may_be() -> None:
    assert codec(CHAIN).decode(b"\x02" * 3 + b"\0", "") == {"next": {"next": {"next": {"next": None}}}}


@pytest.mark.parametrize("depth", [300, 5_000, 1_000_000])
def test_a_record_that_never_ends_does_not_end_the_process(depth: int) -> None:
    with pytest.raises(ValueError, match="nested"):
        codec(CHAIN).decode(b"\x02" * depth + b"\0", "")


@pytest.mark.parametrize(
    ("schema", "content", "message"),
    [
        ("string", b"", "ends too early"),
        ("string", b"\x06ab", "ends too early"),
        ("string", b"\x09abc", "ends too early"),
        ("bytes", b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f", "ends too early"),
        ("string", b"\x02\xff", "utf-8"),
        ("int", b"\x02\x02", "1 bytes are left over"),
        (["null", "int"], b"\x09", "a choice that the schema does not have"),
        ({"type": "enum", "name": "E", "symbols": ["A"]}, b"\x0e", "a choice that the schema does not have"),
        (
            {"type": "long", "logicalType": "timestamp-millis"},
            b"\xfe\xff\xff\xff\xff\xff\xff\xff\x7f",
            "too large",
        ),
        ("int", b"Obj\x01\x04", "object container file"),
    ],
)
def test_bytes_that_do_not_fit_are_refused(schema: Any, content: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec(schema).decode(content, "")


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(content: bytes) -> None:
    for schema in (SHIP, CHAIN):
        try:
            value = codec(schema).decode(content, "")
        except ValueError:
            continue
        assert isinstance(value, dict)


@pytest.mark.parametrize(
    "items",
    [
        "null",
        {"type": "null"},
        {"type": "fixed", "name": "F", "size": 0},
        {"type": "record", "name": "E", "fields": []},
        {"type": "record", "name": "E", "fields": [{"name": "a", "type": "null"}]},
    ],
)
def test_a_list_of_nothings_has_no_bounds_and_is_refused(items: Any) -> None:
    with pytest.raises(ValueError, match="take no bytes"):
        codec(
            {
                "type": "record",
                "name": "R",
                "fields": [{"name": "l", "type": {"type": "array", "items": items}}],
            }
        )


@pytest.mark.parametrize("text", [b"{", b'"nonsense"', b'{"type": "record"}', b"[" * 100_000, b"5"])
def test_what_is_no_schema_is_refused(text: bytes) -> None:
    with pytest.raises(ValueError, match="no Avro schema"):
        compile_codec(FormatSettings("x.avsc", lambda path: text))


def test_a_schema_is_needed() -> None:
    with pytest.raises(ValueError, match="needs 'outputSchema'"):
        compile_codec(FormatSettings("", lambda path: b""))


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastavro", None)
    with pytest.raises(ValueError, match=r"pip install 'capspec\[avro\]'"):
        codec("int")


def test_avro_is_not_written() -> None:
    with pytest.raises(ValueError, match="only read"):
        codec("int").encode(1)
