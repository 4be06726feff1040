"""Every kind of request body, from a caller's arguments to the bytes that the upstream sees."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl
from xml.etree import ElementTree

import httpx
import pytest

from capspec import bindings, document, model
from capspec.app import EngineOptions
from capspec.compiler import compile_capability
from capspec.errors import CompileError
from capspec.plan.bodies import Parts
from tests.multipart_reader import PartSeen, parts_of
from tests.upstreams import Seen, Server, reply, serving
from tests.whole import plan_of, running, text_of

pytestmark = pytest.mark.anyio

PICTURE = b"\x89PNG\r\n\x1a\n\x00--\xff"
BASE64 = base64.b64encode(PICTURE).decode()
DATA_URL = f"data:image/png;base64,{BASE64}"
HOSTILE = """x" & <y> '\\ {{z}} \r\n\u2028é"""


def capability(body: Any, **operation: Any) -> str:
    """One operation with a body, as a tool and as a route."""
    called = {"name": "op", "method": "POST", **({} if body is None else {"body": body}), **operation}
    consumes = {
        "namespace": "up",
        "baseUri": "http://up.test",
        "resources": [{"path": "/x", "operations": [called]}],
    }
    tool = {"name": "go", "description": "d", "call": "up.op"}
    route = {"path": "/go", "operations": [{"name": "go", "method": "POST", "call": "up.op"}]}
    exposes = [
        {"type": "mcp", "namespace": "agent", "port": 1, "tools": [tool]},
        {"type": "rest", "namespace": "app", "port": 2, "resources": [route]},
    ]  # fmt: skip
    return json.dumps({"capspec": "1", "capability": {"consumes": [consumes], "exposes": exposes}})


async def sent(body: Any, arguments: dict[str, Any], path: Path | None = None, **operation: Any) -> Seen:
    """What the upstream sees, which is the same whoever calls."""
    async with running(capability(body, **operation), path=path) as whole:
        result = await whole.tool("go", arguments)
        assert not result.is_error, text_of(result)
        answer = await whole.request("POST", "/go", json=arguments)
        assert answer.status_code == 200, answer.text
        one, other = whole.upstream.requests
    assert shown(one) == shown(other)
    return one


def shown(seen: Seen) -> Any:
    kind = seen.header("content-type") or ""
    return parts_of(seen.body, kind) if kind.startswith("multipart/") else (kind, seen.body)


async def refused(body: Any, arguments: dict[str, Any], **operation: Any) -> str:
    """Why a call is refused, before anything is sent."""
    async with running(capability(body, **operation)) as whole:
        result = await whole.tool("go", arguments)
        answer = await whole.request("POST", "/go", json=arguments)
        assert not whole.upstream.requests
    assert result.is_error
    assert (answer.status_code, answer.json()["code"]) == (400, "CAP601")
    return text_of(result)


