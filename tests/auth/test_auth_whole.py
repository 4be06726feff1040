"""Outbound authentication from a file to the wire: an upstream that recomputes what it is sent."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from oauthlib.oauth1 import RequestValidator, SignatureOnlyEndpoint

from tests.upstreams import Seen, reply
from tests.whole import plan_of, running, text_of, value_of

pytestmark = pytest.mark.anyio

HUSH = "s3cr3t/k3y+ of=ours"


def capability(auth: str, *, more: str = "", binds: str = "") -> str:
    return f"""
capspec: "1"
{binds}
capability:
  consumes:
  - namespace: up
    baseUri: http://up.test
    authentication: {auth}
    {more}
    resources:
    - path: /things/{{name}}
      operations:
      - {{name: read, method: GET, inputParameters: [{{name: q, in: query}}, {{name: name, in: path}}]}}
      - name: write
        method: POST
        inputParameters: [{{name: name, in: path}}, {{name: a, in: body}}]
      - name: form
        method: PUT
        inputParameters: [{{name: name, in: path}}, {{name: a, in: form}}, {{name: b, in: form}}]
  exposes:
  - type: mcp
    namespace: ns
    port: 1
    tools:
    - {{name: read, description: d, call: up.read}}
    - {{name: write, description: d, call: up.write}}
    - {{name: form, description: d, call: up.form}}
