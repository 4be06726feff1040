"""Bytes that nobody interprets: sent as they are, and read into a value as base64 (RFC 4648, 4)."""

from __future__ import annotations

import base64

from capspec.request.inline import Inline, is_data_url, read_inline
from capspec.values import Json


class BinaryCodec:
    """Bytes as a value are base64, because JSON has no bytes.

    What is sent: the bytes of a `data:` URL in base64, any other text in UTF-8, and of an object with one
    member what that member is; base64 when it is called `base64`.
    """

    media_type = "application/octet-stream"

    def encode(self, value: Json) -> tuple[bytes, str]:
        if isinstance(value, dict) and len(value) == 1:
            ((name, value),) = value.items()
            if name == "base64":
                value = read_inline(value)
        if is_data_url(value):
            value = read_inline(value)
        if isinstance(value, Inline):
            return value.content, value.media_type or self.media_type
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
