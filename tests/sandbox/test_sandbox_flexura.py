"""Flexura's imitation: search at once, generation as a job polled by its id."""

from __future__ import annotations

import asyncio
import io
import wave
from asyncio.subprocess import PIPE
from typing import Any

import httpx
import pytest

from tests.sandbox.media_parsing import read_boxes, read_png
from tests.sandbox.sandbox_world import FLEXURA, Box, in_memory

pytestmark = pytest.mark.anyio


async def submit(box: Box, kind: str = "image", **body: Any) -> str:
    answer = await box.http.post(
        f"/flexura/api/generate/{kind}", headers=FLEXURA, json={"prompt": "a city", **body}
    )
    assert answer.status_code == 202, answer.text
    assert answer.json()["status"] == "queued"
    return str(answer.json()["job_id"])


async def job(box: Box, identifier: str, headers: dict[str, str] = FLEXURA) -> httpx.Response:
    return await box.http.get(f"/flexura/api/jobs/{identifier}", headers=headers)


async def test_a_picture_is_queued_processed_and_completed() -> None:
    async with in_memory() as box:
        identifier = await submit(box, options={"width": 320, "height": 200, "seed": 4})
        states: list[str] = []
        for _ in range(30):
            shown = (await job(box, identifier)).json()
            if not states or states[-1] != shown["status"]:
                states.append(shown["status"])
            await box.advance(0.5)
        assert states == ["queued", "processing", "completed"]
        assert shown["asset_url"] == f"http://127.0.0.1:4010/flexura/api/assets/{identifier}.png"
        assert [shown["type"], shown["prompt"]] == ["image", "a city"]
        assert shown["created_at"] < shown["updated_at"]
        assert shown["created_at"].endswith("Z")
        png = read_png((await box.http.get(shown["asset_url"])).content)
        assert [png.width, png.height, png.text["seed"]] == [320, 200, "4"]


async def test_sounds_and_films_are_real_files() -> None:
    async with in_memory() as box:
        sound, film = await submit(box, "audio"), await submit(box, "video")
        await box.advance(65)
        answers = [await box.http.get((await job(box, j)).json()["asset_url"]) for j in (sound, film)]
        assert [a.headers["content-type"] for a in answers] == ["audio/wav", "video/mp4"]
        with wave.open(io.BytesIO(answers[0].content)) as file:
            assert file.getnframes() == 32_000
        assert "mdat" in read_boxes(answers[1].content)


async def test_films_take_longest_and_pictures_shortest() -> None:
    async with in_memory() as box:
        for kind in ("image", "audio", "video"):
            await submit(box, kind)
        took = [j["ends_at"] - j["created_at"] for j in await box.jobs()]
        assert 9 <= took[0] <= 14 < took[1] <= 27 < took[2] <= 62


async def test_an_asset_is_there_once_the_job_is_done_and_needs_no_key() -> None:
    async with in_memory() as box:
        identifier = await submit(box)
        url = f"/flexura/api/assets/{identifier}"
        assert (await box.http.get(f"{url}.png")).status_code == 404
        await box.advance(3600)
        assert (await box.http.get(f"{url}.png")).status_code == 200
        assert (await box.http.get(f"{url}.mp4")).status_code == 404


async def test_another_keys_job_is_not_found() -> None:
    async with in_memory() as box:
        identifier = await submit(box)
        other = {"authorization": "Bearer fx_live_somebody"}
        answers = [await job(box, identifier, other), await job(box, "unknown")]
        assert [a.status_code for a in answers] == [404, 404]
        assert answers[0].json() == {"error": "Job not found"}


@pytest.mark.parametrize(
    ("authorization", "status"),
    [
        (None, 401),
        ("Bearer", 401),
        ("Basic fx_live_abcd", 401),
        ("Bearer sk_live_abcd", 401),
        ("Bearer fx_live_team-revoked", 401),
        ("Bearer fx_live_team-expired", 401),
        ("Bearer fx_live_team-forbidden", 403),
        ("Bearer fx_live_team-limited", 429),
        ("bearer fx_live_team", 202),
    ],
)
async def test_a_keys_state_decides_the_answer(authorization: str | None, status: int) -> None:
    async with in_memory() as box:
        headers = {} if authorization is None else {"authorization": authorization}
        answer = await box.http.post("/flexura/api/generate/image", headers=headers, json={"prompt": "a"})
        assert answer.status_code == status
        assert (status == 202) or isinstance(answer.json()["error"], str)


async def test_a_key_without_credits_makes_jobs_that_fail() -> None:
    async with in_memory() as box:
        poor = {"authorization": "Bearer fx_live_team-nocredits"}
        made = await box.http.post("/flexura/api/generate/audio", headers=poor, json={"prompt": "a"})
        identifier = made.json()["job_id"]
        await box.advance(60)
        assert (await job(box, identifier, poor)).json() == {
            "job_id": identifier,
            "status": "failed",
            "error": "Insufficient credits",
            "type": "audio",
        }