# -- texts -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "arguments", "content", "content_type"),
    [
        ({"type": "json", "data": {"a": "{{a}}", "b": "{{b}}"}}, {"a": [1]}, b'{"a":[1]}', "application/json"),
        ({"type": "JSON", "data": '{"a": {{a}}, "b": "{{b}}"}'}, {"b": 'x"'}, b'{"a":null,"b":"x\\""}', "application/json"),
        ('{"a": {{a}}, "b": "{{b}}"}', {"a": {"c": 1}, "b": "é"}, '{"a":{"c":1},"b":"é"}'.encode(), "application/json"),
        ("{{a}}", {"a": {"c": 1}}, b'{"c":1}', "application/json"),
        ([1, "{{a}}"], {"a": True}, b"[1,true]", "application/json"),
        ("name = {{a}}", {"a": "é"}, "name = é".encode(), "text/plain; charset=utf-8"),
        ({"type": "text", "data": "Dear {{a}}"}, {"a": '"é"\n'}, 'Dear "é"\n'.encode(), "text/plain; charset=utf-8"),
        ({"type": "raw", "data": "{{a}}"}, {"a": "x"}, b"x", "text/plain; charset=utf-8"),
        ({"type": "xml", "data": "<a b='{{a}}'/>"}, {"a": "'/><c x='&"}, b"<a b='&apos;/&gt;&lt;c x=&apos;&amp;'/>", "application/xml; charset=utf-8"),
        ({"type": "sparql", "data": 'ASK { ?s ?p "{{a}}" }'}, {"a": '" } #'}, b'ASK { ?s ?p "\\" } #" }', "application/sparql-query; charset=utf-8"),
        ({"type": "sparql-update", "data": "CLEAR GRAPH <{{a}}>"}, {"a": "http://x/>"}, b"CLEAR GRAPH <http://x/%3E>", "application/sparql-update; charset=utf-8"),
        ({"type": "formUrlEncoded", "data": {"a": "{{a}}", "b": "{{b}}"}}, {"a": "x&b=1 é"}, b"a=x%26b%3D1+%C3%A9", "application/x-www-form-urlencoded"),
        ({"type": "form", "data": "a={{a}}&c=1"}, {"a": "x&b=1"}, b"a=x%26b%3D1&c=1", "application/x-www-form-urlencoded"),
        ({"type": "urlencoded", "data": {"a": "{{a}}"}}, {"a": [1, 2]}, b"a=1&a=2", "application/x-www-form-urlencoded"),
        ({"type": "csv", "data": "{{a}}"}, {"a": [{"x": "1,2"}]}, b'x\r\n"1,2"\r\n', "text/csv; charset=utf-8"),
        ({"type": "yaml", "data": {"a": "{{a}}"}}, {"a": "yes"}, b"a: 'yes'\n", "application/yaml"),
        ({"type": "binary", "data": "{{a}}"}, {"a": "é"}, "é".encode(), "application/octet-stream"),
        ({"type": "binary", "data": "{{a}}"}, {"a": DATA_URL}, PICTURE, "image/png"),
        ({"type": "octet-stream", "data": {"content": "{{a}}"}}, {"a": "x"}, b"x", "application/octet-stream"),
        ({"type": "binary", "data": {"file": "{{a}}"}}, {"a": DATA_URL}, PICTURE, "image/png"),
        ({"type": "binary", "data": {"base64": "{{a}}"}}, {"a": BASE64}, PICTURE, "application/octet-stream"),
        ({"type": "application/json", "data": {"a": "{{a}}"}}, {"a": 1}, b'{"a":1}', "application/json"),
        ({"type": "application/vnd.api+json", "data": {"a": "{{a}}"}}, {"a": 1}, b'{"a":1}', "application/vnd.api+json"),
        ({"type": "application/soap+xml; charset=utf-8", "data": "<a>{{a}}</a>"}, {"a": "<"}, b"<a>&lt;</a>", "application/soap+xml; charset=utf-8"),
        ({"type": "text/turtle", "data": "{{a}}"}, {"a": "<x> a <y>."}, b"<x> a <y>.", "text/turtle"),
        ({"type": "application/cbor", "data": {"tx": "{{a}}"}}, {"a": DATA_URL}, PICTURE, "application/cbor"),
        ({"type": "application/x-www-form-urlencoded", "data": {"a": "{{a}}"}}, {"a": "&"}, b"a=%26", "application/x-www-form-urlencoded"),
    ],
)  # fmt: skip
async def test_a_body_is_written_in_its_format(
    body: Any, arguments: dict[str, Any], content: bytes, content_type: str
):
    seen = await sent(body, arguments)
    assert (seen.body, seen.header("content-type")) == (content, content_type)


async def test_an_object_of_one_root_is_written_as_xml():
    body = {"type": "xml", "data": {"order": {"@id": "{{id}}", "item": "{{items}}", "note": "{{note}}"}}}
    seen = await sent(body, {"id": 7, "items": ["a<b", {"#text": HOSTILE.replace("\x00", "")}]})
    root = ElementTree.fromstring(seen.body)
    assert (root.tag, root.attrib) == ("order", {"id": "7"})
    assert [item.text for item in root] == ["a<b", HOSTILE.replace("\r\n", "\n")]


