"""Faults in memory: who asks for them, when they strike, what a job does under them."""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from capspec.sandbox import SandboxConfig, create_app
from capspec.sandbox.faults import FaultSyntaxError, parse_fault
from tests.sandbox.sandbox_world import BFL, FLEXURA, FLORA, GENERATION, NEUROFLASH, WORKSPACE, Box, in_memory

pytestmark = pytest.mark.anyio
PRO = "/bfl/v1/flux-kontext-pro"


async def submit(box: Box, fault: str | None = None, prompt: str = "a") -> httpx.Response:
    headers = BFL if fault is None else {**BFL, "x-sandbox-fault": fault}
    return await box.http.post(PRO, headers=headers, json={"prompt": prompt})


async def test_a_header_breaks_one_answer() -> None:
    async with in_memory() as box:
        assert (await submit(box, "status 503")).json() == {"detail": "Service Unavailable"}
        assert (await submit(box)).status_code == 200
        assert len(await box.jobs()) == 1


@pytest.mark.parametrize(
    ("method", "path", "headers", "body"),
    [
        ("POST", PRO, BFL, {"detail": "Rate limit exceeded"}),
        ("POST", "/flexura/api/generate/image", FLEXURA, {"error": "Too many requests"}),
        (
            "POST",
            "/flora/api/v1/generate",
            FLORA,
            {"error": {"code": "rate_limited", "message": "Too many requests"}},
        ),
        ("GET", f"{WORKSPACE}/images", NEUROFLASH, {"error": "Too many requests", "code": "RATE_LIMITED"}),
        ("POST", "/neuroflash-id/oauth/v2/token", {}, {"error": "slow_down"}),
    ],
)
async def test_a_status_fault_speaks_the_providers_language(
    method: str, path: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    async with in_memory() as box:
        sent = {**headers, "x-sandbox-fault": "status 429 retry-after=7"}
        answer = await box.http.request(method, path, headers=sent)
        assert ("request-id" in answer.headers) == ("flora" in path)
        assert [answer.status_code, answer.headers["retry-after"], answer.json()] == [429, "7", body]


async def test_retry_after_can_be_a_date_or_missing() -> None:
    async with in_memory() as box:
        dated = await submit(box, "status 429 retry-after-date=30")
        assert parsedate_to_datetime(dated.headers["retry-after"]).tzinfo is not None
        assert "retry-after" not in (await submit(box, "status 429")).headers


@pytest.mark.parametrize(
    ("fault", "status", "kind", "body"),
    [
        ("malformed", 200, "application/json", b'{"id":"abc", "status": '),
        ("empty", 200, "application/json", b""),
        ("empty status=204", 204, "application/json", b""),
    ],
)
async def test_broken_bodies(fault: str, status: int, kind: str, body: bytes) -> None:
    async with in_memory() as box:
        answer = await submit(box, fault)
        assert [answer.status_code, answer.headers["content-type"], answer.content] == [status, kind, body]


async def test_a_gateways_page_instead_of_json() -> None:
    async with in_memory() as box:
        for fault, status in (("html", 502), ("html 200", 200)):
            answer = await submit(box, fault)
            assert answer.status_code == status
            assert answer.headers["content-type"].startswith("text/html")


async def test_a_right_body_under_a_wrong_label() -> None:
    async with in_memory() as box:
        answer = await submit(box, "wrong-type")
        assert answer.headers["content-type"] == "text/plain"
        assert "polling_url" in answer.json()
        strange = await submit(box, "wrong-charset")
        assert strange.headers["content-type"] == "application/json; charset=utf-8"
        with pytest.raises(UnicodeDecodeError):
            strange.content.decode()


async def test_a_redirect_leads_to_the_apps_other_name_unless_told_where() -> None:
    async with in_memory() as box:
        answer = await submit(box, "redirect")
        assert [answer.status_code, answer.headers["location"]] == [302, f"http://localhost:4010{PRO}"]
        moved = await submit(box, "redirect http://evil.invalid/ status=307")
        assert [moved.status_code, moved.headers["location"]] == [307, "http://evil.invalid/"]


async def test_slow_and_trickled_answers_arrive_whole() -> None:
    async with in_memory() as box:
        assert (await submit(box, "slow 0.01")).status_code == 200
        assert (await submit(box, "stall seconds=0")).status_code == 200
        assert "polling_url" in (await submit(box, "trickle interval=0 bytes=50")).json()


@pytest.mark.parametrize("fault", ["truncate", "abort-chunked", "reset", "close", "lost-response"])
async def test_without_a_connection_to_break_the_break_is_raised(fault: str) -> None:
    async with in_memory() as box:
        with pytest.raises(ConnectionAbortedError):
            await submit(box, fault)
        assert len(await box.jobs()) == (1 if fault == "lost-response" else 0)


async def test_a_prompt_breaks_its_own_submit() -> None:
    async with in_memory() as box:
        assert (await submit(box, prompt="a hat [[fault:status 500]]")).status_code == 500
        assert (await box.requests())[-1]["fault_source"] == "prompt"


async def test_a_prompt_breaks_later_polls_of_its_own_job() -> None:
    async with in_memory() as box:
        fault = "status 429 retry-after=1 phase=poll after=1 times=2"
        marked = (await submit(box, prompt=f"a [[fault:{fault}]]")).json()["id"]
        other = (await submit(box)).json()["id"]
        await box.advance(1)

        async def poll(job: str) -> int:
            return (await box.http.get("/bfl/v1/get_result", params={"id": job}, headers=BFL)).status_code

        box.http._transport = httpx.ASGITransport(box.http._transport.app)  # type: ignore[attr-defined]
        assert [await poll(other) for _ in range(2)] == [200, 200]
        assert [await poll(marked) for _ in range(4)] == [200, 429, 429, 200]


async def test_a_prompt_may_ask_for_several_faults() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(
            prompt="[[fault:unknown-status status=Thinking]] [[fault:job-fail code=X]]"
        )
        await box.advance(4)
        assert (await box.bfl_result(job["id"])).json()["status"] == "Thinking"
        await box.advance(10)
        assert (await box.bfl_result(job["id"])).json()["details"] == {"error": "X"}


@pytest.mark.parametrize(
    "header", ["explode", "reset hard", "status 99", "stall seconds=-1", 'reset "', "stall x"]
)
async def test_a_fault_that_nobody_knows_is_a_400_that_says_so(header: str) -> None:
    async with in_memory() as box:
        answer = await submit(box, header)
        assert answer.status_code == 400
        assert "fault" in answer.json()["sandbox"] or "is not a fault" in answer.json()["sandbox"]
        prompt = header.replace('"', "'")
        assert (await submit(box, prompt=f"[[fault:{prompt}]]")).status_code == 400


async def test_a_rule_strikes_what_it_matches_after_and_for_as_often_as_it_says() -> None:
    async with in_memory(checked=False) as box:
        await box.add_fault("status 503", match={"provider": "bfl", "phase": "submit"}, after=1, times=2)
        assert [(await submit(box)).status_code for _ in range(5)] == [200, 503, 503, 200, 200]
        assert (await box.submit_flora()).status_code == 201
        (rule,) = (await box.http.get("/__sandbox__/faults")).json()["faults"]
        assert [rule["struck"], rule["times"], rule["fault"]] == [2, 2, {"kind": "status", "status": "503"}]


@pytest.mark.parametrize(
    ("match", "codes"),
    [
        ({"method": "POST"}, [500, 200]),
        ({"path": "/bfl/v1/flux-*"}, [500, 200]),
        ({"phase": "read"}, [200, 500]),
        ({"host": "127.0.0.1:*"}, [500, 500]),
        ({"host": "localhost:*"}, [200, 200]),
        ({}, [500, 500]),
    ],
)
async def test_rules_match_on_facts_of_the_request(match: dict[str, str], codes: list[int]) -> None:
    async with in_memory(checked=False) as box:
        await box.add_fault({"kind": "status", "status": 500}, match=match)
        seen = [
            (await submit(box)).status_code,
            (await box.http.get("/bfl/v1/credits", headers=BFL)).status_code,
        ]
        assert seen == codes


async def test_a_rule_can_fail_jobs() -> None:
    async with in_memory() as box:
        await box.add_fault("job-fail code=E", match={"provider": "bfl"}, times=1)
        jobs = [(await submit(box)).json()["id"] for _ in range(2)]
        await box.advance(12)
        assert [(await box.bfl_result(job)).json()["status"] for job in jobs] == ["Error", "Ready"]


async def test_chance_is_the_same_in_every_run() -> None:
    runs = []
    for _ in range(2):
        async with in_memory(checked=False) as box:
            await box.add_fault("status 500", probability=0.5)
            runs.append([(await box.http.get("/bfl/v1/credits", headers=BFL)).status_code for _ in range(40)])
    assert runs[0] == runs[1]
    assert 8 < runs[0].count(500) < 32


async def test_rules_given_at_the_start_come_back_with_a_reset() -> None:
    rule = {"match": {"phase": "submit"}, "times": 1, "fault": "status 500"}
    async with in_memory(checked=False, faults=[rule]) as box:
        assert [(await submit(box)).status_code for _ in range(2)] == [500, 200]
        await box.http.post("/__sandbox__/reset")
        assert [(await submit(box)).status_code for _ in range(2)] == [500, 200]


async def test_rules_can_be_taken_back() -> None:
    async with in_memory(checked=False) as box:
        first = await box.add_fault("status 500")
        await box.add_fault("status 502", id="mine")
        assert (await submit(box)).status_code == 500
        assert (await box.http.delete(f"/__sandbox__/faults/{first['id']}")).json() == {"removed": 1}
        assert (await submit(box)).status_code == 502
        assert (await box.http.delete("/__sandbox__/faults")).json() == {"removed": 1}
        assert (await submit(box)).status_code == 200


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"fault": 3},
        {"fault": {"status": 500}},
        {"fault": "reset", "match": {"colour": "red"}},
        {"fault": "reset", "match": []},
        {"fault": "reset", "when": "now"},
        {"fault": "reset", "after": -1},
        {"fault": "reset", "times": "twice"},
        {"fault": "reset", "probability": True},
        "reset",
        3,
    ],
)
async def test_a_rule_that_cannot_be_read_is_refused(rule: Any) -> None:
    with pytest.raises(FaultSyntaxError):
        create_app(SandboxConfig(faults=[rule]))
    async with in_memory() as box:
        answer = await box.http.post("/__sandbox__/faults", json=rule)
        assert answer.status_code == 400
        assert answer.json()["error"]


