"""`type: oauth2` on an exposed adapter: settings, and how long keys are kept."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from capspec.clock import VirtualClock
from capspec.errors import AuthUnavailable
from capspec.guards import Contacting, Described, ProtectedResource
from capspec.tokens import Expected
from capspec.tokens.asking import Asking
from capspec.tokens.keys import KeySet
from capspec.tokens.metadata import AuthorizationServer, metadata_urls
from capspec.wire import Request, Response
from tests.guards.authorization_server import jwk_of, private_key
from tests.guards.guard_world import compiled, refused, refused_file
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

SERVER = "https://login.example.com/tenant"
OAUTH2 = f"type: oauth2\nauthorizationServerUri: {SERVER}\nresource: https://api.example.com/mcp\n"


# -- settings ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("type: oauth2\nresource: https://a.example/", "does not say whose tokens"),
        ("type: oauth2\nauthorizationServerUri: https://a.example", "does not say what is protected"),
        (
            OAUTH2.replace("https://login", "http://login"),
            "'authorizationServerUri' has to begin with https://",
        ),
        (OAUTH2.replace(SERVER, "login.example.com"), "'authorizationServerUri' cannot be used"),
        (OAUTH2.replace(SERVER, "https://u:p@login.example.com"), "cannot be used"),
        (OAUTH2.replace("/tenant", "/?x=1"), "query or a fragment"),
        (OAUTH2.replace("https://api.example.com/mcp", "api://ships"), "'audience'"),
        (OAUTH2.replace("/mcp", "/mcp#x"), "query or a fragment (RFC 9728"),
        (OAUTH2 + "jwksUri: http://keys.example.com/", "'jwksUri' has to begin with https://"),
        (OAUTH2 + "tokenEndpoint: http://login.example.com/token", "'tokenEndpoint' has to begin with"),
        (OAUTH2 + "tokenValidation: trust", "'trust' is no way to validate"),
        (OAUTH2 + "tokenValidation: introspection", "needs a client"),
        (OAUTH2 + "tokenValidation: introspection\nclientId: a\nclientSecret: ''", "needs a client"),
        (
            OAUTH2 + "tokenValidation: introspection\nclientId: a\nclientSecret: b\nclientAuthentication: x",
            "basic or post",
        ),
        (OAUTH2 + "algorithms: [HS256]", "'HS256' is no algorithm to trust"),
        (OAUTH2 + "algorithms: [none]", "'none' is no algorithm to trust"),
        (OAUTH2 + "leeway: 1d", "'leeway' is a number of seconds"),
        (OAUTH2 + "leeway: 9000", "'leeway' is a number of seconds"),
        (OAUTH2 + "leeway: nan", "'leeway' is a number of seconds"),
        (OAUTH2 + "scopes: ['a\"b']", "is no scope"),
    ],
)
def test_settings_that_cannot_be_trusted_are_refused(written: str, said: str) -> None:
    assert said in refused_file(written)


@pytest.mark.parametrize("server", ["http://127.0.0.1:9", "http://localhost:9/x", "http://[::1]:9"])
def test_a_server_on_this_machine_may_do_without_tls(server: str) -> None:
    guard = compiled(OAUTH2.replace(SERVER, server))
    assert isinstance(guard, Contacting)
    assert guard.contacts == (server,)


def test_the_guard_says_what_it_is_and_keeps_its_secret() -> None:
    guard = compiled(
        OAUTH2 + 'tokenValidation: introspection\nclientId: a\nclientSecret: "{{SECRET}}"\nscopes: a b',
        SECRET="s3cret",
    )
    assert isinstance(guard, Described)
    assert isinstance(guard, ProtectedResource)
    assert guard.metadata_paths == ("/.well-known/oauth-protected-resource/mcp",)
    assert guard.resource_metadata["scopes_supported"] == ["a", "b"]
    assert guard.security_scheme["scheme"] == "bearer"
    assert "s3cret" not in repr(guard)


@pytest.mark.parametrize(
    ("resource", "paths"),
    [
        ("https://a.example", ("",)),
        ("https://a.example/", ("",)),
        ("https://a.example/mcp/", ("/mcp/", "/mcp")),
        ("https://a.example/a%20b", ("/a%20b",)),
    ],
)
def test_the_metadata_are_where_the_resource_says(resource: str, paths: tuple[str, ...]) -> None:
    guard = compiled(OAUTH2.replace("https://api.example.com/mcp", resource))
    assert isinstance(guard, ProtectedResource)
    assert guard.metadata_paths == tuple(f"/.well-known/oauth-protected-resource{path}" for path in paths)


async def test_a_variable_without_a_value_lets_nobody_in() -> None:
    guard = compiled(OAUTH2 + 'tokenValidation: introspection\nclientId: a\nclientSecret: "{{SECRET}}"')
    error = await refused(guard, {"authorization": "Bearer x"})
    assert "needs SECRET" in str(error)
    assert error.challenge == 'Bearer realm="capspec"'


def test_the_addresses_of_a_guard_are_among_those_that_are_contacted() -> None:
    block = ", ".join(OAUTH2.strip().splitlines())
    text = f"""
