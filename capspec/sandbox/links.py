"""Links to assets that are signed and run out, in the manner of Azure's shared access signatures."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from capspec.sandbox.clock import iso

_VERSION = "2024-11-04"
_SIGNED = ("se", "sp", "sv", "sr", "rsct")


class LinkSigner:
    """Signs paths and checks them again; the secret follows from the seed."""

    def __init__(self, *, seed: int) -> None:
        self._secret = hashlib.sha256(f"delivery/{seed}".encode()).digest()

    def query(self, path: str, *, expires: float, media_type: str) -> str:
        """The query string that opens ``path`` until ``expires`` (seconds since the epoch)."""
        fields = {
            "se": iso(expires, timespec="seconds"),
            "sp": "r",
            "sv": _VERSION,
            "sr": "b",
            "rsct": media_type,
        }
        return urlencode({**fields, "sig": self._signature(path, fields)})

    def trouble(self, path: str, query: Mapping[str, str], now: float) -> str | None:
        """Why the link does not open ``path`` at ``now``; None when it does."""
        fields = {name: query.get(name, "") for name in _SIGNED}
        if not hmac.compare_digest(self._signature(path, fields), query.get("sig", "")):
            return "Signature did not match."
        if datetime.fromisoformat(fields["se"]).timestamp() <= now:
            return f"Signed expiry time [{fields['se']}] must be after signed start time."
        return None

    def _signature(self, path: str, fields: Mapping[str, str]) -> str:
        text = "\n".join([path, *(fields[name] for name in _SIGNED)])
        return base64.b64encode(hmac.digest(self._secret, text.encode(), "sha256")).decode()
