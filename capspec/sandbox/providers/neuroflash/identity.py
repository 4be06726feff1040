"""neuroflash's token endpoint: OAuth2 client credentials (RFC 6749, section 4.4)."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs, unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from capspec.sandbox.endpoint import Endpoint, RefusedError
from capspec.sandbox.fidelity import Note, Shape, Source, official
from capspec.sandbox.journal import BODY
from capspec.sandbox.keys import Standing, standing
from capspec.sandbox.providers.neuroflash.tokens import mint
from capspec.sandbox.world import World

PREFIX = "/neuroflash-id"
TOKEN_LIFE = 14_399
KNOWN_SECRETS = "sandbox-"  # how they begin
TOKEN = Shape(
    name="Token",
    fields={
        "access_token": official("string"),
        "token_type": official("string"),
        "expires_in": official("integer"),
    },
)
OAUTH_ERROR = Shape(
    name="OAuthError",
    fields={"error": official("string"), "error_description": official("string", required=False)},
)
_NOTES = (
    Note(
        text="form fields `grant_type`, `client_id`, `client_secret`, `scope`; life 14,399 s",
        source=Source.OFFICIAL,
    ),
    Note(
        text="error bodies, and HTTP Basic as another way to say who asks: as in RFC 6749",
        source=Source.INFERRED,
    ),
    Note(text="any client id with a secret that begins with `sandbox-` is known", source=Source.INFERRED),
)


class NeuroflashId:
    """The imitation of neuroflash's identity provider."""

    name = "neuroflash-id"
    title = "neuroflash sign-in"
    prefixes: tuple[str, ...] = (PREFIX,)
    notes: tuple[Note, ...] = ()

    def __init__(self, world: World) -> None:
        self._world = world

    def endpoints(self) -> tuple[Endpoint, ...]:
        """The token endpoint."""
        return (
            Endpoint(
                method="POST",
                path=f"{PREFIX}/oauth/v2/token",
                call=self._token,
                phase="token",
                answers={200: TOKEN, 400: OAUTH_ERROR, 401: OAUTH_ERROR},
                notes=_NOTES,
            ),
        )

    def error(self, status: int) -> Response:
        """An OAuth2 error body."""
        codes = {400: "invalid_request", 401: "invalid_client", 404: "not_found", 429: "slow_down"}
        return JSONResponse({"error": codes.get(status, "server_error")}, status)

    def sign(self, response: Response, number: int) -> None:
        """Tokens are not for caches (RFC 6749, section 5.1)."""
        response.headers["cache-control"] = "no-store"

    def reset(self) -> None:
        """Nothing is stored."""

    async def _token(self, request: Request) -> Response:
        if (
            request.headers.get("content-type", "").partition(";")[0].strip()
            != "application/x-www-form-urlencoded"
        ):
            raise _refused("invalid_request", "the body must be form encoded")
        form = {
            name: values[-1]
            for name, values in parse_qs(request.scope[BODY].decode("utf-8", "replace")).items()
        }
        if "grant_type" not in form:
            raise _refused("invalid_request", "grant_type missing")
        if form["grant_type"] != "client_credentials":
            raise _refused("unsupported_grant_type", f"{form['grant_type']} not supported")
        client, secret = _basic(request.headers.get("authorization")) or (
            form.get("client_id", ""),
            form.get("client_secret", ""),
        )
        if not client or not secret.startswith(KNOWN_SECRETS) or standing(secret) is Standing.REVOKED:
            raise _refused("invalid_client", "client not found or wrong secret", 401)
        now = self._world.clock.now()
        word = standing(client)
        token = mint(client, issued=now, expires=now + TOKEN_LIFE, word="" if word is Standing.GOOD else word)
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE})


def _refused(code: str, description: str, status: int = 400) -> RefusedError:
    return RefusedError(JSONResponse({"error": code, "error_description": description}, status))


def _basic(authorization: str | None) -> tuple[str, str] | None:
    """Client id and secret of an HTTP Basic header (RFC 6749, section 2.3.1), or None."""
    scheme, _, encoded = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        client, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        return None
    return unquote(client), unquote(secret)
