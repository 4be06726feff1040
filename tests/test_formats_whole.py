"""Every format that an upstream may answer in, through every place where an answer is read."""

from __future__ import annotations

import base64
import io
import json
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import fastavro
import pytest

from capspec.app import EngineOptions
from capspec.codecs.delimited import CSV
from tests.upstreams import reply
from tests.whole import plan_of, running, text_of, value_of

pytestmark = pytest.mark.anyio

SCHEMA: dict[str, Any] = {
    "type": "record", "name": "Ships", "fields": [{"name": "ships", "type": {"type": "array", "items": {
        "type": "record", "name": "Ship", "fields": [{"name": "id", "type": "string"}, {"name": "name", "type": "string"}]
    }}}],
}  # fmt: skip
PROTO = """
syntax = "proto3";
message Ships { repeated Ship ships = 1; }
message Ship { string id = 1; string name = 2; }
"""
SHIPS = [{"id": "1", "name": "Ada"}, {"id": "2", "name": "Böe"}]


def avro(ships: list[dict[str, str]]) -> bytes:
    out = io.BytesIO()
    fastavro.schemaless_writer(out, fastavro.parse_schema(SCHEMA), {"ships": ships})
    return out.getvalue()


def protobuf(ships: list[dict[str, str]]) -> bytes:
    out = b""
    for ship in ships:
        texts = [ship["id"].encode(), ship["name"].encode()]
        message = b"".join(bytes([tag, len(text)]) + text for tag, text in zip((10, 18), texts, strict=True))
        out += bytes([10, len(message)]) + message
    return out


@dataclass(frozen=True)
class Format:
    """A format, an answer in it, and where in the answer the ships are."""

    word: str
    media_type: str
    content: bytes
    path: str
    schema: str = ""


TABLE = "<table class='s'><tr><th>id<th>name</tr><tr><td>1<td>Ada</tr><tr><td>2<td>B&ouml;e</table>"
FORMATS = [
    Format("json", "application/json", json.dumps({"ships": SHIPS}).encode(), "$.ships"),
    Format("XML", "text/xml", "<r><ship id='1'><name>Ada</name></ship><ship id='2'><name>Böe</name></ship></r>".encode(), "$.ship"),
    Format("Csv", "text/csv; charset=latin-1", "id,name\r\n1,Ada\r\n2,Böe\r\n".encode("latin-1"), "$"),
    Format("tsv", "text/tab-separated-values", "id\tname\n1\tAda\n2\tBöe\n".encode(), "$"),
    Format("psv", "text/plain", "id|name\n1|Ada\n2|Böe\n".encode(), "$"),
    Format("yaml", "application/yaml", "ships:\n- {id: '1', name: Ada}\n- {id: '2', name: Böe}\n".encode(), "$.ships"),
    Format("html", "text/html", f"<table><tr><th>x<tr><td>y</table>{TABLE}".encode(), "$.tables[0]", "table.s"),
    Format("markdown", "text/markdown", "# A\n|id|name|\n|-|-|\n|1|Ada|\n|2|*Böe*|\n".encode(), "$.tables[0]", "None"),
    Format("avro", "application/avro", avro(SHIPS), "$.ships", "./schemas/ships.avsc"),
    Format("protobuf", "application/octet-stream", protobuf(SHIPS), "$.ships", "schemas/ships.proto"),
]  # fmt: skip


