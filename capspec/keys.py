"""Settings to private keys and client certificates: PEM, DER or PKCS #12, as text, Base64, or in a file."""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
    load_pem_private_key,
    pkcs12,
)

from capspec.folders import locate
from capspec.settings import Settings
from capspec.wire import Auth, Identity, Request, Response, Send

_LARGEST = 1024 * 1024
"""Bytes."""

_PEM = b"-----BEGIN "
_BASE64 = re.compile(r"(?:LS0t|MI|ew|ey)[A-Za-z0-9+/\s]{60,}={0,2}\s*")
"""Base64 of PEM, which begins with dashes, of DER, which begins with a long SEQUENCE, or of JSON."""

_PASSWORDS = (
    "password", "passphrase", "certPassword", "certificatePassword", "keyPassword", "keystorePassword",
)  # fmt: skip
_CERTIFICATES = (
    "certificate", "cert", "clientCertificate", "clientCert", "certPath", "certFile", "certificatePath",
    "certificateFile", "pkcs12", "p12", "pfx", "keystore", "keystorePath",
)  # fmt: skip
_KEYS = ("key", "privateKey", "clientKey", "keyPath", "keyFile", "privateKeyPath", "privateKeyFile")
_AUTHORITIES = ("ca", "caCert", "caCertificate", "caPath", "caFile", "caBundle", "trust", "truststore")


_A = TypeVar("_A", bound=Auth)


@dataclass(frozen=True, slots=True)
class KeyPair:
    """What a piece of key material holds: a private key, the certificates beside it, or one of both."""

    key: PrivateKeyTypes | None = field(repr=False)
    certificates: tuple[x509.Certificate, ...]


def private_key(settings: Settings, *names: str, passwords: Sequence[str] = _PASSWORDS) -> str:
    """The private key in the first of these settings that is there, as unencrypted PEM (PKCS #8).

    "" when there is none, or a variable of it has no value. Raises CompileError, which never quotes it.
    """
    written, password = material(settings, *names), settings.text(*passwords)
    if settings.missing or not written:
        return ""
    key = _read(settings, names[0], written, password).key
    if key is None:
        raise settings.refuse(f"there is no private key in '{names[0]}'")
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")


def client_identity(settings: Settings) -> Identity:
    """Who a client is on TLS connections: `certificate`, `key`, `password` and `ca`.

    A PKCS #12 store, and a PEM file with both, needs no `key`. `ca` alone only says whom to trust. Raises
    CompileError.
    """
    chain, own = material(settings, *_CERTIFICATES), material(settings, *_KEYS)
    authorities, password = material(settings, *_AUTHORITIES), settings.text(*_PASSWORDS)
    if settings.missing:
        return Identity()
    if not (chain or authorities):
        raise settings.refuse(
            "there is no client certificate", hint="write 'certificate' and 'key': PEM, or the path of a file"
        )
    trusted = _read(settings, "ca", authorities, password).certificates if authorities else ()
    if authorities and not trusted:
        raise settings.refuse("there is no certificate in 'ca'")
    identity = Identity(authorities=_pem(trusted))
    if not chain:
        return identity
    shown = _read(settings, "certificate", chain, password)
    key = shown.key if not own else _read(settings, "key", own, password).key
    return _identity(settings, shown.certificates, key, identity.authorities)


def material(settings: Settings, *names: str) -> bytes:
    """What the first of these settings that is there holds: PEM, JSON or Base64, or else a file's path.

    A relative path counts from the capability's file. b"" when there is none, or a variable of it has no
    value. Raises CompileError, which never quotes it.
    """
    text = settings.text(*names).strip()
    if settings.missing or not text:
        return b""
    if text.startswith("{"):
        return text.encode()
    if _PEM.decode() in text:
        # Variables that are set in one line have their line ends written out.
        return text.replace("\\n", "\n").encode()
    if _BASE64.fullmatch(text):
        try:
            return base64.b64decode("".join(text.split()), validate=True)
        except binascii.Error:
            raise settings.refuse(f"'{names[0]}' is not Base64") from None
    return _file(settings, names[0], text)


