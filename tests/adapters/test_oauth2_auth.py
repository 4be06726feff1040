"""Access tokens over REST and MCP: a real authorization server, real sockets, real clients."""

from __future__ import annotations

import asyncio
import hmac
import json
import re
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from mcp import Client
from mcp.client.auth.extensions.client_credentials import ClientCredentialsOAuthProvider
from mcp.client.streamable_http import streamable_http_client
from openapi_spec_validator import validate

from capspec.events import FlowFinished
from tests.adapters.auth_world import KINDS, Guarded, guarded
from tests.guards.authorization_server import (
    AuthorizationServer,
    authorization_server,
    jwk_of,
    private_key,
    unsigned,
)
from tests.upstreams import reply

pytestmark = pytest.mark.anyio

each = pytest.mark.parametrize("kind", KINDS)
METADATA = "/.well-known/oauth-protected-resource"
INTROSPECTION = """
tokenValidation: introspection
clientId: resource-server
clientSecret: "{{SECRET}}"
"""
SECRET = {"SECRET": "s3cret of the client"}


@asynccontextmanager
async def world_of(
    kind: str, more: str = "scopes: [ships:read]", *, one_port: bool = False
) -> AsyncIterator[tuple[Guarded, AuthorizationServer]]:
    """The capability and its authorization server, whose tokens are for the adapter of this kind."""
    async with authorization_server() as server:
        block = f"type: oauth2\nauthorizationServerUri: {server.url}\nresource: '{{resource}}'\n{more}"
        async with guarded(block, environ=SECRET, one_port=one_port) as world:
            server.audience = world.urls[kind]
            yield world, server


def said(answer: Any, name: str) -> str:
    """A parameter of the challenge."""
    found = [item for item in answer.headers["www-authenticate"].split(", ") if item.startswith(f"{name}=")]
    return found[0].partition("=")[2].strip('"') if found else ""


# -- tokens that are good ---------------------------------------------------------------------------------


@each
async def test_a_good_token_is_admitted(kind: str) -> None:
    async with world_of(kind) as (world, server):
        assert (await world.knock(kind, server.token())).status_code == 200
        assert server.asked == ["/.well-known/oauth-authorization-server", "/jwks"]


