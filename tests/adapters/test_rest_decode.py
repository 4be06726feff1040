"""The REST adapter: what of a request reaches a flow."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest

from tests.adapters.rest_world import AGE, gives, in_memory, make_flow, make_input, serving

pytestmark = pytest.mark.anyio


# -- what reaches a flow ----------------------------------------------------------------------------------


async def test_arguments_come_from_path_query_headers_and_cookies_by_their_wire_names_and_types() -> None:
    flow = make_flow(
        "GET /pets/{pet-id}",
        make_input("id", "path", "integer", wire="pet-id"),
        make_input("limit", "query", "integer"),
        make_input("tags", "query", "array", items={"type": "string"}),
        make_input("tenant", "header", wire="x-tenant"),
        make_input("session", "cookie"),
        make_input("absent", "query"),
        make_input("fixed", "query", constant="as the file says"),
    )
    async with serving(flow) as world:
        answer = await world.client.get(
            "/pets/7?limit=3&tags=a&tags=b&fixed=other",
            headers={"X-Tenant": "acme", "Cookie": 'odd; session="s 1"; session=2'},
        )
    assert answer.json()["arguments"] == {
        "id": 7, "limit": 3, "tags": ["a", "b"], "tenant": "acme", "session": "s 1",
    }  # fmt: skip


async def test_what_is_not_unicode_in_a_header_is_read_as_latin_1() -> None:
    async with serving(make_flow("GET /a", make_input("who", "header", wire="X-Who"))) as world:
        utf8 = await world.client.get("/a", headers=[(b"x-who", "Grüße".encode())])
        latin = await world.client.get("/a", headers=[(b"x-who", "Grüße".encode("latin-1"))])
    assert [item.json()["arguments"]["who"] for item in (utf8, latin)] == ["Grüße", "Grüße"]


async def test_an_encoded_slash_stays_in_its_segment_and_unicode_is_decoded() -> None:
    async with serving(make_flow("GET /docs/{name}/meta"), make_flow("GET /files/{path}")) as world:
        name = await world.client.get("/docs/a%2Fb%20%E2%82%AC/meta")
        path = await world.client.get("/files/a/b%2Fc/d")
        broken = await world.client.get("/docs/%ff/meta")
    assert name.json()["arguments"] == {"name": "a/b €"}
    assert path.json()["arguments"] == {"path": "a/b/c/d"}
    assert broken.status_code == 404


async def test_answers_are_utf_8_json_without_escapes() -> None:
    async with serving(make_flow("GET /a", name="it"), it=gives(value={"grün": "€ 😀"})) as world:
        answer = await world.client.get("/a")
    assert answer.content == '{"grün":"€ 😀"}'.encode()
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["content-length"] == str(len(answer.content))


SHIP = make_input("shipImo", "body", required=True)
TAGS = make_input("tags", "body", "array", items={"type": "integer"})


@pytest.mark.parametrize(
    ("body", "content_type", "arguments"),
    [
        (b"", None, {}),
        (b"{}", "application/json", {}),
        (b'{"shipImo": "9", "other": 1}', "application/json", {"shipImo": "9"}),
        (b'{"shipImo": null, "age": 1.5}', "application/json", {"shipImo": None, "age": 1.5}),
        (b'{"age": 3}', None, {"age": 3}),
        (b'{"age": 3}', "text/plain", {"age": 3}),
        (b'{"age": 3}', "application/vnd.acme+json; charset=utf-8", {"age": 3}),
        (b'\xef\xbb\xbf{"age": 3}', "application/json", {"age": 3}),
        (b'{"age": 3}', "application/x-www-form-urlencoded", {"age": 3}),
        (b"shipImo=Gr%C3%BC+x&age=3&tags=1&tags=2", "application/x-www-form-urlencoded",
         {"shipImo": "Grü x", "age": 3, "tags": [1, 2]}),
    ],
)  # fmt: skip
async def test_body_fields_come_from_json_and_forms(
    body: bytes, content_type: str | None, arguments: Mapping[str, Any]
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", SHIP, AGE, TAGS)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
    assert answer.json() == {"flow": "POST /a", "arguments": arguments}


@pytest.mark.parametrize(
    ("body", "content_type", "said"),
    [
        (b"{", "application/json", "not JSON"),
        (b"hello", "text/plain", "not JSON"),
        (b"[1]", "application/json", "not a JSON object"),
        (b"3", None, "not a JSON object"),
        (b"NaN", "application/json", "not JSON"),
        (b'{"a": "\\ud800"}', "application/json", "not JSON"),
        (b'{"a": "\xff"}', "application/json", "not JSON"),
        (b"[" * 100_000, "application/json", "not JSON"),
        (b'{"age": 1' + b"0" * 5_000 + b"}", "application/json", "not JSON"),
        (b"a=%ff", "application/x-www-form-urlencoded", "not UTF-8"),
    ],
)
async def test_a_body_without_fields_where_fields_are_needed_is_refused(
    body: bytes, content_type: str | None, said: str
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", AGE)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
        assert not world.engine.calls
    assert answer.status_code == 400
    assert said in answer.json()["detail"]
    assert answer.json()["code"] == "CAP601"


@pytest.mark.parametrize(
    ("kind", "body", "content_type", "value"),
    [
        ("object", b'{"a": [1]}', "application/json", {"a": [1]}),
        ("array", b"[1, 2]", None, [1, 2]),
        ("", b"[1, 2]", "application/x-www-form-urlencoded", [1, 2]),
        ("object", b"a=1&b=2&b=3", "application/x-www-form-urlencoded", {"a": "1", "b": ["2", "3"]}),
        ("string", b"plain text", "text/plain", "plain text"),
        ("string", b"123", "text/plain", "123"),
        ("string", b'"quoted"', "application/json", "quoted"),
        ("string", b"{not json", "application/json", "{not json"),
        ("string", b"a=1", "application/x-www-form-urlencoded", "a=1"),
        ("", b"<a/>", "application/xml", "<a/>"),
        ("", b"null", "application/json", None),
    ],
)
async def test_a_whole_body_is_one_value(
    kind: str, body: bytes, content_type: str | None, value: Any
) -> None:
    headers = {"content-type": content_type} if content_type else {}
    flow = make_flow("POST /a", make_input("it", "body", kind, whole=True))
    async with in_memory(flow) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
    assert answer.json()["arguments"] == {"it": value}


@pytest.mark.parametrize(
    ("kind", "body", "content_type"),
    [("object", b"{", "application/json"), ("", b"{", "application/json"), ("string", b"\xff", "text/plain")],
)
async def test_a_whole_body_that_is_no_value_is_refused(kind: str, body: bytes, content_type: str) -> None:
    flow = make_flow("POST /a", make_input("it", "body", kind, whole=True))
    async with in_memory(flow) as world:
        answer = await world.client.post("/a", content=body, headers={"content-type": content_type})
    assert answer.status_code == 400


# -- what is passed on ------------------------------------------------------------------------------------


async def test_an_open_query_passes_on_what_no_input_takes_in_order() -> None:
    flow = make_flow(
        "GET /a", make_input("q"), make_input("fixed", constant="x"), open_query=True, name="open"
    )
    async with serving(flow, make_flow("GET /b", make_input("q"))) as world:
        answer = await world.client.get("/a?z=1&q=2&a=%C3%BC+%26&z=&fixed=3")
        closed = await world.client.get("/b?z=1&q=2")
    assert answer.json() == {
        "flow": "open", "arguments": {"q": "2"}, "query": [["z", "1"], ["a", "ü &"], ["z", ""]],
    }  # fmt: skip
    assert closed.json() == {"flow": "GET /b", "arguments": {"q": "2"}}


async def test_a_query_that_is_not_utf_8_is_refused() -> None:
    async with in_memory(make_flow("GET /a", make_input("q"))) as world:
        answer = await world.client.get("/a?q=%ff")
    assert (answer.status_code, answer.json()["detail"]) == (400, "the query is not UTF-8")


@pytest.mark.parametrize(
    ("body", "content_type"),
    [(b'{"a":  1}', "application/json"), (b"\x89PNG\xff", "image/png"), (b"a=1", "text/x"), (b"x", "")],
)
async def test_an_open_body_passes_on_the_bytes_and_their_type(body: bytes, content_type: str) -> None:
    headers = {"content-type": content_type} if content_type else {}
    async with in_memory(make_flow("POST /a", open_body=True)) as world:
        answer = await world.client.post("/a", content=body, headers=headers)
        empty = await world.client.post("/a")
    assert answer.json()["body"] == body.decode("latin-1")
    assert answer.json()["content_type"] == content_type
    assert empty.json() == {"flow": "POST /a", "arguments": {}}


async def test_an_open_body_beside_declared_fields_passes_on_the_other_fields() -> None:
    flow = make_flow("POST /a", AGE, make_input("fixed", "body", constant=1), open_body=True)
    async with serving(flow) as world:
        mixed = await world.client.post("/a", json={"age": 1, "b": [2], "fixed": 3})
        form = await world.client.post("/a", data={"age": "1", "b": ["2", "3"], "c": "4"})
        nothing = await world.client.post("/a", json={"age": 1})
        array = await world.client.post("/a", json=[1])
        image = await world.client.post("/a", content=b"\xff", headers={"content-type": "image/png"})
    assert mixed.json() == {"flow": "POST /a", "arguments": {"age": 1}, "json": {"b": [2]}}
    assert form.json() == {"flow": "POST /a", "arguments": {"age": 1}, "json": {"b": ["2", "3"], "c": "4"}}
    assert nothing.json() == {"flow": "POST /a", "arguments": {"age": 1}}
    assert array.json()["body"] == "[1]"
    assert image.json()["content_type"] == "image/png"


async def test_bodies_over_the_limit_are_refused_whether_or_not_they_say_their_size() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * 100

    async with serving(make_flow("POST /a", open_body=True), limit=1_000) as world:
        said = await world.client.post("/a", content=b"x" * 1_001)
        unsaid = await world.client.post("/a", content=pieces())
        fits = await world.client.post("/a", content=b"x" * 1_000)
    assert [answer.status_code for answer in (said, unsaid, fits)] == [413, 413, 200]
    assert said.json()["code"] == "CAP613"
    assert said.headers["content-type"] == "application/problem+json"


async def test_a_compressed_body_is_refused() -> None:
    async with serving(make_flow("POST /a", open_body=True)) as world:
        answer = await world.client.post("/a", content=b"x", headers={"content-encoding": "gzip"})
    assert (answer.status_code, answer.json()["code"]) == (415, "CAP614")


async def test_a_body_that_nothing_takes_does_not_disturb_the_connection() -> None:
    async with serving(make_flow("POST /a"), limit=10) as world:
        answers = [await world.client.post("/a", content=b"x" * 300_000) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