async def test_two_rules_cannot_share_an_id() -> None:
    async with in_memory() as box:
        await box.add_fault("reset", id="mine", times=0)
        answer = await box.http.post("/__sandbox__/faults", json={"fault": "reset", "id": "mine"})
        assert [answer.status_code, "'mine'" in answer.json()["error"]] == [400, True]


async def test_the_header_comes_before_the_prompt_and_the_prompt_before_the_rules() -> None:
    async with in_memory(checked=False) as box:
        await box.add_fault("status 500")
        prompt = "[[fault:status 502]]"
        codes = [await submit(box, "status 503", prompt), await submit(box, None, prompt), await submit(box)]
        assert [answer.status_code for answer in codes] == [503, 502, 500]


async def test_a_key_gives_way_to_every_other_source() -> None:
    async with in_memory(checked=False) as box:
        headers = {"x-key": "bfl_team-limited", "x-sandbox-fault": "status 500"}
        assert (await box.http.post(PRO, headers=headers, json={"prompt": "a"})).status_code == 500


async def test_a_stuck_job_never_ends() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="[[fault:job-stuck]]")
        await box.advance(86_400)
        assert [(await box.bfl_result(job["id"])).json()[name] for name in ("status", "progress")] == [
            "Pending",
            0.5,
        ]


