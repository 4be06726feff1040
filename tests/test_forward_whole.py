"""Forwards, served whole: what of a request goes on to the API, and what of its answer comes back."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from capspec.events import FlowFinished
from tests.forward_world import Wire, answer, capability, forwarding
from tests.upstreams import Seen, reply
from tests.whole import running

pytestmark = pytest.mark.anyio


def echo(seen: Seen) -> bytes:
    """What arrived, as JSON."""
    found = {"method": seen.method, "target": seen.target, "headers": seen.headers}
    return reply(200, json.dumps({**found, "body": seen.body.decode("latin-1")}).encode())


def names(seen: dict[str, Any]) -> list[str]:
    return [name for name, _ in seen["headers"]]


def values(seen: dict[str, Any], name: str) -> list[str]:
    return [value for key, value in seen["headers"] if key == name]


async def once(wire: Wire, content: bytes) -> None:
    """An upstream that answers each request on a connection in the same way."""
    while await wire.head():
        await wire.send(content)


# -- addresses --------------------------------------------------------------------------------------------


ARRIVALS = [
    ("/api/pages", "/v1/pages"),
    ("/api/a/b/c", "/v1/a/b/c"),
    ("/api/a/", "/v1/a/"),
    ("/api/a//b", "/v1/a//b"),
    ("/api", "/v1"),
    ("/api/", "/v1/"),
    ("/api/group%2Fproject/x%20y", "/v1/group%2Fproject/x%20y"),
    ("/api/%41%2d~_.a", "/v1/%41%2d~_.a"),
    ("/api/a;b=c,d:e@f!$&'()*+", "/v1/a;b=c,d:e@f!$&'()*+"),
    ("/api/..a/b..", "/v1/..a/b.."),
    ("/api/%C3%A9", "/v1/%C3%A9"),
    ("/api/x?a=1&a=2&b=&c&&d=%20+%2B", "/v1/x?a=1&a=2&b=&c&&d=%20+%2B"),
    ("/api?q=100%&p=[x]|y", "/v1?q=100%&p=[x]|y"),
    ("/api/x?a=..%2f..", "/v1/x?a=..%2f.."),
]


async def test_path_and_query_arrive_character_for_character() -> None:
    targets = []

    async def talk(wire: Wire) -> None:
        while True:
            targets.append((await wire.head()).split()[1])
            await wire.send(answer(200, b"ok"))

    async with forwarding(capability(), talk, base_path="/v1") as world:
        for sent, _ in ARRIVALS:
            assert (await world.get(sent)).endswith(b"\r\n\r\nok"), sent
    assert targets == [arrives for _, arrives in ARRIVALS]


ESCAPES = [
    "..", "../admin", "a/../../admin", "%2e%2e/admin", "%2E./admin", "a/%2e%2e%2fadmin", "..%2f..%2fadmin",
    "..%252f..%252fadmin", "%252e%252e/x", "%25252e%25252e/x", ".", "a/./b", "..;x/admin", "..%5cadmin",
    "..\\admin", "a\\b", "a%5cb", "a%255cb", "/evil.example.com/x", "%2f%2fevil.example.com", "%2Fetc",
    "%252fetc", "%5c%5cevil", "a%00b", "a%2500b", "a%0d%0aX:%20y", "a%7f",
    "%ef%bc%8e%ef%bc%8e/x", "a/%ef%bc%8e%ef%bc%8e%ef%bc%8fx", "%E2%80%A5/x", "%" + "25" * 40 + "2e",
]  # fmt: skip


async def test_no_path_leaves_the_base_uri() -> None:
    async def talk(wire: Wire) -> None:
        raise AssertionError(await wire.head())

    async with forwarding(capability(), talk, base_path="/v1") as world:
        for rest in ESCAPES:
            said = await world.get(f"/api/{rest}")
            assert said.startswith(b"HTTP/1.1 400 "), rest
            assert b"CAP601" in said


async def test_a_path_encoded_over_and_over_costs_nothing() -> None:
    async def talk(wire: Wire) -> None:
        raise AssertionError(await wire.head())

    async with forwarding(capability(), talk) as world:
        assert (await world.get("/api/%" + "25" * 20_000)).startswith(b"HTTP/1.1 400 ")


async def test_without_a_placeholder_the_base_uri_itself_is_asked() -> None:
    async with running(capability(path="/api"), echo, base_path="/v1/search") as whole:
        seen = (await whole.get("/api?q=x")).json()
    assert seen["target"] == "/v1/search?q=x"


async def test_other_placeholders_fill_what_the_file_sends() -> None:
    more = "      inputParameters: [{name: X-Tenant, in: header, value: 'is-{{tenant}}'}, {name: tenant, in: query}]"
    text = capability(path="/t/{tenant}/{path}", more=more)
    async with running(text, echo) as whole:
        seen = (await whole.get("/t/a%20b/x?n=1")).json()
    assert seen["target"] == "/x?tenant=a+b&n=1"
    assert values(seen, "x-tenant") == ["is-a b"]


async def test_what_follows_the_placeholder_stays_here() -> None:
    async with running(capability(path="/api/{path}/raw"), echo) as whole:
        seen = (await whole.get("/api/a/b/raw")).json()
        missing = await whole.get("/api/a/b")
    assert seen["target"] == "/a/b"
    assert missing.status_code == 404


# -- what the file adds -----------------------------------------------------------------------------------


async def test_constants_of_the_file_are_sent_and_cannot_be_overridden() -> None:
    more = """\
      inputParameters:
        - {name: X-API-Version, in: header, value: '2026-03-03'}
        - {name: X-API-Key, in: header, value: '{{KEY}}'}
        - {name: v, in: query, value: 2}
        - {name: session, in: cookie, value: ours}
        - {name: unknown, in: header, value: 'a{{what}}b'}
        - {name: later, in: query}"""
    binds = "binds: [{namespace: env, keys: {KEY: KEY}}]\n"
    text = capability("{targetNamespace: api, trustedHeaders: [x-api-version, Cookie]}", more=more) + binds
    headers = {"X-API-Version": "1", "Cookie": "session=theirs; mine=1"}
    async with running(text, echo, environ={"KEY": "secret-key-123"}) as whole:
        seen = (await whole.get("/api/x?v=9&%76=8&w=1", headers=headers)).json()
    assert seen["target"] == "/x?v=2&w=1"
    assert values(seen, "x-api-version") == ["2026-03-03"]
    assert values(seen, "x-api-key") == ["secret-key-123"]
    assert values(seen, "cookie") == ["session=ours; mine=1"]
    assert "unknown" not in names(seen)


@pytest.mark.parametrize(
    ("block", "name", "value"),
    [
        ("{type: bearer, token: abc}", "authorization", "Bearer abc"),
        ("{type: basic, username: scott, password: tiger}", "authorization", "Basic c2NvdHQ6dGlnZXI="),
        ("{type: apikey, key: X-Key, value: abc}", "x-key", "abc"),
    ],
)
async def test_the_api_gets_its_own_credentials_and_never_the_callers(
    block: str, name: str, value: str
) -> None:
    forward = "{targetNamespace: api, trustedHeaders: [Authorization, X-Key]}"
    text = capability(forward, more=f"      authentication: {block}")
    async with running(text, echo) as whole:
        seen = (await whole.get("/api/x", headers={name: "theirs"})).json()
    assert values(seen, name) == [value]


async def test_a_key_in_the_query_cannot_be_overridden() -> None:
    block = "      authentication: {type: apikey, key: api_key, value: abc, placement: query}"
    async with running(capability(more=block), echo) as whole:
        seen = (await whole.get("/api/x?api_key=evil&%61pi_key=evil&n=1")).json()
    assert seen["target"] == "/x?n=1&api_key=abc"


async def test_digest_credentials_are_sent_with_a_body_that_can_be_sent_twice() -> None:
    challenge = 'Digest realm="r", nonce="n", algorithm=MD5, qop="auth"'

    def guarded(seen: Seen) -> bytes:
        if seen.header("authorization") is None:
            return reply(401, b"{}", ("www-authenticate", challenge))
        return echo(seen)

    async def chunks() -> Any:
        yield b"one"
        yield b"two"

    block = "      authentication: {type: digest, username: u, password: p}"
    async with running(capability(more=block), guarded) as whole:
        seen = (await whole.request("POST", "/api/x?a=1", content=chunks())).json()
    assert seen["body"] == "onetwo"
    assert values(seen, "authorization")[0].startswith('Digest username="u"')
    assert 'uri="/x?a=1"' in values(seen, "authorization")[0]


async def test_a_body_that_has_to_be_held_for_signing_is_limited() -> None:
    block = "      authentication: {type: digest, username: u, password: p}"

    async def talk(wire: Wire) -> None:
        raise AssertionError(await wire.head())

    async with forwarding(capability(more=block), talk) as world:
        head = "POST /api/x HTTP/1.1\nHost: x\nConnection: close\nContent-Length: 5000\n\n"
        said = await world.said(head + "x" * 5000)
    assert said.startswith(b"HTTP/1.1 413 ")


# -- headers of the request -------------------------------------------------------------------------------


async def test_headers_about_the_body_and_the_answer_go_on_and_others_do_not() -> None:
    passed = {
        "content-type": "text/x; a=b", "content-encoding": "zstd", "content-language": "de",
        "accept": "text/y", "accept-encoding": "br", "accept-language": "fr", "range": "bytes=0-1",
        "if-match": '"a"', "if-none-match": '"b"', "if-modified-since": "x", "if-range": '"c"',
        "cache-control": "no-cache", "prefer": "respond-async", "last-event-id": "7",
        "idempotency-key": "k",
    }  # fmt: skip
    kept = {
        "authorization": "Bearer mine", "cookie": "a=b", "x-other": "1", "user-agent": "me",
        "referer": "https://x.example", "x-forwarded-for": "1.2.3.4", "forwarded": "for=1.2.3.4",
        "proxy-authorization": "Basic x", "te": "trailers", "expect": "100-continue", "via": "1.1 me",
        "origin": "http://127.0.0.1", "x-request-id": "mine", "upgrade-insecure-requests": "1",
    }  # fmt: skip
    async with running(capability(), echo) as whole:
        seen = (await whole.request("POST", "/api/x", content=b"abc", headers={**passed, **kept})).json()
    got = dict(seen["headers"])
    assert {name: got.get(name) for name in passed} == passed
    assert [name for name in kept if name in got and name != "user-agent"] == []
    assert got["user-agent"].startswith("capspec/")
    assert (got["content-length"], seen["body"]) == ("3", "abc")


async def test_trusted_headers_go_on_in_any_case_and_with_all_their_values() -> None:
    forward = "{targetNamespace: api, trustedHeaders: [Notion-VERSION, X-Trace, User-Agent, Authorization]}"
    headers = [
        ("notion-version", "abc-123"), ("X-Trace", "1"), ("x-trace", "2"), ("User-Agent", "me"),
        ("Authorization", "Bearer mine"),
    ]  # fmt: skip
    async with running(capability(forward), echo) as whole:
        seen = (await whole.get("/api/x", headers=headers)).json()
    assert values(seen, "notion-version") == ["abc-123"]
    assert values(seen, "x-trace") == ["1", "2"]
    assert values(seen, "user-agent") == ["me"]
    assert values(seen, "authorization") == ["Bearer mine"]


async def test_what_a_connection_header_names_stays_with_the_connection() -> None:
    forward = "{targetNamespace: api, trustedHeaders: [X-Trace, Connection, Keep-Alive, Host]}"
    heads = []

    async def talk(wire: Wire) -> None:
        heads.append((await wire.head()).lower())
        await wire.send(answer(200, b"", "connection: close, x-own", "x-own: 1", "keep-alive: timeout=1"))

    async with forwarding(capability(forward), talk) as world:
        said = await world.said(
            "GET /api/x HTTP/1.1\nHost: x\nConnection: close, X-Trace\nX-Trace: 1\nKeep-Alive: 5\n\n"
        )
    assert "x-trace" not in heads[0]
    assert "keep-alive" not in heads[0]
    assert "host: x\r" not in heads[0]
    assert b"x-own" not in said
    assert b"keep-alive" not in said


@pytest.mark.parametrize(
    ("guard", "headers", "query", "gone"),
    [
        ("{type: bearer, token: t0ken}", {"Authorization": "Bearer t0ken"}, "", "t0ken"),
        ("{type: basic, username: u, password: t0ken}", {"Authorization": "Basic dTp0MGtlbg=="}, "", "dTp0"),
        ("{type: apikey, key: X-Key, value: t0ken}", {"X-Key": "t0ken"}, "", "t0ken"),
        ("{type: apikey, key: k, value: t0ken, placement: query}", {}, "?a=1&%6b=t0ken&b=2", "t0ken"),
        ("{type: apikey, key: k, value: t0ken, in: cookie}", {"Cookie": "a=1; k=t0ken; b=2"}, "", "t0ken"),
    ],
)
async def test_what_a_caller_proves_itself_with_here_goes_no_further(
    guard: str, headers: dict[str, str], query: str, gone: str
) -> None:
    forward = "{targetNamespace: api, trustedHeaders: [Authorization, X-Key, Cookie]}"
    text = capability(forward).replace(
        "      namespace: r\n", f"      namespace: r\n      authentication: {guard}\n"
    )
    async with running(text, echo) as whole:
        refused = await whole.get("/api/x")
        assert (refused.status_code, whole.upstream.requests) == (401, [])
        assert "www-authenticate" in refused.headers
        seen = await whole.get(f"/api/x{query}", headers=headers)
    assert seen.status_code == 200
    assert gone not in seen.text
    if query:
        assert seen.json()["target"] == "/x?a=1&b=2"
    if "Cookie" in headers:
        assert values(seen.json(), "cookie") == ["a=1; b=2"]


# -- methods ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def test_every_method_goes_on(method: str) -> None:
    async with running(capability(), echo) as whole:
        got = await whole.request(method, "/api/x")
        assert (got.status_code, whole.sent.method) == (200, method)


async def test_a_list_of_methods_limits_them() -> None:
    async with running(capability("{targetNamespace: api, methods: [get, POST]}"), echo) as whole:
        statuses = {
            method: (await whole.request(method, "/api/x")).status_code for method in ("GET", "POST", "HEAD")
        }
        refused = await whole.request("DELETE", "/api/x")
        asked = await whole.request("OPTIONS", "/api/x")
    assert statuses == {"GET": 200, "POST": 200, "HEAD": 200}
    assert [seen.method for seen in whole.upstream.requests] == ["GET", "POST", "HEAD"]
    assert (refused.status_code, refused.json()["code"]) == (405, "CAP612")
    assert refused.headers["allow"] == asked.headers["allow"] == "GET, HEAD, OPTIONS, POST"


async def test_trace_is_never_passed_on() -> None:
    async with running(capability(), echo) as whole:
        assert (await whole.request("TRACE", "/api/x")).status_code == 405
        assert whole.upstream.requests == []


MIXED = """\
capspec: "1"
capability:
  consumes:
    - namespace: api
      baseUri: https://api.example.com
      resources:
        - {path: /own, operations: [{name: own, method: GET}]}
  exposes:
    - type: rest
      namespace: r
      resources:
        - path: /api/{path}
          operations:
            - {method: GET, name: got, outputParameters: [{type: string, value: mocked}]}
            - {method: POST, path: /api/special, name: special, call: api.own}
          forward: {targetNamespace: api}
