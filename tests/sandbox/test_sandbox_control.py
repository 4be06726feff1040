"""The control plane: time, jobs and the journal, for this machine alone."""

from __future__ import annotations

import asyncio
import hashlib
import time
from typing import Any

import httpx
import pytest

from capspec.sandbox import SandboxConfig, create_app
from capspec.sandbox.clock import Clock
from capspec.sandbox.journal import MAX_BODY, is_secret, mask
from tests.sandbox.sandbox_world import BFL, FLEXURA, FLORA, NEUROFLASH, ORIGIN, SECRETS, in_memory

pytestmark = pytest.mark.anyio


async def test_health_names_every_provider_and_the_time() -> None:
    async with in_memory(speed=3) as box:
        shown = (await box.http.get("/__sandbox__/health")).json()
        names = ["flexura", "bfl", "flora", "neuroflash", "neuroflash-id", "media"]
        names += ["library-catalogue", "library-loans", "library-scans"]
        assert [shown["status"], shown["providers"]] == ["ok", names]
        assert [shown["speed"], shown["frozen"]] == [3, True]


async def test_the_clock_stands_still_moves_and_runs_on() -> None:
    async with in_memory() as box:
        before = (await box.http.get("/__sandbox__/clock")).json()["now"]
        moved = (await box.http.post("/__sandbox__/clock", json={"advance": 30})).json()
        assert moved["now"] == pytest.approx(before + 30)
        running = (await box.http.post("/__sandbox__/clock", json={"frozen": False, "advance": 1})).json()
        assert not running["frozen"]
        assert running["now"] >= before + 31


@pytest.mark.parametrize(
    "body", [{"advance": -1}, {"advance": "1s"}, {"advance": True}, {"frozen": 1}, {"rewind": 1}, [], 1e308]
)
async def test_the_clock_refuses_what_it_does_not_understand(body: Any) -> None:
    async with in_memory() as box:
        assert (await box.http.post("/__sandbox__/clock", json=body)).status_code == 400


async def test_a_body_that_is_not_json_is_refused() -> None:
    async with in_memory() as box:
        answer = await box.http.post("/__sandbox__/clock", content=b"{")
        assert [answer.status_code, answer.json()] == [400, {"error": "the body must be JSON"}]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("queued", "Pending"),
        ("running", "Pending"),
        ("succeeded", "Ready"),
        ("failed", "Error"),
        ("moderated-request", "Request Moderated"),
        ("moderated-content", "Content Moderated"),
        ("absent", "Task not found"),
    ],
)
async def test_a_job_can_be_put_into_any_state(state: str, status: str) -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        await box.advance(1)
        shown = await box.http.post(f"/__sandbox__/jobs/{job['id']}", json={"state": state})
        assert shown.json()["state"] == state
        await box.advance(3600)
        assert (await box.bfl_result(job["id"])).json()["status"] == status


async def test_an_unknown_job_or_state_is_refused() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        wrong = await box.http.post(f"/__sandbox__/jobs/{job['id']}", json={"state": "done"})
        assert wrong.status_code == 400
        assert "succeeded" in wrong.json()["error"]
        assert (await box.http.post("/__sandbox__/jobs/x", json={"state": "failed"})).status_code == 404


async def test_jobs_are_listed_with_what_will_become_of_them() -> None:
    async with in_memory() as box:
        await box.submit_bfl(prompt="[[fault:job-fail code=X]]")
        await box.submit_flora()
        (job,) = (await box.http.get("/__sandbox__/jobs", params={"provider": "bfl"})).json()["jobs"]
        assert [job["provider"], job["number"], job["kind"], job["state"]] == ["bfl", 1, "pro", "queued"]
        assert [job["cost"], job["faults"]] == [4, ["fail code=X"]]
        assert job["ends_at"] > job["created_at"]


async def test_a_reset_forgets_everything_and_numbers_jobs_from_one_again() -> None:
    async with in_memory() as box:
        first = await box.submit_bfl()
        await box.submit_flora({"idempotency-key": "once"})
        await box.http.post("/__sandbox__/reset")
        assert [await box.jobs(), await box.requests()] == [[], []]
        assert (await box.http.get("/__sandbox__/clock")).json()["frozen"] is False
        assert (await box.submit_bfl())["id"] == first["id"]
        assert (await box.submit_flora({"idempotency-key": "once"})).status_code == 201


