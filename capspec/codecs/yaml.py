"""YAML 1.2 (RFC 9512): the first document to a value by the core schema, and a value to a document."""

from __future__ import annotations

from capspec.codecs.json import check_depth, finite
from capspec.codecs.text import CODEC as TEXT
from capspec.document.values import parse_value, write_value
from capspec.values import Json


class YamlCodec:
    """Dates and `yes` are text. Infinities and NaN, which JSON lacks, become texts."""

    media_type = "application/yaml"

    def encode(self, value: Json) -> tuple[bytes, str]:
        """A text counts as a document that its author has written."""
        check_depth(value)
        text = value if isinstance(value, str) else write_value(value)
        try:
            return text.encode(), self.media_type
        except UnicodeEncodeError:
            raise ValueError("holds broken Unicode, which cannot be sent") from None

    def decode(self, content: bytes, charset: str) -> Json:
        return _finite(parse_value(TEXT.decode(content, charset) if charset else content))


def _finite(value: Json) -> Json:
    """The same with all numbers finite; the reader has bounded the depth."""
    if isinstance(value, float):
        return finite(value)
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list) else value


CODEC = YamlCodec()