"""


async def test_operations_come_first_and_the_rest_is_passed_on() -> None:
    async with running(MIXED, echo) as whole:
        assert (await whole.get("/api/x")).json() == "mocked"
        assert (await whole.request("HEAD", "/api/x")).status_code == 200
        assert whole.upstream.requests == []
        assert (await whole.request("POST", "/api/special")).json()["target"] == "/own"
        assert (await whole.request("POST", "/api/x")).json()["target"] == "/x"
        assert (await whole.request("PUT", "/api/special")).json()["target"] == "/special"


# -- the answer -------------------------------------------------------------------------------------------


async def test_the_answer_comes_back_with_its_headers() -> None:
    lines = [
        "etag: \"abc\"", "cache-control: max-age=60", "last-modified: yesterday", "x-ratelimit-limit: 5",
        "link: <https://other.example/2>; rel=next", "vary: accept", "vary: accept-language",
        "content-type: text/x; charset=latin-1", "www-authenticate: Basic realm=\"x\"", "x-own: \xe9",
        "date: Mon, 01 Jan 2001 00:00:00 GMT", "set-cookie: a=b", "strict-transport-security: max-age=1",
        "alt-svc: h3", "clear-site-data: \"*\"", "x-request-id: theirs", "trailer: x-late",
        "proxy-authenticate: Basic",
    ]  # fmt: skip

    async def talk(wire: Wire) -> None:
        await once(wire, answer(418, b"\xff\xfe", *lines))

    async with forwarding(capability(), talk) as world:
        head, _, body = (await world.get("/api/x")).partition(b"\r\n\r\n")
    got = head.decode("latin-1").split("\r\n")
    assert (got[0].split()[1], body) == ("418", b"\xff\xfe")
    assert set(lines[:10]) <= set(got)
    assert [line for line in lines[10:] if line in got] == []
    assert sum(line.startswith("date:") for line in got) == 1
    assert sum(line.startswith("x-request-id:") for line in got) == 1


async def test_cookies_are_set_only_when_that_is_trusted() -> None:
    forward = "{targetNamespace: api, trustedHeaders: [Set-Cookie]}"
    sent = reply(200, b"{}", ("set-cookie", "a=b; Path=/"))
    async with running(capability(forward), lambda seen: sent) as whole:
        assert (await whole.get("/api/x")).headers["set-cookie"] == "a=b; Path=/"
    async with running(capability(), lambda seen: sent) as whole:
        assert "set-cookie" not in (await whole.get("/api/x")).headers


async def test_a_compressed_body_passes_as_it_is() -> None:
    packed = gzip.compress(b"hello " * 100)

    async def talk(wire: Wire) -> None:
        head = await wire.headers()
        assert head["accept-encoding"] == "br;q=1.0, gzip"
        await wire.send(answer(200, packed, "content-encoding: gzip"))

    async with forwarding(capability(), talk) as world:
        said = await world.get("/api/x", "Accept-Encoding: br;q=1.0, gzip")
    head, _, body = said.partition(b"\r\n\r\n")
    assert body == packed
    assert b"content-encoding: gzip" in head
    assert f"content-length: {len(packed)}".encode() in head


async def test_a_body_that_only_claims_to_be_compressed_passes_too() -> None:
    async def talk(wire: Wire) -> None:
        await once(wire, answer(200, b"not at all", "content-encoding: gzip"))

    async with forwarding(capability(), talk) as world:
        assert (await world.get("/api/x")).endswith(b"\r\n\r\nnot at all")


@pytest.mark.parametrize(
    ("status", "line"),
    [(204, ""), (304, 'etag: "x"'), (304, "content-length: 5"), (205, "content-length: 0")],
)
async def test_answers_without_a_body_have_none(status: int, line: str) -> None:
    async def talk(wire: Wire) -> None:
        lines = f"HTTP/1.1 {status} X\r\n{line}\r\n" if line else f"HTTP/1.1 {status} X\r\n"
        await once(wire, f"{lines}\r\n".encode())

    async with forwarding(capability(), talk) as world, world.connected() as wire:
        for _ in range(2):
            await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
            head = await wire.head()
            assert head.startswith(f"HTTP/1.1 {status} ")
            assert "transfer-encoding" not in head or status == 205
            if "transfer-encoding" in head:
                assert await wire.chunk() == b""


async def test_head_tells_the_length_and_sends_nothing() -> None:
    async def talk(wire: Wire) -> None:
        assert (await wire.head()).startswith("HEAD ")
        await wire.send(b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\netag: x\r\n\r\n")
        await wire.ended()

    async with forwarding(capability(), talk) as world:
        said = await world.said("HEAD /api/x HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert said.endswith(b"\r\n\r\n")
    assert said.count(b"content-length: 1234\r\n") == said.count(b"content-length") == 1


async def test_a_part_of_a_file_comes_back_as_one() -> None:
    async def talk(wire: Wire) -> None:
        assert (await wire.headers())["range"] == "bytes=1-2"
        await wire.send(answer(206, b"bc", "content-range: bytes 1-2/9", "accept-ranges: bytes"))

    async with forwarding(capability(), talk) as world:
        said = await world.get("/api/x", "Range: bytes=1-2")
    assert said.startswith(b"HTTP/1.1 206 ")
    assert b"content-range: bytes 1-2/9\r\n" in said
    assert said.endswith(b"\r\n\r\nbc")


async def test_hints_before_the_answer_are_no_answer() -> None:
    async def talk(wire: Wire) -> None:
        await once(wire, b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n" + answer(200, b"ok"))

    async with forwarding(capability(), talk) as world:
        assert (await world.get("/api/x")).startswith(b"HTTP/1.1 200 ")


LINKS = [
    ("{base}/pages/2?a=1#f", "/cap/api/pages/2?a=1#f"),
    ("{base}", "/cap/api/"),
    ("{base}/", "/cap/api/"),
    ("/v1/pages/2", "/cap/api/pages/2"),
    ("2", "/cap/api/pages/2"),
    ("?page=2", "/cap/api/pages/1?page=2"),
    ("../x", "/cap/api/x"),
    ("{base}/x?key=abc&n=1", "/cap/api/x?n=1"),
    ("{base}/x?next=abc-secret", "/cap/api/x?next=****"),
    ("/v2/x", "{origin}/v2/x"),
    ("/v10/x", "{origin}/v10/x"),
    ("../../x", "{origin}/x"),
    ("//other.example/x", "http://other.example/x"),
    ("https://other.example/v1/x", "https://other.example/v1/x"),
    ("{base}//evil.example", "{base}//evil.example"),
    ("{base}/%2e%2e/x", "{base}/%2e%2e/x"),
    ("mailto:a@example.com", "mailto:a@example.com"),
    ("http://[broken", "http://[broken"),
]


async def test_links_below_the_base_uri_lead_back_here() -> None:
    base, links = "", iter([said for said, _ in LINKS])

    async def talk(wire: Wire) -> None:
        while await wire.head():
            link = next(links).format(base=base, origin=base[:-3])
            await wire.send(answer(302, b"", f"location: {link}"))

    block = "      authentication: {type: apikey, key: key, value: '{{KEY}}', placement: query}"
    text = capability(more=block) + "binds: [{namespace: env, keys: {KEY: KEY}}]\n"
    environ = {"KEY": "abc-secret"}
    async with forwarding(text, talk, base_path="/v1", environ=environ, root_path="/cap") as world:
        base = world.plan.upstreams[0].base_url
        for _, told in LINKS:
            head = (await world.get("/cap/api/pages/1")).decode()
            (line,) = (line for line in head.split("\r\n") if line.startswith("location:"))
            assert line == f"location: {told.format(base=base, origin=base[:-3])}"


async def test_redirects_are_not_followed() -> None:
    async with running(capability(), lambda seen: reply(307, b"{}", ("location", "/elsewhere"))) as whole:
        got = await whole.get("/api/x")
        assert got.status_code == 307
        assert len(whole.upstream.requests) == 1


# -- secrets in what errors say ---------------------------------------------------------------------------


SECRET = {"KEY": "secret-key-123", "OTHER": "secret-key-123-and-more"}
KEYED = """\
      inputParameters: [{name: X-Key, in: header, value: '{{KEY}}'}, {name: X-Other, in: header, value: '{{OTHER}}'}]"""
BOUND = capability(more=KEYED) + "binds: [{namespace: env, keys: {KEY: KEY, OTHER: OTHER}}]\n"


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ([b"no secret-key-123 here"], b"no **** here"),
        ([b"no secret-k", b"ey-123 here"], b"no **** here"),
        ([b"secret-key-123", b"-and-more"], b"****"),
        ([b"secret-key-123-and-mor"], b"****-and-mor"),
        ([bytes([byte]) for byte in b"a secret-key-123 secret-key-123-and-more b"], b"a **** **** b"),
        ([b"secret-key-12"], b"secret-key-12"),
        ([b""], b""),
    ],
)
async def test_secrets_are_masked_in_what_an_error_says(parts: list[bytes], told: bytes) -> None:
    tags = ["etag: x", "content-md5: x", "digest: x", "repr-digest: x", "content-digest: x"]

    async def talk(wire: Wire) -> None:
        await wire.head()
        lines = ["HTTP/1.1 500 X", f"content-length: {sum(map(len, parts))}", "content-encoding: identity"]
        await wire.send("\r\n".join([*lines, *tags, "x-own: secret-key-123", "", ""]).encode())
        for part in parts:
            await wire.send(part)

    async with forwarding(BOUND, talk, environ=SECRET) as world, world.connected() as wire:
        await wire.send(b"GET /api/x HTTP/1.1\r\nHost: x\r\n\r\n")
        head = await wire.headers()
        content = b""
        while chunk := await wire.chunk():
            content += chunk
    assert content == told
    assert head["x-own"] == "****"
    assert head["transfer-encoding"] == "chunked"
    assert [tag for tag in ["content-length", *(tag.partition(":")[0] for tag in tags)] if tag in head] == []


@pytest.mark.parametrize(
    ("status", "line"),
    [(200, "etag: x"), (404, "content-encoding: gzip"), (404, "content-encoding: identity, br")],
)
async def test_what_is_no_error_or_is_compressed_comes_back_as_it_is(status: int, line: str) -> None:
    async def talk(wire: Wire) -> None:
        await once(wire, answer(status, b"secret-key-123", line))

    async with forwarding(BOUND, talk, environ=SECRET) as world:
        head, _, body = (await world.get("/api/x")).partition(b"\r\n\r\n")
    assert body == b"secret-key-123"
    assert b"content-length: 14\r\n" in head
    assert line.encode() in head


async def test_head_tells_the_length_of_an_error_too() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 404 X\r\ncontent-length: 14\r\netag: x\r\n\r\n")
        await wire.ended()

    async with forwarding(BOUND, talk, environ=SECRET) as world:
        said = await world.said("HEAD /api/x HTTP/1.1\nHost: x\nConnection: close\n\n")
    assert b"content-length: 14\r\n" in said
    assert b"etag: x\r\n" in said


# -- failures ---------------------------------------------------------------------------------------------


async def test_an_api_that_is_not_there_is_a_bad_gateway() -> None:
    async def talk(wire: Wire) -> None:
        raise AssertionError(await wire.head())

    async with forwarding(capability(), talk, base="http://127.0.0.1:1") as world:
        said = await world.get("/api/x")
    assert said.startswith(b"HTTP/1.1 502 ")
    assert b"application/problem+json" in said
    assert b"CAP602" in said


async def test_an_api_that_does_not_answer_in_time_is_a_gateway_timeout() -> None:
    async def talk(wire: Wire) -> None:
        await wire.ended()

    async with forwarding(capability(more="      timeout: 100ms"), talk) as world:
        said = await world.get("/api/x")
    assert said.startswith(b"HTTP/1.1 504 ")
    assert b"CAP604" in said


async def test_an_answer_that_is_none_is_a_bad_gateway() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(b"HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
        await wire.ended()

    async with forwarding(capability(), talk) as world:
        assert (await world.get("/api/x")).startswith(b"HTTP/1.1 502 ")


async def test_a_header_that_holds_control_characters_is_refused() -> None:
    async def talk(wire: Wire) -> None:
        raise AssertionError(await wire.head())

    async with forwarding(capability(), talk) as world:
        said = await world.get("/api/x", "Accept: a\x01b")
    assert said.startswith(b"HTTP/1.1 400 ")


async def test_without_its_namespace_a_forward_is_not_available() -> None:
    text = capability("{targetNamespace: apo}")
    async with running(text, echo) as whole:
        (warning,) = whole.plan.warnings
        got = await whole.request("POST", "/api/x", content=b"x")
    assert warning.code == "CAP370"
    assert "did you mean 'api'?" in warning.message
    assert (got.status_code, got.json()["code"]) == (503, "CAP609")
    assert "did you mean 'api'?" in got.json()["detail"]


async def test_without_its_secret_a_forward_is_not_available() -> None:
    block = "      authentication: {type: bearer, token: '{{KEY}}'}"
    text = capability(more=block) + "binds: [{namespace: env, keys: {KEY: KEY}}]\n"
    async with running(text, echo) as whole:
        got = await whole.get("/api/x")
        assert whole.upstream.requests == []
    assert (got.status_code, got.json()["code"]) == (503, "CAP607")


async def test_each_request_is_told_when_it_is_over() -> None:
    async def talk(wire: Wire) -> None:
        await wire.head()
        await wire.send(answer(404, b"no"))

    async with forwarding(capability(), talk) as world:
        await world.get("/api/x", "X-Request-ID: abc")
        await world.get("/api/../x")
        told = [event for event in world.heard if isinstance(event, FlowFinished)]
    first, second = told
    assert (first.flow, first.listener, first.code, first.request_id) == ("all", "r", "HTTP 404", "abc")
    assert second.code == "CAP601"
