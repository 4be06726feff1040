"""What answers link to, saved: kept as long as the file says, whatever the upstream does meanwhile."""

from __future__ import annotations

import asyncio
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from capspec.clock import VirtualClock
from tests.assets.asset_world import (
    AT_STORAGE,
    ENDLESS,
    HEAD,
    HOUR,
    IMAGE,
    JOB,
    PNG,
    SAVED,
    SECRET,
    Pair,
    World,
    answered,
    capability,
    content_of,
    files_in,
    hosts,
    saved_files,
    world,
)
from tests.upstreams import Seen, reply

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with hosts() as found:
        yield found


# -- jobs -------------------------------------------------------------------------------------------------


def signs_anew(w: World, path: str, *, media_type: str = "image/png") -> None:
    """Let the API finish job 1 at once, with another signature each time that it is asked."""
    w.storage.holds(path, PNG, media_type)
    count = iter(range(100))

    def status(seen: Seen) -> bytes:
        return answered(
            id="1", status="done", url=f"{w.storage.url}{path}?id=4&se=2030&sig=number{next(count)}"
        )

    w.api.routes["/pictures/1"] = answered(id="1", status="queued")
    w.api.routes["/jobs/1"] = status


async def finished(w: World) -> httpx.Response:
    """Start a job and wait for its end."""
    return await w.fetch(f"{w.url}/pictures/1", prefer="wait=30")


async def test_a_result_has_links_that_work_as_long_as_the_upstreams(pair: Pair, tmp_path: Path):
    clock = VirtualClock()
    async with world(capability(AT_STORAGE, operation=JOB), tmp_path, pair, clock=clock) as w:
        signs_anew(w, "/made/sample.png")
        envelope = (await finished(w)).json()
        link = envelope["result"]["url"]
        assert envelope["result_expires_at"] == pytest.approx(clock.wall() + 600)
        assert (await w.fetch(link)).content == PNG
        clock.advance(600)
        assert (await w.fetch(link)).status_code == 410


async def test_a_saved_result_outlives_the_upstreams_link_and_a_restart(pair: Pair, tmp_path: Path):
    clock = VirtualClock()
    text = capability("{mode: save, allowHosts: [STORAGE], keep: 24h}", operation=JOB)
    async with world(text, tmp_path, pair, clock=clock, secret=SECRET) as w:
        signs_anew(w, "/made/sample.png")
        envelope = (await finished(w)).json()
        path = urlsplit(envelope["result"]["url"]).path
        assert envelope["result_expires_at"] == pytest.approx(clock.wall() + 24 * HOUR, abs=1)
    pair[1].routes.clear()
    clock.advance(HOUR)
    async with world(text, tmp_path, pair, clock=clock, secret=SECRET) as w:
        answer = await w.fetch(w.url + path)
        assert (answer.status_code, answer.content) == (200, PNG)
        assert answer.headers["content-type"] == "image/png"
        assert answer.headers["cache-control"].startswith("private, max-age=82")


async def test_a_result_is_saved_once_however_often_it_is_asked_for(pair: Pair, tmp_path: Path):
    text = capability(SAVED, operation=JOB)
    async with world(text, tmp_path, pair, clock=VirtualClock(), secret=SECRET) as w:
        signs_anew(w, "/made/sample.png")
        job = (await finished(w)).headers["content-location"]
        for _ in range(2):
            assert (await w.fetch(w.url + job)).json()["state"] == "succeeded"
        assert len(w.storage.sent) == 1
    async with world(text, tmp_path, pair, clock=w.clock, secret=SECRET) as w:
        assert (await w.fetch(w.url + job)).json()["state"] == "succeeded"
        assert len(w.storage.sent) == 1
        assert len(saved_files(tmp_path)) == 1


async def test_those_who_ask_at_the_same_time_cause_one_download(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED, operation=JOB), tmp_path, pair) as w:
        signs_anew(w, "/made/sample.png")
        w.api.routes["/pictures/1"] = answered(id="1", status="queued")
        started = await w.fetch(f"{w.url}/pictures/1")
        assert started.status_code == 202
        job = w.url + started.headers["location"]
        answers = await asyncio.gather(*(w.fetch(job) for _ in range(12)))
        assert {answer.json()["state"] for answer in answers} == {"succeeded"}
        assert len(w.storage.sent) == 1
        assert len(saved_files(tmp_path)) == 1


async def test_another_job_with_the_same_link_is_saved_again(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED, operation=JOB), tmp_path, pair, clock=VirtualClock()) as w:
        signs_anew(w, "/made/sample.png")
        await finished(w)
        w.later(1)
        await finished(w)
        assert len(w.storage.sent) == 2


async def test_a_result_that_cannot_be_saved_keeps_its_link_and_says_why(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED, operation=JOB), tmp_path, pair, clock=VirtualClock()) as w:
        signs_anew(w, "/made/page", media_type="text/html")
        envelope = (await finished(w)).json()
        assert envelope["state"] == "succeeded"
        assert envelope["result"]["url"].startswith(f"{w.storage.url}/made/page?")
        assert "could not be saved, because the original is text/html" in envelope["message"]
        assert saved_files(tmp_path) == []


# -- save -------------------------------------------------------------------------------------------------


