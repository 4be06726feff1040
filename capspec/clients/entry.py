"""A server to the entry that a client has of it, and to what the client must ask its user for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from capspec.clients.table import Client
from capspec.values import Json


@dataclass(frozen=True, slots=True, kw_only=True)
class Server:
    """How a client reaches a server: by a command that it runs, or at a `url`.

    `variables` are names that the server wants values for and that the client's user has; `values` are those
    that are to be written down.
    """

    name: str
    command: str = ""
    arguments: Sequence[str] = ()
    url: str = ""
    variables: Sequence[str] = ()
    values: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What stands under the server's name. `inputs` are what the client asks for; `unmet` are variables that
    the client has no way to hand on, unless it was itself started with them."""

    content: dict[str, Json]
    inputs: tuple[dict[str, Json], ...] = ()
    unmet: tuple[str, ...] = ()


def entry_of(server: Server, client: Client) -> Entry:
    """The entry. Raises ValueError for a client that takes no server over HTTP."""
    if server.url:
        if not client.url_key:
            raise ValueError(f"{client.title} takes no server at a URL from its file")
        return Entry(content={**client.http, client.url_key: server.url})
    wanted = [name for name in server.variables if name not in server.values]
    content: dict[str, Json] = {**client.stdio, "command": server.command, "args": list(server.arguments)}
    env: dict[str, Json] = dict(server.values)
    inputs: list[dict[str, Json]] = []
    if client.reference:
        env |= {name: client.reference.format(name) for name in wanted}
    elif client.asks:
        inputs = [_input(server.name, name) for name in wanted]
        env |= {name: f"${{input:{_input_id(server.name, name)}}}" for name in wanted}
    elif client.forwards and wanted:
        content["env_vars"] = list(wanted)
    if env:
        content["env"] = env
    handed_on = bool(client.reference or client.asks or client.forwards)
    return Entry(content=content, inputs=tuple(inputs), unmet=() if handed_on else tuple(wanted))


def is_ours(entry: Json, content: Mapping[str, Json]) -> bool:
    """Whether an entry is for a server of capspec, or the same that is to be written."""
    if entry == content:
        return True
    if not isinstance(entry, Mapping):
        return False
    arguments = entry.get("args")
    return isinstance(arguments, Sequence) and list(arguments[:2]) == ["-m", "capspec"]


def input_ids(entry: Json) -> frozenset[str]:
    """The inputs that an entry refers to."""
    env = entry.get("env") if isinstance(entry, Mapping) else None
    values = env.values() if isinstance(env, Mapping) else ()
    return frozenset(
        value[len("${input:") : -1]
        for value in values
        if isinstance(value, str) and value.startswith("${input:") and value.endswith("}")
    )


def _input(server: str, variable: str) -> dict[str, Json]:
    return {
        "type": "promptString",
        "id": _input_id(server, variable),
        "description": f"{variable} for {server}",
        "password": True,
    }


def _input_id(server: str, variable: str) -> str:
    return f"{server}-{variable}"