"""


CALLS: list[tuple[str, dict[str, Any]]] = [
    ("read", {"name": "a b/c:d", "q": "x y+z&é=%"}),
    ("write", {"name": "é", "a": {"n": 1}}),
    ("form", {"name": "x", "a": "1 2", "b": "é&="}),
]


async def served(auth: str, check: Any, environ: dict[str, str], **more: str) -> None:
    """Each call, against an upstream that answers only when `check` holds."""

    def answer(seen: Seen) -> bytes:
        return reply(200, b'{"ok": true}') if check(seen) else reply(403, b'{"ok": false}')

    async with running(capability(auth, **more), answer, environ=environ) as whole:
        for tool, arguments in CALLS:
            result = await whole.tool(tool, arguments)
            assert value_of(result) == {"ok": True}, (tool, text_of(result), whole.upstream.requests[-1])


# -- signatures ----------------------------------------------------------------------------------------------


class Validator(RequestValidator):
    """What a server that uses oauthlib knows of its clients."""

    enforce_ssl = False
    client_key_length = (1, 40)

    def validate_client_key(self, client_key: str, request: Any) -> bool:
        return client_key == "me"

    def validate_timestamp_and_nonce(self, *args: Any, **words: Any) -> bool:
        return True

    def get_client_secret(self, client_key: str, request: Any) -> str:
        return HUSH

    dummy_client = "nobody"


@pytest.mark.parametrize("method", ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"])
async def test_an_oauth1_server_accepts_every_call(method: str) -> None:
    endpoint = SignatureOnlyEndpoint(Validator())

    def check(seen: Seen) -> bool:
        headers = {"Authorization": seen.header("authorization") or ""}
        is_form = (seen.header("content-type") or "").startswith("application/x-www-form")
        if is_form:
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        body = (
            "&".join(f"{quote(a)}={quote(b)}" for a, b in parse_qsl(seen.body.decode())) if is_form else None
        )
        url = f"http://{seen.header('host')}{seen.target}"
        valid, _ = endpoint.validate_request(url, seen.method, body, headers)
        return bool(valid)

    auth = f"{{type: oauth1, consumerKey: me, consumerSecret: '{{{{S}}}}', signatureMethod: {method}}}"
    await served(auth, check, {"S": HUSH})


def aws_signature(seen: Seen, secret: str) -> str:
    """What the service computes from what it received (canonical request, string to sign, key)."""
    found = re.match(
        r"AWS4-HMAC-SHA256 Credential=AKID/(\d+)/eu-west-1/(\w+)/aws4_request, SignedHeaders=([a-z0-9;-]+), ",
        seen.header("authorization") or "",
    )
    assert found is not None
    day, service, names = found.groups()
    parts = urlsplit(seen.target)
    path = quote(unquote(parts.path), safe="/~") if service == "s3" else quote(parts.path, safe="/~")
    # A service does not read + as a blank.
    pairs = [item.partition("=") for item in parts.query.split("&") if item]
    query = "&".join(
        sorted(f"{quote(unquote(a), safe='~')}={quote(unquote(b), safe='~')}" for a, _, b in pairs)
    )
    headers = "".join(f"{name}:{seen.header(name)}\n" for name in names.split(";"))
    digest = hashlib.sha256(seen.body).hexdigest()
    canonical = "\n".join((seen.method, path, query, headers, names, digest))
    text = "\n".join((
        "AWS4-HMAC-SHA256", seen.header("x-amz-date") or "", f"{day}/eu-west-1/{service}/aws4_request",
        hashlib.sha256(canonical.encode()).hexdigest(),
    ))  # fmt: skip
    key = f"AWS4{secret}".encode()
    for part in (day, "eu-west-1", service, "aws4_request", text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
async def test_an_aws_service_accepts_every_call(service: str) -> None:
    def check(seen: Seen) -> bool:
        return (seen.header("authorization") or "").endswith(f"Signature={aws_signature(seen, HUSH)}")

    auth = f"{{type: aws-signature-v4, service: {service}, region: eu-west-1}}"
    await served(auth, check, {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": HUSH})


async def test_an_api_with_its_own_signatures_accepts_every_call() -> None:
    def check(seen: Seen) -> bool:
        parts = (seen.method, seen.target, seen.header("x-date"), hashlib.sha256(seen.body).digest())
        written = [
            base64.b64encode(part).decode() if isinstance(part, bytes) else str(part) for part in parts
        ]
        expected = hmac.new(HUSH.encode(), "\n".join(written).encode(), "sha256").digest()
        return seen.header("authorization") == f"Own me:{base64.b64encode(expected).decode()}"

    auth = (
        "{type: HMAC, keyId: me, secret: '{{S}}', encoding: base64, timestamp: http, "
        "sign: ['{method}', '{pathAndQuery}', '{header:x-date}', '{bodyHash}'], "
        "headers: {X-Date: '{timestamp}', Authorization: 'Own {keyId}:{signature}'}}"
    )
    await served(auth, check, {"S": HUSH})


async def test_several_keys_go_where_each_belongs() -> None:
    def check(seen: Seen) -> bool:
        cookies = seen.header("cookie") or ""
        return (
            seen.header("x-one") == "1"
            and ("two", "2") in seen.query
            and "three=3" in cookies
            and "four=4" in cookies
        )

    auth = "{type: custom, headers: {X-One: '{{A}}'}, query: [{name: two, value: 2}], cookies: {three: 3, four: 4}}"
    await served(auth, check, {"A": "1"})


async def test_a_key_goes_into_every_body() -> None:
    async with running(
        capability("{type: apikey, key: api_key, value: '{{A}}', placement: body}"), environ={"A": "1"}
    ) as whole:
        for tool, arguments in CALLS[1:]:
            await whole.tool(tool, arguments)
        written, form = whole.upstream.requests
    assert json.loads(written.body) == {"a": {"n": 1}, "api_key": "1"}
    assert parse_qsl(form.body.decode()) == [("a", "1 2"), ("b", "é&="), ("api_key", "1")]


# -- secrets -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "auth",
    [
        "{type: oauth1, consumerKey: me, consumerSecret: '{{S}}'}",
        "{type: aws, service: s3, region: r, accessKeyId: A, secretAccessKey: '{{S}}'}",
        "{type: hmac, secret: '{{S}}', sign: ['{body}'], headers: {X: '{signature}'}}",
        "{type: oauth2, tokenUrl: 'http://up.test/token', username: bob, password: '{{S}}'}",
        "{type: oauth2, tokenUrl: 'http://up.test/token', refreshToken: '{{S}}'}",
    ],
)
async def test_a_secret_is_in_no_answer_log_or_plan(auth: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with running(capability(auth), {"*": reply(500, b"no")}, environ={"S": HUSH}) as whole:
        result = await whole.tool("read", {"name": "x", "q": "1"})
        assert result.is_error
        assert HUSH not in repr(whole.plan.upstreams)
    assert HUSH not in text_of(result)
    assert HUSH not in caplog.text
    assert quote(HUSH, safe="") not in caplog.text


async def test_signed_requests_go_to_no_address_that_the_file_does_not_name() -> None:
    """The token endpoint is one that the file names; where its metadata point is not."""
    auth = "{type: oauth2, issuer: 'http://127.0.0.1:1', clientId: a, clientSecret: '{{S}}'}"
    plan = plan_of(capability(auth), environ={"S": HUSH})
    assert set(plan.contacts) == {"http://up.test", "http://127.0.0.1:1"}


# -- variables of the environment ----------------------------------------------------------------------------

OLD = "inputParameters: [{name: my_api_key, in: environment}, {name: X-Key, in: header, value: '{{my_api_key}}'}]"


async def test_an_input_in_the_environment_fills_credentials_and_headers() -> None:
    text = capability("{type: bearer, token: '{{my_api_key}}'}", more=OLD)
    async with running(text, environ={"my_api_key": "abc"}) as whole:
        await whole.tool("read", {"name": "x", "q": "1"})
        await whole.tool("write", {"name": "x", "a": 1})
        read, write = whole.upstream.requests
        for tool in whole.plan.listeners[0].flows:
            assert "my_api_key" not in json.dumps(tool.input_schema)
    assert (read.header("authorization"), read.header("x-key")) == ("Bearer abc", "abc")
    assert read.query == [("q", "1")]
    assert json.loads(write.body) == {"a": 1}


async def test_no_argument_can_stand_for_a_variable() -> None:
    text = capability("{type: bearer, token: '{{my_api_key}}'}", more=OLD)
    async with running(text, environ={"my_api_key": "abc"}) as whole:
        await whole.tool("read", {"name": "x", "q": "1", "my_api_key": "theirs"})
        await whole.tool("read", {"name": "x", "q": "1"})
        sent = [seen.target + str(seen.headers) for seen in whole.upstream.requests]
    assert sent
    assert not any("theirs" in text for text in sent)


def test_a_variable_of_the_environment_without_a_value_is_missing_and_a_bind_can_give_it(
    tmp_path: Path,
) -> None:
    auth = "{type: bearer, token: '{{my_api_key}}'}"
    plan = plan_of(capability(auth, more=OLD))
    assert plan.upstreams[0].missing == ("my_api_key",)
    (tmp_path / "secrets.env").write_text("K=abc\n")
    binds = "binds: [{namespace: s, location: ./secrets.env, keys: {my_api_key: K}}]"
    plan = plan_of(capability(auth, more=OLD, binds=binds), path=tmp_path / "cap.yaml")
    assert plan.upstreams[0].missing == ()


# -- what cannot be served -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("oauth2-interactive", "needs a person at a browser"),
        ("OAuth2Interactive", "needs a person at a browser"),
        ("openIdConnect", "needs a person at a browser"),
        ("SAML", "needs a person at a browser"),
        ("session", "needs a login that no file can describe"),
        ("NTLM", "signs connections"),
        ("custom", "what is custom about it is not said"),
        ("barer", "did you mean 'bearer'"),
        ("''", "it has no 'type'"),
    ],
)
async def test_a_type_that_nothing_can_do_stops_every_call_with_the_reason(word: str, message: str) -> None:
    async with running(capability(f"{{type: {word}}}")) as whole:
        result = await whole.tool("read", {"name": "x", "q": "1"})
        assert result.is_error
        assert message in text_of(result)
        assert whole.upstream.requests == []


@pytest.mark.parametrize("word", ["Bearer", "BEARER", "token"])
async def test_a_type_may_be_written_in_any_case(word: str) -> None:
    async with running(capability(f"{{type: {word}, token: abc}}")) as whole:
        await whole.tool("read", {"name": "x", "q": "1"})
        assert whole.sent.header("authorization") == "Bearer abc"


async def test_the_type_none_needs_no_credentials() -> None:
    async with running(capability("{type: none}")) as whole:
        await whole.tool("read", {"name": "x", "q": "1"})
        assert whole.sent.header("authorization") is None
