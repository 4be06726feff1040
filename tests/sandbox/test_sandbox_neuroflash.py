"""neuroflash's imitation: a token, tasks that answer with finished images, and the images they leave."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from capspec.sandbox.media import Recipe, render
from capspec.sandbox.providers.neuroflash.tokens import mint
from tests.sandbox.media_parsing import read_jpeg, read_png
from tests.sandbox.sandbox_world import NEUROFLASH, SECRETS, WORKSPACE, Box, in_memory

pytestmark = pytest.mark.anyio
TOKEN = "/neuroflash-id/oauth/v2/token"
CLIENT = {
    "grant_type": "client_credentials",
    "client_id": SECRETS["NEUROFLASH_CLIENT_ID"],
    "client_secret": SECRETS["NEUROFLASH_CLIENT_SECRET"],
    "scope": "openid",
}


async def generate(box: Box, **body: Any) -> dict[str, Any]:
    answer = await box.neuroflash("/image-generation-tasks", prompt="a boat", **body)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def bring_in(box: Box, *, width: int, height: int) -> dict[str, Any]:
    image = render(Recipe(format="png", prompt="p", seed=1, width=width, height=height))
    answer = await box.neuroflash(
        "/images", imageUrl="data:image/png;base64," + base64.b64encode(image).decode()
    )
    return dict(answer.json())


async def test_a_task_answers_with_finished_images_that_need_the_token() -> None:
    async with in_memory() as box:
        task = await generate(box, numImages=2, aspectRatio="16:9")
        assert [task["description"], task["detail"]] == [None, None]
        assert {image["generationId"] for image in task["images"]} == {task["generationId"]}
        image = task["images"][0]
        assert [image["prompt"], image["model"]] == ["a boat", "nano-banana-2"]
        assert image["parameters"] == {"aspectRatio": "16:9", "outputFormat": "png"}
        link = image["_links"]["content"]
        assert (await box.http.get(link)).status_code == 401
        content = await box.http.get(link, headers=NEUROFLASH)
        png = read_png(content.content)
        assert [png.width, png.height, len(content.content)] == [
            image["imageWidth"],
            image["imageHeight"],
            image["imageSize"],
        ]
        assert task["images"][1]["id"] != image["id"]


async def test_the_answer_comes_when_the_work_is_done() -> None:
    async with in_memory(frozen=False, speed=100) as box:
        before = (await box.http.get("/__sandbox__/clock")).json()["now"]
        await generate(box)
        after = (await box.http.get("/__sandbox__/clock")).json()["now"]
        assert after - before >= 4


async def test_a_token_is_given_for_client_credentials_and_runs_out_after_four_hours() -> None:
    async with in_memory() as box:
        answer = await box.http.post(TOKEN, data=CLIENT)
        assert answer.headers["cache-control"] == "no-store"
        token = answer.json()
        assert [token["token_type"], token["expires_in"]] == ["Bearer", 14_399]
        assert token["access_token"].count(".") == 2
        headers = {"authorization": f"Bearer {token['access_token']}"}
        assert (await box.http.get(f"{WORKSPACE}/images", headers=headers)).status_code == 200
        await box.advance(14_399)
        refused = await box.http.get(f"{WORKSPACE}/images", headers=headers)
        assert [refused.status_code, refused.json()["code"]] == [401, "UNAUTHORIZED"]


async def test_a_client_may_say_who_it_is_in_a_basic_header() -> None:
    async with in_memory() as box:
        auth = (CLIENT["client_id"], CLIENT["client_secret"])
        answer = await box.http.post(TOKEN, data={"grant_type": "client_credentials"}, auth=auth)
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"grant_type": ""}, 400, "invalid_request"),
        ({"client_id": ""}, 401, "invalid_client"),
        ({"client_secret": "{{SECRET}}"}, 401, "invalid_client"),
        ({"client_secret": "sandbox-old-revoked"}, 401, "invalid_client"),
    ],
)
async def test_a_wrong_client_gets_no_token(change: dict[str, str], status: int, code: str) -> None:
    async with in_memory() as box:
        answer = await box.http.post(TOKEN, data={**CLIENT, **change})
        assert [answer.status_code, answer.json()["error"]] == [status, code]


@pytest.mark.parametrize("header", ["Basic !!!", "Basic " + base64.b64encode(b"\xff").decode()])
async def test_an_unreadable_basic_header_counts_for_nothing(header: str) -> None:
    async with in_memory() as box:
        data = {"grant_type": "client_credentials"}
        answer = await box.http.post(TOKEN, data=data, headers={"authorization": header})
        assert answer.status_code == 401


async def test_a_token_request_must_be_a_form() -> None:
    async with in_memory() as box:
        answer = await box.http.post(TOKEN, json=CLIENT)
        assert [answer.status_code, answer.json()["error"]] == [400, "invalid_request"]


@pytest.mark.parametrize(
    ("token", "status", "code"),
    [
        (None, 401, "UNAUTHORIZED"),
        ("made-up", 401, "UNAUTHORIZED"),
        ("a.b.c", 401, "UNAUTHORIZED"),
        (mint("me", word="revoked"), 401, "UNAUTHORIZED"),
        (mint("me", word="expired"), 401, "UNAUTHORIZED"),
        (mint("me", word="forbidden"), 403, "FORBIDDEN"),
        (mint("me", word="limited"), 429, "RATE_LIMITED"),
        (mint("me", word="nocredits"), 429, "QUOTA_EXCEEDED"),
    ],
)
async def test_a_tokens_state_decides_the_answer(token: str | None, status: int, code: str) -> None:
    async with in_memory() as box:
        headers = {} if token is None else {"authorization": f"Bearer {token}"}
        answer = await box.http.post(
            f"{WORKSPACE}/image-generation-tasks", headers=headers, json={"prompt": "a"}
        )
        assert [answer.status_code, answer.json()["code"]] == [status, code]


async def test_a_clients_state_goes_into_its_tokens() -> None:
    async with in_memory() as box:
        token = (await box.http.post(TOKEN, data={**CLIENT, "client_id": "team-forbidden"})).json()[
            "access_token"
        ]
        answer = await box.http.get(f"{WORKSPACE}/images", headers={"authorization": f"Bearer {token}"})
        assert answer.status_code == 403


@pytest.mark.parametrize("workspace", ["None", "{workspaceId}", "acme", "ws-foreign-1"])
async def test_another_workspace_is_refused(workspace: str) -> None:
    async with in_memory() as box:
        url = f"/neuroflash/api/image-service/v1/workspaces/{workspace}/images"
        answer = await box.http.get(url, headers=NEUROFLASH)
        assert [answer.status_code, answer.json()["code"]] == [403, "FORBIDDEN"]


@pytest.mark.parametrize(
    ("path", "body", "fields"),
    [
        ("/image-generation-tasks", {}, ["prompt"]),
        ("/image-generation-tasks", {"prompt": 3, "numImages": 5}, ["prompt", "numImages"]),
        ("/image-generation-tasks", {"prompt": "a", "numImages": True}, ["numImages"]),
        ("/image-generation-tasks", {"prompt": "a", "aspectRatio": "auto"}, ["aspectRatio"]),
        ("/image-generation-tasks", {"prompt": "a", "outputFormat": "gif"}, ["outputFormat"]),
        ("/image-generation-tasks", {"prompt": "a", "outputFormat": "webp"}, ["outputFormat"]),
        ("/image-generation-tasks", {"prompt": "a", "modelId": "sandbox-upscaler"}, ["modelId"]),
        (
            "/image-generation-tasks",
            {"prompt": "a", "modelId": "sandbox-sketch", "numImages": 2},
            ["numImages"],
        ),
        ("/image-edit-tasks", {"prompt": "a"}, ["imageIds"]),
        ("/image-edit-tasks", {"prompt": "a", "imageIds": []}, ["imageIds"]),
        ("/image-upscale-tasks", {}, ["modelId", "imageId", "upscaleFactor"]),
        (
            "/image-upscale-tasks",
            {"modelId": "sandbox-upscaler", "imageId": "x", "upscaleFactor": 3},
            ["upscaleFactor"],
        ),
    ],
)
async def test_every_wrong_field_is_named(path: str, body: dict[str, Any], fields: list[str]) -> None:
    async with in_memory() as box:
        answer = await box.neuroflash(path, **body)
        assert answer.status_code == 422
        errors = answer.json()["errors"]
        assert [error["field"] for error in errors] == fields
        assert {error["type"] for error in errors} == {"validation"}


async def test_a_model_outside_the_plan_is_refused() -> None:
    async with in_memory() as box:
        answer = await box.neuroflash("/image-generation-tasks", prompt="a", modelId="sandbox-reserved")
        assert [answer.status_code, answer.json()["code"]] == [403, "MODEL_NOT_ALLOWED"]


@pytest.mark.parametrize("content", [b"{", b"[]", b""])
async def test_a_body_that_is_no_object_is_refused(content: bytes) -> None:
    async with in_memory() as box:
        answer = await box.http.post(
            f"{WORKSPACE}/image-generation-tasks", headers=NEUROFLASH, content=content
        )
        assert answer.status_code == 400


async def test_an_edit_keeps_its_inputs_size_and_names_its_inputs() -> None:
    async with in_memory() as box:
        source = (await generate(box, aspectRatio="9:16"))["images"][0]
        answer = await box.neuroflash("/image-edit-tasks", prompt="at night", imageIds=[source["id"]])
        (edited,) = answer.json()["images"]
        assert edited["inputImageIds"] == [source["id"]]
        assert [edited["imageWidth"], edited["imageHeight"]] == [source["imageWidth"], source["imageHeight"]]
        squared = await box.neuroflash(
            "/image-edit-tasks", prompt="p", imageIds=[source["id"]], aspectRatio="1:1", outputFormat="jpeg"
        )
        (square,) = squared.json()["images"]
        assert [square["imageWidth"], square["imageHeight"]] == [1024, 1024]
        content = await box.http.get(square["_links"]["content"], headers=NEUROFLASH)
        assert 0xC0 in read_jpeg(content.content)


async def test_an_upscale_shows_the_same_picture_larger() -> None:
    async with in_memory() as box:
        source = await bring_in(box, width=64, height=32)
        answer = await box.neuroflash(
            "/image-upscale-tasks", imageId=source["id"], modelId="sandbox-upscaler", upscaleFactor=4
        )
        (large,) = answer.json()["images"]
        assert [large["prompt"], large["imageWidth"], large["imageHeight"]] == ["", 256, 128]
        assert large["parameters"] == {"upscaleFactor": 4, "outputFormat": "png"}


async def test_an_upscaled_generation_keeps_its_prompt_and_seed() -> None:
    async with in_memory() as box:
        source = (await generate(box))["images"][0]
        small = read_png((await box.http.get(source["_links"]["content"], headers=NEUROFLASH)).content)
        answer = await box.neuroflash(
            "/image-upscale-tasks", imageId=source["id"], modelId="sandbox-upscaler", upscaleFactor=2
        )
        (large,) = answer.json()["images"]
        png = read_png((await box.http.get(large["_links"]["content"], headers=NEUROFLASH)).content)
        assert png.text == small.text
        assert [png.width, png.height] == [2048, 2048]


async def test_somebody_elses_image_can_be_seen_but_not_used_or_deleted() -> None:
    async with in_memory() as box:
        (theirs,) = (await box.http.get(f"{WORKSPACE}/images", headers=NEUROFLASH)).json()["data"]
        assert (
            await box.http.get(f"{WORKSPACE}/images/{theirs['id']}", headers=NEUROFLASH)
        ).status_code == 200
        edit = await box.neuroflash("/image-edit-tasks", prompt="a", imageIds=[theirs["id"]])
        gone = await box.http.delete(f"{WORKSPACE}/images/{theirs['id']}", headers=NEUROFLASH)
        assert [edit.status_code, gone.status_code] == [403, 403]
        assert (await box.neuroflash("/image-edit-tasks", prompt="a", imageIds=["x"])).status_code == 404


async def test_an_image_is_deleted_once() -> None:
    async with in_memory() as box:
        url = f"{WORKSPACE}/images/{(await generate(box))['images'][0]['id']}"
        gone = await box.http.delete(url, headers=NEUROFLASH)
        assert [gone.status_code, gone.content] == [204, b""]
        assert (await box.http.delete(url, headers=NEUROFLASH)).status_code == 404
        assert (await box.http.get(f"{url}/content", headers=NEUROFLASH)).status_code == 404


async def test_images_are_listed_newest_first_by_page() -> None:
    async with in_memory() as box:
        first = (await generate(box))["images"][0]["id"]
        await box.advance(1)
        second = (await generate(box))["images"][0]["id"]

        async def page(**query: int) -> dict[str, Any]:
            return dict((await box.http.get(f"{WORKSPACE}/images", headers=NEUROFLASH, params=query)).json())

        whole = await page()
        assert [image["id"] for image in whole["data"]][:2] == [second, first]
        assert whole["page"] == {"size": 20, "totalElements": 3, "totalPages": 1, "currentPage": 1}
        last = await page(page=2, size=2)
        assert [last["page"]["totalPages"], len(last["data"])] == [2, 1]
        assert (await page(page=9))["data"] == []


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=0", "size=201"])
async def test_a_page_that_cannot_be_is_refused(query: str) -> None:
    async with in_memory() as box:
        answer = await box.http.get(f"{WORKSPACE}/images?{query}", headers=NEUROFLASH)
        assert answer.status_code == 422


@pytest.mark.parametrize("form", ["png", "jpeg"])
async def test_an_image_can_be_brought_in_as_it_is(form: Any) -> None:
    async with in_memory() as box:
        image = render(Recipe(format=form, prompt="p", seed=1, width=30, height=20))
        url = f"data:image/{form};base64,{base64.b64encode(image).decode()}"
        answer = await box.neuroflash("/images", imageUrl=url)
        assert answer.status_code == 201
        content = await box.http.get(answer.json()["_links"]["content"], headers=NEUROFLASH)
        assert content.content == image
        assert content.headers["content-type"] == f"image/{form}"


async def test_an_image_elsewhere_is_drawn_and_not_fetched() -> None:
    async with in_memory() as box:
        answer = await box.neuroflash("/images", imageUrl="https://example.com/cat.png")
        assert [answer.status_code, answer.json()["imageWidth"]] == [201, 1024]


@pytest.mark.parametrize(
    "url", ["", "ftp://x", "data:text/plain,hello", "data:image/png;base64,@@@@", "data:;base64,A", 3]
)
async def test_a_url_that_leads_to_no_image_is_refused(url: Any) -> None:
    async with in_memory() as box:
        answer = await box.neuroflash("/images", imageUrl=url)
        assert [answer.status_code, answer.json()["errors"][0]["field"]] == [422, "imageUrl"]


async def test_models_workspaces_and_quotas_are_listed() -> None:
    async with in_memory() as box:
        models = (await box.http.get(f"{WORKSPACE}/image-models", headers=NEUROFLASH)).json()
        assert models["page"]["size"] == 50
        assert [model["order"] for model in models["data"]] == [0, 1, 2, 3]
        spaces = (
            await box.http.get("/neuroflash/api/workspace-service/v1/workspaces", headers=NEUROFLASH)
        ).json()
        assert spaces["data"][0]["id"] == SECRETS["NEUROFLASH_WORKSPACE_ID"]
        await generate(box, numImages=3)
        url = WORKSPACE.replace("image-service", "usage-service") + "/quotas?usageTypeKey=images"
        assert (await box.http.get(url, headers=NEUROFLASH)).json()["monthly"] == {
            "limit": 500,
            "used": 3,
            "remaining": 497,
        }


async def test_a_request_beyond_the_quota_gets_what_is_left_and_a_warning() -> None:
    async with in_memory() as box:
        tiny = await bring_in(box, width=8, height=8)

        async def edit(count: int) -> httpx.Response:
            return await box.neuroflash(
                "/image-edit-tasks", prompt="a", imageIds=[tiny["id"]], numImages=count
            )

        for count in (*[4] * 124, 1):
            assert (await edit(count)).json()["detail"] is None
        task = (await edit(4)).json()
        assert len(task["images"]) == 3
        assert task["detail"]["code"] == "PARTIAL_QUOTA"
        refused = await edit(1)
        assert [refused.status_code, refused.json()["code"]] == [429, "QUOTA_EXCEEDED"]
        await box.advance(32 * 86_400)
        assert (await edit(4)).json()["detail"] is None


@pytest.mark.parametrize(
    ("directive", "status", "code"),
    [
        ("job-fail", 500, "GENERATION_FAILED"),
        ("job-fail code=PROVIDER_DOWN", 500, "PROVIDER_DOWN"),
        ("moderate:request", 400, "CONTENT_MODERATED"),
        ("stuck", 500, "GENERATION_FAILED"),
    ],
)
async def test_a_task_that_fails_is_an_error_and_leaves_nothing(
    directive: str, status: int, code: str
) -> None:
    async with in_memory() as box:
        answer = await box.neuroflash("/image-generation-tasks", prompt=f"[[fault:{directive}]]")
        assert [answer.status_code, answer.json()["code"]] == [status, code]
        listed = (await box.http.get(f"{WORKSPACE}/images", headers=NEUROFLASH)).json()
        assert listed["page"]["totalElements"] == 1


async def test_unknown_paths_are_refused_in_neuroflashs_words() -> None:
    async with in_memory() as box:
        answers = [await box.http.get("/neuroflash/api/x"), await box.http.get("/neuroflash-id/x")]
        assert [a.json() for a in answers] == [
            {"error": "Not found", "code": "NOT_FOUND"},
            {"error": "not_found"},
        ]
