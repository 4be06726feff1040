"""A JSONPath (RFC 9535) to a sentence that says what it finds."""

from __future__ import annotations

import re
from typing import Final

from capspec.jsonpath import JsonPathError, compile_path

_SEGMENT: Final = re.compile(
    r"""\.\.(?P<deep>[\w-]+|\*)|\.(?P<call>[\w-]+\(.*\))|\.(?P<name>[\w@-]+)|\.?(?P<all>\[\*\]|\*)"""
    r"""|\[(?P<index>-?\d+)\]|\[(?P<slice>[-\d]*:[-:\d]*)\]|\[(?P<quoted>'[^']*'|"[^"]*")\]|\[(?P<filter>\?.*?)\](?=$|[.\[])"""
)


def explained(text: str) -> str:
    """In words, or why it is no JSONPath."""
    try:
        path = compile_path(text)
    except JsonPathError as error:
        return f"This is no JSONPath: {error}"
    gives = "one value" if path.definite else "a list of all that fit"
    steps = _steps(text)
    return f"Gives {gives}" + (f": {', then '.join(steps)}." if steps else ": the whole answer.")


def _steps(text: str) -> list[str]:
    found = []
    at = 1 if text.startswith("$") else 0
    while match := _SEGMENT.match(text, at):
        found.append(_step(match))
        at = match.end()
    return found if at == len(text) else ([*found, f"`{text[at:]}`"] if text[at:] not in (".", "") else found)


def _step(match: re.Match[str]) -> str:
    said = match[str(match.lastgroup)]
    match match.lastgroup:
        case "deep":
            return "everything below, at any depth" if said == "*" else f"each `{said}` at any depth"
        case "call":
            return f"the function `{said}`"
        case "all":
            return "each element"
        case "index":
            return (
                f"element {said}, counted from 0"
                if not said.startswith("-")
                else f"element {said} from the end"
            )
        case "slice":
            return f"the elements {said}"
        case "filter":
            return f"the elements where `{said[1:].strip('() ')}`"
        case _:
            return f"`{said.strip(chr(39) + chr(34))}`"
