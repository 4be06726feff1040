"""Client certificates against a real TLS server that demands one."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from capspec import app, registry
from capspec.errors import CompileError, UpstreamError
from capspec.keys import identified
from capspec.plan import Call
from capspec.transports.httpx import open_transport
from capspec.wire import Request, Response
from tests.auth.auth_blocks import GET, compiled, settings_of
from tests.upstreams import Seen, Server, reply, serving
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

CA = trustme.CA()
CLIENT = CA.issue_cert("client@example.com")
STRANGER = trustme.CA().issue_cert("client@example.com")
KEY = serialization.load_pem_private_key(CLIENT.private_key_pem.bytes(), None)
CERTIFICATE = x509.load_pem_x509_certificate(CLIENT.cert_chain_pems[0].bytes())


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Every form that a certificate is kept in."""
    lock = serialization.BestAvailableEncryption(b"hush")
    (tmp_path / "ca.pem").write_bytes(CA.cert_pem.bytes())
    (tmp_path / "client.pem").write_bytes(CLIENT.cert_chain_pems[0].bytes())
    (tmp_path / "client.key").write_bytes(CLIENT.private_key_pem.bytes())
    (tmp_path / "both.pem").write_bytes(CLIENT.private_key_and_cert_chain_pem.bytes())
    (tmp_path / "locked.key").write_bytes(
        KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)
    )
    (tmp_path / "client.der").write_bytes(CERTIFICATE.public_bytes(serialization.Encoding.DER))
    store = pkcs12.serialize_key_and_certificates(b"me", KEY, CERTIFICATE, None, lock)  # type: ignore[arg-type]
    (tmp_path / "client.p12").write_bytes(store)
    (tmp_path / "other.key").write_bytes(STRANGER.private_key_pem.bytes())
    return tmp_path


def demanding_tls() -> ssl.SSLContext:
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CA.issue_cert("127.0.0.1").configure_cert(tls)
    CA.configure_trust(tls)
    tls.verify_mode = ssl.CERT_REQUIRED
    return tls


@asynccontextmanager
async def demanding() -> AsyncIterator[Server]:
    """A server that talks only to clients with a certificate of its authority, and says to whom."""

    async def answer(seen: Seen, writer: object) -> bytes:
        names = writer.get_extra_info("peercert")["subjectAltName"]  # type: ignore[attr-defined]
        return reply(200, json.dumps({"caller": names[0][1]}).encode())

    async with serving(answer, tls=demanding_tls()) as server:
        yield server


async def called(block: str, folder: Path, *, times: int = 1, **variables: str) -> tuple[str, Server]:
    """Who the server says has called."""
    auth = compiled(block.replace("DIR", str(folder)), **variables)
    transport = open_transport()
    try:
        async with demanding() as server:
            for _ in range(times):
                request = Request(method="GET", url=f"{server.url}/who")
                response: Response = await auth.authenticate(request, transport.send)
                body = b"".join([part async for part in response.chunks])
                await response.close()
            return json.loads(body)["caller"], server
    finally:
        await transport.close()


@pytest.mark.parametrize(
    "block",
    [
        "{type: certificate, certificate: DIR/client.pem, key: DIR/client.key, ca: DIR/ca.pem}",
        "{type: certificate, certPath: DIR/both.pem, caFile: DIR/ca.pem}",
        "{type: certificate, certPath: DIR/client.p12, certPassword: '{{P}}', caPath: DIR/ca.pem}",
        "{type: mutualTLS, cert: DIR/client.pem, keyFile: DIR/locked.key, password: '{{P}}', ca: DIR/ca.pem}",
        "{type: client-certificate, cert: DIR/client.der, key: DIR/client.key, ca: 'file://DIR/ca.pem'}",
        "{type: mTLS, certificate: '{{CERT}}', key: '{{KEY}}', ca: '{{CA}}'}",
    ],
)
async def test_a_certificate_is_shown_however_it_is_kept(block: str, folder: Path) -> None:
    caller, _ = await called(
        block,
        folder,
        P="hush",
        CERT=CLIENT.cert_chain_pems[0].bytes().decode(),
        KEY=CLIENT.private_key_pem.bytes().decode().replace("\n", "\\n"),
        CA=CA.cert_pem.bytes().decode(),
    )
    assert caller == "client@example.com"


async def test_calls_share_connections(folder: Path) -> None:
    block = "{type: certificate, certificate: DIR/both.pem, ca: DIR/ca.pem}"
    _, server = await called(block, folder, times=3)
    assert (len(server.requests), server.connections) == (3, 1)


async def test_without_a_certificate_nothing_is_answered(folder: Path) -> None:
    with pytest.raises(UpstreamError, match="the connection with"):
        await called("{type: certificate, ca: DIR/ca.pem}", folder)


def turn_away(listener: socket.socket, tls: ssl.SSLContext) -> None:
    """Refuse one client in the handshake, and stay until it has read why, as careful servers do."""
    connection, _ = listener.accept()
    wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
    with contextlib.suppress(ssl.SSLError):
        wrapped.do_handshake()
    with socket.socket(fileno=wrapped.detach()) as plain:
        plain.shutdown(socket.SHUT_WR)
        while plain.recv(4096):
            pass


async def test_why_a_server_turned_a_client_away_is_told(folder: Path) -> None:
    auth = compiled(f"{{type: certificate, ca: {folder}/ca.pem}}")
    transport = open_transport()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        waiting = asyncio.create_task(asyncio.to_thread(turn_away, listener, demanding_tls()))
        request = Request(method="GET", url=f"https://127.0.0.1:{listener.getsockname()[1]}/who")
        with pytest.raises(UpstreamError, match=r"ended the TLS connection: .*certificate required"):
            await auth.authenticate(request, transport.send)
        await transport.close()
        await waiting