async def test_a_job_can_vanish_for_good_or_hide_for_a_while() -> None:
    async with in_memory() as box:
        gone = await box.submit_bfl(prompt="[[fault:vanish after=5]]")
        shy = await box.submit_bfl(prompt="[[fault:flap]]")
        await box.advance(1)
        seen = [[(await box.bfl_result(job["id"])).status_code for job in (gone, shy)]]
        await box.advance(5)
        seen.append([(await box.bfl_result(job["id"])).status_code for job in (gone, shy)])
        await box.advance(3600)
        seen.append([(await box.bfl_result(job["id"])).status_code for job in (gone, shy)])
        assert seen == [[200, 404], [404, 200], [404, 200]]


async def test_hidden_jobs_are_not_found_with_the_other_providers_too() -> None:
    async with in_memory() as box:
        run = (await box.submit_flora(prompt="[[fault:vanish]]")).json()["run_id"]
        assert (await box.http.get(f"/flora/api/v1/runs/{run}", headers=FLORA)).status_code == 404
        body = {"prompt": "[[fault:vanish]]"}
        job = (await box.http.post("/flexura/api/generate/image", headers=FLEXURA, json=body)).json()[
            "job_id"
        ]
        assert (await box.http.get(f"/flexura/api/jobs/{job}", headers=FLEXURA)).status_code == 404


async def test_progress_can_run_backwards() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="[[fault:progress-backwards]]")
        shown = []
        for _ in range(60):
            await box.advance(0.15)
            progress = (await box.bfl_result(job["id"])).json()["progress"]
            shown += [] if progress is None else [progress]
        assert shown != sorted(shown)