def identified(auth: _A, settings: Settings) -> _A | Identified:
    """The same auth, which shows a client certificate too when the settings have a `tls` block (RFC 8705)."""
    block = settings.within("tls")
    if block is None:
        return auth
    identity = client_identity(block)
    block.node.finish("a client certificate")
    return Identified(auth, identity)


class Identified:
    """An auth whose requests, those for its tokens included, go over connections that show an identity."""

    def __init__(self, auth: Auth | None, identity: Identity) -> None:
        self.names: frozenset[str] = getattr(auth, "names", frozenset())
        self.urls: tuple[str, ...] = getattr(auth, "urls", ())
        self.query_names: frozenset[str] = getattr(auth, "query_names", frozenset())
        self.cookie_names: frozenset[str] = getattr(auth, "cookie_names", frozenset())
        self.member_names: frozenset[str] = getattr(auth, "member_names", frozenset())
        self._auth = auth
        self._identity = identity

    async def authenticate(self, request: Request, send: Send) -> Response:
        async def shown(outgoing: Request) -> Response:
            return await send(outgoing.identified(self._identity))

        return await (shown(request) if self._auth is None else self._auth.authenticate(request, shown))


# -- within -----------------------------------------------------------------------------------------------


def _identity(
    settings: Settings, chain: Sequence[x509.Certificate], key: PrivateKeyTypes | None, authorities: bytes
) -> Identity:
    if not chain:
        raise settings.refuse("there is no certificate in 'certificate'")
    if key is None:
        raise settings.refuse("the client certificate has no private key", hint="write it as 'key'")
    public = [
        item.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        for item in (key.public_key(), chain[0].public_key())
    ]
    if public[0] != public[1]:
        raise settings.refuse("the private key is not that of the client certificate")
    passphrase = secrets.token_hex(32).encode()
    return Identity(
        certificates=_pem(chain),
        key=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)),
        passphrase=passphrase,
        authorities=authorities,
    )


def _pem(certificates: Sequence[x509.Certificate]) -> bytes:
    return b"".join(item.public_bytes(Encoding.PEM) for item in certificates)


def _file(settings: Settings, name: str, location: str) -> bytes:
    document = settings.node.document.path
    try:
        path = locate(location, None if document is None else document.parent)
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        # What is no path may be a broken key, so it is not quoted.
        reason = error.strerror if isinstance(error, OSError) else "its path is relative to no file"
        raise settings.refuse(
            f"the file that '{name}' names cannot be read: {reason or 'it is no path'}",
            hint="write PEM, or the path of a PEM or PKCS #12 file",
        ) from None
    if not 0 < len(content) <= _LARGEST:
        raise settings.refuse(f"the file that '{name}' names is empty, or larger than {_LARGEST} bytes")
    return content


def _read(settings: Settings, name: str, content: bytes, password: str) -> KeyPair:
    try:
        return _parsed(content, password.encode() or None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise settings.refuse(
            f"'{name}' holds no key or certificate that can be read",
            hint="it should be PEM or PKCS #12; check its 'password' too",
        ) from None


def _parsed(content: bytes, password: bytes | None) -> KeyPair:
    if _PEM in content:
        has_key = b"PRIVATE KEY-----" in content
        has_certificate = b"-----BEGIN CERTIFICATE-----" in content
        return KeyPair(
            _unlocked(content, password) if has_key else None,
            tuple(x509.load_pem_x509_certificates(content)) if has_certificate else (),
        )
    for read in (_store, _der_key):
        try:
            return read(content, password)
        except (ValueError, TypeError):
            continue
    return KeyPair(None, (x509.load_der_x509_certificate(content),))


def _unlocked(content: bytes, password: bytes | None) -> PrivateKeyTypes:
    # A password for a key that is not encrypted is an error for the library, and none for an author.
    locked = b"ENCRYPTED" in content
    return load_pem_private_key(content, password if locked else None)


def _store(content: bytes, password: bytes | None) -> KeyPair:
    key, certificate, others = pkcs12.load_key_and_certificates(content, password)
    return KeyPair(key, tuple(item for item in (certificate, *others) if item is not None))


def _der_key(content: bytes, password: bytes | None) -> KeyPair:
    return KeyPair(load_der_private_key(content, password), ())
