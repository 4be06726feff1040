"""A small authorization server on a real socket: metadata, keys that rotate, tokens, introspection."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, rsa

from tests.upstreams import Seen, Server, reply, serving

CLIENT, CLIENT_SECRET = "resource-server", "s3cret of the client"

_PRIVATE: dict[tuple[str, int], Any] = {}


def private_key(algorithm: str, number: int = 0) -> Any:
    """A key for an algorithm, the same one each time: making RSA keys takes long."""
    kind = algorithm if algorithm.startswith(("ES", "Ed")) else "RSA"
    if (kind, number) not in _PRIVATE:
        make: dict[str, Callable[[], Any]] = {
            "RSA": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
            "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
            "ES384": lambda: ec.generate_private_key(ec.SECP384R1()),
            "ES512": lambda: ec.generate_private_key(ec.SECP521R1()),
            "EdDSA": ed25519.Ed25519PrivateKey.generate,
            "Ed448": ed448.Ed448PrivateKey.generate,
        }
        _PRIVATE[kind, number] = make[kind]()
    return _PRIVATE[kind, number]


def jwk_of(key: Any, **members: Any) -> dict[str, Any]:
    """The public key as a JWK."""
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    public = key.public_key()
    if isinstance(public, rsa.RSAPublicKey):
        found = RSAAlgorithm.to_jwk(public, as_dict=True)
        found.pop("key_ops", None)
    elif isinstance(public, ec.EllipticCurvePublicKey):
        found = ECAlgorithm.to_jwk(public, as_dict=True)
    else:
        found = OKPAlgorithm.to_jwk(public, as_dict=True)
    return {**found, **members}


def unsigned(claims: dict[str, Any], **header: Any) -> str:
    """A token without a signature."""

    def part(value: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    return f"{part({'alg': 'none', 'typ': 'JWT', **header})}.{part(claims)}."


@dataclass
class AuthorizationServer:
    """What the server answers, to be changed by tests. `audience` is whom its tokens are for."""

    server: Server
    audience: str = ""
    keys: list[dict[str, Any]] = field(default_factory=list)
    metadata: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, bytes] = field(default_factory=dict)
    introspected: dict[str, dict[str, Any]] = field(default_factory=dict)
    held: asyncio.Event | None = None

    @property
    def url(self) -> str:
        return self.server.url

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, in order."""
        return [seen.path for seen in self.server.requests]

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Those of a good token; None takes one out."""
        good = {
            "iss": self.url,
            "sub": "ann",
            "aud": self.audience,
            "exp": int(time.time()) + 300,
            "scope": "ships:read ships:write",
        }
        return {name: value for name, value in {**good, **changes}.items() if value is not None}

    def token(
        self, algorithm: str = "RS256", *, key: Any = None, kid: str | None = "k0", **changes: Any
    ) -> str:
        header = changes.pop("header", {})
        named = {"kid": kid} if kid is not None else {}
        return jwt.encode(
            self.claims(**changes), key or private_key(algorithm), algorithm, headers={**named, **header}
        )

    def answer(self, seen: Seen) -> bytes:
        if seen.path in self.answers:
            return self.answers[seen.path]
        form = dict(parse_qsl(seen.body.decode()))
        routes: dict[str, Callable[[], Any]] = {
            "/.well-known/oauth-authorization-server": lambda: self.metadata,
            "/jwks": lambda: {"keys": self.keys},
            "/introspect": lambda: self._introspected(seen, form),
            "/token": lambda: {
                "access_token": self.token(aud=form.get("resource"), sub="robot"),
                "token_type": "Bearer",
                "expires_in": 300,
            },
        }
        route = routes.get(seen.path)
        return reply(404) if route is None else reply(200, json.dumps(route()).encode())

    def _introspected(self, seen: Seen, form: dict[str, str]) -> dict[str, Any]:
        pair = "resource-server:s3cret+of+the+client"
        assert seen.header("authorization") == "Basic " + base64.b64encode(pair.encode()).decode()
        return self.introspected.get(form["token"], {"active": False})


@asynccontextmanager
async def authorization_server(audience: str = "") -> AsyncIterator[AuthorizationServer]:
    """The server with one RSA key, for as long as the block lasts."""
    found: AuthorizationServer | None = None

    async def answered(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        assert found is not None
        if found.held is not None:
            await found.held.wait()
        return found.answer(seen)

    async with serving(answered) as server:
        found = AuthorizationServer(server, audience, [jwk_of(private_key("RS256"), kid="k0")])
        found.metadata = {
            "issuer": server.url,
            "jwks_uri": f"{server.url}/jwks",
            "introspection_endpoint": f"{server.url}/introspect",
            "token_endpoint": f"{server.url}/token",
            "authorization_endpoint": f"{server.url}/authorize",
            "response_types_supported": ["code"],
            "grant_types_supported": ["client_credentials"],
            "token_endpoint_auth_methods_supported": ["client_secret_basic"],
        }
        yield found


def path_of(url: str) -> str:
    return urlsplit(url).path
