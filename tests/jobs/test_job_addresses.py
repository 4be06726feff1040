"""Where requests about a job go: to addresses that answers give, but only to those that the file allows."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capspec import app
from capspec.egress import is_among
from capspec.errors import EgressDenied
from capspec.jobs.outcome import State
from capspec.jobs.running import Jobs
from tests.jobs.job_world import BASE, Reply, World, capability, world
from tests.upstreams import Seen, reply, serving
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

SUBMIT = f"POST {BASE}/jobs"
OWN = f"GET {BASE}/jobs/j1"
DONE = Reply({"status": "done", "result": "picture"})

HOSTILE = [
    "https://evil.test/jobs/j1",
    "http://api.maker.test/v1/jobs/j1",
    "https://api.maker.test.evil.test/",
    "https://evil.test#api.maker.test",
    "https://evil.test/?api.maker.test",
    "https://api.maker.test@evil.test/",
    "https://key:word@api.maker.test/",
    "https://api.maker.test:8443/",
    "https://api.maker.test:0/",
    "https://api.maker.test./",
    "https://maker.test/",
    "https://xapi.maker.test/",
    "https://127.0.0.1/",
    "https://2130706433/",
    "https://169.254.169.254/latest/meta-data",
    "https://[::1]/",
    "https://[::ffff:169.254.169.254]/",
    "//evil.test/jobs/j1",
    "///evil.test/jobs/j1",
    "\\\\evil.test\\jobs",
    "https:\\\\evil.test",
    "https://evil.test\\@api.maker.test/",
    "https://api.maker.test\r\nX-Evil: 1",
    "https://api.maker.test /",
    "https://api.maker.test/\x00",
    "https://\N{FULLWIDTH LATIN SMALL LETTER A}pi.evil.test/",
    "file:///etc/passwd",
    "gopher://api.maker.test/",
    "javascript:alert(1)",
    "https://",
    "https:/",
    "https:evil.test",
    "https:///evil.test/",
    "https://[::1",
    "//[::1",
    "https://api.maker.test:99999/",
    "https://api.maker.test/" + "x" * 5000,
]


def blocks(request: str, more: str = "") -> str:
    return f"""
poll:
  id: $.id
  request: {request}
  interval: 1s
  status: {{path: $.status, success: [done], failure: [failed]}}
  {more or "result: {path: $.result}"}
