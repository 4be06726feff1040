"""The text of a scalar to its value, by the core schema of YAML 1.2.2 (section 10.3.2).

null     empty, ~, null, Null, NULL
boolean  true, True, TRUE, false, False, FALSE; yes, no, on, off, y and n are text
integer  12, -3, +4, 0o17, 0xFF; 017 is seventeen, and 1_000 is text
float    0.5, 1., .5, 1e3, .inf, -.Inf, .nan
text     all else: 2015-02-01, 1:30, =, <<
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from typing import Final

from capspec.values import MISSING, Json, Missing

LONGEST_NUMBER: Final = 400
"""Characters of a number; Python refuses to print integers of a few thousand digits."""

_PREFIX: Final = "tag:yaml.org,2002:"
MAPPING: Final = _PREFIX + "map"
SEQUENCE: Final = _PREFIX + "seq"

_WORDS: Final[dict[str, Json]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_NUMBER: Final = re.compile(
    r"""(?P<decimal> [-+]?[0-9]+ )
      | (?P<octal>   0o[0-7]+ )
      | (?P<hex>     0x[0-9a-fA-F]+ )
      | (?P<float>   [-+]? (?: \.[0-9]+ | [0-9]+ (?:\.[0-9]*)? ) (?: [eE][-+]?[0-9]+ )? )""",
    re.VERBOSE,
)
_READ: Final[dict[str | None, Callable[[str], Json]]] = {
    "decimal": int,
    "octal": lambda text: int(text, 0),
    "hex": lambda text: int(text, 0),
    "float": float,
}


def plain(text: str) -> Json:
    """The value of a scalar without quotes. Raises OverflowError for a number over LONGEST_NUMBER."""
    value = _WORDS.get(text, MISSING)
    if value is not MISSING:
        return value
    if text[0] not in "-+.0123456789":
        return text
    match = _NUMBER.fullmatch(text)
    if match is None:
        return text
    if len(text) > LONGEST_NUMBER:
        raise OverflowError(f"this number has {len(text):,} characters, more than {LONGEST_NUMBER}")
    return _READ[match.lastgroup](text)


def written(value: Json) -> str:
    """The usual way to write a value, for telling whether the author wrote it in another way."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def tagged(tag: str, text: str) -> Json:
    """The value of a scalar with a tag of the core schema.

    Raises LookupError for any other tag, ValueError for a text that is not what the tag says.
    """
    read, kind = _TAGS[tag]
    value = read(text)
    if value is MISSING:
        raise ValueError(f"the tag {shown(tag)} says that this is {kind}, but it is not")
    return value


def shown(tag: str) -> str:
    """A tag as authors write it: `!!int` for `tag:yaml.org,2002:int`."""
    return "!!" + tag.removeprefix(_PREFIX) if tag.startswith(_PREFIX) else tag


def _only(*kinds: type) -> Callable[[str], Json]:
    def read(text: str) -> Json:
        value = plain(text)
        return value if type(value) in kinds else MISSING

    return read


def _float(text: str) -> float | Missing:
    value = plain(text)
    return float(value) if type(value) in (int, float) else MISSING


_TAGS: Final[dict[str, tuple[Callable[[str], Json], str]]] = {
    "!": (str, "text"),
    _PREFIX + "str": (str, "text"),
    _PREFIX + "null": (_only(type(None)), "null"),
    _PREFIX + "bool": (_only(bool), "a boolean"),
    _PREFIX + "int": (_only(int), "an integer"),
    _PREFIX + "float": (_float, "a number"),
}
