"""Links in answers that become our own: what callers get, what the upstream is sent, and what is refused."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import url2pathname

import httpx
import pytest

from capspec.clock import VirtualClock
from tests.assets.asset_world import (
    IMAGE,
    JOB,
    OPERATION,
    PNG,
    SECRET,
    TOKEN,
    Host,
    World,
    answered,
    capability,
    hosts,
    saved_files,
    world,
)
from tests.upstreams import Seen, reply
from tests.whole import Client, value_of

pytestmark = pytest.mark.anyio

AT_STORAGE = "{mode: proxy, allowHosts: [STORAGE]}"
SAVED = "{mode: save, allowHosts: [STORAGE], keep: 1h}"
HOUR = 3600.0
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\n"
ENDLESS = (
    HEAD + b"transfer-encoding: chunked\r\n\r\n" + (b"200\r\n" + b"x" * 512 + b"\r\n") * 4 + b"0\r\n\r\n"
)
"""2 KiB without a word of how much it will be."""


@pytest.fixture
async def pair() -> AsyncIterator[tuple[Host, Host]]:
    async with hosts() as found:
        yield found


Pair = tuple[Host, Host]


# -- proxy: what goes upstream ----------------------------------------------------------------------------


async def test_a_link_that_needs_the_token_can_be_opened_without_it(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds("/files/7/content"))
        assert link.startswith(f"{w.url}/-/assets/")
        answer = await w.fetch(link)
        assert (answer.status_code, answer.content) == (200, PNG)
        assert w.api.asked("/files/7/content")[0].header("authorization") == f"Bearer {TOKEN}"
        assert TOKEN not in link


async def test_a_storage_host_never_gets_the_credentials(pair: Pair, tmp_path: Path):
    key = "{type: apikey, in: header, name: X-Key, value: '{{TOKEN}}'}"
    constant = f"{OPERATION}inputParameters: [{{name: X-Own, in: header, value: own}}]"
    text = capability(AT_STORAGE, auth=key, operation=constant)
    async with world(text, tmp_path, pair) as w:
        link = await w.linked(w.storage.holds("/made/sample.png") + "?sig=abc&se=2030")
        assert (await w.fetch(link)).content == PNG
        (seen,) = w.storage.sent
        assert seen.query == [("sig", "abc"), ("se", "2030")]
        assert TOKEN not in json.dumps(seen.headers)
        assert seen.header("x-own") is None
        assert w.api.sent[0].header("x-key") == TOKEN


async def test_constant_headers_of_the_api_go_along_at_its_own_address(pair: Pair, tmp_path: Path):
    constant = f"{OPERATION}inputParameters: [{{name: X-Version, in: header, value: '2'}}]"
    async with world(capability("proxy", operation=constant), tmp_path, pair) as w:
        await w.fetch(await w.linked(w.api.holds("/f.png")))
        assert w.api.asked("/f.png")[0].header("x-version") == "2"


async def test_a_host_that_the_file_does_not_allow_keeps_its_link(pair: Pair, tmp_path: Path):
    async with world(capability("{mode: proxy, url: $.url}"), tmp_path, pair) as w:
        theirs = w.storage.holds("/made/sample.png")
        assert await w.linked(theirs) == theirs
        assert w.left == ["its host is not among 'allowHosts'"]


async def test_a_path_of_the_api_becomes_a_link_where_the_file_says_that_it_is_one(
    pair: Pair, tmp_path: Path
):
    w_path = "/files/1/content"
    async with world(capability("{mode: proxy, url: $.url}"), tmp_path, pair) as w:
        w.api.holds(w_path)
        assert (await w.fetch(await w.linked(w_path))).content == PNG
        assert await w.linked("not a link") == "not a link"


async def test_redirects_are_not_followed(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        elsewhere = w.storage.holds("/sample.png")
        w.api.routes["/f"] = reply(302, b"", ("location", elsewhere))
        answer = await w.fetch(await w.linked(f"{w.api.url}/f"))
        assert answer.status_code == 502
        assert "302" in answer.json()["detail"]
        assert w.storage.sent == []


# -- proxy: what comes back -------------------------------------------------------------------------------


async def test_an_image_is_shown_and_kept_as_long_as_the_link_works(pair: Pair, tmp_path: Path):
    clock = VirtualClock()
    async with world(capability("{mode: proxy, keep: 10m}"), tmp_path, pair, clock=clock) as w:
        link = await w.linked(w.api.holds("/files/A%20picture.png"))
        clock.advance(60)
        answer = await w.fetch(link)
        assert link.endswith("/A-picture.png")
        told = {name: answer.headers.get(name) for name in (
            "content-type", "content-length", "content-disposition", "x-content-type-options", "cache-control",
            "content-security-policy",
        )}  # fmt: skip
        assert told == {
            "content-type": "image/png", "content-length": str(len(PNG)),
            "content-disposition": 'inline; filename="A-picture.png"', "x-content-type-options": "nosniff",
            "cache-control": "private, max-age=540", "content-security-policy": None,
        }  # fmt: skip


@pytest.mark.parametrize(
    ("media_type", "name"), [("text/html; charset=utf-8", "page.html"), ("image/svg+xml", "x.svg")]
)
async def test_what_could_run_scripts_is_only_to_be_saved(
    pair: Pair, tmp_path: Path, media_type: str, name: str
):
    rules = '{mode: proxy, types: ["image/*", text/html]}'
    async with world(capability(rules), tmp_path, pair) as w:
        answer = await w.fetch(await w.linked(w.api.holds("/x", b"<script>", media_type)))
        assert answer.headers["content-disposition"] == f'attachment; filename="x.{name.partition(".")[2]}"'
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_an_original_that_has_expired_is_gone_and_the_answer_says_so(
    pair: Pair, tmp_path: Path, status: int
):
    async with world(capability(AT_STORAGE), tmp_path, pair) as w:
        w.storage.routes["/f"] = reply(status, b"<Error/>", ("content-type", "application/xml"))
        answer = await w.fetch(await w.linked(f"{w.storage.url}/f"))
        assert answer.status_code == 410
        assert answer.headers["content-type"] == "application/problem+json"
        assert "has expired" in answer.json()["detail"]


async def test_other_failures_of_the_host_are_a_bad_gateway(pair: Pair, tmp_path: Path):
    async with world(capability(AT_STORAGE), tmp_path, pair) as w:
        w.storage.routes["/f"] = reply(500)
        assert (await w.fetch(await w.linked(f"{w.storage.url}/f"))).status_code == 502


async def test_a_type_that_is_not_allowed_is_refused(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        answer = await w.fetch(await w.linked(w.api.holds("/f.png", b"<p>", "text/html")))
        assert answer.status_code == 502
        assert "text/html" in answer.json()["detail"]


async def test_plain_bytes_are_what_the_end_of_the_link_says(pair: Pair, tmp_path: Path):
    async with world(capability("{mode: proxy, types: [image/png]}"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds("/f.PNG", PNG, "binary/octet-stream;x"))
        assert (await w.fetch(link)).status_code == 502
        link = await w.linked(w.api.holds("/f.PNG", PNG, "application/octet-stream"))
        assert (await w.fetch(link)).headers["content-type"] == "image/png"
        link = await w.linked(w.api.holds("/f.html", PNG, "application/octet-stream"))
        assert (await w.fetch(link)).status_code == 502


async def test_an_asset_over_the_limit_is_refused_or_cut_off(pair: Pair, tmp_path: Path):
    async with world(capability("{mode: proxy, maxSize: 1KiB}"), tmp_path, pair) as w:
        answer = await w.fetch(await w.linked(w.api.holds("/f.png")))
        assert answer.status_code == 502
        assert "1024" in answer.json()["detail"]
        w.api.routes["/endless.png"] = ENDLESS
        with pytest.raises(httpx.RemoteProtocolError):
            await w.fetch(await w.linked(f"{w.api.url}/endless.png"))


async def test_an_asset_may_be_larger_than_other_answers(pair: Pair, tmp_path: Path):
    large = bytes(11 * 2**20)
    async with world(capability("proxy"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds("/f.mp4", large, "video/mp4"))
        assert (await w.fetch(link)).content == large


async def test_head_has_the_headers_alone(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds("/f.png"))
        answer = await w.web.head(link)
        assert (answer.status_code, answer.headers["content-length"]) == (200, str(len(PNG)))
        assert (await w.web.post(link)).status_code == 405
        assert (await w.web.post(link)).headers["allow"] == "GET, HEAD"


async def test_a_caller_who_leaves_ends_the_request_upstream(pair: Pair, tmp_path: Path):
    async with world(capability(AT_STORAGE), tmp_path, pair) as w:
        w.storage.routes["/f.png"] = HEAD + b"content-length: 9999\r\n\r\nthe beginning"
        link = await w.linked(f"{w.storage.url}/f.png")
        async with w.web.stream("GET", link) as answer:
            assert await anext(answer.aiter_bytes()) == b"the beginning"
        async with asyncio.timeout(5):
            await w.storage.server.idle()


# -- links ------------------------------------------------------------------------------------------------


async def test_a_changed_link_leads_nowhere(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds("/f.png"))
        before, token, name = link.rsplit("/", 2)
        flipped = token[:20] + ("A" if token[20] != "A" else "B") + token[21:]
        for url in (
            f"{before}/{flipped}/{name}",
            f"{before}/{token}/g.png",
            f"{before}/{token}",
            f"{before}/x/y",
        ):
            assert (await w.fetch(url)).status_code == 404, url
        assert w.api.asked("/f.png") == []


async def test_a_link_ends_with_its_time(pair: Pair, tmp_path: Path):
    async with world(capability("{mode: proxy, keep: 1h}"), tmp_path, pair, clock=VirtualClock()) as w:
        link = await w.linked(w.api.holds("/f.png"))
        w.later(HOUR - 1)
        assert (await w.fetch(link)).status_code == 200
        w.later(1)
        answer = await w.fetch(link)
        assert answer.status_code == 410
        assert "this link has expired" in answer.json()["detail"]


async def test_a_link_works_for_whoever_has_it(pair: Pair, tmp_path: Path):
    guard = "authentication: {type: bearer, token: '{{TOKEN}}'}"
    async with world(capability("proxy", guard=guard), tmp_path, pair) as w:
        w.gives(w.api.holds("/f.png"))
        assert (await w.fetch(f"{w.url}/pictures/1")).status_code == 401
        answer = await w.fetch(f"{w.url}/pictures/1", authorization=f"Bearer {TOKEN}")
        assert (await w.fetch(answer.json()["url"])).content == PNG


async def test_a_link_outlives_a_restart_only_with_the_same_secret(pair: Pair, tmp_path: Path):
    text = capability("proxy")
    links = {}
    for secret in (SECRET, ""):
        async with world(text, tmp_path, pair, secret=secret) as w:
            links[secret] = urlsplit(await w.linked(w.api.holds("/f.png"))).path
    for secret in (SECRET, ""):
        async with world(text, tmp_path, pair, secret=secret) as w:
            assert (await w.fetch(w.url + links[secret])).status_code == (200 if secret else 404)


async def test_an_agent_gets_links_below_its_own_endpoint(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair, mount="/studio", way="mcp") as w:
        w.gives(w.api.holds("/f.png"))
        async with Client(w.url) as agent:
            link = value_of(await agent.call_tool("make", {"id": "1"}))["url"]
        assert link.startswith(f"{w.url}/-/assets/")
        assert "/studio/mcp/-/assets/" in link
        assert (await w.fetch(link)).content == PNG


async def test_links_are_below_the_mount_point(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair, mount="/studio") as w:
        link = await w.linked(w.api.holds("/f.png"))
        assert link.startswith(f"{w.url}/-/assets/")
        assert (await w.fetch(link)).content == PNG


async def test_a_host_header_that_is_none_makes_no_links(pair: Pair, tmp_path: Path):
    async with world(capability("proxy"), tmp_path, pair) as w:
        theirs = w.api.holds("/f.png")
        w.gives(theirs)
        answer = await w.fetch(f"{w.url}/pictures/1", host="evil.example/x?")
        assert answer.json()["url"] == theirs


@pytest.mark.parametrize(
    ("segment", "name"),
    [
        ("..%2f..%2fetc%2fpasswd.png", "etc-passwd.png"),
        ("%2e%2e%5c%2e%2ecmd.png", "cmd.png"),
        (".hidden.png", "hidden.png"),
        ("a%00b%0d%0aSet-Cookie:%20x.png", "a-b-Set-Cookie-x.png"),
        ("%22%3bx.png", "x.png"),
        ("", "api.make"),
        ("x" * 300 + ".png", "x" * 76 + ".png"),
    ],
)
async def test_names_are_safe_anywhere(pair: Pair, tmp_path: Path, segment: str, name: str):
    async with world(capability("proxy"), tmp_path, pair) as w:
        link = await w.linked(w.api.holds(f"/{segment}"))
        assert unquote(link.rpartition("/")[2]) == name
        given = (await w.fetch(link)).headers["content-disposition"]
        assert given == f'inline; filename="{name if name.endswith(".png") else f"{name}.png"}"'


# -- answers ----------------------------------------------------------------------------------------------


async def test_an_unmapped_answer_is_passed_on_with_our_links(pair: Pair, tmp_path: Path):
    async with world(capability("proxy", flow="call: api.make"), tmp_path, pair) as w:
        theirs = w.api.holds("/f.png")
        body = json.dumps({"deep": [{"url": theirs}], "n": 1, "page": f"see {theirs}"}).encode()
        w.api.routes["/pictures/1"] = reply(200, body, ("etag", '"1"'))
        answer = await w.fetch(f"{w.url}/pictures/1")
        given = answer.json()
        assert (given["n"], given["page"], answer.headers.get("etag")) == (1, f"see {theirs}", None)
        assert (await w.fetch(given["deep"][0]["url"])).content == PNG


async def test_an_answer_without_links_is_passed_on_as_it_came(pair: Pair, tmp_path: Path):
    async with world(capability("proxy", flow="call: api.make"), tmp_path, pair) as w:
        for body in (b'{ "n" : 1.50 }', b"not JSON at all"):
            w.api.routes["/pictures/1"] = reply(200, body, ("etag", '"1"'))
            answer = await w.fetch(f"{w.url}/pictures/1")
            assert (answer.content, answer.headers["etag"]) == (body, '"1"')


async def test_only_the_named_paths_become_links(pair: Pair, tmp_path: Path):
    text = capability("{mode: proxy, url: [$.url, '$.more[*].href']}", flow="call: api.make")
    async with world(text, tmp_path, pair) as w:
        theirs = [w.api.holds(f"/{name}.png") for name in "abc"]
        w.api.routes["/pictures/1"] = answered(url=theirs[0], more=[{"href": theirs[1]}], home=theirs[2])
        given = (await w.fetch(f"{w.url}/pictures/1")).json()
        ours = [given["url"], given["more"][0]["href"]]
        assert [(await w.fetch(link)).content for link in ours] == [PNG, PNG]
        assert given["home"] == theirs[2]


async def test_a_failed_answer_keeps_its_links(pair: Pair, tmp_path: Path):
    async with world(capability("proxy", flow="call: api.make"), tmp_path, pair) as w:
        theirs = w.api.holds("/f.png")
        w.api.routes["/pictures/1"] = reply(404, json.dumps({"url": theirs}).encode())
        assert (await w.fetch(f"{w.url}/pictures/1")).json() == {"url": theirs}


async def test_later_steps_get_the_upstreams_links_and_callers_get_ours(pair: Pair, tmp_path: Path):
    steps = """steps:
        - {type: call, name: first, call: api.make, with: {id: "{{id}}"}}
        - {type: call, name: second, call: api.make, with: {id: "{{first.id}}"}}
        mappings: [{targetName: before, value: $.first.url}, {targetName: after, value: $.second.url}]
        outputParameters:
        - {name: before, type: string, mapping: $.before}
        - {name: after, type: string, mapping: $.after}"""
    async with world(capability("proxy", flow=steps), tmp_path, pair) as w:
        theirs = w.api.holds("/f.png")
        w.api.routes["/pictures/1"] = answered(id=theirs.rpartition("/")[2], url=theirs)
        w.api.routes["/pictures/f.png"] = answered(url=w.api.holds("/g.png"))
        given = (await w.fetch(f"{w.url}/pictures/1")).json()
        assert [link.rpartition("/")[2] for link in (given["before"], given["after"])] == ["f.png", "g.png"]
        assert [(await w.fetch(link)).content for link in given.values()] == [PNG, PNG]


async def test_link_leaves_everything_as_it_is(pair: Pair, tmp_path: Path):
    async with world(capability("link"), tmp_path, pair) as w:
        theirs = w.api.holds("/f.png")
        assert await w.linked(theirs) == theirs


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
        assert sorted(tmp_path.iterdir()) == [theirs, ours]


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
        assert list(tmp_path.iterdir()) == []


async def test_half_an_asset_is_none(pair: Pair, tmp_path: Path):
    async with world(capability(SAVED), tmp_path, pair) as w:
        w.storage.routes["/f.png"] = HEAD + b"content-length: 900\r\n\r\nhalf"
        w.storage.broken.add("/f.png")
        theirs = f"{w.storage.url}/f.png"
        assert await w.linked(theirs) == theirs
        assert list(tmp_path.iterdir()) == []


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
    assert list(tmp_path.iterdir()) == []


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
        url = urlsplit((await w.called_locally())["url"])
        assert url.scheme == "file"
        assert Path(url2pathname(url.path)).read_bytes() == PNG
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
