"""Words of a command line to a call's arguments, typed by the flow's inputs."""

from __future__ import annotations

import base64
import difflib
import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from capspec.inputs import from_text
from capspec.plan import Flow, Input
from capspec.values import Json

_WORD = re.compile(r"(?P<key>.+?)(?P<sign>:=|=)(?P<value>.*)", re.DOTALL)


def read_arguments(flow: Flow, words: Iterable[str], document: str | None) -> dict[str, Json]:
    """Arguments by name. A word wins over the JSON document; a repeated key collects its values.

    Raises click.UsageError for what cannot be read, and for a key that the flow does not take.
    """
    found = {} if document is None else _object(_text_of(document))
    inputs = {name: item for item in flow.inputs for name in (item.name, item.argument)}
    texts: dict[str, list[str]] = {}
    for word in words:
        if word == "-":
            found.update(_object(_text_of("-")))
            continue
        key, sign, value = _split(word)
        _check_key(flow, key, inputs)
        if sign == ":=":
            found[key] = _json(value, f"'{key}'")
        else:
            texts.setdefault(key, []).append(value)
    for key, values in texts.items():
        found[key] = _typed(inputs.get(key), values)
    return found


def _split(word: str) -> tuple[str, str, str]:
    match = _WORD.fullmatch(word)
    if match is None:
        raise click.UsageError(f"'{word}' is not an argument; write KEY=VALUE, KEY:=JSON or KEY=@PATH")
    return match["key"], match["sign"], match["value"]


def _check_key(flow: Flow, key: str, inputs: Mapping[str, Input]) -> None:
    if key in inputs or flow.open_query or flow.open_body:
        return
    near = difflib.get_close_matches(key, inputs, 1)
    names = ", ".join(dict.fromkeys(item.argument for item in flow.inputs)) or "none"
    hint = f"did you mean '{near[0]}'?" if near else f"its inputs are: {names}"
    raise click.UsageError(f"'{flow.published}' has no input '{key}'; {hint}")


def _typed(item: Input | None, values: list[str]) -> Json:
    texts = [_contents(value[1:]) if value.startswith("@") else value for value in values]
    if item is None:
        return texts[0] if len(texts) == 1 else texts
    return from_text(item.schema, texts)


def _contents(path: str) -> str:
    """A file as text; one that is not UTF-8, or has NUL in it, as base64."""
    try:
        content = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
    except OSError as error:
        raise click.UsageError(f"cannot read '{path}': {error.strerror}") from None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
    return text if "\0" not in text else base64.b64encode(content).decode()


def _text_of(document: str) -> str:
    return sys.stdin.buffer.read().decode(errors="replace") if document == "-" else document


def _object(text: str) -> dict[str, Json]:
    value = _json(text, "the arguments")
    if not isinstance(value, dict):
        raise click.UsageError("the arguments should be a JSON object")
    return value


def _json(text: str, what: str) -> Json:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise click.UsageError(f"{what}: this is not JSON: {error}") from None
