"""A client's TOML file, an entry to put in or take out, to the file as it is to be: comments stay, too."""

from __future__ import annotations

from typing import Any

import tomlkit
from tomlkit.exceptions import ParseError
from tomlkit.items import Table

from capspec.clients.entry import Entry
from capspec.clients.json_settings import NotPlainError
from capspec.values import Json


class TomlSettings:
    """The text of a file, "" for one that is not there."""

    def __init__(self, text: str, key: str) -> None:
        """Raises NotPlainError."""
        self._key = key
        try:
            self._document = tomlkit.parse(text)
        except ParseError as error:
            raise NotPlainError(f"it is not TOML ({error})") from None

    def entry(self, name: str) -> Json:
        """What is under a server's name, None for nothing."""
        found = self._servers().get(name)
        return found.unwrap() if found is not None else None

    def put(self, name: str, entry: Entry) -> str:
        """The text with an entry. What else stands in one that is replaced stays in it."""
        servers = self._servers()
        old = servers.get(name)
        table: Any = old if isinstance(old, Table) else tomlkit.table()
        for key in ("command", "args", "env", "env_vars", "url"):
            if key in table and key not in entry.content:
                table.remove(key)
        for key, value in entry.content.items():
            if table.get(key) != value:
                table[key] = value
        if old is None:
            servers[name] = table
        if self._key not in self._document:
            self._document[self._key] = servers
        return tomlkit.dumps(self._document)

    def without(self, name: str) -> str:
        """The text without an entry."""
        servers = self._servers()
        if name in servers:
            servers.remove(name)
        return tomlkit.dumps(self._document)

    def snippet(self, name: str, entry: Entry) -> str:
        """What a user would add by hand."""
        alone = tomlkit.document()
        servers = tomlkit.table(is_super_table=True)
        servers[name] = tomlkit.item(entry.content)
        alone[self._key] = servers
        return tomlkit.dumps(alone).rstrip("\n")

    def _servers(self) -> Any:
        found: Any = self._document.get(self._key)
        if found is None:
            return tomlkit.table(is_super_table=True)
        if not hasattr(found, "remove"):
            raise NotPlainError(f"'{self._key}' in it is no table")
        return found
