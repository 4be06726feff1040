"""Bearer tokens (RFC 6750, 2.1): `Authorization: Bearer <token>`."""

from __future__ import annotations

from capspec.credentials import FixedHeaders, credential
from capspec.settings import Settings


def compile_auth(settings: Settings) -> FixedHeaders:
    """Settings: `token` (or `value`), which may begin with the word Bearer already."""
    placement = settings.text("placement", "in", default="header")
    if placement != "header":
        raise settings.refuse(
            f"a bearer token cannot be placed in the {placement}",
            hint="leave 'placement' out, or use 'type: apikey' to send a key in the query",
        )
    token = credential(settings, "the bearer token", "token", "value")
    word, blank, rest = token.partition(" ")
    return FixedHeaders(
        {"Authorization": f"Bearer {rest.strip() if blank and word.lower() == 'bearer' else token}"}
    )
