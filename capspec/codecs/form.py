"""`application/x-www-form-urlencoded` (WHATWG URL, 5): objects to name-value pairs and back."""

from __future__ import annotations

from urllib.parse import parse_qsl, quote_plus

from capspec.request.encoding import form_text, pairs
from capspec.values import Json

_MAX_FIELDS = 10_000


class FormCodec:
    """An object's lists repeat their name, its objects are written as `name[key]`."""

    media_type = "application/x-www-form-urlencoded"
    escape = staticmethod(quote_plus)

    def encode(self, value: Json) -> tuple[bytes, str]:
        """A text counts as a form that its author has encoded."""
        if isinstance(value, str) and value.isascii():
            return value.encode(), self.media_type
        if not isinstance(value, dict):
            raise ValueError("must be an object to be sent as a form")
        fields = [pair for name, item in value.items() for pair in pairs(name, item)]
        return form_text(fields).encode(), self.media_type

    def decode(self, content: bytes, charset: str) -> dict[str, Json]:
        """Every value is text; a name that occurs more than once gets a list of them."""
        found: dict[str, list[str]] = {}
        for name, text in _fields(content, charset or "utf-8"):
            found.setdefault(name, []).append(text)
        return {name: texts[0] if len(texts) == 1 else texts for name, texts in found.items()}


def _fields(content: bytes, charset: str) -> list[tuple[str, str]]:
    if content.count(b"&") >= _MAX_FIELDS:
        raise ValueError(f"it has more than {_MAX_FIELDS} fields")
    try:
        return parse_qsl(content.decode("ascii"), keep_blank_values=True, encoding=charset, errors="strict")
    except LookupError:
        raise ValueError(f"its character set '{charset[:60]}' is not known") from None
    except UnicodeError:
        raise ValueError("it is not a URL-encoded form") from None


CODEC = FormCodec()
