"""The httpx transport against real sockets: what goes out, what comes back, and what is said if it fails."""

from __future__ import annotations

import asyncio
import datetime
import gzip
import ipaddress
import socket
import ssl
import struct
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from capspec import registry
from capspec.errors import CallError, UpstreamError, UpstreamTimeout
from capspec.transports.httpx import HttpxTransport, open_transport
from capspec.wire import Request, Response
from tests.upstreams import Seen, reply, serving

pytestmark = pytest.mark.anyio

SECRET_QUERY = "?token=s3cret"


@pytest.fixture
async def transport() -> AsyncIterator[HttpxTransport]:
    opened = open_transport()
    yield opened
    await opened.close()


def get(url: str, *headers: tuple[str, str]) -> Request:
    return Request(method="GET", url=url, headers=headers)


async def body_of(response: Response) -> bytes:
    try:
        return b"".join([part async for part in response.chunks])
    finally:
        await response.close()


async def failure_of(transport: HttpxTransport, request: Request) -> CallError:
    with pytest.raises(CallError) as caught:
        await body_of(await transport.send(request))
    assert "s3cret" not in str(caught.value)
    return caught.value


def test_the_registry_opens_it() -> None:
    assert registry.find("transport", "httpx") is open_transport


# -- out ---------------------------------------------------------------------------------------------------


async def test_a_request_arrives_as_it_was_built(transport: HttpxTransport) -> None:
    async def echo(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(201, seen.body, ("X-Odd", "caf\xe9"), ("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"))

    async with serving(echo) as server:
        request = Request(
            method="POST",
            url=f"{server.url}//a%2Fb/(x='1')/%2e?q=a+b&r=%24%5B",
            headers=(("X-Key", "caf\xe9"), ("Accept", "application/json")),
            body=b"\x00data",
        )
        response = await transport.send(request)
        assert (response.status, await body_of(response)) == (201, b"\x00data")
    (seen,) = server.requests
    assert seen.target == "//a%2Fb/(x='1')/%2e?q=a+b&r=%24%5B"
    assert dict(seen.headers) == {
        "host": server.url.removeprefix("http://"),
        "x-key": "caf\xe9",
        "accept": "application/json",
        "accept-encoding": "gzip, deflate",
        "content-length": "5",
    }
    assert response.header("x-odd") == "caf\xe9"
    assert [value for name, value in response.headers if name.lower() == "set-cookie"] == ["a=1", "b=2"]


async def test_a_streamed_body_goes_out_in_chunks(transport: HttpxTransport) -> None:
    async def parts() -> AsyncIterator[bytes]:
        for number in range(3):
            yield b"part%d" % number

    async with serving(lambda seen, writer: _value(reply(200, seen.body))) as server:
        request = Request(method="PUT", url=server.url, body=parts())
        assert await body_of(await transport.send(request)) == b"part0part1part2"
    assert server.requests[0].header("transfer-encoding") == "chunked"


async def test_a_post_without_a_body_says_so(transport: HttpxTransport) -> None:
    async with serving(lambda seen, writer: _value(reply())) as server:
        await body_of(await transport.send(Request(method="POST", url=server.url)))
    assert server.requests[0].header("content-length") == "0"


async def test_cookies_of_one_call_are_not_sent_with_the_next(transport: HttpxTransport) -> None:
    async with serving(
        lambda seen, writer: _value(reply(200, b"", ("Set-Cookie", "sid=1; Path=/")))
    ) as server:
        for _ in range(2):
            await body_of(await transport.send(get(server.url)))
    assert server.requests[1].header("cookie") is None


async def test_redirects_are_not_followed(transport: HttpxTransport) -> None:
    async with serving(lambda seen, writer: _value(reply(302, b"", ("Location", "/other")))) as server:
        response = await transport.send(get(server.url))
        await response.close()
    assert (response.status, response.header("location")) == (302, "/other")
    assert len(server.requests) == 1


async def test_proxies_and_passwords_of_the_environment_are_not_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password s3cret\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    transport = open_transport()
    async with serving(lambda seen, writer: _value(reply())) as server:
        await body_of(await transport.send(get(server.url)))
        await transport.close()
    assert server.requests[0].header("authorization") is None


async def test_connections_are_reused(transport: HttpxTransport) -> None:
    async with serving(lambda seen, writer: _value(reply())) as server:
        for _ in range(5):
            assert await body_of(await transport.send(get(server.url))) == b"{}"
    assert server.connections == 1


# -- back --------------------------------------------------------------------------------------------------


async def test_a_body_is_handed_out_as_it_comes(transport: HttpxTransport) -> None:
    proceed = asyncio.Event()

    async def trickle(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none")
        await proceed.wait()
        return b"two"

    async with serving(trickle) as server:
        response = await transport.send(get(server.url))
        assert await anext(response.chunks) == b"one"
        proceed.set()
        assert await body_of(response) == b"two"


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP", "deflate"])
async def test_a_compressed_body_is_handed_out_plain(transport: HttpxTransport, coding: str) -> None:
    packed = gzip.compress(b"plain" * 1000, mtime=0)
    async with serving(
        lambda seen, writer: _value(reply(200, packed, ("Content-Encoding", coding)))
    ) as server:
        response = await transport.send(get(server.url))
        assert await body_of(response) == b"plain" * 1000
    assert response.header("content-encoding") is None
    assert response.header("content-length") is None


async def test_a_decompression_bomb_arrives_in_small_pieces(transport: HttpxTransport) -> None:
    bomb = gzip.compress(bytes(20_000_000), mtime=0)
    async with serving(lambda seen, writer: _value(reply(200, bomb, ("Content-Encoding", "gzip")))) as server:
        response = await transport.send(get(server.url))
        sizes = [len(part) async for part in response.chunks]
        await response.close()
    assert sum(sizes) == 20_000_000
    assert max(sizes) <= 65536


@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b"x" * 1000, mtime=0)[:-9]])
async def test_a_damaged_compressed_body_is_an_upstream_error(transport: HttpxTransport, body: bytes) -> None:
    async with serving(lambda seen, writer: _value(reply(200, body, ("Content-Encoding", "gzip")))) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
    assert isinstance(error, UpstreamError)
    assert "cannot be read: the compressed body" in str(error)