@pytest.fixture(params=FORMATS, ids=[item.word for item in FORMATS])
def found(request: pytest.FixtureRequest) -> Format:
    return request.param


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A capability file with schemas beside it."""
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "ships.avsc").write_text(json.dumps(SCHEMA))
    (tmp_path / "schemas" / "ships.proto").write_text(PROTO)
    return tmp_path / "cap.yaml"


def capability(found: Format, output: dict[str, Any] | None = None, **more: Any) -> str:
    """Tools and routes that take the ships from the answer as they are, mapped, and by way of steps."""
    operation = {"name": "list", "method": "GET", "outputRawFormat": found.word, **more}
    if found.schema:
        operation["outputSchema"] = found.schema
    name = {"type": "string", "mapping": "$.name"}
    item = {"type": "object", "properties": {"id": {"type": "string", "mapping": "$.id"}, "name": name}}
    mapped: dict[str, Any] = {
        "call": "up.list",
        "outputParameters": [output or {"type": "array", "mapping": found.path, "items": item}],
    }
    steps: dict[str, Any] = {
        "inputParameters": [{"name": "id", "type": "string", "description": "Which ship."}],
        "steps": [
            {"type": "call", "name": "list", "call": "up.list"},
            {"type": "lookup", "name": "one", "index": found.path.replace("$", "$.list", 1), "match": "id",
             "lookupValue": "{{id}}", "outputParameters": ["name"]},
        ],
        "mappings": [{"target": "ship", "value": "$.one.name"}],
    }  # fmt: skip
    flows: dict[str, dict[str, Any]] = {"plain": {"call": "up.list"}, "mapped": mapped, "steps": steps}
    tools = [{"name": name, "description": "d", **flow} for name, flow in flows.items()]
    routes = [
        {
            "path": f"/{name}",
            "operations": [{"name": name, "method": "POST" if name == "steps" else "GET", **flow}],
        }
        for name, flow in flows.items()
    ]
    resources = [
        {"name": "ships", "uri": "ships://all", "description": "d", "mimeType": "application/json", **mapped}
    ]
    consumes = {
        "namespace": "up",
        "baseUri": "http://up.test",
        "resources": [{"path": "/ships", "operations": [operation]}],
    }
    exposes = [
        {"type": "mcp", "namespace": "agent", "port": 1, "tools": tools, "resources": resources},
        {"type": "rest", "namespace": "app", "port": 2, "resources": routes},
    ]  # fmt: skip
    return json.dumps({"capspec": "1", "capability": {"consumes": [consumes], "exposes": exposes}})


def answered(
    found: Format, content: bytes | None = None, status: int = 200, media_type: str = ""
) -> dict[str, bytes]:
    body = found.content if content is None else content
    return {"*": reply(status, body, ("content-type", media_type or found.media_type))}


async def test_mapped_over_rest_and_mcp(found: Format, home: Path):
    async with running(capability(found), answered(found), path=home) as whole:
        assert not whole.plan.warnings
        assert (await whole.get("/mapped")).json() == SHIPS
        assert value_of(await whole.tool("mapped")) in (SHIPS, {"result": SHIPS})
        async with whole.agent() as client:
            (content,) = (await client.read_resource("ships://all")).contents
        assert json.loads(content.text) == SHIPS


async def test_a_step_reads_it_and_a_lookup_finds_in_it(found: Format, home: Path):
    async with running(capability(found), answered(found), path=home) as whole:
        assert (await whole.request("POST", "/steps", json={"id": "2"})).json() == {"ship": "Böe"}
        assert value_of(await whole.tool("steps", {"id": "1"})) == {"ship": "Ada"}


async def test_unmapped_the_bytes_are_passed_on_as_they_came(found: Format, home: Path):
    async with running(capability(found), answered(found), path=home) as whole:
        answer = await whole.get("/plain")
        assert (answer.content, answer.headers["content-type"]) == (found.content, found.media_type)
        assert not (await whole.tool("plain")).is_error


async def test_what_is_not_in_the_format_is_a_502_and_an_error_for_agents(found: Format, home: Path):
    broken = b'\x8b"\x00\xff\xfe{"[<'
    async with running(capability(found), answered(found, broken), path=home) as whole:
        answer = await whole.get("/mapped")
        failed = await whole.tool("steps", {"id": "1"})
    if found.word in ("html", "markdown", "tsv", "psv", "Csv"):
        # Any text is one of these; there is nothing in this one.
        assert answer.status_code in (200, 502)
        return
    assert (answer.status_code, answer.json()["code"]) == (502, "CAP603")
    assert failed.is_error
    assert "up.list answered" in text_of(failed)


async def test_an_error_in_json_is_quoted_whatever_the_format(found: Format, home: Path):
    problem = answered(found, b'{"message": "no such fleet"}', 404, "application/problem+json")
    async with running(capability(found), problem, path=home) as whole:
        assert "no such fleet" in text_of(await whole.tool("mapped"))
        assert (await whole.get("/mapped")).status_code == 404


async def test_the_request_asks_for_the_format(found: Format, home: Path):
    async with running(capability(found), answered(found), path=home) as whole:
        await whole.get("/mapped")
        accepted = whole.sent.header("accept")
    assert accepted is not None
    assert accepted.endswith(", */*;q=0.5")


# -- lists of one, in a format without lists ---------------------------------------------------------------


@pytest.mark.parametrize("count", [0, 1, 2])
async def test_elements_of_xml_under_a_declared_array_are_an_array_however_many(count: int):
    ships = "".join(f"<ship id='{at}'><name>n{at}</name></ship>" for at in range(count))
    found = Format("xml", "application/xml", f"<r>{ships}</r>".encode(), "$.ship")
    expected = [{"id": str(at), "name": f"n{at}"} for at in range(count)] or None
    async with running(capability(found), answered(found)) as whole:
        assert (await whole.get("/mapped")).json() == expected
        assert value_of(await whole.tool("mapped")) in (expected, {"result": expected})
        async with whole.agent() as client:
            (content,) = (await client.read_resource("ships://all")).contents
        assert json.loads(content.text) == expected
        if count:
            assert value_of(await whole.tool("steps", {"id": "0"})) == {"ship": "n0"}


# -- text and bytes ----------------------------------------------------------------------------------------


async def test_a_text_is_a_value():
    found = Format("Text", "text/plain; charset=latin-1", "Grüße".encode("latin-1"), "$")
    text = capability(found, {"type": "string", "mapping": "$"})
    async with running(text, answered(found)) as whole:
        assert (await whole.get("/mapped")).json() == "Grüße"
        assert text_of(await whole.tool("plain")) == "Grüße"


async def test_bytes_have_the_declared_media_type_and_are_base64_as_a_value():
    picture = b"\x89PNG\r\n\x1a\n\x00"
    found = Format("binary", "application/octet-stream", picture, "$")
    text = capability(found, {"type": "string", "mapping": "$"}, outputMediaType="image/png")
    async with running(text, answered(found)) as whole:
        answer = await whole.get("/plain")
        assert (answer.content, answer.headers["content-type"]) == (picture, "image/png")
        assert (await whole.get("/mapped")).json() == base64.b64encode(picture).decode()
        (image,) = (await whole.tool("plain")).content
    assert (image.type, image.mime_type, base64.b64decode(image.data)) == ("image", "image/png", picture)


@pytest.mark.parametrize(("size", "status"), [(2048, 200), (2049, 502)])
async def test_the_size_that_the_file_allows_counts_and_not_the_server_s(size: int, status: int):
    found = Format("binary", "image/png", b"x" * size, "$")
    small = EngineOptions(max_response_bytes=1024)
    async with running(capability(found, maxBinarySize="2KiB"), answered(found), engine=small) as whole:
        assert (await whole.tool("plain")).is_error is (status != 200)
        assert (await whole.get("/mapped")).status_code == status


async def test_an_unknown_format_is_passed_on_with_a_warning():
    found = Format("cbor", "application/cbor", b"\xa0", "$")
    async with running(capability(found), answered(found)) as whole:
        assert [problem.code for problem in whole.plan.warnings] == ["CAP325"]
        assert (await whole.get("/plain")).content == b"\xa0"


# -- what a format needs besides ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "schema", "reason"),
    [
        ("avro", "", "Avro needs 'outputSchema'"),
        ("avro", "none.avsc", "there is no file or folder 'none.avsc'"),
        ("avro", "../secret.avsc", "leads out of the folder"),
        ("avro", "schemas", "is a folder"),
        ("avro", "schemas/ships.proto", "no Avro schema"),
        ("protobuf", "", "need 'outputSchema'"),
        ("protobuf", "../secret.proto", "leads out of the folder"),
        ("protobuf", "schemas/ships.avsc", "cannot be compiled"),
        ("html", "a[[", "no CSS selector"),
    ],
)
async def test_what_is_missing_is_said_at_the_start_and_only_mapping_fails(
    word: str, schema: str, reason: str, home: Path
):
    (home.parent.parent / "secret.avsc").write_text('"int"')
    (home.parent.parent / "secret.proto").write_text(PROTO)
    found = Format(word, "application/octet-stream", b"\x00", "$", schema)
    async with running(capability(found), answered(found), path=home) as whole:
        (warning,) = whole.plan.warnings
        assert (warning.code, warning.severity) == ("CAP327", "warning")
        assert reason in warning.message
        assert (await whole.get("/plain")).content == b"\x00"
        answer = await whole.get("/mapped")
        assert (answer.status_code, answer.json()["code"]) == (502, "CAP603")
        assert reason in answer.json()["detail"]
        assert reason in text_of(await whole.tool("mapped"))


def test_a_link_that_leads_out_of_the_folder_is_not_followed(home: Path, tmp_path: Path):
    (home.parent.parent / "secret.avsc").write_text('"int"')
    (home.parent / "link.avsc").symlink_to(home.parent.parent / "secret.avsc")
    plan = plan_of(capability(Format("avro", "", b"", "$", "link.avsc")), path=home)
    assert "leads out of the folder" in plan.warnings[0].message


def test_a_schema_is_read_once_at_the_start(home: Path):
    plan = plan_of(capability(FORMATS[-2]), path=home)
    (home.parent / "schemas" / "ships.avsc").unlink()
    assert plan.operations["up.list"].codec.decode(avro(SHIPS), "") == {"ships": SHIPS}


@pytest.mark.parametrize(
    ("name", "value", "code"), [("outputMediaType", "picture", "CAP329"), ("maxBinarySize", "much", "CAP338")]
)
def test_a_setting_that_makes_no_sense_has_no_effect_and_a_warning(name: str, value: str, code: str):
    setting: dict[str, Any] = {name: value}
    plan = plan_of(capability(FORMATS[0], **setting))
    assert [problem.code for problem in plan.warnings] == [code]
    assert name in plan.warnings[0].message


# -- large answers -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("rows", "beside"), [(1, False), (60_000, True)])
async def test_a_large_answer_in_a_slow_format_is_read_beside_the_loop(
    rows: int, beside: bool, monkeypatch: pytest.MonkeyPatch
):
    threads: list[threading.Thread] = []
    read = CSV.decode

    def decode(content: bytes, charset: str) -> Any:
        threads.append(threading.current_thread())
        return read(content, charset)

    monkeypatch.setattr(CSV, "decode", decode)
    found = Format("csv", "text/csv", b"id,name\n" + b"1,Ada\n" * rows, "$[0]")
    async with running(capability(found), answered(found)) as whole:
        assert (await whole.get("/mapped")).json() == [{"id": "1", "name": "Ada"}]
    assert [thread is not threading.main_thread() for thread in threads] == [beside]
