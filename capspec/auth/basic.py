"""Basic authentication (RFC 7617): a user name and a password, in UTF-8."""

from __future__ import annotations

import base64

from capspec.credentials import FixedHeaders, credential
from capspec.request.encoding import sendable
from capspec.settings import Settings


def compile_auth(settings: Settings) -> FixedHeaders:
    """Settings: `username` and `password`, of which one may be empty; or `token`, both encoded already."""
    if settings.raw("token", "value") is not None:
        token = credential(settings, "the basic token", "token", "value")
        word, blank, rest = token.partition(" ")
        return FixedHeaders(
            {"Authorization": f"Basic {rest.strip() if blank and word.lower() == 'basic' else token}"}
        )
    username, password = settings.text("username", "user"), settings.text("password")
    if not (username or password or settings.missing):
        raise settings.refuse(
            "the user name and the password are empty", hint="write 'username' and 'password'"
        )
    if ":" in username:
        raise settings.refuse("a user name cannot hold a colon (RFC 7617, 2)")
    try:
        pair = sendable(f"{username}:{password}").encode()
    except ValueError as error:
        raise settings.refuse(f"the user name or the password {error}") from None
    return FixedHeaders({"Authorization": f"Basic {base64.b64encode(pair).decode('ascii')}"})