async def test_the_subject_of_a_token_is_who_calls() -> None:
    async with world_of("mcp") as (world, server):
        headers = {"authorization": f"Bearer {server.token(sub='bob')}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            async with Client(streamable_http_client(world.urls["mcp"], http_client=http)) as client:
                await client.call_tool("t", {})
        server.audience = world.urls["rest"]
        await world.knock("rest", server.token())
        callers = [event.principal for event in world.heard if isinstance(event, FlowFinished)]
    assert callers == ["bob", "ann"]


@pytest.mark.parametrize("more", ["", INTROSPECTION])
async def test_a_token_without_a_subject_is_a_caller_of_its_own(more: str) -> None:
    async with world_of("rest", more) as (world, server):
        claims = {**server.claims(), "sub": None}
        first, second = (
            ("opaque-1", "opaque-2") if more else (server.token(**claims), server.token(**claims, jti="2"))
        )
        server.introspected |= {token: {"active": True, **claims} for token in (first, second)}
        for token in (first, second, first):
            assert (await world.knock("rest", token)).status_code == 200
        one, two, again = [event.principal for event in world.heard if isinstance(event, FlowFinished)]
    assert one == again != two
    assert re.fullmatch("token:[0-9a-f]{16}", one)


@each
@pytest.mark.parametrize(
    "algorithm", ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
)
async def test_every_asymmetric_algorithm_is_understood(kind: str, algorithm: str) -> None:
    async with world_of(kind) as (world, server):
        server.keys = [jwk_of(private_key(algorithm), kid="k0")]
        assert (await world.knock(kind, server.token(algorithm))).status_code == 200


@each
@pytest.mark.parametrize(
    "changes",
    [
        {"aud": ["elsewhere", "RESOURCE"]},
        {"iss": "ISSUER/"},
        {"scope": None, "scp": ["ships:read"]},
        {"scope": None, "scp": "x ships:read"},
        {"sub": None, "client_id": "robot"},
        {"sub": None},
        {"header": {"typ": "at+jwt"}},
        {"exp": -20},
        {"nbf": 20},
        {"kid": None},
    ],
)
async def test_what_servers_write_differently_is_understood(kind: str, changes: dict[str, Any]) -> None:
    async with world_of(kind) as (world, server):
        put_in = {"RESOURCE": server.audience, "ISSUER/": f"{server.url}/"}
        changes = {
            name: [put_in.get(item, item) for item in value]
            if name == "aud"
            else int(time.time()) + value
            if name in ("exp", "nbf")
            else put_in.get(str(value), value)
            for name, value in changes.items()
        }
        assert (await world.knock(kind, server.token(**changes))).status_code == 200


@each
async def test_an_audience_of_its_own_is_accepted_as_well(kind: str) -> None:
    async with world_of(kind, "audience: api://ships") as (world, server):
        for audience in ("api://ships", server.audience):
            assert (await world.knock(kind, server.token(aud=audience))).status_code == 200


@each
async def test_openid_connect_metadata_do_as_well(kind: str) -> None:
    async with world_of(kind) as (world, server):
        server.answers["/.well-known/oauth-authorization-server"] = reply(404)
        server.answers["/.well-known/openid-configuration"] = reply(200, json.dumps(server.metadata).encode())
        assert (await world.knock(kind, server.token())).status_code == 200


# -- tokens that are not ----------------------------------------------------------------------------------


@each
@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"exp": int(time.time()) - 60}, "Token expired"),
        ({"exp": None}, "Missing exp claim"),
        ({"exp": "soon"}, "Malformed token"),
        ({"nbf": int(time.time()) + 3600}, "Token not yet valid"),
        ({"iss": "https://evil.example"}, "Invalid issuer"),
        ({"iss": None}, "Missing iss claim"),
        ({"aud": "https://elsewhere.example"}, "Invalid audience"),
        ({"aud": None}, "Missing aud claim"),
        ({"aud": []}, "Missing aud claim"),
        ({"aud": {"a": 1}}, "Invalid audience"),
        ({"kid": "nobody's"}, "Unknown key"),
        ({"kid": "../../jwks"}, "Unknown key"),
        ({"header": {"typ": "logout+jwt"}}, "Not an access token"),
        ({"header": {"crit": ["exp"], "exp": 1}}, "Malformed token"),
        ({"algorithm": "ES256"}, "Unknown key"),
        ({"algorithm": "RS256", "key": "another"}, "Invalid signature"),
        ({"algorithm": "RS256", "key": "another", "kid": None}, "Invalid signature"),
    ],
)
async def test_a_token_that_is_no_good_is_refused_with_the_reason(
    kind: str, changes: dict[str, Any], description: str
) -> None:
    async with world_of(kind) as (world, server):
        if changes.get("key"):
            changes = {**changes, "key": private_key("RS256", 1)}
        answer = await world.knock(kind, server.token(**changes))
        assert (answer.status_code, said(answer, "error")) == (401, "invalid_token")
        assert said(answer, "error_description") == description
        url = urlsplit(world.urls[kind])
        assert said(answer, "resource_metadata") == f"{url.scheme}://{url.netloc}{METADATA}{url.path}"