async def test_a_certificate_of_another_authority_is_refused(folder: Path) -> None:
    (folder / "stranger.pem").write_bytes(STRANGER.private_key_and_cert_chain_pem.bytes())
    with pytest.raises(UpstreamError, match="the connection with"):
        await called("{type: certificate, certificate: DIR/stranger.pem, ca: DIR/ca.pem}", folder)


async def test_a_server_of_an_unknown_authority_is_not_trusted(folder: Path) -> None:
    with pytest.raises(UpstreamError, match="is not trusted"):
        await called("{type: certificate, certificate: DIR/both.pem}", folder)


async def test_another_upstream_never_uses_the_connections_of_a_certificate(folder: Path) -> None:
    auth = compiled(f"{{type: certificate, certificate: {folder}/both.pem, ca: {folder}/ca.pem}}")
    trusting = ssl.create_default_context(cafile=str(folder / "ca.pem"))
    transport = open_transport(tls=trusting)
    async with demanding() as server:
        request = Request(method="GET", url=f"{server.url}/who")
        await (await auth.authenticate(request, transport.send)).close()
        with pytest.raises(UpstreamError, match="the connection with"):
            await transport.send(request)
        await transport.close()
    assert len(server.requests) == 1


async def test_no_key_is_left_in_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = folder / "temporary"
    own.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(own))
    await called("{type: certificate, certificate: DIR/both.pem, ca: DIR/ca.pem}", folder)
    assert list(own.iterdir()) == []


# -- with another scheme -------------------------------------------------------------------------------------


async def test_a_certificate_goes_with_any_other_scheme(folder: Path) -> None:
    settings = settings_of(
        f"{{type: bearer, token: abc, tls: {{certificate: {folder}/both.pem, ca: {folder}/ca.pem}}}}"
    )

    auth = identified(registry.find("auth", "bearer")(settings), settings)
    assert (auth.names, auth.urls) == ({"authorization"}, ())
    sent: list[Request] = []

    async def send(request: Request) -> Response:
        sent.append(request)
        raise UpstreamError("no")

    with pytest.raises(UpstreamError):
        await auth.authenticate(GET, send)
    assert sent[0].headers == (("Authorization", "Bearer abc"),)
    assert sent[0].identity is not None


CAPABILITY = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: BASE
    authentication: AUTH
    resources: [{path: /who, operations: [{name: op, method: GET}]}]
  exposes:
  - {type: mcp, namespace: ns, port: 1, tools: [{name: t, description: d, call: up.op}]}
"""


@pytest.mark.parametrize(
    "auth",
    [
        "{type: certificate, certificate: certs/both.pem, ca: certs/ca.pem}",
        "{type: apikey, key: X-Key, value: k, tls: {certificate: certs/both.pem, ca: certs/ca.pem}}",
    ],
)
async def test_paths_count_from_the_capabilitys_file(auth: str, folder: Path) -> None:
    (folder / "certs").mkdir()
    for name in ("both.pem", "ca.pem"):
        (folder / name).rename(folder / "certs" / name)
    async with demanding() as server:
        text = CAPABILITY.replace("BASE", server.url).replace("AUTH", auth)
        plan = plan_of(text, path=folder / "cap.yaml")
        async with app.open_engine(plan) as engine:
            result = await engine.run(Call(flow=plan.listeners[0].flows[0], arguments={}))
    assert result.value == {"caller": "client@example.com"}
    assert server.requests[0].header("x-key") == ("k" if "apikey" in auth else None)


# -- settings ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("block", "message"),
    [
        ("{type: certificate}", "there is no client certificate"),
        ("{type: certificate, certificate: DIR/client.pem}", "has no private key"),
        ("{type: certificate, certificate: DIR/client.key}", "no certificate in 'certificate'"),
        (
            "{type: certificate, certificate: DIR/client.pem, key: DIR/other.key}",
            "is not that of the client cert",
        ),
        ("{type: certificate, certificate: DIR/client.p12, password: nono}", "holds no key or certificate"),
        (
            "{type: certificate, certificate: DIR/client.pem, key: DIR/locked.key}",
            "holds no key or certificate",
        ),
        ("{type: certificate, certificate: DIR/nothing.pem, key: DIR/client.key}", "No such file"),
        ("{type: certificate, certificate: certs/client.pem}", "its path is relative to no file"),
        ("{type: certificate, certificate: DIR/both.pem, ca: DIR/client.key}", "no certificate in 'ca'"),
        ("{type: certificate, certificate: '-----BEGIN hush', key: x}", "relative to no file"),
    ],
)
def test_a_block_that_makes_no_sense_is_refused(block: str, message: str, folder: Path) -> None:
    with pytest.raises(CompileError, match=message) as caught:
        compiled(block.replace("DIR", str(folder)))
    assert "hush" not in str(caught.value)
    assert "nono" not in str(caught.value)


def test_a_tls_block_that_is_none_is_refused() -> None:
    auth, settings = compiled("{type: bearer, token: a}"), settings_of("{type: bearer, token: a, tls: true}")
    with pytest.raises(CompileError, match="'tls' should be a mapping"):
        identified(auth, settings)


def test_variables_without_a_value_are_noted_and_nothing_prints(folder: Path) -> None:
    settings = settings_of("{type: certificate, certificate: '{{A}}', key: '{{B}}'}")

    registry.find("auth", "certificate")(settings)
    assert set(settings.missing) == {"A", "B"}
    auth = compiled(f"{{type: certificate, certificate: {folder}/both.pem}}")
    assert repr(auth._identity) == "Identity()"