async def test_whatever_a_value_holds_it_stays_in_its_place():
    arguments = {"v": HOSTILE}
    xml = await sent({"type": "xml", "data": "<a><b>{{v}}</b></a>"}, arguments)
    assert ElementTree.fromstring(xml.body).findtext("b") == HOSTILE
    section = await sent({"type": "text/xml", "data": "<a><b><![CDATA[{{v}}]]></b></a>"}, arguments)
    assert ElementTree.fromstring(section.body).findtext("b") == HOSTILE
    form = await sent({"type": "form", "data": "a={{v}}"}, arguments)
    assert parse_qsl(form.body.decode()) == [("a", HOSTILE)]
    query = await sent({"type": "sparql", "data": 'ASK { ?s ?p "{{v}}", <http://x/{{v}}> }'}, arguments)
    assert re.fullmatch(r'ASK \{ \?s \?p "(?:[^"\\\r\n]|\\.)*", <[^<>"\x00-\x20]*> \}', query.body.decode())
    written = await sent('{"a": "{{v}}", "b": {{v}}}', arguments)
    assert json.loads(written.body) == {"a": HOSTILE, "b": HOSTILE}


@pytest.mark.parametrize(
    ("body", "value", "why"),
    [
        ({"type": "xml", "data": "<a>{{a}}</a>"}, "\x00", "control character"),
        ({"type": "xml", "data": "<a><!-- {{a}} --></a>"}, "--><b/>", "in a comment"),
        ({"type": "xml", "data": {"a": {"@b": "{{a}}"}}}, "\x1b", "control character"),
        ({"type": "xml", "data": {"a": "{{a}}"}}, {"x y": 1}, "whose name"),
        ({"type": "sparql", "data": "SELECT * {} LIMIT {{a}}"}, "1 } DROP", "no single word"),
        ({"type": "formUrlEncoded", "data": "{{a}}"}, ["x"], "must be an object"),
        ({"type": "binary", "data": {"base64": "{{a}}"}}, "?", "is not base64"),
        ({"type": "binary", "data": {"base64": "{{a}}", "maxSize": 2}}, BASE64, "more than 2"),
        ({"type": "csv", "data": "{{a}}"}, {"x": 1}, "list of objects"),
        ({"type": "multipartForm", "data": "{{a}}"}, "x", "list of parts"),
        ({"type": "multipartForm", "data": [{"name": "f", "base64": "{{a}}"}]}, "?", "a part 'f' that is not base64"),
        ({"type": "multipartForm", "data": [{"name": "f", "base64": "{{a}}", "maxSize": "2B"}]}, BASE64, "more than 2"),
        ({"type": "multipartForm", "data": [{"name": "f", "url": "{{a}}"}]}, "file:///etc/passwd", "needs an address"),
        ({"type": "multipartForm", "data": [{"name": "{{a}}", "value": "x"}]}, "\x00", "control character"),
        ({"type": "multipartForm", "data": [{"name": "f", "value": "x", "contentType": "{{a}}"}]}, "a/b\r\nX: 1", "no media type"),
    ],
)  # fmt: skip
async def test_a_value_that_has_no_place_is_refused(body: Any, value: Any, why: str):
    assert why in await refused(body, {"a": value})


# -- parts -------------------------------------------------------------------------------------------------


