"""OAuth 2.0 grants beyond client credentials, ways of a client to prove itself, and how tokens travel."""

from __future__ import annotations

import base64
import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from capspec import registry
from capspec.clock import VirtualClock
from capspec.errors import CompileError, UpstreamError
from capspec.wire import Request, Response, header
from tests.auth.auth_blocks import GET, Wire, compiled, response, settings_of

pytestmark = pytest.mark.anyio

TOKENS = "https://login.example.com/token"


def pem(key: Any, password: str = "") -> str:
    lock = (
        serialization.BestAvailableEncryption(password.encode()) if password else serialization.NoEncryption()
    )
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock).decode()


RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Server:
    """An authorization server and an API without a network. `answers` are those of the token endpoint."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers) or [{}]
        self.asked: list[Request] = []
        self.called: list[Request] = []
        self.wire = Wire(self.answer)

    def answer(self, request: Request) -> Response:
        if request.url != TOKENS:
            self.called.append(request)
            return response()
        self.asked.append(request)
        more = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return response(200, json.dumps({"access_token": "tok", "expires_in": 100, **more}).encode())

    async def call(self, auth: Any, clock: VirtualClock | None = None) -> Request:
        auth.clock = clock or VirtualClock()
        await (await auth.authenticate(GET, self.wire.send)).close()
        return self.called[-1]

    def form(self, index: int = -1) -> dict[str, str]:
        body = self.asked[index].body
        assert isinstance(body, bytes)
        return dict(parse_qsl(body.decode(), keep_blank_values=True))


async def form_of(block: str, **variables: str) -> dict[str, str]:
    """What is asked of the token endpoint."""
    server = Server()
    sent = await server.call(compiled(block.replace("TOKENS", TOKENS), **variables))
    assert header(sent.headers, "authorization") == "Bearer tok"
    return server.form()


# -- grants --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("grant", ["grantType: password, ", ""])
async def test_a_users_password_gets_a_token(grant: str) -> None:
    block = f"{{type: oauth2, {grant}tokenUrl: TOKENS, clientId: app, username: bob, password: ' p&w ', scope: a b}}"
    assert await form_of(block) == {
        "grant_type": "password",
        "username": "bob",
        "password": " p&w ",
        "scope": "a b",
        "client_id": "app",
    }


@pytest.mark.parametrize("grant", ["grantType: authorization_code, ", "grantType: refreshToken, ", ""])
async def test_a_stored_refresh_token_gets_tokens_and_its_successor_is_used_next(grant: str) -> None:
    server = Server({"refresh_token": "second"}, {})
    auth = compiled(
        f"{{type: oauth2, {grant}tokenUrl: '{TOKENS}', clientId: app, clientSecret: s, refreshToken: '{{{{R}}}}'}}",
        R="first",
    )
    clock = VirtualClock()
    await server.call(auth, clock)
    clock.advance(100)
    await server.call(auth, clock)
    clock.advance(100)
    await server.call(auth, clock)
    assert [server.form(index)["refresh_token"] for index in range(3)] == ["first", "second", "second"]
    assert server.form()["grant_type"] == "refresh_token"
    pair = (header(server.asked[0].headers, "authorization") or "").removeprefix("Basic ")
    assert base64.b64decode(pair) == b"app:s"


@pytest.mark.parametrize(
    ("key", "algorithm", "more"),
    [
        (RSA, "RS256", ""),
        (RSA, "PS384", "algorithm: PS384, "),
        (ec.generate_private_key(ec.SECP256R1()), "ES256", ""),
        (ec.generate_private_key(ec.SECP384R1()), "ES384", ""),
        (ed25519.Ed25519PrivateKey.generate(), "EdDSA", ""),
    ],
)
async def test_a_signed_assertion_speaks_for_a_user(key: Any, algorithm: str, more: str) -> None:
    block = (
        "{type: oauth2, grantType: jwt-bearer, tokenUrl: TOKENS, clientId: app, privateKey: '{{KEY}}', keyId: k1, "
        f"subject: bob, {more}claims: {{tenant: t}}, assertionLifetime: 60}}"
    )
    form = await form_of(block, KEY=pem(key))
    assert form["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
    assert "client_secret" not in form
    assert jwt.get_unverified_header(form["assertion"]) == {"alg": algorithm, "typ": "JWT", "kid": "k1"}
    claims = jwt.decode(
        form["assertion"], key.public_key(), [algorithm], audience=TOKENS, options={"verify_iat": False}
    )
    assert (claims["iss"], claims["sub"], claims["tenant"]) == ("app", "bob", "t")
    assert (claims["iat"], claims["exp"] - claims["iat"]) == (1_800_000_000, 60)
    assert len(claims["jti"]) == 32


async def test_an_assertion_from_elsewhere_is_passed_on() -> None:
    form = await form_of("{type: oauth2, tokenUrl: TOKENS, assertion: '{{A}}'}", A="a.b.c")
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}
    form = await form_of("{type: oauth2, grantType: saml2-bearer, tokenUrl: TOKENS, assertion: PHNhbWw}")
    assert form == {"grant_type": "urn:ietf:params:oauth:grant-type:saml2-bearer", "assertion": "PHNhbWw"}


def google_key(**changes: str) -> str:
    return json.dumps(
        {
            "type": "service_account",
            "client_email": "bot@project.example",
            "private_key": pem(RSA),
            "private_key_id": "k7",
            "token_uri": TOKENS,
            **changes,
        }
    )


@pytest.mark.parametrize("word", ["oauth2", "service-account", "googleServiceAccount"])
@pytest.mark.parametrize("written", ["text", "base64", "file"])
async def test_the_key_file_of_a_service_account_is_enough(word: str, written: str, tmp_path) -> None:
    (tmp_path / "key.json").write_text(google_key())
    value = {
        "text": google_key(),
        "base64": base64.b64encode(google_key().encode()).decode(),
        "file": str(tmp_path / "key.json"),
    }[written]
    server = Server()
    auth = compiled(
        f"{{type: {word}, serviceAccount: '{{{{KEY}}}}', scopes: [s1, s2], subject: boss@project.example}}",
        KEY=value,
    )
    assert auth.urls == (TOKENS,)
    await server.call(auth)
    form = server.form()
    assert set(form) == {"grant_type", "assertion"}
    claims = jwt.decode(
        form["assertion"], RSA.public_key(), ["RS256"], audience=TOKENS, options={"verify_iat": False}
    )
    assert (claims["iss"], claims["sub"], claims["scope"]) == (
        "bot@project.example",
        "boss@project.example",
        "s1 s2",
    )


async def test_a_servers_own_grant_needs_nothing_but_parameters() -> None:
    """As Zoom has it."""
    form = await form_of(
        "{type: oauth2, grantType: account_credentials, tokenUrl: TOKENS, clientId: a, clientSecret: b, "
        "parameters: {account_id: '{{ACCOUNT}}'}}",
        ACCOUNT="7",
    )
    assert form == {"grant_type": "account_credentials", "account_id": "7"}


# -- who asks ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("more", ["", ", clientAuthentication: private_key_jwt"])
async def test_a_client_can_prove_itself_with_a_key(more: str) -> None:
    key = pem(RSA, "hush").replace("\n", "\\n")
    form = await form_of(
        "{type: oauth2, tokenUrl: TOKENS, clientId: app, privateKey: '{{KEY}}', privateKeyPassword: hush"
        + more
        + "}",
        KEY=key,
    )
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    claims = jwt.decode(
        form["client_assertion"], RSA.public_key(), ["RS256"], audience=TOKENS, options={"verify_iat": False}
    )
    assert (claims["iss"], claims["sub"]) == ("app", "app")


async def test_a_client_can_prove_itself_with_a_signature_of_its_secret() -> None:
    secret = "a secret of at least thirty-two bytes"
    form = await form_of(
        "{type: oauth2, tokenUrl: TOKENS, clientId: app, clientSecret: '{{S}}', clientAuthentication: client_secret_jwt}",
        S=secret,
    )
    jwt.decode(form["client_assertion"], secret, ["HS256"], audience=TOKENS, options={"verify_iat": False})
    assert "client_secret" not in form


async def test_a_client_that_its_certificate_proves_sends_only_its_id() -> None:
    form = await form_of(
        "{type: oauth2, tokenUrl: TOKENS, clientId: app, clientAuthentication: tls_client_auth}"
    )
    assert form == {"grant_type": "client_credentials", "client_id": "app"}


# -- how tokens travel ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", ["tokenUrl: TOKENS, clientId: a, clientSecret: b", "token: tok"])
async def test_a_token_travels_as_the_api_wants_it(block: str) -> None:
    block = block.replace("TOKENS", TOKENS)
    server = Server({"token_type": "Zoho"})
    auth = compiled(f"{{type: oauth2, {block}, tokenPrefix: Zoho-oauthtoken}}")
    assert header((await server.call(auth)).headers, "authorization") == "Zoho-oauthtoken tok"
    auth = compiled(f"{{type: oauth2, {block}, header: X-Token, tokenPrefix: ''}}")
    server = Server()
    sent = await server.call(auth)
    assert (header(sent.headers, "x-token"), auth.names) == ("tok", {"x-token"})
    auth = compiled(f"{{type: oauth2, {block}, placement: query}}")
    sent = await server.call(auth)
    assert parse_qsl(urlsplit(sent.url).query) == [("page", "2"), ("access_token", "tok")]
    assert auth.names == frozenset()


async def test_the_address_of_metadata_names_the_server() -> None:
    for uri in ("https://a.example/t/.well-known/openid-configuration", "https://a.example/t"):
        auth = compiled(f"{{type: oauth2, openIdConnectUrl: '{uri}', clientId: a, clientSecret: b}}")
        assert auth.urls == ("https://a.example/t",)


# -- refusals ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("grantType: authorization_code, clientId: a, clientSecret: hush", "needs a person at a browser"),
        ("grantType: implicit", "needs a person at a browser"),
        ("grantType: device_code", "needs a person at a browser"),
        ("grantType: magic", "the OAuth grant 'magic' is not known"),
        ("grantType: password, username: bob", "the password is empty"),
        ("grantType: refresh_token", "the refresh token is empty"),
        ("grantType: jwt-bearer, clientId: a", "no key to sign an assertion with"),
        ("grantType: jwt-bearer, privateKey: '-----BEGIN hush'", "it is not said whose assertion it is"),
        (
            "grantType: jwt-bearer, clientId: a, privateKey: '-----BEGIN hush'",
            "no private key in 'privateKey'",
        ),
        ("grantType: saml2-bearer", "the assertion is empty"),
        ("grantType: service-account", "no key of a service account"),
        ('serviceAccount: \'{"private_key": "hush"}\'', "no 'client_email' and RSA 'private_key'"),
        ("serviceAccount: '{hush'", "no key of a service account"),
        ("tokenUrl: TOKENS, clientId: a, clientSecret: hush, placement: body", "in a header or in the query"),
        ("tokenUrl: TOKENS, clientId: a, clientSecret: hush, header: Host", "in a header or in the query"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(f"{{type: oauth2, {block.replace('TOKENS', TOKENS)}}}")
    assert "hush" not in str(caught.value)


def test_an_algorithm_that_is_none_of_the_keys_is_refused() -> None:
    block = "{type: oauth2, grantType: jwt-bearer, tokenUrl: 'https://a.example', iss: a, privateKey: '{{K}}', algorithm: %s}"
    for word in ("HS256", "none", "ES256"):
        with pytest.raises(CompileError, match=f"'{word}' is no algorithm for this key"):
            compiled(block % word, K=pem(RSA))


@pytest.mark.parametrize(
    "block",
    [
        "grantType: jwt-bearer, clientId: a, privateKey: '{{A}}'",
        "serviceAccount: '{{A}}'",
        "tokenUrl: '{{A}}', clientId: a, clientSecret: b",
        "tokenUrl: 'https://a.example', username: '{{A}}', password: '{{A}}'",
        "tokenUrl: 'https://a.example', clientId: a, privateKey: '{{A}}'",
    ],
)
def test_variables_without_a_value_are_noted_and_refuse_nothing(block: str) -> None:
    settings = settings_of(f"{{type: oauth2, {block}}}")
    registry.find("auth", "oauth2")(settings)
    assert set(settings.missing) == {"A"}


async def test_a_refresh_token_that_is_withdrawn_stops_the_call() -> None:
    def refuse(request: Request) -> Response:
        return response(400, b'{"error": "invalid_grant"}')

    wire = Wire(refuse)
    auth = compiled(f"{{type: oauth2, tokenUrl: '{TOKENS}', refreshToken: hush}}")
    with pytest.raises(UpstreamError, match="invalid_grant") as caught:
        await auth.authenticate(GET, wire.send)
    assert "hush" not in str(caught.value)
    assert "hush" not in repr(auth._request)
    assert [request.url for request in wire.sent] == [TOKENS]
