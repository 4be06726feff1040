"""A client's file and what is to change in it to the file on disk, with a copy of what it was before."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from capspec.clients.entry import Entry, is_ours
from capspec.clients.json_settings import JsonSettings, NotPlainError
from capspec.clients.table import Client
from capspec.clients.toml_settings import TomlSettings
from capspec.saving import InstallError, read_file, replace_file
from capspec.values import Json

BACKUP = ".before-capspec"
"""What follows the name of a file in that of its copy."""

_PRIVATE = 0o600
"""Permissions of a new file: what a client starts, and with which values, is its user's affair."""


class Settings(Protocol):
    """A client's file, in whatever format."""

    def entry(self, name: str) -> Json: ...

    def put(self, name: str, entry: Entry) -> str: ...

    def without(self, name: str) -> str: ...

    def snippet(self, name: str, entry: Entry) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """What a file is to become; `text` None says that it stays as it is. `backup` is where its copy goes."""

    path: Path
    text: str | None
    backup: Path | None = None

    def save(self) -> None:
        """Raises InstallError."""
        if self.text is None:
            return
        if self.backup is not None:
            mode = self.path.stat().st_mode & 0o777
            replace_file(self.backup, read_file(self.path) or b"", mode=mode)
        replace_file(self.path, self.text.encode("utf-8"), mode=_PRIVATE)


def putting(client: Client, path: Path, name: str, entry: Entry, *, shown: str, force: bool = False) -> Edit:
    """Put an entry into a file.

    Raises InstallError when it cannot be done without losing something of the user's: the file is no plain
    JSON or TOML, or another server has the name and not `force`. `shown` is what can be added by hand.
    """
    text = _text_of(path)
    try:
        settings = _settings(client, text or "")
        there = settings.entry(name)
        if there is not None and not force and not is_ours(there, entry.content):
            raise InstallError(
                f"{path} has another server with the name '{name}'",
                hint="choose another name with --name, or replace it with --force",
            )
        if there == entry.content:
            return Edit(path=path, text=None)
        return _edit(path, text, settings.put(name, entry))
    except NotPlainError as error:
        hint = f"add this to it yourself:\n{shown}"
        raise InstallError(f"{path} is left as it is: {error}", hint=hint) from None


def removing(client: Client, path: Path, name: str, *, force: bool = False) -> Edit:
    """Take an entry out of a file. Raises InstallError like `putting`."""
    text = _text_of(path)
    try:
        settings = _settings(client, text or "")
        there = settings.entry(name)
        if there is None:
            return Edit(path=path, text=None)
        if not force and not is_ours(there, {}):
            message = f"the server '{name}' in {path} was not put there by capspec"
            raise InstallError(message, hint="--force removes it")
        return _edit(path, text, settings.without(name))
    except NotPlainError as error:
        hint = f"take '{name}' out of it yourself"
        raise InstallError(f"{path} is left as it is: {error}", hint=hint) from None


def snippet(client: Client, name: str, entry: Entry) -> str:
    """What a user would add to a client's file by hand."""
    return _settings(client, "").snippet(name, entry)


def _settings(client: Client, text: str) -> Settings:
    return JsonSettings(text, client.key) if client.format == "json" else TomlSettings(text, client.key)


def _text_of(path: Path) -> str | None:
    content = read_file(path)
    try:
        return None if content is None else content.decode("utf-8")
    except UnicodeDecodeError:
        raise InstallError(f"{path} is left as it is: it is not UTF-8 text") from None


def _edit(path: Path, before: str | None, after: str) -> Edit:
    if before == after:
        return Edit(path=path, text=None)
    backup = None if before is None else path.with_name(path.name + BACKUP)
    return Edit(path=path, text=after, backup=backup)
