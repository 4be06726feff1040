"""Plain text: values to UTF-8 bytes, and bytes to text."""

from __future__ import annotations

from capspec.request.encoding import text_of
from capspec.values import Json


class TextCodec:
    """Text as it is; anything else is written as JSON."""

    media_type = "text/plain"

    def encode(self, value: Json) -> tuple[bytes, str]:
        try:
            return text_of(value).encode(), f"{self.media_type}; charset=utf-8"
        except UnicodeEncodeError:
            raise ValueError(
                "holds broken Unicode (half of a surrogate pair), which cannot be sent"
            ) from None

    def decode(self, content: bytes, charset: str) -> str:
        """With no charset given, bytes that are not UTF-8 come out as replacement characters."""
        if not charset:
            return content.decode("utf-8-sig", "replace")
        try:
            return content.decode(charset).removeprefix("\ufeff")
        except LookupError:
            raise ValueError(f"its character set '{charset[:60]}' is not known") from None
        except UnicodeError:
            raise ValueError(f"it is not text in the character set '{charset[:60]}'") from None


CODEC = TextCodec()
