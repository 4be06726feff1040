"""Links in answers that become our own: what callers get, what the upstream is sent, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from mcp import Client

from capspec.assets.serving import asset_app
from capspec.clock import VirtualClock
from tests.assets.asset_world import (
    AT_STORAGE,
    ENDLESS,
    HEAD,
    HOUR,
    JOB,
    OPERATION,
    PNG,
    SECRET,
    TOKEN,
    Pair,
    answered,
    capability,
    hosts,
    listening,
    world,
)
from tests.upstreams import reply
from tests.whole import value_of

pytestmark = pytest.mark.anyio


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    async with hosts() as found:
        yield found


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
        assert "content-security-policy" not in answer.headers
        assert (
            dict(answer.headers).items()
            >= {
                "content-type": "image/png",
                "content-length": str(len(PNG)),
                "content-disposition": 'inline; filename="A-picture.png"',
                "x-content-type-options": "nosniff",
                "cache-control": "private, max-age=540",
            }.items()
        )


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


async def test_the_result_of_a_job_within_a_flow_has_our_links(pair: Pair, tmp_path: Path):
    steps = """steps: [{type: call, name: made, call: api.make, with: {id: "{{id}}"}}]
        outputParameters: [{name: url, type: string, mapping: $.url}]"""
    text = capability(AT_STORAGE, operation=JOB, flow=steps)
    async with world(text, tmp_path, pair, clock=VirtualClock()) as w:
        w.api.routes["/pictures/1"] = answered(id="1", status="queued")
        w.api.routes["/jobs/1"] = answered(status="done", url=w.storage.holds("/f.png"))
        link = await w.make()
        assert (await w.fetch(link)).content == PNG
        w.later(600)
        assert (await w.fetch(link)).status_code == 410


async def test_one_address_serves_the_links_of_several_capabilities(pair: Pair, tmp_path: Path):
    async with AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(world(capability("proxy"), tmp_path, pair)) for _ in range(2)
        ]
        url = await stack.enter_async_context(listening(asset_app(*(w.engine for w in worlds))))
        for w in worlds:
            link = await w.linked(w.api.holds("/f.png"))
            assert (await w.fetch(url + urlsplit(link).path)).content == PNG
        assert (await w.fetch(f"{url}/-/assets/asset1_AAAA/f.png")).status_code == 404