@each
async def test_a_token_without_a_signature_or_with_a_shared_secret_is_refused(kind: str) -> None:
    async with world_of(kind) as (world, server):
        public = private_key("RS256").public_key()
        pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        plain = unsigned(server.claims(), kid="k0", alg="HS256").rstrip(".")
        confused = urlsafe_b64encode(hmac.digest(pem, plain.encode(), "sha256")).decode().rstrip("=")
        forged = {"jwk": jwk_of(private_key("RS256", 1)), "jku": f"{server.url}/evil", "x5u": "http://e"}
        tokens = [
            unsigned(server.claims(), kid="k0"),
            unsigned(server.claims(), kid="k0", alg="None"),
            unsigned(server.claims(), kid="k0", alg="nOnE"),
            unsigned(server.claims(), kid="k0", alg=None),
            unsigned(server.claims(), kid="k0", alg="RS256"),
            f"{plain}.{confused}",
            server.token(key=private_key("RS256", 1), header=forged),
            server.token(key=private_key("RS256", 1), kid=None, header=forged),
        ]
        answers = [await world.knock(kind, token) for token in tokens]
        assert [said(answer, "error") for answer in answers] == ["invalid_token"] * len(tokens)
        assert "/evil" not in server.asked


@each
@pytest.mark.parametrize("token", ["x", "a.b", "a.b.c", "....", "a.b.c.d.e", "{}", "a b", "é", "x" * 9000])
async def test_what_is_no_token_at_all_is_refused_without_asking_anybody(kind: str, token: str) -> None:
    async with world_of(kind) as (world, server):
        answer = await world.knock(kind, headers={"authorization": f"Bearer {token}".encode()})
        assert (answer.status_code, said(answer, "error_description")) == (401, "Malformed token")
        assert server.asked == []


@each
async def test_without_a_token_the_challenge_says_where_to_get_one(kind: str) -> None:
    async with world_of(kind) as (world, _):
        for headers in ({}, {"authorization": "Basic eA=="}, {"authorization": "Bearer"}):
            answer = await world.knock(kind, headers=headers)
            assert answer.status_code == 401
            assert (said(answer, "error"), said(answer, "scope")) == ("", "ships:read")
            assert said(answer, "resource_metadata").startswith("http://127.0.0.1:")


@each
async def test_a_token_that_allows_too_little_is_forbidden(kind: str) -> None:
    async with world_of(kind, "scopes: [ships:read, ships:sink]") as (world, server):
        for scope in ("ships:read", "ships:readships:sink", None, 5):
            answer = await world.knock(kind, server.token(scope=scope))
            assert (answer.status_code, said(answer, "error")) == (403, "insufficient_scope")
            assert said(answer, "scope") == "ships:read ships:sink"
            assert said(answer, "resource_metadata")


@each
async def test_only_the_algorithms_that_the_file_names_are_accepted(kind: str) -> None:
    async with world_of(kind, "algorithms: [ES256]") as (world, server):
        server.keys = [jwk_of(private_key(name), kid=name) for name in ("RS256", "ES256")]
        assert (await world.knock(kind, server.token("ES256", kid="ES256"))).status_code == 200
        answer = await world.knock(kind, server.token("RS256", kid="RS256"))
        assert said(answer, "error_description") == "Unsupported algorithm"


@each
async def test_a_key_is_for_its_own_algorithm_and_purpose_only(kind: str) -> None:
    odd: list[Any] = [5, None, {}, {"kty": "RSA", "kid": "k0"}, {"kty": "oct", "k": "eA", "kid": "k0"}]
    for members in (
        {"alg": "PS256"},
        {"use": "enc"},
        {"key_ops": ["encrypt"]},
        {"key_ops": 5},
        {"alg": ["x"]},
    ):
        async with world_of(kind) as (world, server):
            server.keys = [*odd, jwk_of(private_key("RS256"), kid="k0", **members)]
            answer = await world.knock(kind, server.token())
            assert said(answer, "error_description") == "Unknown key", members


# -- keys -------------------------------------------------------------------------------------------------


@each
async def test_a_hundred_requests_at_once_fetch_the_keys_once(kind: str) -> None:
    async with world_of(kind) as (world, server):
        server.held = asyncio.Event()
        knocks = asyncio.gather(*(world.knock(kind, server.token()) for _ in range(100)))
        await server.server.until(lambda: bool(server.asked))
        server.held.set()
        assert [answer.status_code for answer in await knocks] == [200] * 100
        assert server.asked == ["/.well-known/oauth-authorization-server", "/jwks"]


