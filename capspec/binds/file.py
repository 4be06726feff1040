"""Bound variables from a file: the top-level keys of JSON or YAML, or the lines of a dotenv file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path

from dotenv import dotenv_values

from capspec import document
from capspec.errors import BindError, LoadError
from capspec.folders import locate
from capspec.values import Json

_LARGEST = 1024 * 1024
"""Bytes."""


def open_source(location: str, folder: Path | None, environ: Mapping[str, str]) -> Mapping[str, str]:
    """The scalars of a file as they are written in it, by key; null and nested values are left out.

    `location` is a path or a file URL (RFC 8089). A path that does not begin with a slash is relative to
    `folder`, and so are the URLs `file:///./x` and `file://./x`. `.json`, `.yaml` and `.yml` say the format;
    any other file is JSON when it begins with a brace, and dotenv otherwise, with nothing in it expanded.

    Raises BindError, which never quotes the file, when it cannot be read.
    """
    del environ
    try:
        path = locate(location, folder)
    except ValueError as error:
        raise BindError(str(error)) from None
    try:
        return _reader(path)(_read(path))
    except (OSError, ValueError) as error:
        raise BindError(f"{path}: {_reason(error)}") from None


def _read(path: Path) -> str:
    with path.open("rb") as file:
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise ValueError(f"the file is larger than {_LARGEST} bytes")
    return content.decode("utf-8-sig")


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, FileNotFoundError | NotADirectoryError):
        return "there is no such file"
    if isinstance(error, OSError):
        return error.strerror or "the file cannot be read"
    if isinstance(error, UnicodeDecodeError):
        return "the file is not UTF-8 text"
    if isinstance(error, json.JSONDecodeError):
        return f"the file is not JSON (line {error.lineno})"
    return str(error)


def _reader(path: Path) -> Callable[[str], dict[str, str]]:
    return {".json": _json, ".yaml": _yaml, ".yml": _yaml}.get(path.suffix.lower(), _guessed)


def _guessed(text: str) -> dict[str, str]:
    return _json(text) if text.lstrip().startswith("{") else _dotenv(text)


def _json(text: str) -> dict[str, str]:
    try:
        # Numbers stay as they are written: an API version of 1.10 is not 1.1.
        found = json.loads(text, parse_int=str, parse_float=str, parse_constant=str)
    except RecursionError:
        raise ValueError("the file is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("the file is not a JSON object")
    return {key: _written(value) for key, value in found.items() if isinstance(value, str | bool)}


def _written(value: Json) -> str:
    return value if isinstance(value, str) else str(value).lower()


def _yaml(text: str) -> dict[str, str]:
    try:
        found = document.parse(text)
    except LoadError as error:
        places = [problem.place for problem in error.problems if problem.place is not None]
        line = f" (line {places[0].line})" if places else ""
        # The problem's own message may quote the file.
        raise ValueError(f"the file is not a YAML mapping{line}") from None
    scalars = (
        key for key, value in found.data.items() if value is not None and not isinstance(value, dict | list)
    )
    return {key: found.raw((key,)) for key in scalars}


def _dotenv(text: str) -> dict[str, str]:
    found = dotenv_values(stream=io.StringIO(text), interpolate=False)
    return {key: value for key, value in found.items() if value is not None}