async def test_a_saved_asset_is_for_its_owner_only(pair: Pair, tmp_path: Path):
    folder = tmp_path / "new" / "folder"
    async with world(capability(SAVED), folder, pair) as w:
        assert (await w.fetch(await w.linked(w.storage.holds("/f.png")))).content == PNG
        (file,) = saved_files(folder)
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_parts_of_a_saved_asset_can_be_had(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        link = await w.linked(w.storage.holds("/f.png"))
        size = len(PNG)
        for asked, part, told in (
            ("bytes=0-9", PNG[:10], f"bytes 0-9/{size}"),
            ("bytes=100-", PNG[100:], f"bytes 100-{size - 1}/{size}"),
            ("bytes=-5", PNG[-5:], f"bytes {size - 5}-{size - 1}/{size}"),
        ):
            answer = await w.fetch(link, range=asked)
            assert (answer.status_code, answer.content) == (206, part)
            assert answer.headers["content-range"] == told
        beyond = await w.fetch(link, range=f"bytes={size}-")
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{size}")
        whole = await w.fetch(link, range="bytes=0-1,4-5")
        assert (whole.status_code, whole.content, whole.headers["accept-ranges"]) == (200, PNG, "bytes")
        changed = await w.fetch(link, range="bytes=0-1", **{"if-range": '"other"'})
        assert changed.status_code == 200
        same = await w.fetch(link, range="bytes=0-1", **{"if-range": whole.headers["etag"]})
        assert same.status_code == 206
        head = await w.web.head(link)
        assert (head.status_code, head.headers["content-length"]) == (200, str(size))


async def test_a_saved_asset_goes_when_its_time_is_over(pair: Pair, tmp_path: Path):
    theirs, ours = tmp_path / "capspec-notes.txt", tmp_path / "holiday.png"
    for file in (theirs, ours):
        file.write_bytes(b"mine")
    clock = VirtualClock()
    async with world(capability(SAVED), tmp_path, pair, clock=clock) as w:
        link = await w.linked(w.storage.holds("/f.png"))
        (first,) = set(saved_files(tmp_path)) - {theirs}
        clock.advance(HOUR)
        assert (await w.fetch(link)).status_code == 410
        await w.linked(w.storage.holds("/g.png"))
        (second,) = set(saved_files(tmp_path)) - {theirs}
        assert second != first
    clock.advance(HOUR)
    async with world(capability(SAVED), tmp_path, pair, clock=clock) as w:
        assert files_in(tmp_path) == [theirs, ours]


async def test_a_file_that_somebody_removed_is_gone(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        link = await w.linked(w.storage.holds("/f.png"))
        saved_files(tmp_path)[0].unlink()
        answer = await w.fetch(link)
        assert answer.status_code == 410
        assert "no longer kept" in answer.json()["detail"]
        assert (await w.fetch(await w.make())).content == PNG


async def test_an_asset_over_the_limit_leaves_nothing_behind(pair: Pair, tmp_path: Path):
    rules = "{mode: save, allowHosts: [STORAGE], maxSize: 1KiB}"
    async with world(capability(rules), tmp_path, pair) as w:
        theirs = w.storage.holds("/f.png")
        assert await w.linked(theirs) == theirs
        w.storage.routes["/f.png"] = ENDLESS
        assert await w.linked(theirs) == theirs
        assert w.left == ["it could not be saved, because it has more than 1024 bytes"] * 2
        assert files_in(tmp_path) == []


async def test_half_an_asset_is_none(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.storage.routes["/f.png"] = HEAD + b"content-length: 900\r\n\r\nhalf"
        w.storage.broken.add("/f.png")
        theirs = f"{w.storage.url}/f.png"
        assert await w.linked(theirs) == theirs
        assert files_in(tmp_path) == []


async def test_what_is_being_saved_is_saved_though_its_caller_has_left(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.gives(w.storage.holds("/f.png"))
        w.storage.ready.clear()
        leaving = asyncio.create_task(w.called_locally())
        await w.storage.server.until(lambda: bool(w.storage.sent))
        leaving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await leaving
        w.storage.ready.set()
        assert (await w.fetch(await w.make())).content == PNG
        assert len(w.storage.sent) == 1


async def test_an_engine_that_closes_leaves_no_half_asset_behind(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.gives(f"{w.storage.url}/f.png")
        w.storage.routes["/f.png"] = HEAD + b"content-length: 900\r\n\r\nhalf"
        leaving = asyncio.create_task(w.called_locally())
        await w.storage.server.until(lambda: bool(w.storage.sent))
    with pytest.raises(asyncio.CancelledError):
        await leaving
    assert files_in(tmp_path) == []


async def test_a_folder_that_cannot_be_used_keeps_the_links(pair: Pair, tmp_path: Path):
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    async with world(capability(SAVED), blocked / "assets", pair) as w:
        theirs = w.storage.holds("/f.png")
        assert await w.linked(theirs) == theirs
        assert "the folder for assets cannot be used" in w.left[0]


async def test_where_nothing_serves_links_a_saved_asset_is_a_file(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.gives(w.storage.holds("/f.png"))
        assert content_of((await w.called_locally())["url"]) == PNG
    async with world(capability(AT_STORAGE), tmp_path, pair) as w:
        theirs = w.storage.holds("/f.png")
        w.gives(theirs)
        assert await w.called_locally() == {"url": theirs}


@pytest.mark.parametrize("status", [200, 500])
async def test_what_the_log_hears_of_a_link_is_never_the_link(pair: Pair, tmp_path: Path, status: int):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.storage.routes["/f.png"] = reply(status, PNG, IMAGE)
        await w.linked(f"{w.storage.url}/f.png?sig=secretsecret")
        assert "secretsecret" not in repr(w.heard)
