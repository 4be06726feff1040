"""Bound sockets, and who is told what when there are none."""

from __future__ import annotations

import errno
import socket

import pytest

from capspec.serving.sockets import ListenError, open_socket, open_sockets, port_of


def test_port_0_is_any_free_port() -> None:
    with open_socket("127.0.0.1", 0, "a test") as first, open_socket("127.0.0.1", 0, "a test") as second:
        assert port_of(first) != port_of(second)


def test_ipv6_addresses_can_be_bound() -> None:
    with open_socket("::1", 0, "a test") as bound:
        assert bound.family == socket.AF_INET6


def test_every_port_that_is_taken_is_named_at_once_and_no_socket_stays_open() -> None:
    with open_socket("127.0.0.1", 0, "x") as first, open_socket("127.0.0.1", 0, "x") as second:
        first.listen()
        second.listen()
        taken = sorted([port_of(first), port_of(second)])
        with pytest.raises(ListenError) as caught:
            open_sockets("127.0.0.1", [(taken[0], "the one"), (0, "the free one"), (taken[1], "the other")])
    messages = [problem.message for problem in caught.value.problems]
    assert [
        f"port {port} on 127.0.0.1 is in use" in text for port, text in zip(taken, messages, strict=True)
    ] == [
        True,
        True,
    ]
    assert "the one" in messages[0]
    assert "the other" in messages[1]
    assert "--port" in caught.value.problems[0].hint


@pytest.mark.parametrize(
    ("host", "words"),
    [("192.0.2.1", "is not an address of this machine"), ("no-such-host.invalid", "is not known")],
)
def test_a_host_that_is_not_this_machine_is_said(host: str, words: str) -> None:
    with pytest.raises(ListenError, match=words):
        open_socket(host, 0, "a test")


def test_a_port_that_was_just_closed_can_be_had_again() -> None:
    with open_socket("127.0.0.1", 0, "a test") as first:
        first.listen()
        port = port_of(first)
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = first.accept()
            accepted.close()
    with open_socket("127.0.0.1", port, "a test") as again:
        assert port_of(again) == port


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "is for privileged programs"),
        (errno.ENOBUFS, "cannot listen on 127.0.0.1 port 80 for a test: refused"),
    ],
)
def test_what_else_goes_wrong_is_said_too(monkeypatch: pytest.MonkeyPatch, number: int, words: str) -> None:
    class Refusing(socket.socket):
        def bind(self, address: object) -> None:
            raise OSError(number, "refused")

    monkeypatch.setattr("capspec.serving.sockets.socket.socket", Refusing)
    with pytest.raises(ListenError, match=words):
        open_socket("127.0.0.1", 80, "a test")


def test_a_port_that_is_none_is_said() -> None:
    with pytest.raises(ListenError, match="70000 is not a port; a test wants it"):
        open_socket("127.0.0.1", 70000, "a test")