async def test_a_coding_that_was_not_asked_for_is_left_as_it_is(transport: HttpxTransport) -> None:
    async with serving(lambda seen, writer: _value(reply(200, b"zz", ("Content-Encoding", "br")))) as server:
        response = await transport.send(get(server.url))
        assert (await body_of(response), response.header("content-encoding")) == (b"zz", "br")


async def test_an_answer_to_head_has_no_body_to_decompress(transport: HttpxTransport) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 99\r\n\r\n"
    async with serving(lambda seen, writer: _value(head)) as server:
        assert await body_of(await transport.send(Request(method="HEAD", url=server.url))) == b""


async def test_closing_an_unread_answer_closes_its_connection(transport: HttpxTransport) -> None:
    async def endless(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while not writer.transport.is_closing():
            writer.write(b"1\r\nx\r\n")
            await writer.drain()
            await asyncio.sleep(0)
        return None

    async with serving(endless) as server:
        response = await transport.send(get(server.url))
        await anext(response.chunks)
        await response.close()
        await response.close()
        await server.idle()


async def test_cancelling_a_call_closes_its_connection(transport: HttpxTransport) -> None:
    left = asyncio.Event()

    async def hanging(seen: Seen, writer: asyncio.StreamWriter) -> None:
        await seen.rest.read()
        left.set()

    async with serving(hanging) as server:
        call = asyncio.create_task(transport.send(get(server.url)))
        await server.until(lambda: bool(server.requests))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await left.wait()


# -- dead connections --------------------------------------------------------------------------------------


async def _value(value: bytes) -> bytes:
    return value


async def dying(seen: Seen, writer: asyncio.StreamWriter) -> bytes | None:
    """Answers the first request of a connection; the next one finds it dead."""
    alive = getattr(writer, "was_used", False) is False
    writer.was_used = True  # type: ignore[attr-defined]
    return reply() if alive else None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "OPTIONS"])
async def test_a_dead_pooled_connection_is_replaced(transport: HttpxTransport, method: str) -> None:
    async with serving(dying) as server:
        await body_of(await transport.send(get(server.url)))
        body = b"data" if method == "PUT" else None
        response = await transport.send(Request(method=method, url=server.url, body=body))
        await response.close()
        assert response.status == 200
    assert [(seen.method, seen.connection) for seen in server.requests] == [
        ("GET", 1),
        (method, 1),
        (method, 2),
    ]


async def test_what_is_not_idempotent_is_not_sent_twice(transport: HttpxTransport) -> None:
    async with serving(dying) as server:
        await body_of(await transport.send(get(server.url)))
        error = await failure_of(transport, Request(method="POST", url=server.url, body=b"data"))
    assert "closed the connection" in str(error)
    assert len(server.requests) == 2


async def test_a_streamed_body_is_not_sent_twice(transport: HttpxTransport) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"once"

    async with serving(dying) as server:
        await body_of(await transport.send(get(server.url)))
        await failure_of(transport, Request(method="PUT", url=server.url, body=parts()))
    assert len(server.requests) == 2


