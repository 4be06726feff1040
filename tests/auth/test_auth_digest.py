"""Digest authentication, against a server that does the arithmetic on its own (RFC 7616, 3.4.1)."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Callable

import pytest

from capspec.auth.digest import compile_auth
from capspec.errors import CompileError, UpstreamError
from capspec.transports.httpx import open_transport
from capspec.wire import Request, Response
from tests.auth.auth_blocks import GET, Wire, compiled, response, settings_of
from tests.upstreams import Answer, Seen, reply, serving

pytestmark = pytest.mark.anyio

BLOCK = "{type: digest, username: ada, password: 'pass word'}"
CHALLENGE = 'Digest realm="test", qop="auth", algorithm={}, nonce="{}", opaque="o"'


def fields_of(authorization: str) -> dict[str, str]:
    return {
        key: quoted or bare
        for key, quoted, bare in re.findall(r'(\w+)=(?:"([^"]*)"|([^\s,]+))', authorization)
    }


def is_right(seen: Seen, fields: dict[str, str], digest: Callable[[str], str]) -> bool:
    first = digest("ada:test:pass word")
    second = digest(f"{seen.method}:{seen.target}")
    given = (first, fields["nonce"], fields["nc"], fields["cnonce"], fields["qop"], second)
    return fields["uri"] == seen.target and fields["response"] == digest(":".join(given))


def guarded(algorithm: str = "SHA-256", *, uses: int = 1000) -> Answer:
    """A server that gives out a nonce for so many uses."""
    digests: dict[str, Callable[[str], str]] = {
        "MD5": lambda text: hashlib.md5(text.encode()).hexdigest(),
        "SHA-256": lambda text: hashlib.sha256(text.encode()).hexdigest(),
    }
    nonces: dict[str, int] = {}

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        fields = fields_of(seen.header("authorization") or "")
        left = nonces.get(fields.get("nonce", ""), 0)
        if left and is_right(seen, fields, digests[algorithm]):
            nonces[fields["nonce"]] -= 1
            return reply(200, seen.body or b"{}")
        nonce = f"nonce{len(nonces)}"
        nonces[nonce] = uses
        return reply(401, b"no", ("WWW-Authenticate", CHALLENGE.format(algorithm, nonce)))

    return answer


async def status_and_body(response: Response) -> tuple[int, bytes]:
    body = b"".join([part async for part in response.chunks])
    await response.close()
    return response.status, body


@pytest.mark.parametrize("algorithm", ["MD5", "SHA-256"])
async def test_a_challenge_is_answered(algorithm: str) -> None:
    auth, transport = compiled(BLOCK), open_transport()
    async with serving(guarded(algorithm)) as server:
        request = Request(method="POST", url=f"{server.url}/a%2Fb?x=1+2", body=b"data")
        assert await status_and_body(await auth.authenticate(request, transport.send)) == (200, b"data")
        await transport.close()
    assert [seen.body for seen in server.requests] == [b"data", b"data"]
    assert "pass word" not in str(server.requests)


async def test_later_requests_reuse_the_challenge_until_it_is_stale() -> None:
    auth, transport = compiled(BLOCK), open_transport()
    async with serving(guarded(uses=2)) as server:
        request = Request(method="GET", url=server.url)
        for _ in range(3):
            assert (await status_and_body(await auth.authenticate(request, transport.send)))[0] == 200
        await transport.close()
    # 401 and 200; 200; 401 and 200.
    assert len(server.requests) == 5
    assert len({fields_of(seen.header("authorization") or "").get("cnonce") for seen in server.requests}) == 5


async def test_a_streamed_body_survives_the_challenge() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"two "
        yield b"parts"

    auth, transport = compiled(BLOCK), open_transport()
    async with serving(guarded()) as server:
        request = Request(method="PUT", url=server.url, body=parts())
        assert await status_and_body(await auth.authenticate(request, transport.send)) == (200, b"two parts")
        await transport.close()


async def test_wrong_credentials_are_tried_once() -> None:
    auth, transport = compiled("{type: digest, username: ada, password: wrong}"), open_transport()
    async with serving(guarded()) as server:
        request = Request(method="GET", url=server.url)
        assert await status_and_body(await auth.authenticate(request, transport.send)) == (401, b"no")
        await transport.close()
    assert len(server.requests) == 2


async def test_an_answer_without_a_digest_challenge_is_passed_on() -> None:
    wire = Wire(
        lambda request: response(401, b"no", ("WWW-Authenticate", "Basic realm=x"), ("X-Odd", "caf\xe9"))
    )
    answer = await compiled(BLOCK).authenticate(GET, wire.send)
    assert answer.status == 401
    assert len(wire.sent) == 1
    assert wire.open == 1


async def test_a_cookie_of_the_challenge_comes_back_with_its_answer() -> None:
    def answer(request: Request) -> Response:
        if any(name == "Authorization" for name, _ in request.headers):
            return response()
        cookie = ("Set-Cookie", "sid=1; Path=/")
        return response(401, b"", ("WWW-Authenticate", CHALLENGE.format("MD5", "n")), cookie)

    wire = Wire(answer)
    await compiled(BLOCK).authenticate(GET, wire.send)
    assert ("Cookie", "sid=1") in wire.sent[1].headers
    assert wire.open == 1


@pytest.mark.parametrize(
    "challenge",
    [
        'Digest realm="r"',
        "Digest nonsense",
        'Digest realm="r", nonce="n", algorithm=ROT13',
        'Digest realm="r", nonce="n", qop="auth-int"',
    ],
)
async def test_a_challenge_that_cannot_be_answered_is_an_upstream_error(challenge: str) -> None:
    wire = Wire(lambda request: response(401, b"", ("WWW-Authenticate", challenge)))
    with pytest.raises(UpstreamError, match=r"api\.example\.com asks for digest credentials"):
        await compiled(BLOCK).authenticate(GET, wire.send)
    assert wire.open == 0


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: digest, password: abc}", "the user name is empty"),
        ("{type: digest, username: 'a\"b', password: abc}", "cannot hold quotes"),
        ('{type: digest, username: a, password: "abc\\n"}', "control character"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block)
    assert "abc" not in str(caught.value)


def test_variables_without_a_value_are_noted_and_refuse_nothing() -> None:
    settings = settings_of("{type: digest, username: '{{USER}}', password: '{{PASS}}'}")
    assert compile_auth(settings).names == {"authorization"}
    assert settings.missing == ["USER", "PASS"]
