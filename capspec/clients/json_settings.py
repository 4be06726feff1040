"""A client's JSON file, an entry to put in or take out, to the file as it is to be: the rest stays."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

from capspec.clients.entry import Entry, input_ids
from capspec.values import Json

_INDENT = re.compile(r"^([ \t]+)\S", re.MULTILINE)
_BOM = "\ufeff"


class NotPlainError(ValueError):
    """The file has something in it that would be lost if it were written again, such as a comment."""


class JsonSettings:
    """The text of a file, "" for one that is not there."""

    def __init__(self, text: str, key: str) -> None:
        """Raises NotPlainError."""
        self._text = text
        self._key = key
        self._data = _parsed(text)

    def entry(self, name: str) -> Json:
        """What is under a server's name, None for nothing."""
        return self._servers().get(name)

    def put(self, name: str, entry: Entry) -> str:
        """The text with an entry, and what its client is to ask for."""
        replaced = input_ids(self.entry(name))
        servers = {**self._servers(), name: entry.content}
        return self._written({self._key: servers, **self._inputs(replaced, entry.inputs)})

    def without(self, name: str) -> str:
        """The text without an entry, and without what its client was asked for because of it."""
        gone = input_ids(self.entry(name))
        servers = {key: value for key, value in self._servers().items() if key != name}
        return self._written({self._key: servers, **self._inputs(gone, ())})

    def snippet(self, name: str, entry: Entry) -> str:
        """What a user would add by hand."""
        inputs = {"inputs": list(entry.inputs)} if entry.inputs else {}
        return json.dumps({self._key: {name: entry.content}, **inputs}, ensure_ascii=False, indent=2)

    def _servers(self) -> dict[str, Json]:
        found = self._data.get(self._key)
        if found is not None and not isinstance(found, dict):
            raise NotPlainError(f"'{self._key}' in it is no object")
        return found or {}

    def _inputs(self, gone: Iterable[str], new: Iterable[dict[str, Json]]) -> dict[str, Json]:
        old = self._data.get("inputs", [])
        if not isinstance(old, list):
            raise NotPlainError("'inputs' in it is no list")
        fresh = list(new)
        dropped = {*gone, *(item["id"] for item in fresh)}
        kept = [item for item in old if not (isinstance(item, dict) and item.get("id") in dropped)]
        return {"inputs": [*kept, *fresh]} if kept or fresh or "inputs" in self._data else {}

    def _written(self, changes: dict[str, Json]) -> str:
        found = _INDENT.search(self._text)
        indent = found[1] if found else "  "
        text = _dumped({**self._data, **changes}, indent)
        if "\r\n" in self._text:
            text = text.replace("\n", "\r\n")
        return _BOM + text if self._text.startswith(_BOM) else text


def _dumped(data: dict[str, Json], indent: str) -> str:
    try:
        text = json.dumps(data, ensure_ascii=False, allow_nan=False, indent=indent) + "\n"
        text.encode("utf-8")
    except UnicodeEncodeError:
        # A lone surrogate has no UTF-8 form, but it has an escape.
        return json.dumps(data, allow_nan=False, indent=indent) + "\n"
    except ValueError:
        raise NotPlainError("it has a number that JSON cannot hold") from None
    return text


def _parsed(text: str) -> dict[str, Json]:
    plain = text.removeprefix(_BOM)
    if not plain.strip():
        return {}
    try:
        found = json.loads(plain, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        reason = "it has comments" if re.search(r"^\s*//|/\*", plain, re.MULTILINE) else "it is not JSON"
        raise NotPlainError(f"{reason} (line {error.lineno})") from None
    except NotPlainError:
        raise
    except (ValueError, RecursionError):
        raise NotPlainError("it has a number that is too long, or is nested too deeply") from None
    if not isinstance(found, dict):
        raise NotPlainError("it is no JSON object")
    return found


def _object(pairs: list[tuple[str, Json]]) -> dict[str, Json]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise NotPlainError("an object in it has the same key twice")
    return found
