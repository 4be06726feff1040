"""Messages of Protocol Buffers, and the `.proto` files that say what is in them."""

from __future__ import annotations

import struct
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import registry
from capspec.codecs.protobuf import ProtobufCodec, compile_codec
from capspec.settings import FormatSettings

FILES = {
    "proto/ship.proto": b"""
syntax = "proto3";
package sea;
import "parts/crew.proto"; import "google/protobuf/timestamp.proto";
// import "not/there.proto";
message Ship {
  int64 imo = 1;
  string name = 2;
  repeated Sailor crew = 3;
  map<bool, int32> docks = 4;
  Kind kind = 5;
  bytes photo = 6;
  google.protobuf.Timestamp seen = 7;
  optional int32 berth = 8;
  double draft = 9;
  Ship towed = 10;
  oneof rest { string note = 11; uint64 code = 12; }
}
enum Kind { TUG = 0; TANKER = 1; }
message Other { int32 x = 1; }
""",
    "proto/parts/crew.proto": b'syntax = "proto3"; package sea; message Sailor { string name = 1; }',
    "empty.proto": b'syntax = "proto3";',
    "broken.proto": b'syntax = "proto3"; message {',
    "away.proto": b'syntax = "proto3"; import "../secret.proto"; message A { }',
    "absent.proto": b'syntax = "proto3"; import "absent/b.proto"; message A { }',
    "round.proto": b'syntax = "proto3"; import "round.proto"; message A { }',
}
DEFAULTS = {"imo": 0, "name": "", "crew": [], "docks": {}, "kind": "TUG", "photo": "", "draft": 0.0}


def read(path: str) -> bytes:
    if path not in FILES:
        raise ValueError(f"there is no file or folder '{path}'")
    return FILES[path]


def codec(schema: str) -> ProtobufCodec:
    return compile_codec(FormatSettings(schema, read))


@pytest.fixture(scope="module")
def ship() -> ProtobufCodec:
    return codec("proto/ship.proto")


def test_the_registry_knows_it_by_both_names() -> None:
    assert registry.find("codec", "protobuf") is registry.find("codec", "proto") is compile_codec


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"", {}),
        (b"\x08\x81\x80\x80\x80\x80\x80\x80\x10", {"imo": 2**53 + 1}),
        (b"\x08" + b"\xff" * 9 + b"\x01", {"imo": -1}),
        ("\x12\x03é!".encode(), {"name": "é!"}),
        (b"\x1a\x05\n\x03Ada\x1a\x00", {"crew": [{"name": "Ada"}, {"name": ""}]}),
        (b"\x22\x04\x08\x01\x10\x07", {"docks": {"true": 7}}),
        (b"\x28\x01", {"kind": "TANKER"}),
        (b"\x28\x09", {"kind": 9}),
        (b"\x32\x02\xff\x00", {"photo": "/wA="}),
        (b"\x3a\x02\x08\x01", {"seen": "1970-01-01T00:00:01Z"}),
        (b"\x40\x00", {"berth": 0}),
        (b"\x49" + struct.pack("<d", float("inf")), {"draft": "Infinity"}),
        (b"\x52\x02\x08\x05", {"towed": DEFAULTS | {"imo": 5}}),
        (b"\x60\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", {"code": 2**64 - 1}),
        (b"\xf8\x01\x01", {}),
    ],
)
def test_a_message_is_an_object_with_its_defaults(ship: ProtobufCodec, content: bytes, value: Any) -> None:
    assert ship.decode(content, "") == DEFAULTS | value


def nested(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        size, rest = b"", len(content)
        while rest > 127:
            size, rest = size + bytes([rest & 127 | 128]), rest >> 7
        content = b"\x52" + size + bytes([rest]) + content
    return content


@pytest.mark.parametrize(
    "content",
    [b"\xff", b"\x08", b"\x12\x05ab", b"\x12\x02\xff\xfe", nested(300), nested(20_000), b"\x0b" * 50_000],
)
def test_bytes_that_are_no_message_are_refused(ship: ProtobufCodec, content: bytes) -> None:
    with pytest.raises(ValueError, match="no such message"):
        ship.decode(content, "")


def test_a_time_that_is_none_is_refused(ship: ProtobufCodec) -> None:
    with pytest.raises(ValueError, match="Timestamp that is not valid"):
        ship.decode(b"\x3a\x0a\x08" + b"\xff" * 8 + b"\x7f", "")


@given(content=st.binary(max_size=100))
def test_no_bytes_break_the_reader(ship: ProtobufCodec, content: bytes) -> None:
    try:
        value = ship.decode(content, "")
    except ValueError:
        return
    assert value.keys() >= DEFAULTS.keys()


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        ("", "need 'outputSchema'"),
        ("none.proto", "there is no file"),
        ("empty.proto", "describes no message"),
        ("broken.proto", "cannot be compiled: broken.proto:1:28: Expected message name"),
        ("away.proto", "'../secret.proto' is imported from outside"),
        ("absent.proto", "absent/b.proto: File not found"),
        ("round.proto", "recursively imports itself"),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_when_it_is_loaded(schema: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        codec(schema)


def test_without_the_library_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "grpc_tools", None)
    with pytest.raises(ValueError, match=r"pip install 'capspec\[protobuf\]'"):
        codec("proto/ship.proto")


def test_messages_are_not_written(ship: ProtobufCodec) -> None:
    with pytest.raises(ValueError, match="only read"):
        ship.encode({})
