"""Which requests pass, by their Host and Origin."""

from __future__ import annotations

import httpx
import pytest

from capspec.edge import ASGIScope, Receive, SendMessage
from capspec.host_check import HostCheck, authority_name, is_loopback

pytestmark = pytest.mark.anyio


async def application(scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"inside"})


async def status(checked: HostCheck, *headers: tuple[str, str]) -> int:
    """What a request with exactly these headers gets."""
    sent: list[int] = []

    async def send(message: ASGIScope) -> None:
        if message["type"] == "http.response.start":
            sent.append(message["status"])

    async def receive() -> ASGIScope:
        return {"type": "http.request"}

    encoded = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
    await checked({"type": "http", "headers": encoded}, receive, send)
    assert len(sent) == 1
    return sent[0]


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:1", "[::1]", "[::1]:9090", "localhost:"]
)
async def test_loopback_names_pass_with_any_port(host: str) -> None:
    assert await status(HostCheck(application, host="127.0.0.1"), ("Host", host)) == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "[::2]", "::1",
        "localhost@evil.example", "evil.example#localhost", "localhost/abc?y=", "localhost:80:80", "",
        " localhost", "127.1", "2130706433", "0x7f.0.0.1", "localhost\x00",
    ],
)  # fmt: skip
async def test_any_other_host_is_misdirected(host: str) -> None:
    assert await status(HostCheck(application, host="127.0.0.1"), ("Host", host)) == 421


async def test_a_request_without_a_host_or_with_two_is_bad() -> None:
    checked = HostCheck(application, host="127.0.0.1")
    assert await status(checked) == 400
    assert await status(checked, ("Host", "localhost"), ("Host", "localhost")) == 400


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        ("http://localhost:3000", 200),
        ("https://127.0.0.1", 200),
        ("http://[::1]:5", 200),
        ("http://evil.example", 403),
        ("http://localhost.evil.example", 403),
        ("http://localhost@evil.example", 403),
        ("null", 403),
        ("", 403),
        ("http://[", 403),
    ],
)
async def test_an_origin_has_to_be_of_this_machine(origin: str, expected: int) -> None:
    checked = HostCheck(application, host="127.0.0.1")
    assert await status(checked, ("Host", "localhost:8080"), ("Origin", origin)) == expected


async def test_allowed_names_pass_as_host_and_as_origin() -> None:
    checked = HostCheck(application, host="127.0.0.1", names=["App.example:8443"])
    assert await status(checked, ("Host", "app.example"), ("Origin", "https://app.example")) == 200
    assert await status(checked, ("Host", "other.example")) == 421


async def test_a_star_lets_everything_pass() -> None:
    checked = HostCheck(application, host="127.0.0.1", names=["*"])
    assert await status(checked, ("Host", "any.example"), ("Origin", "https://other.example")) == 200


async def test_on_a_public_address_every_address_passes_and_no_other_name() -> None:
    checked = HostCheck(application, host="0.0.0.0")
    assert await status(checked, ("Host", "192.168.1.5:8080")) == 200
    assert await status(checked, ("Host", "[fe80::1]")) == 200
    assert await status(checked, ("Host", "192.168.1.5"), ("Origin", "http://192.168.1.5:3000")) == 200
    assert await status(checked, ("Host", "192.168.1.5"), ("Origin", "http://192.168.1.6")) == 403
    assert await status(checked, ("Host", "rebound.example")) == 421


async def test_the_name_that_is_listened_on_passes() -> None:
    assert await status(HostCheck(application, host="things.example"), ("Host", "things.example:80")) == 200


async def test_refusals_are_problems_that_say_what_to_do() -> None:
    transport = httpx.ASGITransport(HostCheck(application, host="127.0.0.1"))
    async with httpx.AsyncClient(transport=transport, base_url="http://evil.example") as client:
        answer = await client.get("/")
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == 421
    assert "--allow-host" in answer.json()["detail"]


async def test_hosts_that_were_seen_are_remembered_up_to_a_limit() -> None:
    checked = HostCheck(application, host="0.0.0.0")
    for number in range(400):
        assert await status(checked, ("Host", f"10.0.{number // 250}.{number % 250}")) == 200


@pytest.mark.parametrize(
    ("authority", "name"),
    [("Example.COM:1", "example.com"), ("[::1]:80", "::1"), ("a_b", "a_b"), ("a b", None), ("[::1", None)],
)
def test_the_name_of_an_authority(authority: str, name: str | None) -> None:
    assert authority_name(authority) == name


def test_loopback_addresses_are_known() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.3.2.1", "::1", "localhost")] == [True] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "10.0.0.1", "example.com")] == [False] * 4
