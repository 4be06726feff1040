"""OAuth 1.0: the published examples, and what a server of our own recomputes from RFC 5849."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import pkcs12

from capspec import registry
from capspec.clock import VirtualClock
from capspec.errors import CompileError, InputError
from capspec.wire import Request, header
from tests.auth.auth_blocks import GET, compiled, sent_by, settings_of

pytestmark = pytest.mark.anyio

FORM = (("Content-Type", "application/x-www-form-urlencoded"),)
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def esc(text: str) -> str:
    return quote(text, safe="-._~")


def authorization(request: Request) -> dict[str, str]:
    scheme, _, rest = (header(request.headers, "authorization") or "").partition(" ")
    assert scheme == "OAuth"
    pairs = (item.strip().split("=", 1) for item in rest.split(","))
    return {unquote(name): unquote(value.strip('"')) for name, value in pairs}


def base_string(method: str, url: str, given: dict[str, str], form: str = "") -> str:
    """The text to sign (RFC 5849, 3.4.1), from what a server received."""
    parts = urlsplit(url)
    pairs = [*parse_qsl(parts.query, keep_blank_values=True), *parse_qsl(form, keep_blank_values=True)]
    pairs += [(name, value) for name, value in given.items() if name not in ("oauth_signature", "realm")]
    normal = "&".join(f"{name}={value}" for name, value in sorted((esc(a), esc(b)) for a, b in pairs))
    return "&".join((method, esc(f"{parts.scheme}://{parts.netloc.lower()}{parts.path}"), esc(normal)))


def hmac_of(text: str, secret: str, token_secret: str = "", digest: str = "sha1") -> str:
    key = f"{esc(secret)}&{esc(token_secret)}".encode()
    return base64.b64encode(hmac.new(key, text.encode(), digest).digest()).decode()


def at(auth: Any, moment: int, nonce: str) -> Any:
    auth.clock, auth.nonce = VirtualClock(moment), lambda: nonce
    return auth


def test_the_test_itself_signs_as_the_rfc_does() -> None:
    given = {
        "realm": "Example", "oauth_consumer_key": "9djdj82h48djs9d2", "oauth_token": "kkk9d7dh3k39sjv7",
        "oauth_signature_method": "HMAC-SHA1", "oauth_timestamp": "137131201", "oauth_nonce": "7d8f3e4a",
    }  # fmt: skip
    text = base_string(
        "POST", "http://example.com/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b", given, "c2&a3=2+q"
    )
    assert hmac_of(text, "j49sk3j29djd", "dh893hdasih9") == "r6/TJjbCOr97/+UU0NsvSne7s5g="


async def test_the_photos_example_of_oauth_core_has_its_signature() -> None:
    auth = compiled(
        "{type: oauth1, consumerKey: dpf43f3p2l4k3l03, consumerSecret: kd94hf93k423kf44, "
        "token: nnch734d00sl2jdk, tokenSecret: pfkkdhi9sl3r4s00}"
    )
    request = Request(method="GET", url="http://photos.example.net/photos?file=vacation.jpg&size=original")
    sent = await sent_by(at(auth, 1191242096, "kllo9940pd9333jh"), request)
    assert authorization(sent)["oauth_signature"] == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="
    assert sent.url == request.url
    assert auth.names == {"authorization"}


async def test_the_form_of_twitters_example_is_signed() -> None:
    auth = compiled(
        "{type: OAuth1, consumerKey: xvz1evFS4wEEPTGEFPHBog, token: {{T}}, tokenSecret: {{S}}, "
        "consumerSecret: kAcSOqF21Fu85e7zjz7ZN2U4ZRhfV3WpwPAoE3Z7kBw}".replace("{{T}}", "'{{T}}'").replace(
            "{{S}}", "'{{S}}'"
        ),
        T="370773112-GmHxMAgYyLbNEtIKZeRNFsMKPR9EyMZeS9weJAEb",
        S="LswwdoUaIvS8ltyTt5jkRh4J50vUPVVHtR2YPi5kE",
    )
    request = Request(
        method="POST",
        url="https://api.twitter.com/1.1/statuses/update.json?include_entities=true",
        headers=FORM,
        body=b"status=Hello%20Ladies%20%2b%20Gentlemen%2c%20a%20signed%20OAuth%20request%21",
    )
    sent = await sent_by(at(auth, 1318622958, "kYjzVBB8Y0ZFabxSWbWovY3uYSQ2pTgmZeNu2VS4cg"), request)
    assert authorization(sent)["oauth_signature"] == "hCtSmYh+iHYCEqBWrE7C7hYmtUk="
    assert sent.body == request.body


@pytest.mark.parametrize(
    ("method", "digest"),
    [("HMAC-SHA1", "sha1"), ("hmac_sha256", "sha256"), ("HMAC-SHA-256", "sha256"), ("HMAC-SHA512", "sha512")],
)
@pytest.mark.parametrize("body", [b"", b"c2&a3=2+q&%C3%A9=%2B"])
async def test_a_server_recomputes_every_hmac(method: str, digest: str, body: bytes) -> None:
    auth = compiled(
        f"{{type: oauth1, consumerKey: 'k&k', consumerSecret: 's/s', signatureMethod: {method}, realm: Photos}}"
    )
    request = Request(
        method="POST" if body else "GET",
        url="https://API.example.com/a%20b?x=1+2&x=0&empty=",
        headers=FORM if body else (),
        body=body or None,
    )
    sent = await sent_by(auth, request)
    given = authorization(sent)
    assert given["realm"] == "Photos"
    text = base_string(request.method, sent.url, given, body.decode())
    assert given["oauth_signature"] == hmac_of(text, "s/s", digest=digest)
    assert parse_qsl(urlsplit(sent.url).query, keep_blank_values=True) == [
        ("x", "1 2"),
        ("x", "0"),
        ("empty", ""),
    ]


async def test_every_request_has_its_own_nonce() -> None:
    auth = compiled("{type: oauth1, consumerKey: k, consumerSecret: s}")
    first, second = [authorization(await sent_by(auth)) for _ in range(2)]
    assert first["oauth_nonce"] != second["oauth_nonce"]


async def test_plaintext_sends_both_secrets() -> None:
    auth = compiled(
        "{type: oauth1, consumerKey: k, consumerSecret: 'a b', token: t, tokenSecret: c, signatureMethod: plaintext}"
    )
    assert authorization(await sent_by(auth))["oauth_signature"] == "a%20b&c"


async def test_parameters_can_go_into_the_query() -> None:
    auth = compiled("{type: oauth1, consumerKey: k, consumerSecret: s, placement: query}")
    sent = await sent_by(auth)
    query = dict(parse_qsl(urlsplit(sent.url).query))
    assert query["page"] == "2"
    assert header(sent.headers, "authorization") is None
    assert auth.names == frozenset()
    own = {name: value for name, value in query.items() if name.startswith("oauth_")}
    bare = GET.url
    assert own["oauth_signature"] == hmac_of(base_string("GET", bare, own), "s")


# -- RSA ---------------------------------------------------------------------------------------------------


def verify(signature: str, text: str, digest: hashes.HashAlgorithm) -> None:
    KEY.public_key().verify(base64.b64decode(signature), text.encode(), padding.PKCS1v15(), digest)


@pytest.mark.parametrize("body", [b'{"a": 1}', None])
async def test_a_signing_key_signs_with_sha256_and_hashes_the_body(body: bytes | None) -> None:
    """What Mastercard asks for."""
    auth = compiled("{type: oauth1, consumerKey: k, signingKey: '{{KEY}}'}", KEY=PEM.replace("\n", "\\n"))
    request = replace(GET, method="POST", headers=(("Content-Type", "application/json"),), body=body)
    sent = await sent_by(auth, request)
    given = authorization(sent)
    assert given["oauth_signature_method"] == "RSA-SHA256"
    assert given["oauth_body_hash"] == base64.b64encode(hashlib.sha256(body or b"").digest()).decode()
    verify(given["oauth_signature"], base_string("POST", sent.url, given), hashes.SHA256())


async def test_forms_are_signed_instead_of_hashed() -> None:
    auth = compiled(
        "{type: oauth1, consumerKey: k, signingKey: '{{KEY}}', signatureMethod: RSA-SHA1}", KEY=PEM
    )
    sent = await sent_by(auth, replace(GET, method="POST", headers=FORM, body=b"a=1"))
    given = authorization(sent)
    assert "oauth_body_hash" not in given
    verify(given["oauth_signature"], base_string("POST", sent.url, given, "a=1"), hashes.SHA1())


async def test_a_key_store_is_opened_with_its_password(tmp_path) -> None:
    store = pkcs12.serialize_key_and_certificates(
        b"keyalias", KEY, None, None, serialization.BestAvailableEncryption(b"hush")
    )
    (tmp_path / "key.p12").write_bytes(store)
    for written in (str(tmp_path / "key.p12"), base64.b64encode(store).decode()):
        auth = compiled(
            f"{{type: oauth1, consumerKey: k, signingKey: '{written}', signingKeyPassword: '{{{{P}}}}'}}",
            P="hush",
        )
        sent = await sent_by(auth)
        given = authorization(sent)
        verify(given["oauth_signature"], base_string("GET", sent.url, given), hashes.SHA256())


async def test_a_stream_is_read_before_it_is_hashed() -> None:
    async def parts():
        yield b"ab"
        yield b"c"

    auth = compiled("{type: oauth1, consumerKey: k, consumerSecret: s, bodyHash: sha256}")
    sent = await sent_by(auth, replace(GET, method="PUT", body=parts()))
    assert sent.body == b"abc"
    assert (
        authorization(sent)["oauth_body_hash"] == base64.b64encode(hashlib.sha256(b"abc").digest()).decode()
    )


# -- settings ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: oauth1, consumerSecret: hush}", "the consumer's key is empty"),
        ("{type: oauth1, consumerKey: k}", "the consumer's secret is empty"),
        ("{type: oauth1, consumerKey: k, consumerSecret: hush, signatureMethod: MD5}", "no OAuth 1 method"),
        ("{type: oauth1, consumerKey: k, consumerSecret: hush, signatureMethod: RSA-SHA1}", "needs a signing key"),
        ("{type: oauth1, consumerKey: k, signingKey: /nowhere/hush.p12}", "cannot be read: No such file"),
        ("{type: oauth1, consumerKey: k, signingKey: hush}", "its path is relative to no file"),
        ("{type: oauth1, consumerKey: k, signingKey: '-----BEGIN PRIVATE KEY-----hush'}", "that can be read"),
        ("{type: oauth1, consumerKey: k, consumerSecret: hush, placement: body}", "cannot be placed in the body"),
        ("{type: oauth1, consumerKey: k, consumerSecret: hush, bodyHash: crc}", "'bodyHash' cannot be 'crc'"),
    ],
)  # fmt: skip
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block)
    assert "hush" not in str(caught.value)


def test_variables_without_a_value_are_noted() -> None:

    settings = settings_of("{type: oauth1, consumerKey: '{{A}}', signingKey: '{{B}}'}")
    assert registry.find("auth", "oauth1")(settings).names == {"authorization"}
    assert set(settings.missing) == {"A", "B"}


async def test_a_form_that_is_no_text_is_refused_without_being_quoted() -> None:
    auth = compiled("{type: oauth1, consumerKey: k, consumerSecret: s}")
    with pytest.raises(InputError, match="cannot be signed") as caught:
        await sent_by(auth, replace(GET, method="POST", headers=FORM, body=b"a=\xffhush"))
    assert "hush" not in str(caught.value)