async def test_unknown_statuses_show_while_a_job_runs() -> None:
    async with in_memory() as box:
        run = (await box.submit_flora(prompt="[[fault:unknown-status]]")).json()["run_id"]
        body = {"prompt": "[[fault:unknown-status]]"}
        job = (await box.http.post("/flexura/api/generate/image", headers=FLEXURA, json=body)).json()[
            "job_id"
        ]
        await box.advance(4)
        assert (await box.run_flora(run))["status"] == "warming"
        shown = await box.http.get(f"/flexura/api/jobs/{job}", headers=FLEXURA)
        assert shown.json()["status"] == "reasoning"


async def test_a_cost_can_come_late() -> None:
    async with in_memory() as box:
        run = (await box.submit_flora(prompt="[[fault:late-cost seconds=60]]")).json()["run_id"]
        await box.advance(30)
        done = await box.run_flora(run)
        assert done["status"] == "completed"
        assert "charged_cost" not in done
        await box.advance(60)
        assert (await box.run_flora(run))["charged_cost"] == 0.04


async def test_a_link_can_have_run_out_when_it_is_given() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="[[fault:expired-asset]]")
        await box.advance(12)
        sample = (await box.bfl_result(job["id"])).json()["result"]["sample"]
        assert (await box.http.get(sample)).status_code == 403


@pytest.mark.parametrize("fault", ["asset-404", "expired-asset"])
async def test_an_asset_can_be_missing(fault: str) -> None:
    async with in_memory() as box:
        run = (await box.submit_flora(prompt=f"[[fault:{fault}]]")).json()["run_id"]
        body = {"prompt": f"[[fault:{fault}]]"}
        job = (await box.http.post("/flexura/api/generate/image", headers=FLEXURA, json=body)).json()[
            "job_id"
        ]
        task = (await box.neuroflash("/image-generation-tasks", prompt=f"[[fault:{fault}]]")).json()
        await box.advance(60)
        links = [
            (await box.run_flora(run))["outputs"][0]["url"],
            (await box.http.get(f"/flexura/api/jobs/{job}", headers=FLEXURA)).json()["asset_url"],
            task["images"][0]["_links"]["content"],
        ]
        assert [(await box.http.get(link, headers=NEUROFLASH)).status_code for link in links] == [404] * 3


async def test_a_bfl_asset_can_be_missing_behind_a_good_link() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="[[fault:asset-404]]")
        await box.advance(12)
        sample = (await box.bfl_result(job["id"])).json()["result"]["sample"]
        answer = await box.http.get(sample)
        assert answer.status_code == 404
        assert "<Code>BlobNotFound</Code>" in answer.text


async def test_a_poll_url_can_lead_astray() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="[[fault:evil-poll-url]]")
        run = await box.submit_flora(prompt="[[fault:evil-poll-url url=file:///etc/passwd]]")
        assert job["polling_url"].startswith("http://evil.invalid/")
        assert run.json()["poll_url"] == "file:///etc/passwd"


async def test_the_token_and_asset_phases_can_be_broken_too() -> None:
    async with in_memory(checked=False) as box:
        await box.add_fault("status 500", match={"phase": "token"})
        await box.add_fault("status 503", match={"phase": "asset"})
        job = await box.submit_bfl()
        await box.advance(12)
        sample = (await box.bfl_result(job["id"])).json()["result"]["sample"]
        assert (await box.http.get(sample)).status_code == 503
        assert (await box.http.post("/neuroflash-id/oauth/v2/token", data={})).status_code == 500


async def test_a_failed_request_does_not_use_up_an_idempotency_key() -> None:
    async with in_memory() as box:
        key = {"idempotency-key": "once"}
        broken = await box.submit_flora({**key, "x-sandbox-fault": "status 500"})
        assert broken.status_code == 500
        with pytest.raises(ConnectionAbortedError):
            await box.submit_flora({**key, "x-sandbox-fault": "lost-response"})
        assert (await box.submit_flora(key)).status_code == 409
        history = await box.http.get("/flora/api/v1/generations", headers=FLORA)
        assert len(history.json()["generations"]) == 1
        assert GENERATION["prompt"] == "a mug"


def test_a_fault_reads_back_as_it_was_written() -> None:
    assert str(parse_fault("job-fail code=X message=no")) == "fail code=X message=no"
    assert parse_fault({"kind": "status", "status": 429, "retry_after": 2}) == parse_fault(
        "status 429 retry-after=2"
    )
