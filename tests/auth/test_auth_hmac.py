"""HMAC signatures: the vocabulary, and schemes of well-known APIs written in it."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from capspec import registry
from capspec.clock import VirtualClock
from capspec.errors import CompileError, InputError
from capspec.wire import Request, header
from tests.auth.auth_blocks import GET, compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio


def at(auth: Any, moment: float = 1_700_000_000.5, nonce: bytes = b"\x01" * 16) -> Any:
    auth.clock, auth.nonce = VirtualClock(moment), lambda: nonce
    return auth


def mac(secret: bytes, text: str, digest: str = "sha256") -> bytes:
    return hmac.new(secret, text.encode(), digest).digest()


async def test_a_body_is_signed_as_for_a_webhook() -> None:
    auth = compiled(
        "{type: hmac, secret: '{{S}}', sign: ['{body}'], headers: {X-Hub-Signature-256: 'sha256={signature}'}}",
        S="It's a Secret to Everybody",
    )
    sent = await sent_by(auth, replace(GET, method="POST", body=b"Hello, World!"))
    # The example in GitHub's documentation of webhooks.
    assert header(sent.headers, "x-hub-signature-256") == (
        "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    )
    assert auth.names == {"x-hub-signature-256"}


async def test_every_part_of_a_request_can_be_signed() -> None:
    auth = compiled("""
        type: hmac
        keyId: me
        secret: s
        algorithm: HMAC-SHA512
        encoding: base64
        sign: ['{method}', '{host}', '{path}', '{query}', '{pathAndQuery}', '{url}', '{body}', '{bodyHash}',
               '{timestamp}', '{nonce}', '{keyId}', '{header:X-Own}', '{header:absent}']
        headers: {X-Key: '{keyId}', X-Time: '{timestamp}', X-Nonce: '{nonce}', X-Signature: 'v1 {signature}'}
        """)
    request = Request(
        method="PUT", url="https://API.example.com:8443/a/b?x=1", headers=(("x-own", "o"),), body=b"{}"
    )
    sent = await sent_by(at(auth), request)
    digest = base64.b64encode(hashlib.sha512(b"{}").digest()).decode()
    text = "\n".join((
        "PUT", "api.example.com:8443", "/a/b", "x=1", "/a/b?x=1", request.url, "{}", digest, "1700000000", "01" * 16,
        "me", "o", "",
    ))  # fmt: skip
    expected = base64.b64encode(mac(b"s", text, "sha512")).decode()
    assert dict(sent.headers) == {
        "x-own": "o",
        "X-Key": "me",
        "X-Time": "1700000000",
        "X-Nonce": "01" * 16,
        "X-Signature": f"v1 {expected}",
    }
    assert auth.names == {"x-key", "x-time", "x-nonce", "x-signature"}


async def test_the_time_in_the_query_is_signed_with_the_rest_of_it() -> None:
    """As exchanges want it."""
    auth = compiled("""
        type: hmac
        keyId: me
        secret: s
        timestamp: unix-ms
        sign: ['{query}']
        headers: {X-KEY: '{keyId}'}
        query: {timestamp: '{timestamp}', signature: '{signature}'}
        """)
    sent = await sent_by(at(auth), replace(GET, url=f"{GET.url}&signature=theirs&timestamp=1"))
    query = "page=2&timestamp=1700000000500"
    assert urlsplit(sent.url).query == f"{query}&signature={mac(b's', query).hex()}"


@pytest.mark.parametrize(
    ("word", "written"),
    [
        ("unix", "1700000000"),
        ("unix-ms", "1700000000500"),
        ("iso", "2023-11-14T22:13:20Z"),
        ("http", "Tue, 14 Nov 2023 22:13:20 GMT"),
    ],
)
async def test_the_time_is_written_as_the_api_reads_it(word: str, written: str) -> None:
    auth = compiled(
        f"{{type: hmac, secret: s, timestamp: {word}, sign: ['{{header:Date}}'], headers: {{Date: '{{timestamp}}', X-S: '{{signature}}'}}}}"
    )
    sent = await sent_by(at(auth))
    assert header(sent.headers, "date") == written
    assert header(sent.headers, "x-s") == mac(b"s", written).hex()


@pytest.mark.parametrize(
    ("encoding", "written"), [("text", "abcd"), ("hex", "61626364"), ("base64", "YWJjZA==")]
)
async def test_a_secret_is_read_in_its_encoding(encoding: str, written: str) -> None:
    block = "{type: hmac, secret: '{{S}}', secretEncoding: %s, separator: '', sign: [a, b], headers: {X: '{signature}'}}"
    sent = await sent_by(compiled(block % encoding, S=written))
    assert header(sent.headers, "x") == mac(b"abcd", "ab").hex()


async def test_a_value_with_braces_is_no_placeholder() -> None:
    block = (
        "{type: hmac, secret: s, keyId: '{{K}}', sign: ['{keyId} {{K}}'], headers: {X: '{{K}} {signature}'}}"
    )
    sent = await sent_by(compiled(block, K="{nonce}{x}"))
    assert header(sent.headers, "x") == f"{{nonce}}{{x}} {mac(b's', '{nonce}{x} {nonce}{x}').hex()}"


async def test_the_key_can_be_derived_in_steps() -> None:
    block = "{type: hmac, secret: s, deriveKey: ['{timestamp}', v1], sign: [x], headers: {X: '{signature}'}}"
    sent = await sent_by(at(compiled(block)))
    assert header(sent.headers, "x") == mac(mac(mac(b"s", "1700000000"), "v1"), "x").hex()


async def test_veracodes_own_scheme_needs_only_its_credentials() -> None:
    """The figures are those of a published walk through the scheme."""
    key = (
        "38611f3f651c90091e0cd5389e8a836fa591829505ea0acf4b8f141a4b0b1779"
        "ed016fd1819ddd07f2bee100bf7ffec9f2b29ff719f9e818f3e40865719474e3"
    )
    nonce = bytes.fromhex("43a096639916c4f3925a44200cc2eeeb")
    auth = compiled(
        "{type: hmac, apiId: '{{I}}', apiKey: '{{K}}'}", I="684a28d91070e4ce68b2131e43c2d79b", K=key
    )
    request = Request(method="GET", url="https://analysiscenter.veracode.com/api/5.0/getapplist.do?a=1")
    sent = await sent_by(at(auth, 1528471895.699, nonce), request)
    signing_key = bytes.fromhex("72163d368a280f9b5fc467baa1c181c391378e88b5bee0906569142d7d9d9e2f")
    data = "id=684a28d91070e4ce68b2131e43c2d79b&host=analysiscenter.veracode.com&url=/api/5.0/getapplist.do?a=1&method=GET"
    assert header(sent.headers, "authorization") == (
        "VERACODE-HMAC-SHA-256 id=684a28d91070e4ce68b2131e43c2d79b,ts=1528471895699,"
        f"nonce=43a096639916c4f3925a44200cc2eeeb,sig={mac(signing_key, data).hex()}"
    )


async def test_a_request_whose_signature_cannot_be_sent_is_refused() -> None:
    auth = compiled("{type: hmac, secret: s, sign: [x], headers: {X: '{body}', Y: '{signature}'}}")
    with pytest.raises(InputError, match="cannot be signed"):
        await sent_by(auth, replace(GET, method="POST", body=b"a\r\nb"))


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: hmac, secret: hush}", "does not say what is signed"),
        ("{type: hmac, sign: [a]}", "the secret is empty"),
        ("{type: hmac, secret: hush, sign: [a]}", "where the signature goes"),
        ("{type: hmac, secret: hush, sign: ['{bodi}'], headers: {X: '{signature}'}}", "'{bodi}' stands for nothing"),
        ("{type: hmac, secret: hush, sign: ['{signature}'], headers: {X: '{signature}'}}", "stands for nothing"),
        ("{type: hmac, secret: hush, sign: [a], algorithm: crc32, headers: {X: '{signature}'}}", "'crc32'"),
        ("{type: hmac, secret: hush, sign: [a], encoding: rot13, headers: {X: '{signature}'}}", "'rot13'"),
        ("{type: hmac, secret: hush, sign: [a], secretEncoding: hex, headers: {X: '{signature}'}}", "is not hex"),
        ("{type: hmac, secret: hush, sign: [a], headers: {Host: '{signature}'}}", "the header 'Host' cannot"),
        ("{type: hmac, apiId: me, apiKey: hush}", "the secret is not hex"),
    ],
)  # fmt: skip
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block)
    assert "hush" not in str(caught.value)


def test_variables_without_a_value_are_noted_and_secrets_do_not_print() -> None:
    settings = settings_of("{type: hmac, secret: '{{S}}', sign: ['{{T}}'], headers: {X: '{signature}'}}")
    registry.find("auth", "hmac")(settings)
    assert set(settings.missing) == {"S", "T"}
    auth = compiled("{type: hmac, secret: hush, sign: ['hush {body}'], headers: {X: '{signature}'}}")
    assert "hush" not in repr(auth._recipe)
