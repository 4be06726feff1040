"""BFL's imitation: submit on one host, poll on another, download through a link that runs out."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

import pytest

from capspec.sandbox.media import Recipe, render
from tests.sandbox.media_parsing import read_jpeg, read_png
from tests.sandbox.sandbox_world import BFL, Box, in_memory

pytestmark = pytest.mark.anyio
PRO, MAX, RESULT = "/bfl/v1/flux-kontext-pro", "/bfl/v1/flux-kontext-max", "/bfl-eu4/v1/get_result"


async def finished(box: Box, **body: Any) -> dict[str, Any]:
    job = await box.submit_bfl(**body)
    await box.advance(12)
    result: dict[str, Any] = (await box.bfl_result(job["id"])).json()
    assert result["status"] == "Ready"
    return result


async def test_an_edit_is_submitted_polled_elsewhere_and_downloaded() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt="a red hat", seed=42, aspect_ratio="16:9")
        assert job["polling_url"] == f"http://localhost:4010/bfl-eu4/v1/get_result?id={job['id']}"
        assert [job["cost"], job["input_mp"], job["output_mp"]] == [None, None, None]
        await box.advance(0.2)
        assert (await box.http.get(job["polling_url"], headers=BFL)).json()["status"] == "Pending"
        await box.advance(12)
        done = (await box.http.get(job["polling_url"], headers=BFL)).json()
        assert [done["status"], done["progress"], done["cost"]] == ["Ready", None, 4]
        assert done["result"]["seed"] == 42
        assert 6 <= done["result"]["duration"] <= 9
        picture = await box.http.get(done["result"]["sample"])
        assert picture.headers["content-type"] == "image/png"
        png = read_png(picture.content)
        assert [png.width, png.height] == [1392, 752]
        assert png.text == {"prompt": "a red hat", "seed": "42"}


async def test_progress_grows_in_tenths_and_the_pace_quickens_half_way() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        seen: list[tuple[float | None, str]] = []
        for _ in range(100):
            await box.advance(0.1)
            answer = await box.bfl_result(job["id"])
            if answer.json()["status"] == "Ready":
                break
            if answer.status_code == 200:
                seen.append((answer.json()["progress"], answer.headers["retry-after"]))
        shown = [progress for progress, _ in seen if progress is not None]
        assert shown == sorted(shown)
        assert set(shown) == {0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9}
        assert all(pace == ("1" if (progress or 0) < 0.5 else "0") for progress, pace in seen)


async def test_polls_tell_the_rate_limit() -> None:
    async with in_memory() as box:
        job = await box.submit_bfl()
        await box.advance(1)
        first, second = [(await box.bfl_result(job["id"])).headers for _ in range(2)]
        assert first["x-ratelimit-limit"] == "1200"
        assert [first["x-ratelimit-remaining"], second["x-ratelimit-remaining"]] == ["1199", "1198"]
        assert "." in first["x-ratelimit-reset"]


async def test_some_jobs_are_not_found_at_first() -> None:
    async with in_memory() as box:
        jobs = [await box.submit_bfl() for _ in range(24)]
        early = [(await box.bfl_result(job["id"])) for job in jobs]
        missing = [answer for answer in early if answer.status_code == 404]
        assert 0 < len(missing) < 24
        assert {answer.json()["status"] for answer in missing} == {"Task not found"}
        await box.advance(0.2)
        assert {(await box.bfl_result(job["id"])).status_code for job in jobs} == {200}


async def test_an_unknown_task_is_a_404_that_looks_like_a_result() -> None:
    async with in_memory() as box:
        answer = await box.bfl_result("nope")
        assert answer.status_code == 404
        nothing = {"result": None, "progress": None, "details": None, "preview": None}
        assert answer.json() == {"id": "nope", "status": "Task not found", **nothing}


async def test_a_link_opens_for_ten_minutes_and_each_poll_signs_it_anew() -> None:
    async with in_memory() as box:
        done = await finished(box)
        first = done["result"]["sample"]
        assert (await box.http.get(first)).status_code == 200
        await box.advance(599)
        assert (await box.http.get(first)).status_code == 200
        await box.advance(1)
        refused = await box.http.get(first)
        assert refused.status_code == 403
        assert "<Code>AuthenticationFailed</Code>" in refused.text
        again = (await box.bfl_result(done["id"])).json()["result"]["sample"]
        assert again != first
        assert (await box.http.get(again)).status_code == 200


@pytest.mark.parametrize(
    ("old", "new"), [("sig=", "sig=x"), ("sp=r", "sp=w"), ("se=2", "se=3"), ("se=", "xx=")]
)
async def test_a_changed_link_does_not_open(old: str, new: str) -> None:
    async with in_memory() as box:
        link = (await finished(box))["result"]["sample"]
        assert (await box.http.get(link.replace(old, new))).status_code == 403


async def test_a_link_to_one_asset_does_not_open_another() -> None:
    async with in_memory() as box:
        first, second = await finished(box), await finished(box)
        link = first["result"]["sample"].replace(first["id"], second["id"])
        assert (await box.http.get(link)).status_code == 403


async def test_assets_come_whole_in_parts_or_as_headers_alone() -> None:
    async with in_memory() as box:
        link = (await finished(box))["result"]["sample"]
        whole = await box.http.get(link)
        size = len(whole.content)
        head = await box.http.head(link)
        assert [head.headers["content-length"], head.content] == [str(size), b""]
        for asked, part, shown in [
            ("bytes=0-7", whole.content[:8], f"bytes 0-7/{size}"),
            ("bytes=-4", whole.content[-4:], f"bytes {size - 4}-{size - 1}/{size}"),
            (f"bytes={size - 2}-", whole.content[-2:], f"bytes {size - 2}-{size - 1}/{size}"),
        ]:
            answer = await box.http.get(link, headers={"range": asked})
            assert [answer.status_code, answer.content] == [206, part]
            assert answer.headers["content-range"] == shown


async def test_a_range_beyond_the_end_cannot_be_had() -> None:
    async with in_memory(checked=False) as box:
        link = (await finished(box))["result"]["sample"]
        answer = await box.http.get(link, headers={"range": "bytes=99999999-"})
        assert answer.status_code == 416


async def test_the_same_request_gives_the_same_bytes_in_another_sandbox() -> None:
    pictures = []
    for _ in range(2):
        async with in_memory(seed=9) as box:
            done = await finished(box)
            pictures.append(((await box.http.get(done["result"]["sample"])).content, done["id"]))
            render.cache_clear()
    assert pictures[0] == pictures[1]


async def test_another_seed_of_the_sandbox_gives_other_ids() -> None:
    ids = set()
    for seed in (1, 2):
        async with in_memory(seed=seed) as box:
            ids.add((await box.submit_bfl())["id"])
    assert len(ids) == 2


@pytest.mark.parametrize("form", ["png", "jpeg"])
@pytest.mark.parametrize("data_url", [False, True])
async def test_an_edited_picture_keeps_its_inputs_size_and_depends_on_it(form: Any, data_url: bool) -> None:
    image = render(Recipe(format=form, prompt="input", seed=1, width=300, height=200))
    other = render(Recipe(format=form, prompt="other", seed=1, width=300, height=200))
    pictures = []
    async with in_memory() as box:
        for given in (image, other, image):
            text = base64.b64encode(given).decode()
            sent = f"data:image/{form};base64,{text}" if data_url else text
            done = await finished(box, input_image=sent, seed=5)
            pictures.append((await box.http.get(done["result"]["sample"])).content)
    assert [read_png(pictures[0]).width, read_png(pictures[0]).height] == [300, 200]
    assert pictures[0] == pictures[2] != pictures[1]


async def test_a_finished_picture_can_be_edited_by_its_link() -> None:
    async with in_memory() as box:
        first = await finished(box, aspect_ratio="21:9")
        second = await finished(box, input_image=first["result"]["sample"], output_format="jpeg")
        picture = await box.http.get(second["result"]["sample"])
        assert picture.headers["content-type"] == "image/jpeg"
        frame = read_jpeg(picture.content)[0xC0][0]
        assert [int.from_bytes(frame[3:5], "big"), int.from_bytes(frame[1:3], "big")] == [1568, 672]


async def test_a_picture_elsewhere_is_never_fetched() -> None:
    async with in_memory() as box:
        done = await finished(box, input_image="https://example.com/cat.png")
        assert read_png((await box.http.get(done["result"]["sample"])).content).width == 1024


async def test_upsampling_changes_the_prompt_that_comes_back() -> None:
    async with in_memory() as box:
        done = await finished(box, prompt="a hat", prompt_upsampling=True)
        assert done["result"]["prompt"].startswith("a hat, ")


async def test_unknown_fields_are_ignored() -> None:
    async with in_memory() as box:
        assert (await finished(box, steps=50, guidance=3.5))["status"] == "Ready"


@pytest.mark.parametrize(
    ("key", "status", "detail"),
    [
        (None, 403, "Not authenticated"),
        ("", 403, "Not authenticated"),
        ("not a key", 422, "Invalid API key format"),
        ("{{FLUX_TOKEN}}", 422, "Invalid API key format"),
        ("0b7c3a52-6a0f-4f6d-9d58-1c2f5a7e9b31", 403, "Not authenticated - Invalid Authentication"),
        ("bfl_team-revoked", 403, "Not authenticated - Invalid Authentication"),
        ("bfl_team-expired", 403, "Not authenticated - Invalid Authentication"),
        ("bfl_team-forbidden", 403, "Not authenticated - Invalid Authentication"),
        ("bfl_team-limited", 429, "Rate limit exceeded"),
        ("bfl_team-nocredits", 402, "Insufficient credits"),
    ],
)
async def test_a_keys_state_decides_the_answer(key: str | None, status: int, detail: str) -> None:
    async with in_memory() as box:
        headers = {} if key is None else {"x-key": key}
        answer = await box.http.post(PRO, headers=headers, json={"prompt": "a"})
        assert [answer.status_code, answer.json()] == [status, {"detail": detail}]
        assert ("retry-after" in answer.headers) == (status == 429)
        assert await box.jobs() == []


async def test_polling_needs_no_key_unless_told_otherwise() -> None:
    for strict, status in ((False, 200), (True, 403)):
        async with in_memory(strict_poll_auth=strict) as box:
            job = await box.submit_bfl()
            await box.advance(1)
            answer = await box.http.get(RESULT, params={"id": job["id"]})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({}, {"type": "missing", "loc": ["body", "prompt"], "msg": "Field required", "input": {}}),
        (
            {"prompt": 3},
            {
                "type": "string_type",
                "loc": ["body", "prompt"],
                "msg": "Input should be a valid string",
                "input": 3,
            },
        ),
        (
            {"prompt": "a", "safety_tolerance": 7},
            {
                "type": "less_than_equal",
                "loc": ["body", "safety_tolerance"],
                "msg": "Input should be less than or equal to 6",
                "input": 7,
                "ctx": {"le": 6},
            },
        ),
        (
            {"prompt": "a", "safety_tolerance": -1},
            {
                "type": "greater_than_equal",
                "loc": ["body", "safety_tolerance"],
                "msg": "Input should be greater than or equal to 0",
                "input": -1,
                "ctx": {"ge": 0},
            },
        ),
        (
            {"prompt": "a", "seed": "x"},
            {
                "type": "int_parsing",
                "loc": ["body", "seed"],
                "msg": "Input should be a valid integer, unable to parse string as an integer",
                "input": "x",
            },
        ),
        (
            {"prompt": "a", "output_format": "gif"},
            {
                "type": "enum",
                "loc": ["body", "output_format"],
                "msg": "Input should be 'jpeg', 'png' or 'webp'",
                "input": "gif",
                "ctx": {"expected": "'jpeg', 'png' or 'webp'"},
            },
        ),
    ],
)
async def test_a_wrong_field_is_told_as_pydantic_tells_it(
    body: dict[str, Any], problem: dict[str, Any]
) -> None:
    async with in_memory() as box:
        answer = await box.http.post(PRO, headers=BFL, json=body)
        assert [answer.status_code, answer.json()] == [422, {"detail": [problem]}]


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"seed": 1.5}, "int_from_float"),
        ({"seed": True}, "int_type"),
        ({"seed": []}, "int_type"),
        ({"prompt_upsampling": "maybe"}, "bool_parsing"),
        ({"prompt_upsampling": []}, "bool_type"),
        ({"aspect_ratio": "wide"}, "value_error"),
        ({"aspect_ratio": "0:1"}, "value_error"),
        ({"aspect_ratio": "22:9"}, "value_error"),
        ({"aspect_ratio": "9:22"}, "value_error"),
        ({"output_format": "webp"}, "value_error"),
        ({"webhook_url": ""}, "string_too_short"),
        ({"webhook_url": "http://x/" + "y" * 2083}, "url_too_long"),
        ({"webhook_url": "ftp://x"}, "url_scheme"),
        ({"webhook_url": "http://"}, "url_parsing"),
        ({"input_image": "not base64!"}, "value_error"),
        ({"input_image": "data:image/png;base64,"}, "value_error"),
    ],
)
async def test_each_kind_of_wrong_value_has_its_type(body: dict[str, Any], kind: str) -> None:
    async with in_memory() as box:
        answer = await box.http.post(PRO, headers=BFL, json={"prompt": "a", **body})
        assert answer.status_code == 422
        assert [problem["type"] for problem in answer.json()["detail"]] == [kind]


async def test_webp_is_refused_with_the_formats_that_can_be_had() -> None:
    async with in_memory() as box:
        answer = await box.http.post(PRO, headers=BFL, json={"prompt": "a", "output_format": "webp"})
        assert "jpeg and png" in answer.json()["detail"][0]["msg"]


@pytest.mark.parametrize("value", [True, 1, "on", "FALSE", 0])
async def test_booleans_are_read_as_pydantic_reads_them(value: Any) -> None:
    async with in_memory() as box:
        await box.submit_bfl(prompt_upsampling=value, seed="12", safety_tolerance=2.0)


@pytest.mark.parametrize(
    ("content", "kind", "loc"),
    [
        (b"{", "json_invalid", ["body", 1]),
        (b"", "missing", ["body"]),
        (b"[]", "model_attributes_type", ["body"]),
    ],
)
async def test_a_body_that_is_no_object_is_refused(content: bytes, kind: str, loc: list[Any]) -> None:
    async with in_memory() as box:
        headers = {**BFL, "content-type": "application/json"}
        (problem,) = (await box.http.post(PRO, headers=headers, content=content)).json()["detail"]
        assert [problem["type"], problem["loc"]] == [kind, loc]


async def test_a_body_of_another_type_is_not_read_as_json() -> None:
    async with in_memory() as box:
        headers = {**BFL, "content-type": "text/plain"}
        answer = await box.http.post(PRO, headers=headers, content=json.dumps({"prompt": "a"}))
        assert answer.json()["detail"][0]["type"] == "model_attributes_type"


async def test_a_poll_without_an_id_is_refused() -> None:
    async with in_memory() as box:
        answer = await box.http.get(RESULT, headers=BFL)
        assert answer.json()["detail"][0]["loc"] == ["query", "id"]


@pytest.mark.parametrize(("path", "limit"), [(PRO, 24), (MAX, 6)])
async def test_only_so_many_tasks_may_be_under_way(path: str, limit: int) -> None:
    async with in_memory() as box:
        codes = [
            (await box.http.post(path, headers=BFL, json={"prompt": "a"})).status_code
            for _ in range(limit + 1)
        ]
        assert codes == [200] * limit + [429]
        other = {"x-key": "bfl_somebody_else"}
        assert (await box.http.post(path, headers=other, json={"prompt": "a"})).status_code == 200
        await box.advance(20)
        assert (await box.http.post(path, headers=BFL, json={"prompt": "a"})).status_code == 200


async def test_too_many_polls_are_refused_until_the_minute_is_over() -> None:
    async with in_memory(checked=False) as box:
        codes = [(await box.bfl_result("x")).status_code for _ in range(1201)]
        assert codes == [404] * 1200 + [429]
        await box.advance(60)
        assert (await box.bfl_result("x")).status_code == 404


async def test_credits_are_spent_and_given_back_for_what_fails() -> None:
    async with in_memory() as box:

        async def left() -> float:
            return float((await box.http.get("/bfl/v1/credits", headers=BFL)).json()["credits"])

        assert await left() == 100_000
        await box.submit_bfl()
        await box.http.post(MAX, headers=BFL, json={"prompt": "a"})
        assert await left() == 99_988
        await box.submit_bfl(prompt="[[fault:job-fail]]")
        assert await left() == 99_984
        await box.advance(20)
        assert await left() == 99_988


@pytest.mark.parametrize(
    ("method", "path", "status", "detail"),
    [("GET", "/bfl/v1/flux-kontext", 404, "Not Found"), ("GET", PRO, 405, "Method Not Allowed")],
)
async def test_other_paths_and_methods_are_refused_in_bfls_words(
    method: str, path: str, status: int, detail: str
) -> None:
    async with in_memory() as box:
        answer = await box.http.request(method, path)
        assert [answer.status_code, answer.json()] == [status, {"detail": detail}]


@pytest.mark.parametrize(
    ("directive", "status", "details"),
    [
        ("job-fail code=E1", "Error", {"error": "E1"}),
        ("fail message='out of memory'", "Error", {"error": "out of memory"}),
        ("moderate:request", "Request Moderated", {"Moderation Reasons": ["Sexual Content"]}),
        ("moderate:content reason=Derivative", "Content Moderated", {"Moderation Reasons": ["Derivative"]}),
    ],
)
async def test_a_job_ends_as_its_prompt_asks(directive: str, status: str, details: dict[str, Any]) -> None:
    async with in_memory() as box:
        job = await box.submit_bfl(prompt=f"a hat [[fault:{directive}]]")
        await box.advance(12)
        result = (await box.bfl_result(job["id"])).json()
        assert [result["status"], result["result"], result["details"]] == [status, None, details]


async def test_concurrent_submits_get_jobs_of_their_own() -> None:
    async with in_memory() as box:
        jobs = await asyncio.gather(*(box.submit_bfl() for _ in range(20)))
        assert len({job["id"] for job in jobs}) == 20


async def test_an_origin_that_is_not_127_0_0_1_keeps_its_name() -> None:
    async with in_memory(origin="https://sandbox.test/") as box:
        assert (await box.submit_bfl())["polling_url"].startswith(
            "https://sandbox.test/bfl-eu4/v1/get_result?id="
        )
