"""The `management.scripting` of a control adapter, to the rules for scripts, and how scripts fared."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from capspec.errors import InputError, Problem
from capspec.node import Node
from capspec.scripting import language as languages
from capspec.values import Json

TIMEOUT = 60_000
"""Milliseconds."""

STATEMENTS = 100_000
MEMORY = 64 * 1024 * 1024
LARGEST = 10 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds for the scripts of a capability. `timeout` is milliseconds, `memory` and `largest` bytes.

    `allowed_languages` None allows all that there are. `default_location` is an absolute file URL, or "".
    """

    enabled: bool = True
    default_location: str = ""
    default_language: str = ""
    timeout: int = TIMEOUT
    statement_limit: int = STATEMENTS
    allowed_languages: tuple[str, ...] | None = None
    memory: int = MEMORY
    largest: int = LARGEST

    def allows(self, language: str) -> bool:
        return self.allowed_languages is None or language in self.allowed_languages

    def state(self) -> dict[str, Json]:
        """As the control adapter shows them; what is not set is left out."""
        found: dict[str, Json] = {"enabled": self.enabled}
        if self.default_location:
            found["defaultLocation"] = self.default_location
        if self.default_language:
            found["defaultLanguage"] = self.default_language
        found |= {"timeout": self.timeout, "statementLimit": self.statement_limit}
        if self.allowed_languages is not None:
            found["allowedLanguages"] = list(self.allowed_languages)
        return found


@dataclass(slots=True, kw_only=True)
class Statistics:
    """What became of the scripts that ran. `last` is seconds since 1970, None before the first one."""

    executions: int = 0
    errors: int = 0
    seconds: float = 0.0
    last: float | None = None

    def note(self, seconds: float, *, failed: bool, now: float) -> None:
        self.executions += 1
        self.errors += failed
        self.seconds += seconds
        self.last = now

    def state(self) -> dict[str, Json]:
        """As the control adapter shows them: milliseconds, and a time of RFC 3339."""
        average = self.seconds * 1000 / self.executions if self.executions else 0.0
        found: dict[str, Json] = {
            "totalExecutions": self.executions,
            "totalErrors": self.errors,
            "averageDurationMs": round(average, 3),
        }
        if self.last is not None:
            when = datetime.fromtimestamp(self.last, UTC)
            found["lastExecutionAt"] = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return found


class Governance:
    """The rules of one running capability, which may be changed while it runs, and its statistics.

    `configured` says whether the file has a `management.scripting`. With `forbidden`, the word of whoever
    runs it, scripts stay off whatever the file or a change says.
    """

    def __init__(self, rules: Rules | None = None, *, forbidden: bool = False) -> None:
        self.configured = rules is not None
        self.forbidden = forbidden
        rules = rules or Rules()
        self.rules = dataclasses.replace(rules, enabled=rules.enabled and not forbidden)
        self.statistics = Statistics()

    def state(self) -> dict[str, Json]:
        """The answer of GET /scripting."""
        return {**self.rules.state(), "stats": self.statistics.state()}

    def change(self, patch: Json) -> None:
        """The body of PUT /scripting: what it names changes, at once, all of it or nothing.

        Raises InputError with every problem.
        """
        if not isinstance(patch, Mapping):
            raise InputError("scripting is changed by an object")
        problems: list[str] = []
        changes: dict[str, Any] = {}
        for key, value in patch.items():
            name, wrong = _checked(str(key), value)
            if wrong:
                problems.append(wrong)
            elif name == "enabled" and value and self.forbidden:
                problems.append("scripts were switched off where this is run, and cannot be switched on here")
            else:
                changes[name] = tuple(value) if isinstance(value, list) else value
        if problems:
            raise InputError([Problem(code=InputError.code, message=problem) for problem in problems])
        self.rules = dataclasses.replace(self.rules, **changes)


def parse_rules(node: Node) -> Rules:
    """A `scripting` block. What is wrong in it is reported at the node and left at its default."""
    found: dict[str, Any] = {}
    for key, (name, _) in _CHECKS.items():
        value = node.raw(key)
        child = node.get(key)
        if child is None:
            continue
        if name == "allowed_languages" and isinstance(value, list):
            value = _known(child, value)
        _, wrong = _checked(key, value)
        if wrong:
            child.error("CAP347", f"scripting: {wrong}")
        else:
            found[name] = tuple(value) if isinstance(value, list) else value
    node.finish("'scripting'")
    return Rules(**found)


def rules_of(root: Node) -> Rules | None:
    """The rules of the first control adapter of a document that has any."""
    for holder in (root.get("capability"), root):
        for _, entry in holder.named("exposes") if holder is not None else ():
            management = entry.get("management") if entry.text("type") == "control" else None
            scripting = management.get("scripting") if management is not None else None
            if scripting is not None:
                return parse_rules(scripting)
    return None


def _known(node: Node, written: list[Json]) -> list[Json]:
    """Without Groovy, which many files list."""
    if languages.GROOVY in written:
        node.warn("CAP304", f"scripting: {languages.NO_GROOVY}; it has no effect here")
    return [item for item in written if item != languages.GROOVY]


# -- what may be said ---------------------------------------------------------------------------------


def _flag(value: Json) -> str:
    return "" if isinstance(value, bool) else "true or false"


def _count(value: Json) -> str:
    fits = isinstance(value, int) and not isinstance(value, bool) and value >= 1
    return "" if fits else "a whole number, 1 or more"


def _language(value: Json) -> str:
    return "" if value in languages.names() else f"one of {', '.join(languages.names())}"


def _list(value: Json) -> str:
    fits = isinstance(value, list) and not any(map(_language, value))
    return "" if fits else f"a list of {', '.join(languages.names())}"


def _location(value: Json) -> str:
    wanted = "an absolute file URL, such as file:///srv/scripts"
    if not isinstance(value, str):
        return wanted
    try:
        parts = urlsplit(value)
    except ValueError:
        return wanted
    path = parts.path
    fits = parts.scheme.lower() == "file" and parts.netloc in ("", "localhost") and path.startswith("/")
    return "" if fits and not path.startswith(("/./", "/../")) else wanted


_CHECKS = {
    "enabled": ("enabled", _flag),
    "defaultLocation": ("default_location", _location),
    "defaultLanguage": ("default_language", _language),
    "timeout": ("timeout", _count),
    "statementLimit": ("statement_limit", _count),
    "allowedLanguages": ("allowed_languages", _list),
}
"""A word of the file to the rule's name, and to what says what it should be."""


def _checked(key: str, value: Json) -> tuple[str, str]:
    """A rule's name, and what is wrong with its value."""
    if key not in _CHECKS:
        return "", f"'{key}' is not known; use {', '.join(_CHECKS)}"
    name, check = _CHECKS[key]
    wanted = check(value)
    return name, f"'{key}' should be {wanted}" if wanted else ""
