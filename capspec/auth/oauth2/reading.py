"""OAuth 2.0 settings to an auth: the grant, the client, where tokens come from and how they travel."""

from __future__ import annotations

from collections.abc import Callable

from capspec.auth.oauth2.assertions import (
    PRIVATE_KEYS,
    Assertion,
    checked_address,
    read_account,
    read_assertion,
)
from capspec.auth.oauth2.grants import (
    JWT_BEARER,
    SAML_BEARER,
    AssertionGrant,
    ClientIdentity,
    FixedGrant,
    Grant,
    Method,
    RefreshGrant,
    TokenRequest,
)
from capspec.auth.oauth2.tokens import Carriage, FixedToken, TokenAuth
from capspec.credentials import credential, described
from capspec.request.encoding import FRAMING, is_token, sendable
from capspec.settings import Settings

SCHEMA = described({
    "grantType": "client_credentials, password, refresh_token, jwt-bearer, saml2-bearer, service-account, or "
    "one of the server's own.",
    "clientId": "The client's id.",
    "clientSecret": "The client's secret.",
    "clientAuthentication": "How the client proves who it is: basic, post, none, private_key_jwt, "
    "client_secret_jwt or tls_client_auth.",
    "tokenEndpoint": "Where tokens are asked for.",
    "authorizationServerUri": "The server whose metadata name that address.",
    "scopes": "What tokens are to allow.",
    "audience": "The API that tokens are for.",
    "resource": "The same as a URI (RFC 8707).",
    "parameters": "What else the token request says.",
    "username": "Whose token it is, for the grant 'password'.",
    "password": "That user's password.",
    "refreshToken": "What was given out when a person signed in.",
    "assertion": "An assertion from elsewhere.",
    "privateKey": "The key that signs assertions: PEM, or the path of a file.",
    "keyId": "The id of that key.",
    "algorithm": "How it signs, such as RS256.",
    "subject": "Whom an assertion speaks for.",
    "claims": "Further claims of an assertion.",
    "assertionLifetime": "For how many seconds an assertion holds.",
    "assertionAudience": "Whom an assertion about the client is for; the token endpoint when left out.",
    "serviceAccount": "The key file of a Google service account: JSON, or its path.",
    "token": "A token that somebody else got, sent as it is.",
    "placement": "Where the token goes: header or query.",
    "header": "The header that it goes into.",
    "tokenPrefix": "The word before it; Bearer when left out.",
}, {
    "grantType": (
        "client_credentials", "password", "refresh_token", "jwt-bearer", "saml2-bearer", "service-account",
    ),
    "clientId": ("{{CLIENT_ID}}",), "clientSecret": ("{{CLIENT_SECRET}}",),
    "clientAuthentication": (
        "basic", "post", "none", "private_key_jwt", "client_secret_jwt", "tls_client_auth",
    ),
    "tokenEndpoint": ("https://login.example.com/oauth2/token",),
    "authorizationServerUri": ("https://login.example.com",), "scopes": (["things.read"],),
    "audience": ("https://api.example.com",), "resource": ("https://api.example.com",),
    "parameters": ({"tenant": "acme"},), "username": ("{{USERNAME}}",), "password": ("{{PASSWORD}}",),
    "refreshToken": ("{{REFRESH_TOKEN}}",), "assertion": ("{{ASSERTION}}",),
    "privateKey": ("{{PRIVATE_KEY}}",), "keyId": ("{{KEY_ID}}",), "algorithm": ("RS256", "ES256"),
    "subject": ("robot@example.com",),
    "claims": ({"tenant": "acme"},), "assertionLifetime": (300,),
    "assertionAudience": ("https://login.example.com",), "serviceAccount": ("{{SERVICE_ACCOUNT}}",),
    "token": ("{{ACCESS_TOKEN}}",), "placement": ("header", "query"), "header": ("Authorization",),
    "tokenPrefix": ("Bearer",),
})  # fmt: skip

_METHODS: dict[str, Method] = {
    "basic": "basic", "client_secret_basic": "basic", "post": "post", "client_secret_post": "post",
    "none": "none", "tls_client_auth": "none", "self_signed_tls_client_auth": "none",
    "private_key_jwt": "jwt", "client_secret_jwt": "jwt",
}  # fmt: skip
_ACCOUNTS = (
    "serviceAccount", "serviceAccountKey", "serviceAccountFile", "serviceAccountJson", "credentialsFile",
)  # fmt: skip
_WELL_KNOWN = ("/.well-known/openid-configuration", "/.well-known/oauth-authorization-server")