"""


def given_address(url: Any, *, request: str, own: Reply = DONE, more: str = "", script: Any = None) -> World:
    return world(
        blocks(request, more), {SUBMIT: Reply({"id": "j1", "where": url}), OWN: own, **(script or {})}
    )


FOLLOWING = "{uriFrom: {body: $.where}}"
FALLING_BACK = '{uriFrom: {body: $.where}, uri: "/jobs/{{id}}"}'
WIDER = '{uriFrom: {body: $.where}, allowHosts: ["*.maker.test", maker.example, "files.maker.example:8443"]}'


@pytest.mark.parametrize("url", HOSTILE)
async def test_an_address_that_the_file_does_not_allow_is_never_contacted(url: str) -> None:
    made = given_address(url, request=FOLLOWING)
    accepted = await made.submit()
    outcome = accepted.outcome
    assert (outcome.state, outcome.code, outcome.job_id) == (State.UNKNOWN, "untrusted_poll_uri", "j1")
    assert accepted.job.poll_url == ""
    await made.wait(accepted.job)
    assert made.lines == [SUBMIT]


@pytest.mark.parametrize("url", HOSTILE)
async def test_the_file_s_own_address_takes_the_place_of_one_that_is_not_allowed(url: str) -> None:
    made = given_address(url, request=FALLING_BACK)
    assert (await made.run()).result == "picture"
    assert made.lines == [SUBMIT, OWN]


@pytest.mark.parametrize("url", [url for url in HOSTILE if "maker.test/" not in url or "evil" in url])
async def test_allowing_more_hosts_allows_no_others(url: str) -> None:
    made = given_address(url, request=WIDER)
    assert (await made.submit()).outcome.code == "untrusted_poll_uri"


@pytest.mark.parametrize(
    "url",
    [
        "https://eu4.maker.test/q/j1",
        "https://a.b.maker.test/q/j1",
        "https://EU4.Maker.Test/q/j1",
        "https://eu4.maker.test:443/q/j1",
        "https://maker.example/q/j1",
        "https://files.maker.example:8443/q/j1",
        "https://api.maker.test/q/j1",
    ],
)
async def test_an_allowed_host_is_followed_with_the_key(url: str) -> None:
    made = given_address(url, request=WIDER, script={f"GET {url}": DONE})
    outcome = await made.run()
    assert (outcome.state, outcome.poll_url) == (State.SUCCEEDED, url)
    assert made.transport.sent[1].header("X-Key") == "sesame"


@pytest.mark.parametrize(
    "url",
    [
        "https://maker.test/q/j1",
        "https://files.maker.example/q/j1",
        "https://sub.maker.example/q/j1",
        "http://eu4.maker.test/q/j1",
        "https://eu4.maker.test:8443/q/j1",
    ],
)
async def test_a_pattern_allows_names_below_it_and_a_name_only_itself(url: str) -> None:
    made = given_address(url, request=WIDER)
    assert (await made.submit()).outcome.code == "untrusted_poll_uri"


@pytest.mark.parametrize(
    ("written", "sent"),
    [
        ("/q/j1", "https://api.maker.test/q/j1"),
        ("q/j1", f"{BASE}/q/j1"),
        ("?id=j1", f"{BASE}/?id=j1"),
        (f"  {BASE}/q/j1#part ", f"{BASE}/q/j1"),
    ],
)
async def test_a_relative_address_is_below_the_base_uri(written: str, sent: str) -> None:
    made = given_address(written, request=FOLLOWING, script={f"GET {sent}": DONE})
    assert (await made.run()).result == "picture"


@pytest.mark.parametrize("value", [None, "", "   ", 7, ["https://evil.test"], {"get": "https://evil.test"}])
async def test_what_is_no_address_is_not_followed(value: Any) -> None:
    made = given_address(value, request=FALLING_BACK)
    await made.run()
    assert made.lines == [SUBMIT, OWN]


async def test_the_first_address_that_is_found_and_allowed_is_followed() -> None:
    request = "{uriFrom: [{header: X-Where}, {body: $.evil}, {body: $.good}, {header: Location}]}"
    made = world(
        blocks(request),
        {
            SUBMIT: Reply({"id": "j1", "evil": "https://evil.test/", "good": f"{BASE}/good"}, 202),
            f"GET {BASE}/good": DONE,
        },
    )
    assert (await made.run()).result == "picture"


async def test_an_address_of_another_api_of_the_same_file_is_not_allowed() -> None:
    text = (
        capability(blocks(FOLLOWING))
        + "  - {namespace: other, baseUri: https://other.test, operations: []}\n"
    )
    made = World(
        plan_of(text, environ={"MAKER_KEY": "sesame"}),
        {SUBMIT: Reply({"id": "j1", "where": "https://other.test/take-it"})},
    )
    assert "https://other.test" in made.plan.contacts
    assert (await made.submit()).outcome.code == "untrusted_poll_uri"


async def test_a_stored_address_is_checked_again_when_it_is_used() -> None:
    made = given_address(f"{BASE}/q", request=FOLLOWING)
    job = replace((await made.submit()).job, poll_url="https://evil.test/")
    outcome = await made.wait(job)
    assert (outcome.state, outcome.code) == (State.UNKNOWN, "untrusted_poll_uri")
    assert made.lines == [SUBMIT]


async def test_addresses_of_results_and_of_canceling_are_fenced_too() -> None:
    more = "result: {uriFrom: {body: $.file}}\n  cancel: {uriFrom: {body: $.stop, of: submit}, method: POST}"
    made = world(
        blocks('{uri: "/jobs/{{id}}"}', more),
        {
            SUBMIT: Reply({"id": "j1", "stop": "https://evil.test/stop"}),
            OWN: Reply({"status": "done", "file": "https://evil.test/file"}),
        },
    )
    accepted = await made.submit()
    assert accepted.job.cancel_url == ""
    outcome = await made.wait(accepted.job)
    assert (outcome.state, outcome.code) == (State.UNKNOWN, "untrusted_poll_uri")
    assert {sent.host for sent in made.transport.sent} == {"api.maker.test"}


async def test_what_the_request_allows_holds_for_the_result_unless_it_says_its_own() -> None:
    request = '{uri: "/jobs/{{id}}", allowHosts: ["*.maker.test"]}'
    file = "https://files.maker.test/f"
    script = {
        SUBMIT: Reply({"id": "j1"}),
        OWN: Reply({"status": "done", "file": file}),
        f"GET {file}": Reply("f"),
    }
    made = world(blocks(request, "result: {uriFrom: {body: $.file}, path: $}"), script)
    assert (await made.run()).result == "f"
    made = world(blocks(request, "result: {uriFrom: {body: $.file}, allowHosts: [cdn.test]}"), script)
    assert (await made.run()).code == "untrusted_poll_uri"


async def test_an_id_cannot_lead_a_request_out_of_its_path() -> None:
    for bad in ("../../admin", "..%2f..%2fadmin", "%2e%2e/x", "a/../b", "/a", "a//b", "a/"):
        made = world(blocks('{uri: "/jobs/{{id}}/state"}'), {SUBMIT: Reply({"id": bad})})
        outcome = await made.run()
        assert outcome.state is State.UNKNOWN, bad
        assert made.lines == [SUBMIT], bad


async def test_an_id_cannot_add_to_a_query() -> None:
    made = world(
        blocks("{uri: '/look?id={{id}}&full=1'}"),
        {SUBMIT: Reply({"id": "1&admin=1#x"}), f"GET {BASE}/look?id=1%26admin%3D1%23x&full=1": DONE},
    )
    assert (await made.run()).result == "picture"


async def test_what_a_caller_gives_stays_in_its_segment_of_a_later_request() -> None:
    operation = (
        "name: make\nmethod: POST\npath: /spaces/{space}/jobs\ninputParameters: [{name: space, in: path}]\n"
    )
    request = '{uri: "/spaces/{{inputParameters.space}}/jobs/{{id}}"}'
    made = world(
        blocks(request),
        {
            f"POST {BASE}/spaces/a%2Fb/jobs": Reply({"id": "j/1"}),
            f"GET {BASE}/spaces/a%2Fb/jobs/j/1": DONE,
        },
        operation=operation,
    )
    accepted = await made.submit(space="a/b")
    assert accepted.job.values == {"inputParameters.space": "a/b"}
    assert (await made.wait(accepted.job)).result == "picture"


async def test_an_absolute_address_of_the_file_may_be_another_host_that_it_allows() -> None:
    request = '{uri: "https://status.maker.test/of/{{id}}", allowHosts: [status.maker.test]}'
    made = world(blocks(request), {SUBMIT: Reply({"id": "j1"}), "GET https://status.maker.test/of/j1": DONE})
    assert (await made.run()).result == "picture"
    assert made.transport.sent[1].header("X-Key") == "sesame"


async def test_the_query_of_the_base_uri_goes_with_the_file_s_own_addresses() -> None:
    made = world(
        blocks('{uri: "/jobs/{{id}}"}'),
        {
            "POST https://api.maker.test/v1/jobs?version=3": Reply({"id": "j1"}),
            "GET https://api.maker.test/v1/jobs/j1?version=3": DONE,
        },
        base=f"{BASE}?version=3",
    )
    assert (await made.run()).result == "picture"


async def test_a_bound_variable_can_stand_in_a_later_request_and_is_not_kept_with_the_job() -> None:
    request = '{uri: "/jobs/{{id}}?token={{MAKER_KEY}}", headers: {X-Twice: "{{MAKER_KEY}}"}}'
    made = world(blocks(request), {SUBMIT: Reply({"id": "j1"}), f"GET {BASE}/jobs/j1?token=sesame": DONE})
    accepted = await made.submit()
    assert "sesame" not in json.dumps(accepted.job.to_json())
    assert (await made.wait(accepted.job)).poll_url == ""
    assert made.transport.sent[1].header("X-Twice") == "sesame"


HOSTS = st.text(st.sampled_from("abmakertesvil.-_:@/\\%#?[]1 "), max_size=24)


@given(host=HOSTS, path=st.text(max_size=10))
def test_only_hosts_of_the_patterns_are_among_them(host: str, path: str) -> None:
    url = f"https://{host}/{path}"
    if is_among(url, ["https://api.maker.test", "https://*.vil.test"]):
        name = host.lower().removesuffix(":443").removesuffix(":")
        assert name == "api.maker.test" or name.endswith(".vil.test")


# -- the side that sends -------------------------------------------------------------------------------------


async def test_the_sending_side_refuses_an_address_that_the_caller_of_it_does_not_allow() -> None:
    made = given_address(f"{BASE}/q", request=WIDER, script={"POST https://api.maker.test/other?x=1": DONE})
    upstreams: Any = made.jobs._sending
    for url in ("https://evil.test/", "https://eu4.maker.test/"):
        with pytest.raises(EgressDenied):
            await upstreams.send_to(url, made.operation, {}, allowed=[BASE])
    assert made.lines == []
    answer = await upstreams.send_to("https://api.maker.test/other?x=1", made.operation, {}, allowed=[BASE])
    assert await upstreams.decode(answer) == {"status": "done", "result": "picture"}


async def test_a_redirect_is_not_followed_over_real_connections() -> None:
    """Two servers: the job's, and one that must never see the key."""

    async def evil(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(200, b'{"status": "done"}')

    async with serving(evil) as trap:

        async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
            if seen.method == "POST":
                return reply(202, json.dumps({"id": "j1"}).encode())
            return reply(302, b"", ("Location", f"{trap.url}/jobs/j1"))

        async with serving(answer) as maker:
            plan = plan_of(
                capability(blocks('{uri: "/jobs/{{id}}"}', "initialDelay: 0s")),
                base=maker.url,
                environ={"MAKER_KEY": "sesame"},
            )
            async with app.open_engine(plan) as engine:
                jobs = Jobs(plan.operations, engine._upstreams, engine.clock, engine.events)
                accepted: Any = await jobs.submit(plan.operations["maker.make"], {})
                outcome = await jobs.wait(accepted.job)
    assert (outcome.state, outcome.code) == (State.UNKNOWN, "poll_rejected")
    assert (len(maker.requests), len(trap.requests)) == (2, 0)


async def test_a_local_imitation_may_answer_with_its_other_name() -> None:
    """Submitted to 127.0.0.1, asked about at localhost: the rule for hosts holds as it does for real ones."""
    url = ""

    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        where = url.replace("127.0.0.1", "localhost") + "/q"
        return reply(200, json.dumps({"id": "j1", "where": where, "status": seen.method}).encode())

    block = blocks(FOLLOWING, "initialDelay: 0s").replace("[done]", "[GET]")
    async with serving(answer) as maker:
        url = maker.url
        plan = plan_of(capability(block), base=maker.url, environ={"MAKER_KEY": "sesame"})
        async with app.open_engine(plan) as engine:
            jobs = Jobs(plan.operations, engine._upstreams, engine.clock, engine.events)
            accepted: Any = await jobs.submit(plan.operations["maker.make"], {})
            outcome = await jobs.wait(accepted.job)
    assert outcome.state is State.SUCCEEDED
    assert (maker.requests[1].header("host") or "").startswith("localhost:")


async def test_a_question_can_have_a_body_written_as_text_and_a_call_one_of_its_own() -> None:
    more = """
- name: ask
  method: POST
  path: /ask
  body: {type: json, data: {job: "{{job}}"}}
"""
    script = {SUBMIT: Reply({"id": "j1"}), f"POST {BASE}/ask": DONE}
    made = world(blocks('{call: maker.ask, with: {job: "{{id}}", ignored: 1}}'), script, more=more)
    assert (await made.run()).result == "picture"
    assert made.transport.sent[1].json == {"job": "j1"}
    made = world(blocks("""{uri: /ask, method: POST, body: '{"job": "{{id}}"}'}"""), script)
    assert (await made.run()).result == "picture"
    assert made.transport.sent[1].json == {"job": "j1"}
