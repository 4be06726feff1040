"""Bytes that nobody interprets: sent as they are, and read into a value as base64 (RFC 4648, 4)."""

from __future__ import annotations

import base64

from capspec.values import Json


class BinaryCodec:
    """Bytes as a value are base64, because JSON has no bytes; a text to be sent goes out in UTF-8."""

    media_type = "application/octet-stream"

    def encode(self, value: Json) -> tuple[bytes, str]:
        if isinstance(value, (bytes, bytearray)):
            return bytes(value), self.media_type
        if not isinstance(value, str):
            raise ValueError("must be text to be sent as bytes")
        try:
            return value.encode(), self.media_type
        except UnicodeEncodeError:
            raise ValueError(
                "holds broken Unicode (half of a surrogate pair), which cannot be sent"
            ) from None

    def decode(self, content: bytes, charset: str) -> str:
        del charset
        return base64.b64encode(content).decode("ascii")


CODEC = BinaryCodec()