async def test_the_journal_tells_who_asked_for_what_and_what_they_got() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        await box.bfl_result(job["id"])
        submit, poll = await box.requests()
        assert [submit["method"], submit["path"], submit["phase"]] == [
            "POST",
            "/bfl/v1/flux-kontext-pro",
            "submit",
        ]
        assert [submit["provider"], submit["status"], submit["job"]] == ["bfl", 200, job["id"]]
        assert [poll["phase"], poll["job"], poll["query"]] == ["poll", job["id"], f"id={job['id']}"]
        sent = b'{"prompt":"a hat"}'
        assert [submit["body_sha256"], submit["body_bytes"]] == [hashlib.sha256(sent).hexdigest(), len(sent)]
        assert [entry["number"] for entry in (submit, poll)] == [1, 2]


async def test_no_secret_is_ever_shown_in_full() -> None:
    async with in_memory() as box:
        await box.http.get("/bfl/v1/credits?api_key=querysecret1234", headers=BFL)
        await box.submit_flora({"idempotency-key": "order-0001", "cookie": "sid=abcdefghijkl"})
        data = {"client_id": "sandbox-client", "client_secret": SECRETS["NEUROFLASH_CLIENT_SECRET"]}
        await box.http.post("/neuroflash-id/oauth/v2/token", data=data)
        text = (await box.http.get("/__sandbox__/requests")).text
        for secret in (*SECRETS.values(), "querysecret1234", "abcdefghijkl"):
            assert secret not in text or secret in ("sandbox-client", SECRETS["NEUROFLASH_WORKSPACE_ID"])
        asked, generate, _ = await box.requests()
        assert asked["headers"]["x-key"] == f"…{BFL['x-key'][-4:]}"
        assert asked["credentials"] == ["api_key", "x-key"]
        assert generate["headers"]["idempotency-key"] == "order-0001"
        assert generate["credentials"] == ["authorization", "cookie"]


@pytest.mark.parametrize(
    ("name", "secret"),
    [
        ("Authorization", True),
        ("X-Key", True),
        ("api-key", True),
        ("Set-Cookie", True),
        ("X-Auth-Token", True),
        ("apikey", True),
        ("flora-signature", True),
        ("Idempotency-Key", False),
        ("monkey", False),
        ("keyboard", False),
        ("accept", False),
    ],
)
async def test_secrets_are_known_by_their_names(name: str, secret: bool) -> None:
    assert is_secret(name) is secret


async def test_short_secrets_are_masked_entirely() -> None:
    assert [mask("short"), mask("0123456789ab")] == ["…", "…89ab"]


async def test_the_journal_can_be_narrowed() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        await box.bfl_result(job["id"])
        await box.submit_flora()
        assert len(await box.requests(phase="submit")) == 2
        assert len(await box.requests(phase="submit", provider="bfl")) == 1
        assert len(await box.requests(host="127.0.0.1:4010")) == 3
        assert await box.requests(host="evil.invalid") == []


async def test_requests_to_paths_that_do_not_exist_are_in_the_journal_too() -> None:
    async with in_memory() as box:
        await box.http.get("/bfl/v1/nothing", headers=BFL)
        await box.http.get("/elsewhere", headers=BFL)
        known, unknown = await box.requests()
        assert [known["provider"], known["phase"], known["status"]] == ["bfl", "unknown", 404]
        assert [unknown["provider"], unknown["path"], unknown["status"]] == [None, "/elsewhere", 404]
        assert unknown["credentials"] == ["x-key"]


async def test_a_followed_redirect_that_carries_the_key_along_shows() -> None:
    async with in_memory() as box:
        headers = {**BFL, "x-sandbox-fault": "redirect"}
        first = await box.http.get("/bfl/v1/credits", headers=headers)
        await box.http.get(first.headers["location"], headers=BFL)
        leaked = [entry for entry in await box.requests(host="localhost:4010") if entry["credentials"]]
        assert [entry["credentials"] for entry in leaked] == [["x-key"]]