CLIENT, PASSWORD, REFRESH, JWT, SAML, ACCOUNT = (
    "client_credentials", "password", "refresh_token", "jwt-bearer", "saml2-bearer", "service-account",
)  # fmt: skip
_KINDS = {
    "clientcredentials": CLIENT, "application": CLIENT, "password": PASSWORD, "resourceowner": PASSWORD,
    "refreshtoken": REFRESH, "authorizationcode": REFRESH, "jwtbearer": JWT, "jwt": JWT, JWT_BEARER: JWT,
    "saml2bearer": SAML, SAML_BEARER: SAML, "serviceaccount": ACCOUNT, "googleserviceaccount": ACCOUNT,
}  # fmt: skip
_NEEDS_A_PERSON = ("implicit", "devicecode", "urn:ietf:params:oauth:grant-type:device_code")


def compile_auth(settings: Settings) -> TokenAuth | FixedToken:
    """Settings: `clientId`, `clientSecret`, and `tokenEndpoint` or `authorizationServerUri`.

    `grantType` is one of client_credentials (the default), password (`username`, `password`), refresh_token
    and authorization_code (`refreshToken`), jwt-bearer (`privateKey` or `assertion`, `subject`, `keyId`),
    saml2-bearer (`assertion`), service-account (`serviceAccount`, a Google key file), or any other that
    needs nothing but `parameters`. Also `scopes`, `audience`, `resource` (RFC 8707), `parameters` of the
    token request, and `clientAuthentication`: basic (the default), post, none, private_key_jwt,
    client_secret_jwt or tls_client_auth. `placement` (header or query), `header` and `tokenPrefix` say how
    the token travels. A block with nothing but a `token` sends that one as it is.
    """
    carriage = _carriage(settings)
    if settings.raw("token", "accessToken") is not None:
        return FixedToken(credential(settings, "the access token", "token", "accessToken"), carriage)
    kind = _kind(settings)
    grant, endpoint = _GRANTS.get(kind, _other)(settings)
    endpoint = _address(settings, "tokenEndpoint", "tokenUrl", "tokenUri", "accessTokenUrl") or endpoint
    server = "" if endpoint else _server(settings)
    if not (endpoint or server or settings.missing):
        raise settings.refuse("there is no address to get tokens from", hint="write 'tokenEndpoint'")
    request = TokenRequest(
        endpoint=endpoint,
        server=server,
        grant=grant,
        client=_client(settings, kind),
        parameters=tuple(_parameters(settings, kind)),
    )
    return TokenAuth(request, carriage)


def _kind(settings: Settings) -> str:
    """The kind of grant; the words of one that is not known here."""
    word = settings.text("grantType", "grant", "flow").strip()
    if not word:
        return _implied(settings)
    plain = word if word.startswith("urn:") else word.lower().replace("_", "").replace("-", "")
    by_hand = plain in _NEEDS_A_PERSON
    if by_hand or (plain == "authorizationcode" and settings.raw("refreshToken", "refresh_token") is None):
        raise settings.refuse(
            f"the OAuth grant '{word}' needs a person at a browser",
            hint="sign in once elsewhere, and store the refresh token as 'refreshToken'",
        )
    return _KINDS.get(plain, word)


def _implied(settings: Settings) -> str:
    kind = _KINDS.get(settings.text("type").lower().replace("_", "").replace("-", ""), "")
    if kind:
        return kind
    if settings.raw(*_ACCOUNTS) is not None:
        return ACCOUNT
    if settings.raw("refreshToken", "refresh_token") is not None:
        return REFRESH
    if settings.raw("username") is not None:
        return PASSWORD
    return JWT if settings.raw("assertion", "subject") is not None else CLIENT


# -- grants -----------------------------------------------------------------------------------------------


def _client_credentials(settings: Settings) -> tuple[Grant, str]:
    del settings
    return FixedGrant((("grant_type", CLIENT),)), ""


def _password(settings: Settings) -> tuple[Grant, str]:
    words = (
        ("grant_type", PASSWORD),
        ("username", _text(settings, "the user name", "username", "user")),
        ("password", _text(settings, "the password", "password")),
    )
    return FixedGrant(words), ""


def _refresh(settings: Settings) -> tuple[Grant, str]:
    return RefreshGrant(_text(settings, "the refresh token", "refreshToken", "refresh_token")), ""


def _jwt(settings: Settings) -> tuple[Grant, str]:
    if settings.raw("assertion") is not None:
        words = (("grant_type", JWT_BEARER), ("assertion", _text(settings, "the assertion", "assertion")))
        return FixedGrant(words), ""
    issuer = settings.text("iss", "clientId", "client_id").strip()
    if not (issuer or settings.missing):
        raise settings.refuse("it is not said whose assertion it is", hint="write 'clientId' or 'iss'")
    subject, audience = settings.text("subject", "sub").strip(), settings.text("audience", "aud").strip()
    return AssertionGrant(read_assertion(settings, issuer=issuer, subject=subject, audience=audience)), ""


def _saml(settings: Settings) -> tuple[Grant, str]:
    words = (("grant_type", SAML_BEARER), ("assertion", _text(settings, "the assertion", "assertion")))
    return FixedGrant(words), ""