@each
async def test_a_new_key_is_fetched_when_a_token_names_it_but_not_for_each_such_token(kind: str) -> None:
    async with world_of(kind) as (world, server):
        assert (await world.knock(kind, server.token())).status_code == 200
        server.keys = [jwk_of(private_key("RS256", 1), kid="k1")]
        fresh = server.token(key=private_key("RS256", 1), kid="k1")
        answers = await asyncio.gather(*(world.knock(kind, fresh) for _ in range(10)))
        assert [answer.status_code for answer in answers] == [200] * 10
        assert said(await world.knock(kind, server.token()), "error_description") == "Unknown key"
        for number in range(5):
            assert (await world.knock(kind, server.token(kid=f"odd {number}"))).status_code == 401
        assert server.asked.count("/jwks") == 2


@each
@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("/jwks", reply(500, b"secret details")),
        ("/jwks", reply(302, b"", ("location", "http://127.0.0.1:9/jwks"))),
        ("/jwks", reply(200, b"not json")),
        ("/jwks", reply(200, b"[]")),
        ("/jwks", reply(200, b'{"keys": {}}')),
        ("/jwks", b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{"),
        ("/jwks", reply(200, b" " * 2_000_000)),
        ("/.well-known/oauth-authorization-server", reply(500)),
    ],
    ids=["failing", "redirecting", "text", "list", "no list", "broken off", "large", "no metadata"],
)
async def test_a_server_that_fails_lets_nobody_in_and_nothing_out(
    kind: str, path: str, content: bytes
) -> None:
    async with world_of(kind) as (world, server):
        server.answers[path] = content
        if b"length: 9" in content:
            server.answers[path] = content.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n")
        answer = await asyncio.wait_for(world.knock(kind, server.token()), 15)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "5"
        assert "cannot be checked" in answer.text
        assert urlsplit(server.url).netloc not in answer.text
        assert "secret details" not in answer.text
        (reason,) = world.unchecked
        assert urlsplit(server.url).netloc in reason


@each
async def test_a_server_that_is_gone_is_not_asked_for_every_request(kind: str) -> None:
    async with world_of(kind) as (world, server):
        server.answers["/jwks"] = reply(503)
        token = server.token()
        answers = await asyncio.gather(*(world.knock(kind, token) for _ in range(20)))
        answers += [await world.knock(kind, token) for _ in range(5)]
        assert {answer.status_code for answer in answers} == {503}
        assert server.asked.count("/jwks") == 1


@each
@pytest.mark.parametrize(
    ("member", "value", "reason"),
    [
        ("issuer", "https://evil.example", "another authorization server"),
        ("issuer", None, "another authorization server"),
        ("issuer", ["x"], "another authorization server"),
        ("jwks_uri", "http://127.0.0.1:9/jwks", "at another origin; allow it by writing it as 'jwksUri'"),
        ("jwks_uri", "http://169.254.169.254/latest", "another origin"),
        ("jwks_uri", "file:///etc/passwd", "another origin"),
        ("jwks_uri", None, "have no 'jwks_uri'"),
    ],
)
async def test_metadata_that_lead_elsewhere_are_not_followed(
    kind: str, member: str, value: Any, reason: str
) -> None:
    async with world_of(kind) as (world, server):
        server.metadata[member] = value
        assert (await world.knock(kind, server.token())).status_code == 503
        assert reason in world.unchecked[0]


@each
async def test_keys_that_the_file_itself_names_may_be_elsewhere(kind: str) -> None:
    async with authorization_server() as other:
        async with world_of(kind, f"jwksUri: {other.url}/jwks") as (world, server):
            assert (await world.knock(kind, server.token())).status_code == 200
            assert (server.asked, other.asked) == ([], ["/jwks"])


