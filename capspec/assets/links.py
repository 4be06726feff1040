"""What a link of ours leads to, as the text in it: nobody can read it, change it, or make another."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final

from capspec.errors import AssetGone, AssetNotFound
from capspec.sealing import Sealer

PREFIX: Final = "asset1_"
"""What the text begins with; the figure changes with what is inside."""

LONGEST: Final = 8192
"""Characters of the text at the most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An asset of an operation: at `url` of the upstream, or in our own `file`.

    `name` is the file name that callers see, `expires_at` is seconds since the epoch.
    """

    operation: str
    name: str
    expires_at: float
    url: str = field(default="", repr=False)
    file: str = ""


class LinkKey:
    """The key of the links of one capability. Without a secret it lasts as long as the process."""

    __slots__ = ("_sealer",)

    def __init__(self, secret: str = "", purpose: str = "") -> None:
        """The same `secret` and `purpose` make the same key. Raises ValueError for a short secret."""
        if secret:
            self._sealer = Sealer.from_secret(secret, f"capspec asset link {PREFIX} {purpose}")
        else:
            self._sealer = Sealer.generate()

    def __repr__(self) -> str:
        return "LinkKey(****)"

    def seal(self, link: Link) -> str:
        """The text of a link."""
        content = {
            "o": link.operation,
            "n": link.name,
            "e": round(link.expires_at, 3),
            "u": link.url,
            "f": link.file,
        }
        packed = json.dumps(content, separators=(",", ":"), ensure_ascii=False).encode()
        return PREFIX + self._sealer.seal(packed, PREFIX.encode())

    def open(self, token: str, name: str, *, now: float) -> Link:
        """The link of a text, under the file name that it was made for. `now` is seconds since the epoch.

        Raises AssetNotFound for what this key did not make, and AssetGone for what has run out.
        """
        text = token.removeprefix(PREFIX)
        packed = None if text == token or len(token) > LONGEST else self._sealer.open(text, PREFIX.encode())
        if packed is None:
            raise AssetNotFound("there is no such asset", hint="use the link as it was given")
        content = json.loads(packed)
        link = Link(
            operation=content["o"],
            name=content["n"],
            expires_at=content["e"],
            url=content["u"],
            file=content["f"],
        )
        if link.name != name:
            raise AssetNotFound("there is no such asset", hint="use the link as it was given")
        if now >= link.expires_at:
            raise AssetGone("this link has expired", hint="ask for the result again to get a new one")
        return link