async def test_parts_are_texts_objects_and_files(tmp_path: Path):
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "terms.pdf").write_bytes(b"%PDF")
    data = [
        {"name": "note", "value": "Dear {{who}}"},
        {"name": "tags", "value": "{{tags}}"},
        {"name": "meta", "value": {"by": "{{who}}", "none": "{{none}}"}},
        {"name": "none", "value": "{{none}}"},
        {"name": "photo", "base64": "{{photo}}", "filename": "{{who}}.png"},
        {"name": "typed", "base64": "{{url}}"},
        {"name": "terms", "file": "./assets/terms.pdf"},
        {
            "name": "doc",
            "value": "<a/>",
            "filename": "a.xml",
            "contentType": "application/xml; charset=utf-8",
        },
        {"name": "n", "value": 5},
    ]
    arguments = {"who": "Böe", "tags": ["a", 2], "photo": BASE64, "url": DATA_URL}
    seen = await sent({"type": "multipartForm", "data": data}, arguments, tmp_path / "cap.yaml")
    assert parts_of(seen.body, seen.header("content-type") or "") == [
        PartSeen("note", "Dear Böe".encode()),
        PartSeen("tags", b"a"),
        PartSeen("tags", b"2"),
        PartSeen("meta", b'{"by":"B\\u00f6e"}', content_type="application/json"),
        PartSeen("photo", PICTURE, "Böe.png", "image/png"),
        PartSeen("typed", PICTURE, "typed", "image/png"),
        PartSeen("terms", b"%PDF", "terms.pdf", "application/pdf"),
        PartSeen("doc", b"<a/>", "a.xml", "application/xml; charset=utf-8"),
        PartSeen("n", b"5"),
    ]


@pytest.mark.parametrize("word", ["multipart", "multipartForm", "multipart-form", "multipart/form-data"])
async def test_an_object_of_fields_is_a_form_in_parts(word: str):
    body = {"type": word, "data": {"file": "{{tools.file}}", "category": "{{tools.category}}"}}
    seen = await sent(body, {"file": DATA_URL, "category": "x"})
    assert parts_of(seen.body, seen.header("content-type") or "") == [
        PartSeen("file", PICTURE, "file", "image/png"),
        PartSeen("category", b"x"),
    ]


async def test_an_object_of_fields_may_have_files(tmp_path: Path):
    (tmp_path / "terms.pdf").write_bytes(b"%PDF")
    data = {
        "note": "Dear {{who}}",
        "photo": {"base64": "{{photo}}", "filename": "{{who}}.png"},
        "typed": {"url": "{{url}}", "contentType": "image/x"},
        "terms": {"file": "./terms.pdf"},
        "none": {"base64": "{{none}}"},
        "nothing": "{{nothing}}",
        "more": "{{more}}",
        "meta": {"url": "x", "by": "{{who}}"},
        "theirs": {"file": "{{who}}"},
        "n": 5,
    }
    arguments = {"who": "Bo", "photo": BASE64, "url": DATA_URL, "more": ["a", DATA_URL, [1]]}
    seen = await sent({"type": "multipartForm", "data": data}, arguments, tmp_path / "cap.yaml")
    assert shown(seen) == [
        PartSeen("note", b"Dear Bo"),
        PartSeen("photo", PICTURE, "Bo.png", "image/png"),
        PartSeen("typed", PICTURE, "typed", "image/x"),
        PartSeen("terms", b"%PDF", "terms.pdf", "application/pdf"),
        PartSeen("more", b"a"),
        PartSeen("more", PICTURE, "more", "image/png"),
        PartSeen("more", b"[1]", content_type="application/json"),
        PartSeen("meta", b'{"url":"x","by":"Bo"}', content_type="application/json"),
        PartSeen("theirs", b'{"file":"Bo"}', content_type="application/json"),
        PartSeen("n", b"5"),
    ]


async def test_a_caller_s_list_of_parts_is_a_form():
    seen = await sent({"type": "multipart", "data": "{{parts}}"}, {"parts": [{"name": "a", "base64": "AA"}]})
    assert parts_of(seen.body, seen.header("content-type") or "") == [
        PartSeen("a", b"\0", "a", "application/octet-stream")
    ]


async def test_a_caller_cannot_name_files_of_the_server():
    body = {"type": "multipart", "data": {"f": "{{f}}"}}
    seen = await sent(body, {"f": {"file": "/etc/passwd", "url": "http://127.0.0.1/"}})
    (part,) = parts_of(seen.body, seen.header("content-type") or "")
    assert json.loads(part.content) == {"file": "/etc/passwd", "url": "http://127.0.0.1/"}


