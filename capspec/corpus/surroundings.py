"""A capability to the one that a check compiles: every variable has a value, every upstream an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache

from capspec.model import Capability

_VALUE = "c0ffee" * 6
"""The value of every variable: text, and hexadecimal digits, as some signatures want their keys to be."""

_ADDRESSES = ("URL", "URI", "ENDPOINT")
_ADDRESS = "https://elsewhere.test"
_KEYS = ("PRIVATE_KEY", "SIGNING_KEY", "CERT", "PEM", "P12")
_OWN = "CAPSPEC_"


class Everything(Mapping[str, str]):
    """An environment in which every variable has a value, but for our own settings."""

    def __getitem__(self, name: str) -> str:
        if name.startswith(_OWN):
            raise KeyError(name)
        if any(word in name.upper() for word in _ADDRESSES):
            return _ADDRESS
        return _private_key() if any(word in name.upper() for word in _KEYS) else _VALUE

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@cache
def _private_key() -> str:
    """An RSA key in PEM; some files name one to sign with."""
    from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few files sign with one
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415

    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def surrounded(capability: Capability, host: str) -> tuple[Capability, dict[str, str]]:
    """The capability with all binds to the environment, and a base URI for each namespace.

    `host` tells the file's requests from those of every other.
    """
    binds = tuple(replace(bind, location="") for bind in capability.binds)
    bases = {
        upstream.namespace: f"http://{host}/base{number}"
        for number, upstream in enumerate(capability.upstreams)
    }
    return replace(capability, binds=binds), bases
