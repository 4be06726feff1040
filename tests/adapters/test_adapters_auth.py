"""Who is let in, over REST and MCP alike: every scheme, on real sockets."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import httpx
import pytest

from tests.adapters.auth_world import KINDS, Guarded, guarded
from tests.whole import running

pytestmark = pytest.mark.anyio

each = pytest.mark.parametrize("kind", KINDS)

BEARER = "type: bearer\ntoken: '{{TOKEN}}'"
KEY = "type: apikey\nkey: X-Key\nvalue: '{{SECRET}}'"
QUERY_KEY = "type: apikey\nkey: k\nin: query\nvalue: '{{SECRET}}'"
BASIC = "type: basic\nusername: ann\npassword: '{{SECRET}}'"
DIGEST = "type: digest\nusername: ann\npassword: '{{SECRET}}'"
VALUES = {"TOKEN": "t0ken", "SECRET": "s3cret"}

RIGHT: dict[str, tuple[str, dict[str, Any]]] = {
    "bearer": (BEARER, {"token": "t0ken"}),
    "apikey": (KEY, {"headers": {"x-key": "s3cret"}}),
    "apikey in the query": (QUERY_KEY, {"params": {"k": "s3cret"}}),
    "basic": (BASIC, {"auth": ("ann", "s3cret")}),
    "digest": (DIGEST, {"auth": httpx.DigestAuth("ann", "s3cret")}),
}
WRONG: dict[str, dict[str, Any]] = {
    "bearer": {"token": "t0ken2"},
    "apikey": {"headers": {"x-key": "wrong"}},
    "apikey in the query": {"params": {"k": ""}},
    "basic": {"auth": ("ann", "wrong")},
    "digest": {"auth": httpx.DigestAuth("ann", "wrong")},
}


@each
@pytest.mark.parametrize("scheme", RIGHT)
async def test_who_has_the_secret_is_let_in_and_nobody_else(kind: str, scheme: str) -> None:
    block, credentials = RIGHT[scheme]
    async with guarded(block, environ=VALUES) as world:
        assert (await world.knock(kind, **credentials)).status_code == 200
        for refused in (await world.knock(kind), await world.knock(kind, **WRONG[scheme])):
            assert refused.status_code == 401
            assert refused.headers["www-authenticate"]
            assert "s3cret" not in refused.text + str(refused.headers)


@each
@pytest.mark.parametrize("scheme", RIGHT)
async def test_a_variable_without_a_value_closes_the_adapter(kind: str, scheme: str) -> None:
    block, credentials = RIGHT[scheme]
    async with guarded(block) as world:
        refused = await world.knock(kind, **credentials)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"]


@each
async def test_two_credentials_at_once_are_none(kind: str) -> None:
    async with guarded(BEARER, environ=VALUES) as world:
        headers = [("authorization", "Bearer t0ken"), ("authorization", "Bearer other")]
        method, url = ("GET", f"{world.urls['rest']}/m") if kind == "rest" else ("POST", world.urls["mcp"])
        assert (await world.client.request(method, url, headers=headers)).status_code == 401


@each
async def test_every_method_needs_credentials(kind: str) -> None:
    async with guarded(BEARER, environ=VALUES) as world:
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"):
            assert (await world.client.request(method, world.urls[kind])).status_code == 401


# -- digest -----------------------------------------------------------------------------------------------


class Manual(httpx.DigestAuth):
    """Credentials that can be sent again, and bent."""

    last = ""
    algorithm = ""

    def auth_flow(self, request: httpx.Request) -> Any:
        flow = super().auth_flow(request)
        sent = next(flow)
        while True:
            self.last = sent.headers.get("authorization", "")
            response = yield sent
            if self.algorithm:
                kept = [v for v in response.headers.get_list("www-authenticate") if self.algorithm in v]
                response.headers = httpx.Headers([("www-authenticate", value) for value in kept])
            try:
                sent = flow.send(response)
            except StopIteration:
                return


async def signed(world: Guarded, kind: str, algorithm: str = "") -> str:
    """Digest credentials that were just accepted."""
    auth = Manual("ann", "s3cret")
    auth.algorithm = algorithm
    assert (await world.knock(kind, auth=auth)).status_code == 200
    return auth.last


@each
@pytest.mark.parametrize("algorithm", ["SHA-256", "MD5"])
async def test_digest_works_with_either_algorithm(kind: str, algorithm: str) -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        assert f"algorithm={algorithm}" in await signed(world, kind, algorithm)


@each
async def test_the_strongest_digest_is_offered_first_each_in_a_field_of_its_own(kind: str) -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        asked = (await world.knock(kind)).headers.get_list("www-authenticate")
    assert [re.findall(r"algorithm=([^,]+)", text) for text in asked] == [["SHA-256"], ["MD5"]]
    assert all('qop="auth"' in text and "charset=UTF-8" in text and "stale" not in text for text in asked)


@each
async def test_digest_credentials_cannot_be_used_twice(kind: str) -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        sent = await signed(world, kind)
        again = await world.knock(kind, headers={"authorization": sent})
        assert again.status_code == 401
        assert "stale=true" in again.headers["www-authenticate"]


@each
async def test_one_challenge_is_good_for_many_requests(kind: str) -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        auth = httpx.DigestAuth("ann", "s3cret")
        assert (await world.knock(kind, auth=auth)).status_code == 200
        answers = await asyncio.gather(*(world.knock(kind, auth=auth) for _ in range(20)))
    assert [answer.status_code for answer in answers] == [200] * 20
    assert not any(answer.history for answer in answers)


@each
async def test_a_nonce_of_an_earlier_process_is_stale_and_the_client_goes_on(kind: str) -> None:
    auth = httpx.DigestAuth("ann", "s3cret")
    for _ in range(2):
        async with guarded(DIGEST, environ=VALUES) as world:
            assert (await world.knock(kind, auth=auth)).status_code == 200


@pytest.mark.parametrize(
    ("part", "instead"),
    [
        (r'response="\w+"', 'response="0"'),
        (r'uri="[^"]*"', 'uri="/openapi.json"'),
        (r'opaque="\w+"', 'opaque="x"'),
        (r'realm="\w+"', 'realm="other"'),
        (r"nc=\w+", "nc=1"),
        (r"nc=\w+", "nc=00000002"),
        (r"qop=auth", "qop=auth-int"),
        (r"algorithm=[\w-]+", "algorithm=SHA-512-256"),
        (r"algorithm=[\w-]+", "algorithm=MD5"),
        (r'username="ann"', 'username="bob"'),
        (r'username="ann"', 'username="ann", username="ann"'),
        (r"^Digest ", "Digest =, "),
    ],
)
async def test_digest_credentials_that_were_changed_are_refused(part: str, instead: str) -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        sent = await signed(world, "rest")
        assert re.search(part, sent)
        answer = await world.knock("rest", headers={"authorization": re.sub(part, instead, sent)})
    assert answer.status_code == 401
    assert "stale" not in answer.headers["www-authenticate"]


async def test_digest_covers_the_query() -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        params = {"q": "ä b", "r": "%2F"}
        assert (await world.knock("rest", params=params, auth=("x", "y"))).status_code == 401
        auth = Manual("ann", "s3cret")
        assert (await world.knock("rest", params=params, auth=auth)).status_code == 200
        moved = re.sub(r'uri="([^"?]*)[^"]*"', r'uri="\1"', auth.last)
        assert (await world.knock("rest", headers={"authorization": moved})).status_code == 401


async def test_the_description_says_how_to_get_in() -> None:
    async with guarded(DIGEST, environ=VALUES) as world:
        auth = httpx.DigestAuth("ann", "s3cret")
        document = (await world.client.get(f"{world.urls['rest']}/openapi.json", auth=auth)).json()
    assert document["components"]["securitySchemes"] == {"caller": {"type": "http", "scheme": "digest"}}


async def test_an_input_named_after_a_process_variable_does_not_get_its_value() -> None:
    inputs = "inputParameters: [{name: TOPSECRET, in: environment, type: string}]"
    text = f"""
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    resources: [{{path: /x, operations: [{{name: op, method: GET, inputParameters: [{{name: q, in: query}}]}}]}}]
  exposes:
  - type: rest
    namespace: ns
    port: 1
    resources:
    - {{path: /m, operations: [{{method: GET, name: m, {inputs}, call: up.op, with: {{q: ns.TOPSECRET}}}}]}}
  - type: mcp
    namespace: ms
    port: 2
    tools: [{{name: t, description: d, {inputs}, call: up.op, with: {{q: "{{{{TOPSECRET}}}}"}}}}]
"""
    async with running(text, environ={"TOPSECRET": "leak"}) as whole:
        await whole.get("/m")
        await whole.tool("t")
        assert len(whole.upstream.requests) > 0
        assert "leak" not in "".join(seen.target for seen in whole.upstream.requests)
