"""A file's keys and collections to those that a dialect does not have, or has under other names or shapes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from capspec.language.dialects import WORDS, Dialect
from capspec.language.shapes import SHAPES
from capspec.language.walking import Found
from capspec.lint.portability.finding import Difference
from capspec.lint.subject import Subject

UNKNOWN: Final = "CAP770"
SPELLING: Final = "CAP771"
ROOT: Final = "CAP772"
SHAPE: Final = "CAP773"

_EFFECTS: Final = {
    "when": "the step always runs", "condition": "the step always runs", "if": "the step always runs",
    "for-each": "the step runs once", "forEach": "the step runs once",
    "on-error": "an error of the step is ignored in any case", "onError": "an error of the step is ignored in any case",
    "parallel": "steps run one after the other", "poll": "a job is not waited for",
    "timeout": "a call may take as long as it takes", "headers": "the headers are not sent",
    "assets": "links are given as they are", "idempotency": "the request carries no key of its own",
    "webhook": "no webhook is taken", "mapping": "the value is not taken from there",
    "default": "there is no default", "required": "nothing is required", "enum": "any value is taken",
    "path": "the path is not used", "method": "the method is not used",
}  # fmt: skip
"""What becomes of it where a key is ignored."""


def keys(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Keys that are unknown, or written otherwise."""
    closed: list[tuple[Any, ...]] = []
    for item in subject.found:
        known = dialect.keys.get(item.kind)
        if known is None or any(item.pointer[: len(above)] == above for above in closed):
            continue
        for key in item.value:
            if key in known or key.startswith("x-") or (item.kind == "file" and key == subject_root(subject)):
                continue
            spelling = dialect.spellings.get((item.kind, key))
            if spelling is not None:
                yield _spelling(item, key, spelling, dialect)
                continue
            closed.append((*item.pointer, key))
            yield _unknown(item, key, dialect)


def subject_root(subject: Subject) -> str:
    """The key that says which dialect a file is in."""
    return next((key for key in ("naftiko", "ikanos", "capspec") if key in subject.document.data), "")


def _spelling(item: Found, key: str, spelling: str, dialect: Dialect) -> Difference:
    words = key in WORDS
    return Difference(
        code=SPELLING,
        severity="info" if words else "warning",
        message=f"'{key}' of {_called(item)} is written '{spelling}' there",
        pointer=(*item.pointer, key),
        key=True,
        hint=f"capspec migrate --to {dialect.name}",
        cause=f"{item.kind} {key}",
    )


def _unknown(item: Found, key: str, dialect: Dialect) -> Difference:
    words = key in WORDS or (item.kind in ("api", "authentication") and key == "tls")
    effect = f": {_EFFECTS[key]}" if key in _EFFECTS and not words else ""
    return Difference(
        code=UNKNOWN,
        severity="info" if words else "warning",
        message=f"'{key}' of {_called(item)} is not read there{effect}",
        pointer=(*item.pointer, key),
        key=True,
        hint="" if words else f"{dialect.name} has nothing for it",
        cause=f"{item.kind} {key}",
    )


def root(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """The key that says the dialect."""
    found = subject_root(subject)
    if found == dialect.root:
        return
    said = f"'{found}'" if found else "no dialect at all"
    yield Difference(
        code=ROOT,
        severity="error",
        message=f"the file says {said}, and the engine only takes '{dialect.root}'",
        pointer=(found,) if found else (),
        key=True,
        hint=f"capspec migrate --to {dialect.name}",
    )


def collections(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Named things in lists where the dialect has maps, or in maps where it has lists."""
    for item in subject.found:
        if item.kind not in dialect.keys:
            continue
        for key in SHAPES[item.kind].named:
            value = item.value.get(key)
            if _is_single_output(item, key, value):
                continue
            if dialect.maps and isinstance(value, list) and value:
                # The reader takes lists; its own validator does not.
                severity, shape, other = "info", "a list", "a map by name"
            elif not dialect.maps and isinstance(value, dict) and value and key != "properties":
                severity, shape, other = "error", "a map", "a list of objects with a 'name'"
            else:
                continue
            yield Difference(
                code=SHAPE,
                severity="error" if severity == "error" else "info",
                message=f"'{key}' of {_called(item)} is {shape}, and {other} there",
                pointer=(*item.pointer, key),
                key=True,
                hint=f"capspec migrate --to {dialect.name}",
                cause=f"{key} {shape}",
            )


def _is_single_output(item: Found, key: str, value: Any) -> bool:
    """Whether outputs are without names: a list in every dialect."""
    if key != "outputParameters" or not isinstance(value, list):
        return False
    return any(isinstance(entry, dict) and not entry.get("name") for entry in value)


def _called(item: Found) -> str:
    word = _KINDS.get(item.kind, "this object")
    return f"{word} '{item.name}'" if item.name and item.kind not in ("import", "bind") else word


_KINDS: Final = {
    "file": "the file", "info": "'info'", "capability": "the capability", "bind": "a bind", "import": "an import",
    "api": "the consumed API", "apiResource": "the resource", "apiOperation": "the operation",
    "input": "the parameter", "output": "the output", "authentication": "an authentication",
    "rest": "the rest adapter", "restResource": "the resource", "restOperation": "the operation",
    "mcp": "the mcp adapter", "tool": "the tool", "mcpResource": "the resource", "prompt": "the prompt",
    "argument": "the argument", "message": "a message", "skillAdapter": "the skill adapter", "skill": "the skill",
    "skillTool": "the skill's tool", "control": "the control adapter", "aggregate": "the aggregate",
    "function": "the function", "step": "the step", "mapping": "a mapping", "forward": "'forward'",
    "hints": "'hints'", "semantics": "'semantics'", "call": "'call'", "management": "'management'",
    "tunnel": "the tunnel", "stakeholder": "a stakeholder",
}  # fmt: skip