def _service_account(settings: Settings) -> tuple[Grant, str]:
    """The grant of a Google service account; its key file names the token endpoint, too."""
    account = read_account(settings, *_ACCOUNTS)
    assertion = Assertion(
        key=account.key,
        algorithm="RS256",
        key_id=account.key_id,
        issuer=account.email,
        subject=settings.text("subject", "sub").strip(),
        lifetime=3600,
        claims={"scope": " ".join(settings.texts("scopes", "scope"))},
    )
    return AssertionGrant(assertion), account.endpoint


def _other(settings: Settings) -> tuple[Grant, str]:
    """A grant of a server's own (RFC 6749, 4.5), which has nothing but parameters."""
    word = settings.text("grantType", "grant", "flow").strip()
    if settings.node.get("parameters") is None:
        raise settings.refuse(
            f"the OAuth grant '{word}' is not known",
            hint="use client_credentials, password, refresh_token, jwt-bearer or service-account; "
            "or write what the server wants to know as 'parameters'",
        )
    return FixedGrant((("grant_type", word),)), ""


_GRANTS: dict[str, Callable[[Settings], tuple[Grant, str]]] = {
    CLIENT: _client_credentials, PASSWORD: _password, REFRESH: _refresh, JWT: _jwt, SAML: _saml,
    ACCOUNT: _service_account,
}  # fmt: skip


# -- the client -------------------------------------------------------------------------------------------


def _client(settings: Settings, kind: str) -> ClientIdentity:
    has_secret = settings.raw("clientSecret", "client_secret") is not None
    has_key = kind == CLIENT and settings.raw(*PRIVATE_KEYS) is not None
    usual = "private_key_jwt" if has_key else "basic" if has_secret or kind == CLIENT else "none"
    word = settings.text("clientAuthentication", "tokenEndpointAuthMethod", default=usual).strip().lower()
    if word not in _METHODS:
        raise settings.refuse(f"'{word}' is not a way to authenticate a client", hint="use basic or post")
    method = _METHODS[word]
    client, secret = "", ""
    if kind == CLIENT or method != "none" or settings.raw("clientId", "client_id") is not None:
        client = credential(settings, "the client's id", "clientId", "client_id")
    if method in ("basic", "post") or word == "client_secret_jwt":
        secret = credential(settings, "the client's secret", "clientSecret", "client_secret")
    assertion = None
    if word == "client_secret_jwt":
        assertion = Assertion(key=secret, algorithm="HS256", key_id="", issuer=client, subject=client)
    elif word == "private_key_jwt":
        audience = settings.text("assertionAudience").strip()
        assertion = read_assertion(settings, issuer=client, subject=client, audience=audience)
    return ClientIdentity(id=client, secret=secret, method=method, assertion=assertion)


def _parameters(settings: Settings, kind: str) -> list[tuple[str, str]]:
    fields = {
        "scope": " ".join(settings.texts("scopes", "scope")) if kind != ACCOUNT else "",
        "audience": settings.text("audience") if kind not in (JWT, ACCOUNT) else "",
        "resource": settings.text("resource"),
        **settings.mapping("parameters"),
    }
    return [(name, value) for name, value in fields.items() if value]


# -- addresses and the token ------------------------------------------------------------------------------


def _server(settings: Settings) -> str:
    """The authorization server's issuer; the address of its metadata counts as it."""
    names = ("issuer", "issuerUri", "discoveryUrl", "openIdConnectUrl", "metadataUrl")
    url = _address(settings, "authorizationServerUri", *names)
    for path in _WELL_KNOWN:
        before, found, after = url.partition(path)
        url = before + after if found else url
    return url


def _address(settings: Settings, *names: str) -> str:
    """A URL that can be contacted, or "" when there is none yet."""
    return checked_address(settings, names[0], settings.text(*names).strip())


def _carriage(settings: Settings) -> Carriage:
    place = settings.text("placement", "in", "tokenPlacement", default="header")
    if place == "query":
        return Carriage(query=settings.text("name", "tokenName", default="access_token"))
    name = settings.text("header", "headerName", default="Authorization").strip()
    if place != "header" or not is_token(name) or name.lower() in FRAMING:
        raise settings.refuse("a token travels in a header or in the query", hint="use 'placement: header'")
    word = settings.text("tokenPrefix", "prefix", default="Bearer").strip()
    if not (word.isascii() and word.isprintable()):
        raise settings.refuse("'tokenPrefix' holds a character that a header cannot carry")
    return Carriage(header=name, word=word)


def _text(settings: Settings, what: str, *names: str) -> str:
    """A text for a form, blanks included. Raises CompileError when it is empty or cannot be sent."""
    text = settings.text(*names)
    if not (text.strip() or settings.missing):
        raise settings.refuse(f"{what} is empty", hint=f"write it as '{names[0]}'")
    try:
        return sendable(text.strip() if names[0] != "password" else text)
    except ValueError as error:
        raise settings.refuse(f"{what} {error}") from None