capspec: "1"
capability:
  exposes:
  - type: rest
    namespace: ns
    port: 1
    authentication: {{{block}}}
    resources: [{{path: /m, operations: [{{method: GET, name: m}}]}}]
"""
    assert plan_of(text).contacts == (SERVER,)


def test_metadata_are_looked_for_where_both_standards_put_them() -> None:
    assert metadata_urls("https://a.example/t/") == (
        "https://a.example/.well-known/oauth-authorization-server/t",
        "https://a.example/t/.well-known/openid-configuration",
    )


# -- keys over time ---------------------------------------------------------------------------------------


class Wire:
    """Answers with documents by path, and takes as long as it is told; None is a failure."""

    def __init__(self, clock: VirtualClock) -> None:
        self.clock = clock
        self.delay = 0.0
        self.asked: list[str] = []
        self.keys: Any = [jwk_of(private_key("ES256"), kid="k0")]

    async def send(self, request: Request) -> Response:
        self.asked.append(request.url.rpartition("/")[2])
        self.clock.advance(self.delay)
        document = {"issuer": SERVER, "jwks_uri": "https://login.example.com/keys"}
        if request.url.endswith("/keys"):
            document = {"keys": self.keys}

        async def chunks() -> AsyncIterator[bytes]:
            yield json.dumps(document).encode()

        async def close() -> None:
            return None

        status = 500 if self.keys is None else 200
        return Response(status=status, headers=(), chunks=chunks(), closer=close)


def key_set(clock: VirtualClock, url: str = "") -> KeySet:
    asking = Asking((SERVER,), clock)
    expected = Expected(issuer=SERVER, audiences=("a",), leeway=0)
    return KeySet(AuthorizationServer(expected, asking), url, asking)


async def test_keys_are_kept_for_five_minutes() -> None:
    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock)
    for _ in range(3):
        clock.advance(299 / 3)
        assert len(await keys.fitting("ES256", "k0", wire.send)) == 1
    assert wire.asked == ["tenant", "keys"]
    clock.advance(201)
    await keys.fitting("ES256", "k0", wire.send)
    assert wire.asked == ["tenant", "keys", "keys"]


async def test_an_unknown_key_is_looked_for_once_in_half_a_minute() -> None:
    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock)
    for _ in range(5):
        assert await keys.fitting("ES256", "other", wire.send) == []
    assert wire.asked.count("keys") == 2
    wire.keys = [jwk_of(private_key("ES256", 1), kid="other")]
    clock.advance(29)
    assert await keys.fitting("ES256", "other", wire.send) == []
    clock.advance(2)
    assert len(await keys.fitting("ES256", "other", wire.send)) == 1
    assert await keys.fitting("ES256", "k0", wire.send) == []


async def test_old_keys_hold_for_a_while_when_the_server_is_gone_and_then_no_more() -> None:
    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock)
    await keys.fitting("ES256", "k0", wire.send)
    wire.keys = None
    clock.advance(301)
    for _ in range(3):
        assert len(await keys.fitting("ES256", "k0", wire.send)) == 1
    assert wire.asked.count("keys") == 2
    clock.advance(600)
    with pytest.raises(AuthUnavailable) as caught:
        await keys.fitting("ES256", "k0", wire.send)
    assert caught.value.reason == "login.example.com answered with HTTP status 500"


async def test_a_server_that_is_slow_is_not_waited_for() -> None:
    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock, "https://login.example.com/keys")
    wire.delay = 11
    with pytest.raises(AuthUnavailable) as caught:
        await keys.fitting("ES256", "k0", wire.send)
    assert caught.value.reason == "login.example.com did not answer within 10 s"
    wire.delay = 0
    with pytest.raises(AuthUnavailable):
        await keys.fitting("ES256", "k0", wire.send)
    clock.advance(5)
    assert len(await keys.fitting("ES256", "k0", wire.send)) == 1
    assert wire.asked == ["keys", "keys"]


async def test_addresses_that_nobody_allowed_are_not_asked() -> None:
    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock, "https://elsewhere.example.com/keys")
    with pytest.raises(AuthUnavailable) as caught:
        await keys.fitting("ES256", "k0", wire.send)
    assert "https://elsewhere.example.com was stopped" in caught.value.reason
    assert wire.asked == []


async def test_weak_keys_are_not_used() -> None:
    from cryptography.hazmat.primitives.asymmetric import rsa

    clock = VirtualClock()
    wire, keys = Wire(clock), key_set(clock)
    weak = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    wire.keys = [jwk_of(weak, kid="k0"), jwk_of(private_key("RS256"), kid="k0")]
    assert len(await keys.fitting("RS256", "k0", wire.send)) == 1
