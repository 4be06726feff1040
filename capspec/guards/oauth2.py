"""`type: oauth2`: callers send an access token of an authorization server (RFC 6750, 9068, 7662 and 9728)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NoReturn
from urllib.parse import urlsplit

from capspec.clock import SystemClock
from capspec.egress import origin_of
from capspec.errors import AuthError, ForbiddenError
from capspec.guards import METADATA, Closed, auth_params, challenge, missing_of
from capspec.host_check import is_loopback
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings
from capspec.tokens import Expected, InvalidToken, TokenCheck
from capspec.tokens.asking import Asking
from capspec.tokens.introspection import Client, Introspection
from capspec.tokens.keys import ALGORITHMS, KeySet
from capspec.tokens.metadata import AuthorizationServer
from capspec.tokens.signed import SignedTokens
from capspec.values import Json

_TEXT: dict[str, Json] = {"$ref": "#/$defs/text"}
_TEXTS: dict[str, Json] = {"anyOf": [{"type": "array", "items": _TEXT}, _TEXT]}
_KEYS: Final[Mapping[str, tuple[str, dict[str, Json]]]] = {
    "authorizationServerUri": ("Who issues the tokens, as the server calls itself (its issuer).", _TEXT),
    "resource": ("The URL of what is protected here, as callers know it.", _TEXT),
    "scopes": ("What a token must allow, all of it.", _TEXTS),
    "audience": ("Whom a token must be for, when that is not the resource.", _TEXT),
    "tokenEndpoint": ("Where callers get tokens, for the description of the API.", _TEXT),
    "tokenValidation": ("jwks (verify signatures) or introspection (ask the server).", _TEXT),
    "jwksUri": ("Where the server's keys are; by default its metadata say so.", _TEXT),
    "algorithms": ("Signature algorithms to accept; all asymmetric ones by default.", _TEXTS),
    "leeway": ("Seconds by which clocks may differ; 30 by default.", _TEXT),
    "introspectionEndpoint": ("Where the server is asked; by default its metadata say so.", _TEXT),
    "clientId": ("As whom the server is asked about tokens.", _TEXT),
    "clientSecret": ("That client's secret.", _TEXT),
    "clientAuthentication": ("How the client proves itself: basic (the default) or post.", _TEXT),
    "realm": ("A name of what is protected, as callers are told.", _TEXT),
}
_EXAMPLES: Final[Mapping[str, list[Json]]] = {
    "authorizationServerUri": ["https://login.example.com"],
    "resource": ["https://forecasts.example.com/mcp"],
    "scopes": [["forecasts.read"]],
    "audience": ["https://forecasts.example.com"],
    "tokenEndpoint": ["https://login.example.com/oauth2/token"],
    "tokenValidation": ["jwks", "introspection"],
    "jwksUri": ["https://login.example.com/oauth2/keys"],
    "algorithms": [["RS256", "ES256"]],
    "leeway": [30],
    "introspectionEndpoint": ["https://login.example.com/oauth2/introspect"],
    "clientId": ["{{CLIENT_ID}}"],
    "clientSecret": ["{{CLIENT_SECRET}}"],
    "clientAuthentication": ["basic", "post"],
    "realm": ["forecasts"],
}
SCHEMA: Mapping[str, Json] = {
    "type": "object",
    "properties": {
        name: {"description": text, **shape, "examples": _EXAMPLES[name]}
        for name, (text, shape) in _KEYS.items()
    },
}

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
_SCOPE = re.compile(r"[!#-\[\]-~]+")
_NAMES = ("sub", "client_id", "azp", "cid", "appid")
"""Claims that say whose a token is: the first is the standard's, servers use the others for clients."""