# -- introspection ----------------------------------------------------------------------------------------


@each
async def test_introspection_asks_the_server_once_in_a_while(kind: str) -> None:
    async with world_of(kind, INTROSPECTION + "scopes: ships:read") as (world, server):
        server.introspected["opaque-1"] = {"active": True, **server.claims()}
        answers = await asyncio.gather(*(world.knock(kind, "opaque-1") for _ in range(20)))
        assert [answer.status_code for answer in answers] == [200] * 20
        assert server.asked.count("/introspect") == 1
        assert said(await world.knock(kind, "opaque-2"), "error_description") == "Token not active"


@each
@pytest.mark.parametrize(
    ("changes", "description"),
    [
        ({"active": False}, "Token not active"),
        ({"active": "true"}, "Token not active"),
        ({"exp": 1}, "Token expired"),
        ({"exp": None}, "Token expired"),
        ({"exp": "9999999999"}, "Token expired"),
        ({"exp": 10**400}, "Token expired"),
        ({"nbf": 9_999_999_999}, "Token not yet valid"),
        ({"iss": "https://evil.example"}, "Invalid issuer"),
        ({"aud": "https://elsewhere.example"}, "Invalid audience"),
        ({"aud": [{}]}, "Invalid audience"),
        ({"aud": None}, "Invalid audience"),
    ],
)
async def test_what_introspection_says_is_checked(
    kind: str, changes: dict[str, Any], description: str
) -> None:
    async with world_of(kind, INTROSPECTION) as (world, server):
        server.introspected["opaque"] = {"active": True, **server.claims(), **changes}
        answer = await world.knock(kind, "opaque")
        assert (answer.status_code, said(answer, "error_description")) == (401, description)


@each
async def test_introspection_that_fails_lets_nobody_in(kind: str) -> None:
    async with world_of(kind, INTROSPECTION) as (world, server):
        server.answers["/introspect"] = reply(401, b'{"error": "invalid_client"}')
        answer = await world.knock(kind, "opaque")
        assert answer.status_code == 503
        assert "s3cret" not in answer.text + str(world.unchecked)


# -- what everybody may know ------------------------------------------------------------------------------


@each
@pytest.mark.parametrize("one_port", [False, True], ids=["own port", "one port"])
async def test_everybody_is_told_where_tokens_come_from(kind: str, *, one_port: bool) -> None:
    async with world_of(kind, one_port=one_port) as (world, server):
        asked = await world.knock(kind)
        where = said(asked, "resource_metadata")
        found = await world.client.get(where)
        assert found.status_code == 200
        assert found.headers["content-type"] == "application/json"
        assert found.json() == {
            "resource": world.urls[kind],
            "authorization_servers": [server.url],
            "scopes_supported": ["ships:read"],
            "bearer_methods_supported": ["header"],
        }
        head = await world.client.head(where)
        assert (head.status_code, head.content) == (200, b"")
        assert (await world.client.post(where)).status_code in (401, 404)
        assert (await world.knock(kind, server.token())).status_code == 200


async def test_the_merged_endpoint_tells_it_too() -> None:
    async with world_of("mcp", one_port=True) as (world, _):
        origin = world.urls["mcp"].removesuffix("/capability/mcp")
        refused = await world.client.post(f"{origin}/mcp", json={})
        assert refused.status_code == 401
        assert (await world.client.get(said(refused, "resource_metadata"))).status_code == 200


