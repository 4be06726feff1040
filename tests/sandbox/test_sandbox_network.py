"""Faults of the connection itself, over real sockets: what a client sees, and what was done meanwhile."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest

from tests.sandbox.sandbox_world import BFL, FLORA, Box, on_a_socket


async def submit(box: Box, fault: str, **options: Any) -> httpx.Response:
    headers = {**BFL, "x-sandbox-fault": fault}
    return await box.http.post("/bfl/v1/flux-kontext-pro", headers=headers, json={"prompt": "a"}, **options)


@pytest.mark.parametrize(
    ("fault", "error", "words"),
    [
        ("reset", httpx.ReadError, None),
        ("close", httpx.RemoteProtocolError, "without sending a response"),
        ("truncate", httpx.RemoteProtocolError, "closed connection"),
        ("abort-chunked", httpx.RemoteProtocolError, "incomplete chunked read"),
    ],
)
@pytest.mark.anyio
async def test_a_broken_connection_is_seen_as_such(
    fault: str, error: type[Exception], words: str | None
) -> None:
    async with on_a_socket() as box:
        with pytest.raises(error, match=words):
            await submit(box, fault)
        assert await box.jobs() == []
        (entry,) = await box.requests(phase="submit")
        assert [entry["fault"], entry["status"]] == [fault, None if fault in ("reset", "close") else 200]


@pytest.mark.parametrize("how", ["reset", "close", "truncate"])
@pytest.mark.anyio
async def test_a_lost_response_leaves_its_job_behind(how: str) -> None:
    async with on_a_socket() as box:
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            await submit(box, f"lost-response how={how}")
        assert len(await box.jobs()) == 1


@pytest.mark.anyio
async def test_after_a_lost_response_an_idempotency_key_prevents_a_second_run() -> None:
    async with on_a_socket(speed=100) as box:
        key = {"idempotency-key": "once"}
        with pytest.raises(httpx.ReadError):
            await box.submit_flora({**key, "x-sandbox-fault": "lost-response"})
        assert (await box.submit_flora(key)).json()["error"]["code"] == "idempotency_duplicate"
        found = await box.http.get("/flora/api/v1/generations", headers=FLORA)
        assert len(found.json()["generations"]) == 1


@pytest.mark.anyio
async def test_a_stalled_answer_runs_into_the_read_timeout() -> None:
    async with on_a_socket() as box:
        with pytest.raises(httpx.ReadTimeout):
            await submit(box, "stall 60", timeout=0.1)
        assert await box.jobs() == []


@pytest.mark.anyio
async def test_a_trickled_answer_restarts_the_read_timeout_with_each_byte() -> None:
    async with on_a_socket() as box:
        answer = await submit(box, "trickle interval=0.01 bytes=10", timeout=5)
        assert "polling_url" in answer.json()


@pytest.mark.anyio
async def test_a_trickle_stops_when_the_client_leaves() -> None:
    async with on_a_socket() as box:
        headers = {**BFL, "x-sandbox-fault": "trickle interval=60"}
        async with box.http.stream(
            "POST", "/bfl/v1/flux-kontext-pro", headers=headers, json={"prompt": "a"}
        ) as answer:
            assert answer.status_code == 200
        assert len(await box.jobs()) == 1


@pytest.mark.anyio
async def test_a_client_that_leaves_while_it_sends_leaves_no_trace() -> None:
    async with on_a_socket() as box:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(box.origin.rpartition(":")[2]))
        writer.write(b"POST /bfl/v1/flux-kontext-pro HTTP/1.1\r\nhost: x\r\ncontent-length: 99\r\n\r\n{")
        await writer.drain()
        writer.close()
        await writer.wait_closed()
        assert (await box.http.get("/bfl/v1/nothing")).status_code == 404
        assert [entry["path"] for entry in await box.requests()] == ["/bfl/v1/nothing"]
        assert reader.at_eof()


@pytest.mark.anyio
async def test_the_server_goes_on_after_every_break() -> None:
    async with on_a_socket() as box:
        for fault in ("reset", "close", "truncate", "abort-chunked"):
            with pytest.raises(httpx.TransportError):
                await submit(box, fault)
            assert (await box.http.get("/__sandbox__/health")).json()["status"] == "ok"


@pytest.mark.parametrize("fault", ["reset", "close", "truncate", "lost-response"])
@pytest.mark.anyio
async def test_a_server_that_keeps_its_connections_to_itself_truncates(fault: str) -> None:
    async with on_a_socket(protocol="h11") as box:
        with pytest.raises(httpx.RemoteProtocolError):
            await submit(box, fault)


@pytest.mark.anyio
async def test_a_job_is_followed_to_the_other_name_of_the_host_and_downloaded() -> None:
    async with on_a_socket(speed=200) as box:
        job = await box.submit_bfl()
        url = job["polling_url"]
        assert url.startswith(box.origin.replace("127.0.0.1", "localhost") + "/bfl-eu4/v1/get_result")
        (made,) = await box.jobs()
        await box.advance(made["ends_at"] - made["created_at"])
        done = (await box.http.get(url, headers=BFL)).json()
        sample = done["result"]["sample"]
        assert (await box.http.get(sample)).content.startswith(b"\x89PNG")
        assert (await box.http.head(sample)).headers["content-length"].isdecimal()
        hosts = {entry["host"] for entry in await box.requests() if "x-key" in entry["credentials"]}
        assert hosts == {url.split("/")[2], box.origin.split("/")[2]}
        assert [entry["credentials"] for entry in await box.requests(phase="asset")] == [[], []]


def test_connections_break_under_uvloop_too() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def break_one() -> None:
        async with on_a_socket() as box:
            with pytest.raises(httpx.ReadError):
                await submit(box, "reset")
            with pytest.raises(httpx.RemoteProtocolError):
                await submit(box, "close")

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(break_one())