@pytest.mark.parametrize(
    ("directive", "error"),
    [
        ("job-fail", "Model provider returned an error"),
        ("moderate:request", "The prompt was rejected by the content filter"),
        ("moderate:content", "The result was rejected by the content filter"),
    ],
)
async def test_a_failed_job_says_why(directive: str, error: str) -> None:
    async with in_memory() as box:
        identifier = await submit(box, prompt=f"[[fault:{directive}]]")
        await box.advance(60)
        assert (await job(box, identifier)).json()["error"] == error


@pytest.mark.parametrize(
    ("kind", "body", "word"),
    [
        ("image", {}, "prompt"),
        ("video", {"prompt": " "}, "prompt"),
        ("image", {"prompt": "a", "model": "dall-e"}, "dall-e"),
        ("image", {"prompt": "a", "model": "sandbox-film"}, "sandbox-film"),
        ("image", {"prompt": "a", "options": 3}, "options"),
        ("image", {"prompt": "a", "options": {"width": 0}}, "width"),
        ("image", {"prompt": "a", "options": {"height": "x"}}, "height"),
        ("image", {"prompt": "a", "options": {"steps": 51}}, "steps"),
        ("image", {"prompt": "a", "options": {"seed": True}}, "seed"),
    ],
)
async def test_a_wrong_field_is_named(kind: str, body: dict[str, Any], word: str) -> None:
    async with in_memory() as box:
        answer = await box.http.post(f"/flexura/api/generate/{kind}", headers=FLEXURA, json=body)
        assert answer.status_code == 400
        assert word in answer.json()["error"]


@pytest.mark.parametrize("content", [b"{", b"[]", b""])
async def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    async with in_memory() as box:
        answer = await box.http.post("/flexura/api/search", headers=FLEXURA, content=content)
        assert answer.status_code == 400


async def test_a_search_answers_with_scored_sources() -> None:
    async with in_memory() as box:
        asked = {"query": "tides", "max_results": 3, "search_depth": "advanced", "time_range": "week"}
        one, two = [
            (await box.http.post("/flexura/api/search", headers=FLEXURA, json=asked)).json() for _ in range(2)
        ]
        assert one == two
        scores = [result["score"] for result in one["results"]]
        assert len(scores) == 3
        assert scores == sorted(scores, reverse=True)
        assert all({"raw_content", "published_date"} <= set(result) for result in one["results"])
        assert "tides" in one["answer"]


async def test_a_search_keeps_to_the_domains_asked_for() -> None:
    async with in_memory() as box:

        async def domains(**more: Any) -> set[str]:
            answer = await box.http.post("/flexura/api/search", headers=FLEXURA, json={"query": "q", **more})
            return {httpx.URL(result["url"]).host for result in answer.json()["results"]}

        assert await domains(include_domains=["a.test", "b.test"]) == {"a.test", "b.test"}
        assert await domains(include_domains=["a.test", "b.test"], exclude_domains=["a.test"]) == {"b.test"}
        assert await domains(include_domains=["a.test"], exclude_domains=["a.test"]) == set()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": "q", "max_results": 21},
        {"query": "q", "topic": "sports"},
        {"query": "q", "time_range": "decade"},
        {"query": "q", "search_depth": "deep"},
        {"query": "q", "include_answer": "no"},
        {"query": "q", "include_domains": "a.test"},
    ],
)
async def test_a_search_that_does_not_fit_is_refused(body: dict[str, Any]) -> None:
    async with in_memory() as box:
        assert (await box.http.post("/flexura/api/search", headers=FLEXURA, json=body)).status_code == 400


async def test_no_answer_is_given_when_none_is_wanted() -> None:
    async with in_memory() as box:
        asked = {"query": "q", "include_answer": False}
        assert (await box.http.post("/flexura/api/search", headers=FLEXURA, json=asked)).json()[
            "answer"
        ] is None


async def test_the_catalogue_leads_to_every_generator() -> None:
    async with in_memory() as box:
        shown = (await box.http.get("/flexura/api/agent/models")).json()
        assert shown["platform"] == "Flexura"
        assert {model["id"]: model["type"] for model in shown["models"]}["nvidia-flux"] == "image"
        for model in shown["models"]:
            answer = await box.http.post(model["endpoint_url"], headers=FLEXURA, json={"prompt": "a"})
            assert answer.status_code == 202


@pytest.mark.parametrize(
    ("arguments", "status"), [([], 0), (["--target", "cline"], 0), (["--target", "vim"], 2), (["--x"], 2)]
)
async def test_the_install_script_runs_and_changes_nothing(arguments: list[str], status: int) -> None:
    async with in_memory() as box:
        script = (await box.http.get("/flexura/api/install/flexura-skill")).content
    bash = await asyncio.create_subprocess_exec(
        "bash", "-s", "--", *arguments, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    said, _ = await bash.communicate(script)
    assert bash.returncode == status
    assert (b"nothing was changed" in said) == (status == 0)