async def test_a_form_in_parts_without_any_has_no_body():
    seen = await sent({"type": "multipart", "data": [{"name": "a", "value": "{{a}}"}]}, {})
    assert (seen.body, seen.header("content-type")) == (b"", None)


async def test_only_the_encoder_says_what_the_boundary_is():
    headers = [{"name": "Content-Type", "in": "header", "value": "multipart/form-data; boundary=mine"}]
    body = {"type": "multipart", "data": {"a": "{{a}}"}}
    seen = await sent(body, {"a": "x"}, inputParameters=headers)
    assert parts_of(seen.body, seen.header("content-type") or "") == [PartSeen("a", b"x")]


async def test_a_content_type_of_the_file_counts_for_any_other_body():
    headers = [{"name": "Content-Type", "in": "header", "value": "text/vnd.x"}]
    seen = await sent({"type": "text", "data": "{{a}}"}, {"a": "x"}, inputParameters=headers)
    assert (seen.body, seen.header("content-type")) == (b"x", "text/vnd.x")


# -- bodies without a template -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "content", "content_type"),
    [
        ("json", b'{"a":"x y"}', "application/json"),
        ("form", b"a=x+y", "application/x-www-form-urlencoded"),
        ("yaml", b"a: x y\n", "application/yaml"),
        ("application/vnd.api+json", b'{"a":"x y"}', "application/vnd.api+json"),
    ],
)
async def test_a_type_alone_says_how_arguments_are_written(word: str, content: bytes, content_type: str):
    seen = await sent({"type": word}, {"a": "x y"})
    assert (seen.body, seen.header("content-type")) == (content, content_type)
    fields = [{"name": "a", "in": "body", "type": "string"}]
    seen = await sent({"type": word, "data": {}}, {"a": "x y"}, inputParameters=fields)
    assert (seen.body, seen.header("content-type")) == (content, content_type)


async def test_what_a_caller_sends_in_another_format_is_passed_on_where_only_a_type_is_given():
    async with running(capability({"type": "form"})) as whole:
        answer = await whole.request("POST", "/go", content=b"a,b", headers={"content-type": "text/csv"})
        assert answer.status_code == 200
        assert shown(whole.sent) == ("text/csv", b"a,b")
        answer = await whole.request(
            "POST", "/go", content=b"{", headers={"content-type": "application/json"}
        )
        assert (answer.status_code, len(whole.upstream.requests)) == (400, 1)


async def test_form_fields_of_which_one_is_a_file_are_sent_in_parts():
    fields = [
        {"name": "f", "in": "formData", "type": "file"},
        {"name": "a", "in": "formData", "type": "string"},
    ]
    seen = await sent(None, {"f": DATA_URL, "a": "x"}, inputParameters=fields)
    assert shown(seen) == [PartSeen("f", PICTURE, "f", "image/png"), PartSeen("a", b"x")]


async def test_form_fields_without_a_file_are_url_encoded():
    fields = [{"name": "a", "in": "formData", "type": "string"}]
    assert shown(await sent(None, {"a": "x&y"}, inputParameters=fields)) == (
        "application/x-www-form-urlencoded",
        b"a=x%26y",
    )


# -- files at an address -----------------------------------------------------------------------------------


@asynccontextmanager
async def storage(status: int = 200, *headers: tuple[str, str]) -> AsyncIterator[Server]:
    """Another host with a picture on it."""

    async def answer(seen: Seen, writer: Any) -> bytes:
        return reply(status, PICTURE, ("content-type", "image/png"), *headers)

    async with serving(answer) as server:
        yield server


async def test_a_file_is_fetched_from_an_address_that_the_file_allows():
    async with storage() as store:
        host = httpx.URL(store.url).netloc.decode()
        data = [
            {"name": "f", "url": "{{url}}", "allowHosts": [host]},
            {"name": "g", "url": f"{store.url}/{{{{id}}}}.gif"},
        ]
        arguments = {"url": f"{store.url}/a/p%20q.png?x=1", "id": "7/8"}
        seen = await sent({"type": "multipart", "data": data}, arguments)
        fetched = [(item.target, item.header("authorization")) for item in store.requests[:2]]
    assert shown(seen) == [
        PartSeen("f", PICTURE, "p q.png", "image/png"),
        PartSeen("g", PICTURE, "8.gif", "image/png"),
    ]
    assert fetched == [("/a/p%20q.png?x=1", None), ("/7/8.gif", None)]


