"""A client's TOML file, an entry to put in or take out, to the file as it is to be: comments stay, too."""

from __future__ import annotations

import tomllib
from collections.abc import MutableMapping
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import InlineTable, Table

from capspec.clients.entry import Entry
from capspec.clients.json_settings import NotPlainError
from capspec.values import Json

_OWN: Final = ("command", "args", "env", "env_vars", "url")
"""Keys of an entry that say which server it is; any other is what its user wants of it."""


class TomlSettings:
    """The text of a file, "" for one that is not there."""

    def __init__(self, text: str, key: str) -> None:
        """Raises NotPlainError."""
        self._key = key
        try:
            self._plain = tomllib.loads(text)
            self._document = tomlkit.parse(text)
        except (tomllib.TOMLDecodeError, TOMLKitError, RecursionError) as error:
            raise NotPlainError(f"it is not TOML ({error})") from None
        if not isinstance(self._plain.get(key, {}), dict):
            raise NotPlainError(f"'{key}' in it is no table")

    def entry(self, name: str) -> Json:
        """What is under a server's name, None for nothing."""
        return self._plain.get(self._key, {}).get(name)

    def put(self, name: str, entry: Entry) -> str:
        """The text with an entry. What else its user wrote into one that is replaced stays in it."""
        old = self.entry(name)
        kept = {key: value for key, value in old.items() if key not in _OWN} if isinstance(old, dict) else {}
        content = {**kept, **entry.content}
        servers = self._servers()
        if isinstance(servers.get(name), Table):
            _change(servers[name], entry.content)
        else:
            servers[name] = _item(content, inline=isinstance(servers, InlineTable))
        if self._key not in self._document:
            self._document[self._key] = servers
        wanted = {**self._plain.get(self._key, {}), name: content}
        return self._written({**self._plain, self._key: wanted})

    def without(self, name: str) -> str:
        """The text without an entry."""
        servers = self._servers()
        if name in servers:
            del servers[name]
        wanted = {key: value for key, value in self._plain.get(self._key, {}).items() if key != name}
        return self._written({**self._plain, self._key: wanted})

    def snippet(self, name: str, entry: Entry) -> str:
        """What a user would add by hand."""
        alone = tomlkit.document()
        servers = tomlkit.table(is_super_table=True)
        servers[name] = tomlkit.item(entry.content)
        alone[self._key] = servers
        return tomlkit.dumps(alone).rstrip("\n")

    def _servers(self) -> MutableMapping[str, Any]:
        found: Any = self._document.get(self._key)
        return tomlkit.table(is_super_table=True) if found is None else found

    def _written(self, wanted: dict[str, Json]) -> str:
        """The changed text. Raises NotPlainError when it does not say what is wanted, and so must not be."""
        text = tomlkit.dumps(self._document)
        try:
            found = tomllib.loads(text)
        except tomllib.TOMLDecodeError:
            found = None
        if found is None or {**found, self._key: found.get(self._key, {})} != wanted:
            raise NotPlainError("its tables are in an order that cannot be kept")
        return text


def _change(table: Table, content: dict[str, Json]) -> None:
    for key in _OWN:
        if key in table and key not in content:
            del table[key]
    for key, value in content.items():
        if table.get(key) != value:
            table[key] = value


def _item(content: dict[str, Json], *, inline: bool) -> Any:
    if not inline:
        return tomlkit.item(content)
    table = tomlkit.inline_table()
    for key, value in content.items():
        table[key] = _item(value, inline=True) if isinstance(value, dict) else value
    return table
