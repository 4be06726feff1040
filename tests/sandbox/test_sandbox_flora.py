"""FLORA's imitation: runs, workspaces and projects, idempotency keys, limits."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.sandbox.media_parsing import read_png
from tests.sandbox.sandbox_world import FLORA, GENERATION, Box, in_memory

pytestmark = pytest.mark.anyio
API = "/flora/api/v1"


async def finished(box: Box, **body: Any) -> dict[str, Any]:
    made = (await box.submit_flora(**body)).json()
    await box.advance(200)
    return await box.run_flora(made["run_id"])


async def test_a_generation_runs_and_leaves_a_picture() -> None:
    async with in_memory() as box:
        answer = await box.submit_flora(params={"seed": 3, "aspect_ratio": "16:9", "unheard_of": True})
        made = answer.json()
        assert answer.status_code == 201
        assert answer.headers["request-id"].startswith("req_")
        assert made["poll_url"] == f"http://127.0.0.1:4010{API}/runs/{made['run_id']}"
        assert made["model"] == {"model_id": "t2i-flux-2-pro"}
        assert [made["estimated_seconds"], made["charged_cost"], made["type"]] == [12, 0.04, "generation"]
        first = (await box.http.get(made["poll_url"], headers=FLORA)).json()
        assert [first["status"], first["progress"]] == ["pending", 0]
        await box.advance(5)
        middle = await box.run_flora(made["run_id"])
        assert middle["status"] == "running"
        assert 0 < middle["progress"] < 100
        await box.advance(20)
        done = await box.run_flora(made["run_id"])
        assert [done["status"], done["progress"], done["charged_cost"]] == ["completed", 100, 0.04]
        assert done["created_at"] < done["started_at"] < done["completed_at"]
        (output,) = done["outputs"]
        assert output["type"] == "imageUrl"
        png = read_png((await box.http.get(output["url"])).content)
        assert [png.width, png.height, png.text["seed"]] == [1392, 752, "3"]


@pytest.mark.parametrize(
    ("kind", "output", "media_type"),
    [("video", "videoUrl", "video/mp4"), ("audio", "audioUrl", "audio/wav")],
)
async def test_films_and_sounds_are_delivered(kind: str, output: str, media_type: str) -> None:
    async with in_memory() as box:
        (made,) = (await finished(box, type=kind))["outputs"]
        assert made["type"] == output
        assert (await box.http.get(made["url"])).headers["content-type"] == media_type


async def test_a_text_stands_in_the_url_field() -> None:
    async with in_memory() as box:
        run = await finished(box, type="text", prompt="The sea")
        (output,) = run["outputs"]
        assert output["type"] == "text"
        assert output["url"].startswith("The sea: ")
        assert run["completed_at"] - run["started_at"] < 4000


@pytest.mark.parametrize(
    ("directive", "code"),
    [
        ("job-fail", "GPU_PROVIDER_ERROR"),
        ("job-fail code=model_timeout message=late", "model_timeout"),
        ("moderate:request", "GENERATION_PROMPT_MODERATED"),
        ("moderate:content", "safety_blocked"),
    ],
)
async def test_a_failed_run_answers_200_with_full_progress_and_costs_nothing(
    directive: str, code: str
) -> None:
    async with in_memory() as box:
        run = await finished(box, prompt=f"[[fault:{directive}]]")
        assert [run["status"], run["progress"], run["error_code"]] == ["failed", 100, code]
        assert run["charged_cost"] == 0
        assert "completed_at" in run
        assert "outputs" not in run


@pytest.mark.parametrize(
    ("key", "status", "code"),
    [
        (None, 401, "unauthorized"),
        ("fx_live_abcd", 401, "invalid_api_key"),
        ("sk_live_team-revoked", 401, "invalid_api_key"),
        ("sk_live_team-expired", 401, "invalid_api_key"),
        ("sk_live_team-forbidden", 403, "forbidden"),
        ("sk_live_team-limited", 429, "rate_limited"),
        ("sk_live_team-nocredits", 402, "insufficient_credits"),
    ],
)
async def test_a_keys_state_decides_the_answer(key: str | None, status: int, code: str) -> None:
    async with in_memory() as box:
        headers = {} if key is None else {"authorization": f"Bearer {key}"}
        answer = await box.http.post(f"{API}/generate", headers=headers, json=GENERATION)
        assert [answer.status_code, answer.json()["error"]["code"]] == [status, code]
        assert "request-id" in answer.headers


@pytest.mark.parametrize(
    ("change", "message", "field"),
    [
        ({"prompt": None}, "prompt: Required", "prompt"),
        ({"prompt": ""}, "prompt: Expected a non-empty string", "prompt"),
        ({"type": "t2i"}, "type: Expected one of image, video, audio, text", "type"),
        ({"type": None}, "type: Required", "type"),
        ({"workspace_id": "abc"}, "workspace_id: Must be a public id that starts with ws_", "workspace_id"),
        ({"project_id": "ws_abc123"}, "project_id: Must be a public id that starts with prj_", "project_id"),
        ({"model": 3}, "model: Expected a non-empty string", "model"),
        ({"params": []}, "params: Expected an object", "params"),
        ({"size": "big"}, "size: Unrecognized field", "size"),
    ],
)
async def test_a_wrong_field_is_named(change: dict[str, Any], message: str, field: str) -> None:
    async with in_memory() as box:
        answer = await box.submit_flora(**change)
        error = answer.json()["error"]
        assert [answer.status_code, error["code"], error["message"]] == [
            400,
            "input_validation_error",
            message,
        ]
        assert [item["field"] for item in error["fields"]] == [field]


async def test_an_unknown_model_is_answered_with_those_that_can_be_used() -> None:
    async with in_memory() as box:
        for model in ("flux", "t2v-sandbox-film"):
            answer = await box.submit_flora(model=model)
            message = answer.json()["error"]["message"]
            assert answer.status_code == 400
            assert message.startswith(f'Model "{model}" is not available')
            assert "t2i-flux-2-pro" in message
            assert "sandbox-film" not in message.partition(".")[2]


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"workspace_id": "ws_unknown1"}, 404, "not_found"),
        ({"project_id": "prj_unknown1"}, 404, "not_found"),
        ({"project_id": "prj_def456"}, 404, "not_found"),
        ({"project_id": "prj_!"}, 500, "unknown_error"),
        ({"workspace_id": "ws_def456", "project_id": "prj_def456"}, 403, "forbidden"),
    ],
)
async def test_a_place_that_is_not_the_callers_is_refused(
    change: dict[str, Any], status: int, code: str
) -> None:
    async with in_memory() as box:
        answer = await box.submit_flora(**change)
        assert [answer.status_code, answer.json()["error"]["code"]] == [status, code]


@pytest.mark.parametrize("content", [b"{", b"[]", b""])
async def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    async with in_memory() as box:
        answer = await box.http.post(f"{API}/generate", headers=FLORA, content=content)
        assert [answer.status_code, answer.json()["error"]["code"]] == [400, "invalid_json"]


async def test_a_used_key_is_refused_for_two_hours_and_makes_no_run() -> None:
    async with in_memory() as box:
        key = {"idempotency-key": "once"}
        codes = [(await box.submit_flora(key)).status_code]
        await box.advance(7199)
        again = await box.submit_flora(key)
        codes.append(again.status_code)
        assert again.json()["error"]["code"] == "idempotency_duplicate"
        assert "run_id" not in again.text
        await box.advance(1)
        codes.append((await box.submit_flora(key)).status_code)
        assert codes == [201, 409, 201]
        assert len(await box.jobs()) == 2


async def test_a_used_key_is_free_in_another_project_and_operation() -> None:
    async with in_memory() as box:
        made = await box.http.post(
            f"{API}/projects", headers=FLORA, json={"name": "Third", "workspace_id": "ws_abc123"}
        )
        key = {"idempotency-key": "once"}
        assert (await box.submit_flora(key)).status_code == 201
        assert (await box.submit_flora(key, project_id=made.json()["project_id"])).status_code == 201


async def test_a_key_is_free_again_when_no_run_came_of_it() -> None:
    async with in_memory() as box:
        key = {"idempotency-key": "once", "authorization": "Bearer sk_live_team-nocredits"}
        assert [(await box.submit_flora(key)).status_code for _ in range(2)] == [402, 402]
        assert (await box.submit_flora({"idempotency-key": "bad"}, model="x")).status_code == 400
        assert (await box.submit_flora({"idempotency-key": "bad"})).status_code == 201


async def test_a_key_stays_used_when_its_run_fails() -> None:
    async with in_memory() as box:
        key = {"idempotency-key": "once"}
        assert (await box.submit_flora(key, prompt="[[fault:job-fail]]")).status_code == 201
        await box.advance(100)
        assert (await box.submit_flora(key)).status_code == 409


@pytest.mark.parametrize(
    ("mode", "codes"), [("suppress", [201, 409, 409, 409]), ("replay", [201, 409, 409, 409])]
)
async def test_of_duplicates_at_the_same_time_the_first_wins(mode: str, codes: list[int]) -> None:
    async with in_memory(frozen=False, speed=5, flora_idempotency=mode) as box:
        key = {"idempotency-key": "once"}
        answers = await asyncio.gather(*(box.submit_flora(key) for _ in range(4)))
        assert sorted(answer.status_code for answer in answers) == codes
        assert len(await box.jobs()) == 1


async def test_keys_can_replay_the_first_answer_instead() -> None:
    async with in_memory(flora_idempotency="replay") as box:
        key = {"idempotency-key": "once"}
        first, again = await box.submit_flora(key), await box.submit_flora(key)
        assert again.json() == first.json()
        assert again.headers["idempotent-replayed"] == "true"
        other = await box.submit_flora(key, prompt="another")
        assert [other.status_code, other.json()["error"]["code"]] == [422, "idempotency_conflict"]
        await box.advance(86_400)
        assert (await box.submit_flora(key, prompt="another")).status_code == 201


async def test_keys_can_be_ignored() -> None:
    async with in_memory(flora_idempotency="off") as box:
        key = {"idempotency-key": "once"}
        assert [(await box.submit_flora(key)).status_code for _ in range(2)] == [201, 201]


async def test_requests_beyond_the_burst_are_refused_and_every_second_refusal_says_how_long() -> None:
    async with in_memory() as box:
        answers = [await box.http.get(f"{API}/workspaces", headers=FLORA) for _ in range(124)]
        assert [answer.status_code for answer in answers] == [200] * 120 + [429] * 4
        assert ["retry-after" in answer.headers for answer in answers[120:]] == [True, False, True, False]
        await box.advance(1)
        assert (await box.http.get(f"{API}/workspaces", headers=FLORA)).status_code == 200


async def test_workspaces_lead_to_projects_and_projects_to_runs() -> None:
    async with in_memory() as box:
        (first, second) = (await box.http.get(f"{API}/workspaces", headers=FLORA)).json()["workspaces"]
        assert [first["role"], second["role"]] == ["owner", "viewer"]
        place = {"workspace_id": first["workspace_id"]}
        listed = (await box.http.get(f"{API}/projects", headers=FLORA, params=place)).json()
        assert listed["meta"] == {"next_cursor": None, "total_estimate": 1}
        project = listed["projects"][0]["project_id"]
        run = (await box.submit_flora(**place, project_id=project)).json()["run_id"]
        nodes = (await box.http.get(f"{API}/projects/{project}/nodes", headers=FLORA)).json()["nodes"]
        assert [node["run_id"] for node in nodes] == [run]
        shown = (await box.http.get(f"{API}/projects/{project}", headers=FLORA)).json()
        assert shown == listed["projects"][0]


async def test_a_project_can_be_made_and_found_again() -> None:
    async with in_memory() as box:
        body = {"name": "Winter", "workspace_id": "ws_abc123"}
        made = await box.http.post(f"{API}/projects", headers=FLORA, json=body)
        assert made.status_code == 201
        found = await box.http.get(
            f"{API}/projects", headers=FLORA, params={"workspace_id": "ws_abc123", "query": "wint"}
        )
        assert found.json()["projects"] == [made.json()]
        assert (await box.submit_flora(project_id=made.json()["project_id"])).status_code == 201
        refused = await box.http.post(
            f"{API}/projects", headers=FLORA, json={**body, "workspace_id": "ws_def456"}
        )
        assert refused.status_code == 403


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/projects", 400),
        ("/projects?workspace_id=ws_unknown1", 404),
        ("/projects?workspace_id=ws_abc123&limit=101", 400),
        ("/projects?workspace_id=ws_abc123&cursor=x", 400),
        ("/projects/prj_unknown", 404),
        ("/projects/prj_unknown/nodes", 404),
        ("/models?type=t2i", 400),
        ("/runs/run_unknown", 404),
        ("/techniques/unknown", 404),
    ],
)
async def test_what_is_not_there_is_refused(path: str, status: int) -> None:
    async with in_memory() as box:
        assert (await box.http.get(API + path, headers=FLORA)).status_code == status


async def test_unknown_paths_are_refused_in_floras_words() -> None:
    async with in_memory() as box:
        answers = [await box.http.get("/flora/api/v1/nothing"), await box.http.get(f"{API}/generate")]
        assert [a.status_code for a in answers] == [404, 405]
        assert answers[0].json()["error"]["code"] == "not_found"
        assert answers[1].headers["allow"] == "POST"


async def test_models_can_be_listed_by_type() -> None:
    async with in_memory() as box:
        every = (await box.http.get(f"{API}/models", headers=FLORA)).json()["models"]
        images = (await box.http.get(f"{API}/models", headers=FLORA, params={"type": "image"})).json()[
            "models"
        ]
        assert {model["type"] for model in every} == {"image", "video", "audio", "text"}
        assert {model["type"] for model in images} == {"image"}


async def test_history_is_newest_first_and_can_be_narrowed() -> None:
    async with in_memory() as box:
        old = (await box.submit_flora()).json()["run_id"]
        await box.advance(100)
        new = (await box.submit_flora()).json()["run_id"]

        async def runs(**query: str) -> list[str]:
            answer = await box.http.get(f"{API}/generations", headers=FLORA, params=query)
            return [run["run_id"] for run in answer.json()["generations"]]

        assert await runs() == [new, old]
        assert await runs(status="completed") == [old]
        assert await runs(project_id="prj_def456") == []
        first = (await box.http.get(f"{API}/generations", headers=FLORA, params={"limit": 1})).json()
        assert first["meta"]["next_cursor"] == "1"
        assert await runs(limit="1", cursor="1") == [old]


async def test_another_keys_run_is_not_found() -> None:
    async with in_memory() as box:
        run = (await box.submit_flora()).json()["run_id"]
        other = {"authorization": "Bearer sk_test_somebody"}
        assert (await box.http.get(f"{API}/runs/{run}", headers=other)).status_code == 404


async def test_a_technique_is_found_run_and_polled() -> None:
    async with in_memory() as box:
        (shot,) = (
            await box.http.get(f"{API}/techniques", headers=FLORA, params={"query": "product"})
        ).json()["techniques"]
        assert (await box.http.get(f"{API}/techniques/{shot['slug']}", headers=FLORA)).json() == shot
        given = {"image": "https://example.com/mug.png", "prompt": "on oak"}
        body = {
            "mode": "async",
            "inputs": [{"id": i["id"], "type": i["type"], "value": given[i["id"]]} for i in shot["inputs"]],
            "idempotency_key": "once",
        }
        url = f"{API}/techniques/{shot['technique_id']}/runs"
        made = await box.http.post(url, headers=FLORA, json=body)
        assert made.status_code == 201
        assert made.json()["technique"] == {"technique_id": shot["technique_id"]}
        assert (await box.http.post(url, headers=FLORA, json=body)).status_code == 409
        await box.advance(60)
        run = (await box.http.get(f"{url}/{made.json()['run_id']}", headers=FLORA)).json()
        assert run["status"] == "completed"
        png = read_png((await box.http.get(run["outputs"][0]["url"])).content)
        assert "derived-from" in png.text
        history = (await box.http.get(f"{API}/technique-runs", headers=FLORA)).json()["runs"]
        assert [entry["run_id"] for entry in history] == [run["run_id"]]
        assert (await box.http.get(f"{API}/generations", headers=FLORA)).json()["generations"] == []


async def test_a_technique_run_ignores_the_header_and_generate_the_body_field() -> None:
    async with in_memory() as box:
        body = {"technique_id": "tech_storyboard1", "workspace_id": "ws_abc123", "inputs": {"prompt": "dawn"}}
        headers = {**FLORA, "idempotency-key": "once"}
        answers = [await box.http.post(f"{API}/runs/technique", headers=headers, json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [201, 201]
        refused = await box.submit_flora(idempotency_key="once")
        assert refused.json()["error"]["fields"][0]["field"] == "idempotency_key"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"mode": "async"}, "inputs"),
        ({"mode": "async", "inputs": [{"id": "prompt", "type": "text"}]}, "inputs.prompt"),
        ({"mode": "sync", "inputs": [{"id": "prompt", "type": "text", "value": "a"}]}, "mode"),
        ({"mode": "stream", "inputs": [{"id": "prompt", "type": "text", "value": "a"}]}, "mode"),
        ({"mode": "async", "inputs": ["a"]}, "inputs"),
    ],
)
async def test_a_technique_run_that_does_not_fit_is_refused(body: dict[str, Any], field: str) -> None:
    async with in_memory() as box:
        answer = await box.http.post(f"{API}/techniques/storyboard/runs", headers=FLORA, json=body)
        assert answer.status_code == 400
        assert answer.json()["error"]["fields"][0]["field"] == field


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"technique_id": "storyboard"}, 400),
        ({"technique_id": "tech_unknown"}, 404),
        ({"workspace_id": "ws_unknown1"}, 404),
    ],
)
async def test_a_technique_or_workspace_that_is_not_there_is_refused(
    change: dict[str, str], status: int
) -> None:
    async with in_memory() as box:
        body = {"technique_id": "tech_storyboard1", "workspace_id": "ws_abc123", "inputs": {"prompt": "dawn"}}
        answer = await box.http.post(f"{API}/runs/technique", headers=FLORA, json={**body, **change})
        assert answer.status_code == status
