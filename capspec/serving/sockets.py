"""A host and a port to a bound socket, or to an error that says who wants it and what to change."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Sequence

from capspec.errors import CapspecError, Problem

_LAST_PORT = 65535


class ListenError(CapspecError):
    """An address cannot be listened on."""

    code = "CAP400"


def open_sockets(host: str, wanted: Sequence[tuple[int, str]]) -> list[socket.socket]:
    """A bound socket for each pair of a port and who wants it; port 0 is any free one.

    Raises ListenError with every port that cannot be had; no socket stays open then.
    """
    found: list[socket.socket] = []
    problems: list[Problem] = []
    for port, owner in wanted:
        try:
            found.append(open_socket(host, port, owner))
        except ListenError as error:
            problems.extend(error.problems)
    if problems:
        for item in found:
            item.close()
        raise ListenError(problems)
    return found


def open_socket(host: str, port: int, owner: str) -> socket.socket:
    """A bound TCP socket. Raises ListenError."""
    if not 0 <= port <= _LAST_PORT:  # getaddrinfo would take the rest of a division
        raise ListenError(
            f"{port} is not a port; {owner} wants it", hint=f"use one from 1 to {_LAST_PORT}, or 0"
        )
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        found = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _refusal(host, port, owner, error) from None
    try:
        if os.name == "posix":
            # A port whose last connections are still being closed can be had at once. Elsewhere the option
            # would let two programs share it.
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind(address)
    except OSError as error:
        found.close()
        raise _refusal(host, port, owner, error) from None
    return found


def port_of(bound: socket.socket) -> int:
    """The port that a bound socket has."""
    return int(bound.getsockname()[1])


def _refusal(host: str, port: int, owner: str, error: OSError) -> ListenError:
    if isinstance(error, socket.gaierror):
        return ListenError(f"the host '{host}' is not known", hint="give --host an address of this machine")
    number = error.errno
    if number == errno.EADDRINUSE:
        message = f"port {port} on {host} is in use by another program; {owner} wants it"
        return ListenError(
            message, hint="stop it, or take another port: in the file, or with --port (0 is a free one)"
        )
    if number == errno.EADDRNOTAVAIL:
        message = f"{host} is not an address of this machine; {owner} is to be served there"
        return ListenError(message, hint="give --host an address of this machine")
    if number == errno.EACCES:
        message = f"port {port} is for privileged programs; {owner} wants it"
        return ListenError(message, hint="use a port from 1024 on, with --port or in the file")
    return ListenError(f"cannot listen on {host} port {port} for {owner}: {error.strerror or error}")