async def test_a_fresh_connection_that_dies_is_not_tried_again(transport: HttpxTransport) -> None:
    async def never(seen: Seen, writer: asyncio.StreamWriter) -> None:
        return None

    async with serving(never) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
    assert isinstance(error, UpstreamError)
    assert len(server.requests) == 1


# -- failures in plain words -------------------------------------------------------------------------------


async def test_a_refused_connection_is_said(transport: HttpxTransport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        error = await failure_of(transport, get(f"http://{host}/{SECRET_QUERY}"))
    assert isinstance(error, UpstreamError)
    assert str(error) == "the upstream refuses connections"


async def test_an_unknown_host_is_said(transport: HttpxTransport, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: Any, **kwargs: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    error = await failure_of(transport, get(f"http://api.example.com/{SECRET_QUERY}"))
    assert str(error) == "the host name of the upstream cannot be found"


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"y" * 200_000,
    ],
)
async def test_what_is_not_http_is_said(transport: HttpxTransport, answer: bytes) -> None:
    async def broken(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        await writer.drain()

    async with serving(broken) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
    assert isinstance(error, UpstreamError)
    assert server.url.removeprefix("http://") not in str(error)


async def test_a_connection_that_is_reset_is_said(transport: HttpxTransport) -> None:
    async def resetting(seen: Seen, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    async with serving(resetting) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
    assert str(error) == "the connection with the upstream broke off"


async def test_an_unreachable_address_is_said(transport: HttpxTransport) -> None:
    error = await failure_of(transport, get(f"http://255.255.255.255:9/{SECRET_QUERY}"))
    assert str(error) == "no connection with the upstream could be made"


@pytest.mark.parametrize(
    "headers", [[("Bad Name", "s3cret")], [("X", "s3cret\r\nX-Admin: 1")], [("Content-Length", "s3cret")]]
)
async def test_a_request_that_is_not_http_is_not_sent(
    transport: HttpxTransport, headers: list[tuple[str, str]]
) -> None:
    async with serving(lambda seen, writer: _value(reply())) as server:
        error = await failure_of(transport, get(server.url, *headers))
        await failure_of(transport, get(f"{server.url}/{'x' * 70_000}{SECRET_QUERY}"))
    assert "cannot be written as HTTP" in str(error)
    assert not server.requests


async def test_silence_is_a_timeout() -> None:
    async def silent(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        await asyncio.Event().wait()
        return b""

    transport = open_transport(read_timeout=0.05)
    async with serving(silent) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
        await transport.close()
    assert isinstance(error, UpstreamTimeout)
    assert "did not go on sending or receiving in time" in str(error)


async def test_a_connection_that_does_not_come_about_is_a_timeout() -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        host = f"127.0.0.1:{full.getsockname()[1]}"
        queued = [await _connecting(full.getsockname()) for _ in range(3)]
        transport = open_transport(connect_timeout=0.05)
        error = await failure_of(transport, get(f"http://{host}/{SECRET_QUERY}"))
        await transport.close()
        for waiting in queued:
            waiting.close()
    assert isinstance(error, UpstreamTimeout)
    assert str(error) == "no connection with the upstream could be made in time"


async def _connecting(address: tuple[str, int]) -> socket.socket:
    waiting = socket.socket()
    waiting.setblocking(False)
    waiting.connect_ex(address)
    return waiting


# -- TLS ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of our own for 127.0.0.1, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


def tls_server(certificate: Path) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(certificate)
    return made


async def test_a_certificate_that_nobody_trusts_is_said(transport: HttpxTransport, certificate: Path) -> None:
    async with serving(lambda seen, writer: _value(reply()), tls=tls_server(certificate)) as server:
        error = await failure_of(transport, get(server.url + SECRET_QUERY))
    assert str(error) == "the TLS certificate of the upstream is not trusted: self-signed certificate"
    assert not server.requests


@pytest.mark.parametrize("how", ["file of the environment", "context"])
async def test_a_certificate_that_is_trusted_is_accepted(
    certificate: Path, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if how == "context":
        transport = open_transport(tls=ssl.create_default_context(cafile=str(certificate)))
    else:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        transport = open_transport()
    async with serving(lambda seen, writer: _value(reply()), tls=tls_server(certificate)) as server:
        assert await body_of(await transport.send(get(server.url))) == b"{}"
        await transport.close()


async def test_a_server_without_tls_is_said(transport: HttpxTransport) -> None:
    async with serving(lambda seen, writer: _value(reply())) as server:
        error = await failure_of(transport, get(server.url.replace("http:", "https:") + SECRET_QUERY))
    assert str(error).startswith("no TLS connection with the upstream could be made:")