async def test_only_this_machine_may_control() -> None:
    app = create_app(SandboxConfig())
    away = httpx.ASGITransport(app, client=("203.0.113.9", 5000))
    async with httpx.AsyncClient(transport=away, base_url=ORIGIN) as http:
        assert (await http.post("/__sandbox__/reset")).status_code == 403
        assert (await http.get("/flexura/api/agent/models")).status_code == 200


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://evil.example", 403), ("null", 403), ("http://localhost:5173", 200), ("http://[::1]:80", 200)],
)
async def test_no_other_sites_page_may_control(origin: str, status: int) -> None:
    async with in_memory() as box:
        answer = await box.http.post("/__sandbox__/reset", headers={"origin": origin})
        assert answer.status_code == status


async def test_the_control_plane_can_be_left_out() -> None:
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(create_app(SandboxConfig(control=False))), base_url=ORIGIN
    ) as http:
        assert (await http.get("/__sandbox__/health")).status_code == 404


async def test_a_body_beyond_the_limit_is_not_read_to_its_end() -> None:
    sent = 0

    async def endless() -> Any:
        nonlocal sent
        while sent < 2 * MAX_BODY:
            sent += 1 << 22
            yield bytes(1 << 22)

    async with in_memory(checked=False) as box:
        answer = await box.http.post("/bfl/v1/flux-kontext-pro", content=endless())
        assert answer.status_code == 413
        assert sent < MAX_BODY + (1 << 23)


async def test_speed_divides_every_wait() -> None:
    async with in_memory(frozen=False, speed=1000) as box:
        job = (await box.submit_flora()).json()["run_id"]
        begin = time.monotonic()
        while (await box.run_flora(job))["status"] != "completed":
            await box.http.get("/__sandbox__/health")
        assert time.monotonic() - begin < 5
        assert (await box.http.get("/flora/api/v1/workspaces", headers=FLORA)).status_code == 200


async def test_a_wait_ends_when_the_clock_is_moved() -> None:
    clock = Clock()
    waiting = asyncio.create_task(clock.until(clock.now() + 3600))
    pausing = asyncio.create_task(clock.pause(3600))
    await asyncio.sleep(0)
    clock.advance(3600)
    async with asyncio.timeout(5):
        await asyncio.gather(waiting, pausing)
    clock.freeze()
    await clock.pause(3600)
    await clock.until(clock.now())
    with pytest.raises(ValueError, match="forward"):
        clock.advance(-1)
    clock.thaw()
    assert not clock.frozen


@pytest.mark.parametrize(
    "settings",
    [
        {"speed": 0},
        {"speed": float("nan")},
        {"flora_idempotency": "maybe"},
        {"origin": "127.0.0.1:4010"},
        {"origin": "http://127.0.0.1:4010/bfl"},
    ],
)
async def test_settings_that_cannot_be_used_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(settings))):
        SandboxConfig(**settings)


async def test_each_providers_walk_is_in_the_journal_with_one_submit() -> None:
    async with in_memory() as box:
        job = (
            await box.http.post("/flexura/api/generate/image", headers=FLEXURA, json={"prompt": "a"})
        ).json()["job_id"]
        bfl, run = (await box.submit_bfl())["id"], (await box.submit_flora()).json()["run_id"]
        image = (await box.neuroflash("/image-generation-tasks", prompt="a")).json()["images"][0]
        await box.advance(60)
        links = [
            (await box.http.get(f"/flexura/api/jobs/{job}", headers=FLEXURA)).json()["asset_url"],
            (await box.bfl_result(bfl)).json()["result"]["sample"],
            (await box.run_flora(run))["outputs"][0]["url"],
        ]
        for link in links:
            assert (await box.http.get(link)).status_code == 200
        await box.http.get(image["_links"]["content"], headers=NEUROFLASH)
        walks = {
            provider: [(entry["phase"], entry["status"]) for entry in await box.requests(provider=provider)]
            for provider in ("flexura", "bfl", "flora", "neuroflash", "media")
        }
        assert walks == {
            "flexura": [("submit", 202), ("poll", 200), ("asset", 200)],
            "bfl": [("submit", 200), ("poll", 200)],
            "flora": [("submit", 201), ("poll", 200)],
            "neuroflash": [("submit", 201), ("asset", 200)],
            "media": [("asset", 200), ("asset", 200)],
        }
        for identifier in (job, bfl, run):
            assert [entry["phase"] for entry in await box.requests(job=identifier)][:2] == ["submit", "poll"]
        assert all(entry["credentials"] == [] for entry in await box.requests(provider="media"))
