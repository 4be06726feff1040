"""JSON Schema to a check: arguments in, every violation out, in words that say what to send instead."""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

import regex

from capspec.errors import Problem
from capspec.values import Json

PATTERN_SECONDS = 0.1
"""How long a text may be matched against a regular expression of a file."""

Check = Callable[[Mapping[str, Json]], list[Problem]]


def compile_check(schema: Mapping[str, Json]) -> Check:
    """A function that lists every violation of a schema (draft 2020-12) as a problem, code CAP601.

    The validator is made when it is first needed: most tools of a large file are never called.
    """

    @cache
    def validator() -> Any:
        from jsonschema import Draft202012Validator, validators  # noqa: PLC0415 - `validate` saves 65 ms

        bounded: Any = validators.extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]
        return bounded(schema)

    def check(arguments: Mapping[str, Json]) -> list[Problem]:
        return list(dict.fromkeys(_problems(validator().iter_errors(arguments))))

    return check


def _problems(errors: Iterable[Any]) -> Iterable[Problem]:
    for error in sorted(errors, key=lambda item: [str(part) for part in item.absolute_path]):
        where = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in error.absolute_path)
        yield from _WORDS.get(error.validator, _other)(error, where.lstrip("."))


def _pattern(validator: Any, pattern: str, instance: Json, schema: Json) -> Iterable[Any]:
    """The keyword `pattern`, given up after PATTERN_SECONDS: some expressions take ages for some texts."""
    from jsonschema import ValidationError  # noqa: PLC0415

    if not validator.is_type(instance, "string"):
        return
    try:
        matched = regex.search(pattern, instance, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        yield ValidationError(f"{instance!r} takes too long to be matched")
        return
    if not matched:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _required(error: Any, where: str) -> Iterable[Problem]:
    for name in error.validator_value:
        if name not in error.instance:
            full = f"{where}.{name}" if where else name
            about = error.schema.get("properties", {}).get(name, {}).get("description", "")
            yield _problem(f"'{full}' is missing", f"give {name}{f': {about}' if about else ''}")


def _unknown(error: Any, where: str) -> Iterable[Problem]:
    known = list(error.schema.get("properties", {}))
    for name in error.instance:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            mend = f"did you mean '{near[0]}'?" if near else f"known are: {', '.join(known) or 'none'}"
            yield _problem(f"'{where + '.' if where else ''}{name}' is not known", mend)


def _type(error: Any, where: str) -> Iterable[Problem]:
    wanted = error.validator_value
    kinds = " or ".join(wanted) if isinstance(wanted, list) else wanted
    yield _problem(f"'{where or 'arguments'}' should be {kinds}", f"it is {_shown(error.instance)}")


def _enum(error: Any, where: str) -> Iterable[Problem]:
    allowed = ", ".join(json.dumps(value, ensure_ascii=False) for value in error.validator_value)
    yield _problem(f"'{where}' is {_shown(error.instance)}", f"use one of {allowed}")


def _other(error: Any, where: str) -> Iterable[Problem]:
    rule = f"{error.validator} {json.dumps(error.validator_value, ensure_ascii=False)}"
    yield _problem(f"'{where or 'arguments'}' does not fit: {_shown(error.instance)}", f"the rule is {rule}")


_WORDS: dict[str, Callable[[Any, str], Iterable[Problem]]] = {
    "required": _required,
    "additionalProperties": _unknown,
    "type": _type,
    "enum": _enum,
}


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _problem(message: str, hint: str) -> Problem:
    return Problem(code="CAP601", message=message, hint=hint)