async def test_resources_without_a_path_that_share_a_port_are_each_told_of() -> None:
    block = """
type: oauth2
authorizationServerUri: https://login.example
resource: https://ships.example
scopes: ['{resource}']"""
    async with guarded(block, one_port=True) as world:
        origin = world.urls["rest"].removesuffix("/capability")
        merged = await world.client.post(f"{origin}/mcp", json={})
        places = {
            kind: said(answer, "resource_metadata").removeprefix("https://ships.example")
            for kind, answer in [
                ("rest", await world.knock("rest")),
                ("mcp", await world.knock("mcp")),
                ("", merged),
            ]
        }
        told = {kind: (await world.client.get(f"{origin}{path}")).json() for kind, path in places.items()}
    assert places == {"rest": METADATA, "mcp": f"{METADATA}/capability/mcp", "": f"{METADATA}/mcp"}
    assert {kind: found["scopes_supported"] for kind, found in told.items()} == {
        "rest": [world.urls["rest"]],
        "mcp": [world.urls["mcp"]],
        "": [world.urls["mcp"]],
    }


@pytest.mark.parametrize("endpoint", ["", "tokenEndpoint: https://login.example.com/token\n"])
async def test_the_description_says_which_tokens_are_wanted(endpoint: str) -> None:
    async with world_of("rest", f"{endpoint}scopes: [ships:read]") as (world, server):
        url = f"{world.urls['rest']}/openapi.json"
        assert (await world.client.get(url)).status_code == 401
        headers = {"authorization": f"Bearer {server.token()}"}
        document = (await world.client.get(url, headers=headers)).json()
        validate(document)
        scheme = document["components"]["securitySchemes"]["caller"]
        if endpoint:
            flow = {"tokenUrl": "https://login.example.com/token", "scopes": {"ships:read": ""}}
            assert scheme == {"type": "oauth2", "flows": {"clientCredentials": flow}}
            assert document["security"] == [{"caller": ["ships:read"]}]
        else:
            assert (scheme["type"], scheme["scheme"], scheme["bearerFormat"]) == ("http", "bearer", "JWT")
            assert server.url in scheme["description"]


# -- the official client ----------------------------------------------------------------------------------


class Storage:
    """Keeps what the client's OAuth learned, for as long as a test takes."""

    tokens: Any = None
    info: Any = None

    async def get_tokens(self) -> Any:
        return self.tokens

    async def set_tokens(self, tokens: Any) -> None:
        self.tokens = tokens

    async def get_client_info(self) -> Any:
        return self.info

    async def set_client_info(self, client_info: Any) -> None:
        self.info = client_info


@pytest.mark.parametrize("mode", ["auto", "legacy"])
async def test_the_official_client_comes_in_with_a_token(mode: Any) -> None:
    async with world_of("mcp") as (world, server):
        headers = {"authorization": f"Bearer {server.token()}"}
        async with httpx2.AsyncClient(headers=headers) as http:
            transport = streamable_http_client(world.urls["mcp"], http_client=http)
            async with Client(transport, mode=mode) as client:
                assert (await client.call_tool("t", {})).structured_content == {"a": "b"}


@pytest.mark.parametrize("one_port", [False, True], ids=["own port", "one port"])
async def test_the_official_client_finds_its_way_to_a_token_by_itself(*, one_port: bool) -> None:
    async with world_of("mcp", one_port=one_port) as (world, server):
        storage = Storage()
        auth = ClientCredentialsOAuthProvider(
            server_url=world.urls["mcp"],
            storage=storage,
            client_id="robot",
            client_secret="robot's",
            issuer=server.url,
        )
        async with httpx2.AsyncClient(auth=auth) as http:
            transport = streamable_http_client(world.urls["mcp"], http_client=http)
            async with Client(transport) as client:
                assert (await client.call_tool("t", {})).structured_content == {"a": "b"}
        assert "/token" in server.asked
        found = jwt.decode(storage.tokens.access_token, options={"verify_signature": False})
        assert (found["sub"], found["aud"]) == ("robot", world.urls["mcp"])


# -- jobs and logs ----------------------------------------------------------------------------------------


@each
async def test_nothing_of_a_token_is_logged(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG", "capspec")
    async with world_of(kind) as (world, server):
        token = server.token()
        await world.knock(kind, token)
        await world.knock(kind, f"{token}x")
        await world.knock(kind, server.token(kid="other"))
        assert token.rpartition(".")[2] not in caplog.text