async def test_a_binary_body_is_fetched_or_read_too(tmp_path: Path):
    (tmp_path / "x.bin").write_bytes(b"\x00")
    assert shown(await sent({"type": "binary", "data": {"file": "x.bin"}}, {}, tmp_path / "cap.yaml")) == (
        "application/octet-stream",
        b"\x00",
    )
    async with storage() as store:
        seen = await sent({"type": "binary", "data": {"url": store.url + "/p.png"}}, {})
    assert shown(seen) == ("image/png", PICTURE)


async def test_a_data_url_needs_no_address():
    seen = await sent({"type": "multipart", "data": [{"name": "f", "url": "{{url}}"}]}, {"url": DATA_URL})
    assert shown(seen) == [PartSeen("f", PICTURE, "f", "image/png")]


async def test_a_file_of_an_object_is_fetched_only_where_that_is_allowed():
    async with storage() as store:
        data = {"a": "x", "f": {"url": f"{store.url}/p", "filename": "p.png"}}
        seen = await sent({"type": "multipart", "data": data}, {})
    assert [(part.name, part.filename) for part in shown(seen)] == [("a", None), ("f", "p.png")]
    async with running(capability({"type": "multipart", "data": {"f": {"url": "{{a}}"}}})) as whole:
        answer = await whole.request("POST", "/go", json={"a": "http://127.0.0.1:1/p"})
        assert (answer.status_code, answer.json()["code"]) == (502, "CAP608")
        assert not whole.upstream.requests


async def test_a_missing_address_leaves_the_part_out():
    data = [{"name": "f", "url": "{{url}}"}, {"name": "a", "value": "x"}]
    assert shown(await sent({"type": "multipart", "data": data}, {})) == [PartSeen("a", b"x")]


@pytest.mark.parametrize("credentials", [{"type": "bearer", "token": "secret"}])
async def test_credentials_do_not_go_along_even_to_the_api_itself(credentials: dict[str, str]):
    text = json.loads(capability({"type": "multipart", "data": [{"name": "f", "url": "{{url}}"}]}))
    text["capability"]["consumes"][0]["authentication"] = credentials
    async with running(json.dumps(text)) as whole:
        result = await whole.tool("go", {"url": f"{whole.upstream.url}/own"})
        assert not result.is_error, text_of(result)
        fetched, posted = whole.upstream.requests
    assert (fetched.method, fetched.target, fetched.header("authorization")) == ("GET", "/own", None)
    assert posted.header("authorization") == "Bearer secret"


async def test_an_address_that_the_file_does_not_allow_is_not_contacted():
    async with storage() as store:
        body = {
            "type": "multipart",
            "data": [{"name": "f", "url": "{{url}}", "allowHosts": ["*.example.com"]}],
        }
        async with running(capability(body)) as whole:
            for url in (f"{store.url}/p.png", "http://169.254.169.254/", "http://a.example.com@127.0.0.1/"):
                result = await whole.tool("go", {"url": url})
                assert "does not allow its address" in text_of(result)
            assert not whole.upstream.requests
        assert not store.connections


@pytest.mark.parametrize(
    ("status", "headers", "why"),
    [
        (404, [], "its host answered 404"),
        (302, [("location", "http://127.0.0.1/")], "its host answered 302"),
        (200, [("content-encoding", "odd")], "content coding"),
    ],
)
async def test_a_file_that_cannot_be_had_is_the_upstream_s_fault(status: int, headers: Any, why: str):
    async with storage(status, *headers) as store:
        body = {"type": "multipart", "data": [{"name": "f", "url": f"{store.url}/p"}]}
        async with running(capability(body)) as whole:
            answer = await whole.request("POST", "/go", json={})
            assert (answer.status_code, answer.json()["code"]) == (502, "CAP602")
            assert why in answer.json()["detail"]
            assert not whole.upstream.requests


