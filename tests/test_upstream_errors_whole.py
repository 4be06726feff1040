"""What callers get of an upstream's refusals: its status and words, and none of our secrets."""

from __future__ import annotations

import pytest

from tests.upstreams import Seen, reply
from tests.whole import running, text_of

pytestmark = pytest.mark.anyio

SECRET = "sk-canary-0123456789"
TEXT = """
capspec: "1"
binds: [{namespace: env, keys: {KEY: KEY}}]
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    authentication: {type: apikey, in: header, name: X-Key, value: "{{KEY}}"}
    resources: [{path: /x, operations: [{name: op, method: GET}]}]
  exposes:
  - {type: mcp, namespace: m, port: 1, tools: [{name: t, description: d, call: up.op}]}
  - {type: rest, namespace: r, port: 2, resources: [{path: /x, operations: [{name: x, method: GET, call: up.op}]}]}
"""


def echoing(status: int, *headers: tuple[str, str]):
    def answer(seen: Seen) -> bytes:
        key = seen.header("x-key") or ""
        assert key == SECRET
        return reply(
            status,
            f'{{"error": "bad key {key}"}}'.encode(),
            *((name, value + key) for name, value in headers),
        )

    return answer


@pytest.mark.parametrize("status", [400, 401, 500])
async def test_an_upstream_that_echoes_a_secret_shows_it_to_nobody(status: int):
    async with running(TEXT, echoing(status), environ={"KEY": SECRET}) as whole:
        answer = await whole.get("/x")
        assert (answer.status_code, answer.json()) == (status, {"error": "bad key ****"})
        result = await whole.tool("t")
        assert result.is_error
        assert SECRET not in text_of(result)


async def test_a_redirect_is_not_followed_and_is_no_success():
    redirect = echoing(302, ("Location", "http://elsewhere.test/"))
    async with running(TEXT, redirect, environ={"KEY": SECRET}) as whole:
        answer = await whole.get("/x", follow_redirects=False)
        assert answer.status_code == 302
        assert SECRET not in str(answer.headers)
        result = await whole.tool("t")
        assert result.is_error
        assert "302" in text_of(result)
        assert {seen.path for seen in whole.upstream.requests} == {"/x"}


async def test_a_status_that_http_does_not_have_is_a_broken_upstream():
    async with running(TEXT, echoing(600), environ={"KEY": SECRET}) as whole:
        answer = await whole.get("/x")
        assert (answer.status_code, answer.json()["code"]) == (502, "CAP602")
        assert (await whole.tool("t")).is_error