_MAX_LEEWAY = 300.0
_METHODS: Mapping[str, Literal["basic", "post"]] = {
    "basic": "basic",
    "client_secret_basic": "basic",
    "post": "post",
    "client_secret_post": "post",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuth2Guard:
    """Admits who has a token that is good here. `tokens` may keep what it learned from the server."""

    tokens: TokenCheck = field(repr=False)
    scopes: tuple[str, ...]
    challenge: str
    security_scheme: Mapping[str, Json]
    resource_metadata: Mapping[str, Json]
    metadata_paths: tuple[str, ...]
    contacts: tuple[str, ...]

    async def admit(self, request: Inbound) -> Principal:
        scheme, _, token = request.headers.get("authorization", "").strip().partition(" ")
        token = token.strip()
        if scheme.lower() != "bearer" or not token:
            hint = "send the header Authorization: Bearer <token>"
            raise AuthError("an access token is needed", challenge=self._with(**self._wanted), hint=hint)
        try:
            if not _TOKEN.fullmatch(token):
                raise InvalidToken("Malformed token")
            claims = await self.tokens.claims(token, request.send)
        except InvalidToken as error:
            self._refuse(str(error))
        self._check_scopes(claims)
        return Principal(name=_name(claims, token), scheme="oauth2", claims=claims)

    def _check_scopes(self, claims: Mapping[str, Json]) -> None:
        granted = _scopes(claims)
        lacking = [scope for scope in self.scopes if scope not in granted]
        if lacking:
            said = "The token lacks a scope"
            asks = self._with(error="insufficient_scope", error_description=said, **self._wanted)
            raise ForbiddenError(f"the access token does not allow this: {' '.join(lacking)}", challenge=asks)

    def _refuse(self, why: str) -> NoReturn:
        asks = self._with(error="invalid_token", error_description=why)
        raise AuthError(f"the access token is not accepted: {why}", challenge=asks)

    @property
    def _wanted(self) -> dict[str, str]:
        return {"scope": " ".join(self.scopes)} if self.scopes else {}

    def _with(self, **parameters: str) -> str:
        return f"{self.challenge}, {auth_params(parameters)}" if parameters else self.challenge


def _name(claims: Mapping[str, Json], token: str) -> str:
    """Whose a token is; one that does not say so (RFC 7662, 2.2) is a caller of its own.

    Callers who cannot be told apart would see each other's jobs.
    """
    found = next((value for name in _NAMES if isinstance(value := claims.get(name), str) and value), "")
    return found or f"token:{hashlib.sha256(token.encode()).hexdigest()[:16]}"


def _scopes(claims: Mapping[str, Json]) -> frozenset[str]:
    """What a token allows: `scope` (RFC 8693, 4.2), or what servers write instead of it."""
    found = claims.get("scope", claims.get("scp"))
    if isinstance(found, list):
        return frozenset(item for item in found if isinstance(item, str))
    return frozenset(found.split()) if isinstance(found, str) else frozenset()


# -- settings ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """The settings as texts, "" for what is not there."""

    issuer: str
    resource: str
    scopes: tuple[str, ...]
    audience: str
    token_endpoint: str
    validation: str
    jwks_uri: str
    introspection_endpoint: str
    algorithms: tuple[str, ...]
    leeway: str
    client_id: str
    client_secret: str = field(repr=False)
    client_method: str


def compile_guard(settings: Settings) -> Guard:
    """Keys: those of `SCHEMA`; `authorizationServerUri` and `resource` must be there.

    Raises CompileError for addresses that cannot be trusted, and for settings that nobody could meet.
    """
    written = _read(settings)
    asks = challenge("Bearer", settings)
    if settings.missing:
        plain = {"type": "http", "scheme": "bearer"}
        return Closed(missing=missing_of(settings), challenge=asks, security_scheme=plain)
    origin, path = _resource(settings, written.resource)
    contacts = _addresses(settings, written)
    return OAuth2Guard(
        tokens=_check(settings, written, Asking(contacts, SystemClock())),
        scopes=_checked_scopes(settings, written.scopes),
        challenge=f"{asks}, {auth_params({'resource_metadata': f'{origin}{METADATA}{path}'})}",
        security_scheme=_scheme(written),
        resource_metadata={
            "resource": written.resource,
            "authorization_servers": [written.issuer],
            **({"scopes_supported": list(written.scopes)} if written.scopes else {}),
            "bearer_methods_supported": ["header"],
        },
        metadata_paths=tuple(dict.fromkeys((f"{METADATA}{path}", f"{METADATA}{path.rstrip('/')}"))),
        contacts=contacts,
    )


def _read(settings: Settings) -> _Written:
    return _Written(
        issuer=settings.text("authorizationServerUri", "issuer").strip(),
        resource=settings.text("resource").strip(),
        scopes=tuple(scope for text in settings.texts("scopes", "scope") for scope in text.split()),
        audience=settings.text("audience").strip(),
        token_endpoint=settings.text("tokenEndpoint").strip(),
        validation=settings.text("tokenValidation", default="jwks").strip().lower(),
        jwks_uri=settings.text("jwksUri").strip(),
        introspection_endpoint=settings.text("introspectionEndpoint").strip(),
        algorithms=settings.texts("algorithms") or tuple(ALGORITHMS),
        leeway=settings.text("leeway", default="30"),
        client_id=settings.text("clientId").strip(),
        client_secret=settings.text("clientSecret").strip(),
        client_method=settings.text("clientAuthentication", default="basic"),
    )


def _check(settings: Settings, written: _Written, asking: Asking) -> TokenCheck:
    audiences = tuple(dict.fromkeys(filter(None, (written.audience, written.resource))))
    expected = Expected(issuer=written.issuer, audiences=audiences, leeway=_leeway(settings, written.leeway))
    server = AuthorizationServer(expected, asking)
    if written.validation == "introspection":
        client = _client(settings, written)
        return Introspection(expected, server, written.introspection_endpoint, client, asking)
    if written.validation not in ("jwks", "jwt"):
        raise settings.refuse(
            f"'{written.validation}' is no way to validate a token", hint="use jwks or introspection"
        )
    for algorithm in written.algorithms:
        if algorithm not in ALGORITHMS:
            hint = f"use some of {', '.join(ALGORITHMS)}"
            raise settings.refuse(f"'{algorithm}' is no algorithm to trust a token by", hint=hint)
    keys = KeySet(server, written.jwks_uri, asking)
    return SignedTokens(expected=expected, keys=keys, algorithms=written.algorithms)


def _client(settings: Settings, written: _Written) -> Client:
    if not written.client_id or not written.client_secret:
        raise settings.refuse(
            "introspection needs a client that may ask", hint="write 'clientId' and 'clientSecret'"
        )
    if written.client_method not in _METHODS:
        raise settings.refuse(
            f"'{written.client_method}' is not a way to authenticate a client", hint="use basic or post"
        )
    method = _METHODS[written.client_method]
    return Client(id=written.client_id, secret=written.client_secret, method=method)


def _leeway(settings: Settings, text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1
    if not 0 <= seconds <= _MAX_LEEWAY:
        raise settings.refuse(f"'leeway' is a number of seconds, from 0 to {_MAX_LEEWAY:g}")
    return seconds


def _checked_scopes(settings: Settings, scopes: tuple[str, ...]) -> tuple[str, ...]:
    for scope in scopes:
        if not _SCOPE.fullmatch(scope):
            raise settings.refuse(f"'{scope}' is no scope (RFC 6749, 3.3)")
    return tuple(dict.fromkeys(scopes))


# -- addresses --------------------------------------------------------------------------------------------


def _resource(settings: Settings, resource: str) -> tuple[str, str]:
    """The origin and the path of the resource (RFC 9728, 1.2 and 3.1)."""
    if not resource:
        hint = "add 'resource' with the URL that callers use"
        raise settings.refuse("oauth2 authentication does not say what is protected", hint=hint)
    try:
        origin_of(resource)
    except ValueError as error:
        hint = "write the URL that callers use; what else tokens may be for is 'audience'"
        raise settings.refuse(f"'resource' cannot be used: {error}", hint=hint) from None
    parts = urlsplit(resource)
    if parts.query or parts.fragment or "#" in resource or "?" in resource:
        raise settings.refuse("'resource' cannot have a query or a fragment (RFC 9728, 1.2)")
    return f"{parts.scheme}://{parts.netloc}", "" if parts.path == "/" else parts.path


def _addresses(settings: Settings, written: _Written) -> tuple[str, ...]:
    """The addresses that may be asked, all of them fit to be trusted."""
    if not written.issuer:
        hint = "add 'authorizationServerUri'"
        raise settings.refuse("oauth2 authentication does not say whose tokens it takes", hint=hint)
    if "?" in written.issuer or "#" in written.issuer:
        raise settings.refuse("'authorizationServerUri' cannot have a query or a fragment (RFC 8414, 2)")
    named = {
        "authorizationServerUri": written.issuer,
        "jwksUri": written.jwks_uri,
        "introspectionEndpoint": written.introspection_endpoint,
    }
    for name, url in {**named, "tokenEndpoint": written.token_endpoint}.items():
        if url:
            _check_trusted(settings, name, url)
    return tuple(filter(None, named.values()))


def _check_trusted(settings: Settings, name: str, url: str) -> None:
    try:
        origin = origin_of(url)
    except ValueError as error:
        raise settings.refuse(f"'{name}' cannot be used: {error}") from None
    if origin.scheme != "https" and not is_loopback(origin.host):
        raise settings.refuse(
            f"'{name}' has to begin with https://: whoever is on the way could let anybody in",
            hint="http:// is for servers on this machine",
        )


def _scheme(written: _Written) -> Mapping[str, Json]:
    """A Security Scheme Object (OpenAPI 3.1, 4.8.27), as precise as the settings are."""
    if written.token_endpoint:
        scopes = dict.fromkeys(written.scopes, "")
        flow = {"tokenUrl": written.token_endpoint, "scopes": scopes}
        return {"type": "oauth2", "flows": {"clientCredentials": flow}}
    scheme = {"type": "http", "scheme": "bearer", "description": f"An access token of {written.issuer}."}
    return scheme if written.validation == "introspection" else {**scheme, "bearerFormat": "JWT"}