async def test_a_file_that_is_too_large_is_not_sent():
    async with storage() as store:
        body = {"type": "multipart", "data": [{"name": "f", "url": f"{store.url}/p", "maxSize": "4B"}]}
        async with running(capability(body), engine=EngineOptions()) as whole:
            answer = await whole.request("POST", "/go", json={})
            assert (answer.status_code, answer.json()["code"]) == (502, "CAP610")
            assert not whole.upstream.requests


@pytest.mark.parametrize(
    ("rewrite", "allowed"),
    [
        (lambda url: "http://127.0.0.1:9" if "cdn" in url else url, ["http://127.0.0.1:9", "http://up.test"]),
        (lambda url: "" if "cdn" in url else url, ["http://up.test"]),
    ],
)
def test_where_addresses_are_led_elsewhere_those_of_files_are_too(rewrite: Any, allowed: list[str]):
    text = capability({"type": "multipart", "data": [{"name": "f", "url": "https://cdn.test/{{id}}"}]})
    parsed = model.parse(document.parse(text))
    plan = compile_capability(parsed, bindings.resolve(parsed, {}), rewrite=rewrite)
    parts = plan.operations["up.op"].body.content
    assert isinstance(parts, Parts)
    assert sorted(parts.parts[0].allowed) == allowed
    assert "https://cdn.test" not in plan.contacts


# -- what is wrong in the file -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("part", "problem"),
    [
        ({"name": "a"}, "no content, or two"),
        ({"name": "a", "value": "x", "base64": "AA"}, "no content, or two"),
        ({"value": "x"}, "no 'name'"),
        ("a", "should be a mapping"),
        ({"name": "a", "file": "none.pdf"}, "there is no file or folder 'none.pdf'"),
        ({"name": "a", "file": "../secret"}, "leads out of the folder"),
        ({"name": "a", "file": "{{x}}"}, "takes no values"),
        ({"name": "a", "file": "big.bin", "maxSize": "1KiB"}, "larger than 1024 bytes"),
        ({"name": "a", "value": "x", "maxSize": "much"}, "maxSize"),
        ({"name": "a", "url": "{{x}}", "allowHosts": ["https://x/y"]}, "cannot be allowed"),
        ({"name": "a", "url": "{{x}}", "allowHosts": ["*.com"]}, "cannot be allowed"),
    ],
)
def test_a_part_that_makes_no_sense_is_an_error_of_the_file(part: Any, problem: str, tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "big.bin").write_bytes(b"x" * 1025)
    (tmp_path / "secret").write_text("x")
    text = capability({"type": "multipartForm", "data": [part]})
    with pytest.raises(CompileError, match=re.escape(problem)) as caught:
        plan_of(text, base="http://127.0.0.1:1", path=home / "cap.yaml")
    assert {item.code for item in caught.value.problems} == {"CAP328"}


def test_a_key_that_a_part_does_not_have_is_warned_of():
    plan = plan_of(capability({"type": "multipart", "data": [{"name": "a", "value": "x", "fileName": "y"}]}))
    (warning,) = plan.warnings
    assert (warning.code, warning.hint) == ("CAP110", "did you mean 'filename'?")


@pytest.mark.parametrize("word", ["jsn", "html", "avro", "a/b/c", "x/y\r\nA: b"])
async def test_a_type_that_nobody_can_write_puts_the_operation_out_of_service(word: str):
    text = capability({"type": word, "data": {"a": 1}})
    plan = plan_of(text)
    assert {problem.code for problem in plan.warnings} >= {"CAP324"}
    assert plan.operations["up.op"].problem


def test_a_text_that_was_meant_to_be_json_is_an_error_of_the_file():
    with pytest.raises(CompileError, match="no JSON"):
        plan_of(capability('{"a": {{a}}'))
