"""JSON (RFC 8259): values to UTF-8 bytes and back, within bounds that the rest of the program relies on."""

from __future__ import annotations

import json
import math
from typing import NoReturn

from capspec.values import Json

MAX_DEPTH = 256
"""Containers within containers. Everything behind a codec may walk a value recursively."""

_MAX_QUOTED = 60


class JsonCodec:
    """Whole numbers of any size survive; NaN and Infinity, which JSON lacks, are refused both ways."""

    media_type = "application/json"

    def encode(self, value: Json) -> tuple[bytes, str]:
        try:
            text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            return text.encode(), self.media_type
        except UnicodeEncodeError:
            raise ValueError(
                "holds broken Unicode (half of a surrogate pair), which JSON cannot carry"
            ) from None
        except RecursionError:
            raise ValueError(f"is nested more than {MAX_DEPTH} levels deep") from None
        except ValueError:
            raise ValueError("holds a number that JSON cannot carry (NaN or Infinity)") from None
        except TypeError:
            raise ValueError("holds a value that JSON cannot carry") from None

    def decode(self, content: bytes, charset: str) -> Json:
        """The last of several equal keys counts. A byte order mark is skipped."""
        text = _text(content, charset)
        try:
            value = _DECODER.decode(text)
        except RecursionError:
            raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep") from None
        except json.JSONDecodeError as error:
            raise ValueError(f"{error.msg} at line {error.lineno}, column {error.colno}") from None
        except ValueError as error:
            # Python bounds the digits that it converts, because the time grows with their square.
            raise ValueError(
                "a number has too many digits" if "digits" in str(error) else str(error)
            ) from None
        if text.count("[") + text.count("{") > MAX_DEPTH:
            check_depth(value)
        return value


def _text(content: bytes, charset: str) -> str:
    name = charset or json.detect_encoding(content)
    try:
        return content.decode(name).removeprefix("\ufeff")
    except LookupError:
        raise ValueError(f"its character set '{charset[:_MAX_QUOTED]}' is not known") from None
    except UnicodeError:
        raise ValueError(f"it is not text in the character set '{name[:_MAX_QUOTED]}'") from None


def check_depth(value: Json) -> None:
    """Raises ValueError for containers within containers more than MAX_DEPTH deep."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) is dict or type(item) is list
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} levels deep")


def finite(value: float) -> float | str:
    """A number that JSON can carry; "NaN", "Infinity" or "-Infinity" for those that it cannot."""
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"'{name}' is not a JSON value")


def _finite(text: str) -> float:
    value = float(text)
    if -math.inf < value < math.inf:
        return value
    raise ValueError(f"the number {text[:_MAX_QUOTED]} is too large")


_DECODER = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)

CODEC = JsonCodec()
