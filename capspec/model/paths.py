"""The `path` of a resource or an operation: the text, after a look at its braces."""

from __future__ import annotations

import re

from capspec.node import Node

_PLACEHOLDER = re.compile(r"\{\{[^{}]+\}\}|\{[^{}]+\}")
_BRACE = re.compile(r"[{}]")


def loose_brace(text: str) -> int | None:
    """The offset of the first brace of a path that belongs to no placeholder."""
    masked = _PLACEHOLDER.sub(lambda found: "x" * len(found[0]), text)
    found = _BRACE.search(masked)
    return None if found is None else found.start()


def path_of(node: Node, *, default: str = "") -> str:
    """What is written as `path`; a brace that belongs to no placeholder is reported."""
    text = node.text("path", default=default)
    at = loose_brace(text)
    if at is not None:
        what = "is not closed" if text[at] == "{" else "closes nothing"
        node.warn(
            "CAP115",
            f"a '{text[at]}' of the path '{text}' {what}",
            hint="write a placeholder as {name}",
            place=node.report.spot(node.at("path"), text, at),
        )
    return text
