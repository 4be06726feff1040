"""API keys in every spelling that files use, in every place that they can go to."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from capspec import registry
from capspec.errors import CompileError, InputError
from capspec.wire import header
from tests.auth.auth_blocks import GET, compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio

SECRET = "s3cret&x=1;y z"


@pytest.mark.parametrize(
    "block",
    [
        "{type: apikey, key: X-Key, value: '{{KEY}}', placement: header}",
        "{type: apikey, in: header, name: X-Key, value: '{{KEY}}'}",
        "{type: apikey, in: header, name: X-Key, key: '{{KEY}}'}",
        "{type: apikey, key: X-Key, value: '{{KEY}}'}",
        "{type: apikey, header: X-Key, key: '{{KEY}}'}",
        "{type: apiKey, header: X-Key, token: '{{KEY}}'}",
        "{type: apiKey, in: header, name: X-Key, token: '{{KEY}}'}",
        "{type: apikey, header: X-Key, value: '{{KEY}}'}",
        "{type: apikey, headers: {X-Key: '{{KEY}}'}}",
        "{type: apikey, in: header, headers: {X-Key: '{{KEY}}'}}",
        "{type: apikey, parameters: [{name: X-Key, value: '{{KEY}}'}]}",
        "{type: apikey, parameters: {X-Key: '{{KEY}}'}}",
        "{type: Headers, headers: {X-Key: '{{KEY}}'}}",
        "{type: headers, headers: [{name: X-Key, value: '{{KEY}}'}]}",
        "{type: custom, keys: [{name: X-Key, in: header, value: '{{KEY}}'}]}",
        "{type: Header, name: X-Key, value: '{{KEY}}'}",
    ],
)
async def test_every_spelling_of_a_header_key_sends_it(block: str) -> None:
    auth = compiled(block, KEY=SECRET)
    request = await sent_by(auth)
    assert header(request.headers, "x-key") == SECRET
    assert request.url == GET.url
    assert auth.names == {"x-key"}


@pytest.mark.parametrize(
    "block",
    [
        "{type: apikey, key: api_key, value: '{{KEY}}', placement: query}",
        "{type: apikey, in: query, name: api_key, value: '{{KEY}}'}",
        "{type: apikey, placement: query, parameters: [{name: api_key, value: '{{KEY}}'}]}",
        "{type: apikey, parameters: [{name: api_key, in: query, value: '{{KEY}}'}]}",
        "{type: query, name: api_key, value: '{{KEY}}'}",
        "{type: Query, key: api_key, value: '{{KEY}}'}",
        "{type: custom, query: {api_key: '{{KEY}}'}}",
        "{type: apikey, queryParameters: [{name: api_key, value: '{{KEY}}'}]}",
    ],
)
async def test_every_spelling_of_a_query_key_sends_it_encoded(block: str) -> None:
    auth = compiled(block, KEY=SECRET)
    request = await sent_by(auth)
    assert parse_qsl(urlsplit(request.url).query) == [("page", "2"), ("api_key", SECRET)]
    assert auth.names == frozenset()


async def test_the_type_query_places_its_parameters_there() -> None:
    block = "{type: query, parameters: [{name: client_id, value: a}, {name: client_secret, value: b}]}"
    auth = registry.find("auth", "apikey")(settings_of(block))
    query = urlsplit((await sent_by(auth)).url).query
    assert parse_qsl(query) == [("page", "2"), ("client_id", "a"), ("client_secret", "b")]


async def test_the_type_header_places_its_value_there() -> None:
    auth = registry.find("auth", "apikey")(settings_of("{type: header, header: X-Key, value: abc}"))
    assert header((await sent_by(auth)).headers, "X-Key") == "abc"


async def test_a_query_key_replaces_one_that_a_caller_sent() -> None:
    auth = compiled("{type: apikey, in: query, name: key, value: mine}")
    request = replace(GET, url="https://api.example.com/?key=theirs&keyring=1&key=again")
    assert parse_qsl(urlsplit((await sent_by(auth, request)).url).query) == [
        ("keyring", "1"),
        ("key", "mine"),
    ]


async def test_a_url_without_a_query_gets_one() -> None:
    auth = compiled("{type: apikey, in: query, name: key, value: mine}")
    assert (await sent_by(auth, replace(GET, url="https://api.example.com/v1"))).url.endswith("/v1?key=mine")


async def test_a_cookie_key_joins_the_other_cookies_and_replaces_its_own() -> None:
    auth = compiled("{type: apikey, in: cookie, name: sid, value: '{{KEY}}'}", KEY=SECRET)
    request = GET.with_header("Cookie", "theme=dark; sid=theirs")
    cookie = header((await sent_by(auth, request)).headers, "cookie")
    assert cookie == "theme=dark; sid=s3cret&x=1%3By%20z"


async def test_two_headers_are_set_at_once() -> None:
    auth = compiled(
        "{type: apikey, headers: {DD-API-KEY: '{{A}}', DD-APPLICATION-KEY: '{{B}}'}}", A="1", B="2"
    )
    request = await sent_by(auth, GET.with_header("dd-api-key", "theirs"))
    assert request.headers == (("DD-API-KEY", "1"), ("DD-APPLICATION-KEY", "2"))


@pytest.mark.parametrize(
    "block", ["{type: cookie, name: sid, value: '{{K}}'}", "{type: cookies, cookies: {sid: '{{K}}'}}"]
)
async def test_the_type_cookie_places_its_value_there(block: str) -> None:
    assert header((await sent_by(compiled(block, K="abc"))).headers, "cookie") == "sid=abc"


JSON = (("Content-Type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)


@pytest.mark.parametrize(
    ("headers", "body", "expected"),
    [
        (JSON, b'{"a": 1.5, "key": "theirs"}', b'{"a":1.5,"key":"k&1"}'),
        ((), None, b'{"key":"k&1"}'),
        (FORM, b"a=%C3%A9&key=theirs&b=", b"a=%C3%A9&b=&key=k%261"),
    ],
)
async def test_a_body_key_joins_what_is_in_the_body(
    headers: Any, body: bytes | None, expected: bytes
) -> None:
    auth = compiled("{type: apikey, key: key, value: 'k&1', placement: body}")
    sent = await sent_by(auth, replace(GET, method="POST", headers=headers, body=body))
    assert sent.body == expected
    assert header(sent.headers, "content-type") == (headers[0][1] if headers else "application/json")


@pytest.mark.parametrize(
    ("headers", "body"), [(JSON, b"[1]"), (JSON, b"{hush"), ((("Content-Type", "text/plain"),), b"hush")]
)
async def test_a_body_that_has_no_place_for_a_key_is_not_sent(headers: Any, body: bytes) -> None:
    auth = compiled("{type: apikey, key: key, value: k, placement: body}")
    with pytest.raises(InputError, match="neither a JSON object nor a form") as caught:
        await sent_by(auth, replace(GET, method="POST", headers=headers, body=body))
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("value", ["Bearer {{KEY}}", "Token token={{KEY}}"])
async def test_a_composed_value_is_just_text(value: str) -> None:
    auth = compiled(f"{{type: apikey, key: Authorization, value: '{value}'}}", KEY="abc")
    assert header((await sent_by(auth)).headers, "authorization") == value.replace("{{KEY}}", "abc")
    assert auth.names == {"authorization"}


async def test_blanks_around_a_secret_are_not_part_of_it() -> None:
    auth = compiled("{type: apikey, key: X-Key, value: '{{KEY}}'}", KEY=" abc\n")
    assert header((await sent_by(auth)).headers, "X-Key") == "abc"


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: apikey, key: k, value: abc, in: path}", "cannot be placed in the path"),
        ("{type: apikey, value: abc}", "has no name"),
        ("{type: apikey, key: X-Key}", "the value of 'X-Key' is empty"),
        ("{type: apikey, key: X-Key, value: ''}", "the value of 'X-Key' is empty"),
        ("{type: apikey, key: 'X Key', value: abc}", "not a name that a header can have"),
        ("{type: apikey, key: 'a;b', value: abc, placement: cookie}", "not a name that a cookie can have"),
        ("{type: apikey, key: Host, value: abc}", "belongs to the connection"),
        ('{type: apikey, key: X-Key, value: "a\\r\\nX-Admin: 1"}', "control character"),
        ("{type: apikey, key: X-Key, value: '✓'}", "outside Latin-1"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block)
    assert "abc" not in str(caught.value)
    assert caught.value.problems[0].place is not None


def test_a_variable_without_a_value_is_noted_and_refuses_nothing() -> None:
    settings = settings_of(
        "{type: apikey, headers: {X-Key: '{{KEY}}'}, parameters: [{name: a, value: '{{B}}'}]}"
    )
    auth = registry.find("auth", "apikey")(settings)
    assert settings.missing == ["KEY", "B"]
    assert auth.names == {"x-key", "a"}


def test_secrets_do_not_print() -> None:
    auth = compiled("{type: apikey, key: X-Key, value: hush}")
    assert "hush" not in repr(auth)
    assert "hush" not in repr(auth._keys)
