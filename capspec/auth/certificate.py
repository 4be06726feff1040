"""Client certificates (mutual TLS; RFC 8446, 4.4.2): the connection itself says who calls."""

from __future__ import annotations

from capspec.credentials import described
from capspec.keys import Identified, client_identity
from capspec.settings import Settings

SCHEMA = described({
    "certificate": "The client's certificate, and those up to the authority: PEM, or the path of a file.",
    "key": "Its private key: PEM, or the path of a file. A PKCS #12 store needs none.",
    "password": "The password of the key, or of the store.",
    "ca": "The authorities to trust instead of the public ones: PEM, or the path of a file.",
}, {
    "certificate": ("./client.pem",), "key": ("{{CLIENT_KEY}}",), "password": ("{{CLIENT_KEY_PASSWORD}}",),
    "ca": ("./authority.pem",),
})  # fmt: skip


def compile_auth(settings: Settings) -> Identified:
    """Settings: `certificate` and `key`, PEM or the path of a file; or one PKCS #12 or PEM file with both.

    Also `password`, and `ca`, which is trusted instead of the public authorities.
    """
    return Identified(None, client_identity(settings))
