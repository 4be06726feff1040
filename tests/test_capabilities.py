"""The shipped capability files: they load without a word, and every tool does what it says."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest

from capspec import app, document
from capspec.plan import Flow, Plan
from capspec.sandbox import demo_secrets
from capspec.sandbox.media.dimensions import size_of
from tests.capability_world import CAPABILITIES, OverMcp, OverRest, RefusedError, Studio, studio
from tests.upstreams import Seen, reply
from tests.whole import Whole, running

pytestmark = pytest.mark.anyio

FILES = [
    "flexura",
    "flora",
    "flux",
    "flux-kontext",
    "media-studio",
    "neuroflash-images",
    "neuroflash-images-oauth2",
]
OURS = [name for name in FILES if name != "flux"]
"""All but the one that keeps to the structure of another's file, which has tests of its own."""

NEUROFLASH = ("neuroflash-images", "neuroflash-images-oauth2")
WORKSPACE_ID = "NEUROFLASH_WORKSPACE_ID"
SECRETS = {
    "flexura": {"MEDIA_GATEWAY_API_KEY"},
    "flora": {"FLORA_API_KEY"},
    "flux": {"FLUX_TOKEN"},
    "flux-kontext": {"FLUX_TOKEN"},
    "media-studio": {
        "MEDIA_GATEWAY_API_KEY",
        "FLUX_TOKEN",
        "FLORA_API_KEY",
        "NEUROFLASH_ACCESS_TOKEN",
        WORKSPACE_ID,
    },
    "neuroflash-images": {"NEUROFLASH_ACCESS_TOKEN", WORKSPACE_ID},
    "neuroflash-images-oauth2": {"NEUROFLASH_CLIENT_ID", "NEUROFLASH_CLIENT_SECRET", WORKSPACE_ID},
}
SUBMITS = re.compile(r"(generate|edit|upscale|run|upload)-?\w*|editimagekontext\w+")
PNG, JPEG = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"


def plan_of(name: str, environ: dict[str, str] | None = None) -> Plan:
    return app.load_plan(
        CAPABILITIES / f"{name}.yaml", environ=demo_secrets() if environ is None else environ
    )


def tools_of(plan: Plan) -> dict[str, Flow]:
    (listener,) = [listener for listener in plan.listeners if listener.type == "mcp"]
    return {flow.published: flow for flow in listener.flows}


def routes_of(plan: Plan) -> dict[str, Flow]:
    (listener,) = [listener for listener in plan.listeners if listener.type == "rest"]
    return {flow.name: flow for flow in listener.flows}


# -- what the files say -----------------------------------------------------------------------------------


def test_these_are_all_the_files():
    assert sorted(path.stem for path in CAPABILITIES.glob("*.yaml")) == FILES


@pytest.mark.parametrize("name", FILES)
def test_a_file_loads_without_a_word_and_all_of_it_works(name: str):
    plan = plan_of(name)
    assert plan.warnings == ()
    assert plan.missing == ()
    served = [(listener.type, listener.port) for listener in plan.listeners]
    assert served[:2] == [("rest", 8080), ("mcp", 9090)]
    assert served[2:] == ([("skill", 9091)] if name == "flexura" else [])
    assert [flow.name for listener in plan.listeners for flow in listener.flows if flow.unavailable] == []
    assert plan.title
    assert plan.description


@pytest.mark.parametrize("name", FILES)
def test_a_file_names_its_secrets_and_each_tool_those_that_it_needs(name: str):
    plan = plan_of(name, environ={})
    assert {missing.name for missing in plan.missing} == SECRETS[name]
    flows = [flow for listener in plan.listeners for flow in listener.flows]
    assert all(flow.missing for flow in flows)
    assert {variable for flow in flows for variable in flow.missing} == SECRETS[name]


def test_a_tool_of_one_provider_needs_only_the_secrets_of_that_provider():
    missing = {
        name: set(flow.missing) for name, flow in tools_of(plan_of("media-studio", environ={})).items()
    }
    assert missing["generate-image-flexura"] == {"MEDIA_GATEWAY_API_KEY"}
    assert missing["generate-image-flux"] == missing["edit-image-flux"] == {"FLUX_TOKEN"}
    assert missing["generate-image-flora"] == {"FLORA_API_KEY"}
    assert missing["upscale-image-neuroflash"] == {"NEUROFLASH_ACCESS_TOKEN", WORKSPACE_ID}
    assert missing["list-image-models"] == SECRETS["media-studio"] - {"FLUX_TOKEN"}


@pytest.mark.parametrize("name", FILES)
def test_every_base_uri_can_be_replaced_from_the_environment(name: str):
    moved = {
        f"CAPSPEC_BASE_URI_{upstream.namespace.upper()}": f"https://{upstream.namespace}.example"
        for upstream in plan_of(name).upstreams
    }
    plan = plan_of(name, environ={**demo_secrets(), **moved})
    assert [item.base_url for item in plan.upstreams] == [
        f"https://{item.namespace}.example" for item in plan.upstreams
    ]


@pytest.mark.parametrize("name", OURS)
def test_applications_and_agents_get_the_same(name: str):
    plan = plan_of(name)
    tools, routes = tools_of(plan), routes_of(plan)
    assert tools.keys() == routes.keys()
    for tool in tools:
        theirs, ours = routes[tool], tools[tool]
        assert theirs.input_schema["properties"] == ours.input_schema["properties"], tool
        assert theirs.input_schema.get("required") == ours.input_schema.get("required"), tool
        assert theirs.output_schema == ours.output_schema, tool


@pytest.mark.parametrize("name", OURS)
def test_agents_are_told_what_a_tool_does_and_what_its_arguments_mean(name: str):
    plan = plan_of(name)
    instructions = next(listener.description for listener in plan.listeners if listener.type == "mcp")
    assert 0 < len(instructions) <= 800
    for tool, flow in tools_of(plan).items():
        assert flow.title, tool
        assert flow.description.endswith("."), tool
        for argument, schema in flow.input_schema["properties"].items():
            assert schema.get("description"), f"{tool} does not say what {argument} is"
            assert schema.get("type"), f"{tool} does not say of which type {argument} is"
        if flow.inputs:
            assert flow.input_schema["additionalProperties"] is False, tool


@pytest.mark.parametrize("name", FILES)
def test_tools_say_what_they_do_to_the_world(name: str):
    for tool, flow in tools_of(plan_of(name)).items():
        hints = flow.hints
        if tool == "delete-image":
            assert (hints.read_only, hints.destructive, hints.idempotent) == (False, True, True)
        elif tool == "create-project":
            assert (hints.read_only, hints.destructive, hints.idempotent) == (False, False, False)
        elif SUBMITS.match(tool):
            assert (hints.read_only, hints.destructive, hints.idempotent) == (False, False, False), tool
            assert hints.open_world is True or name == "flux", tool
        else:
            assert hints.read_only is True, tool
            assert hints.destructive is not True, tool


def test_both_ways_to_sign_in_to_neuroflash_offer_the_same():
    token, client = (document.read(CAPABILITIES / f"{name}.yaml").data for name in NEUROFLASH)
    for data in (token, client):
        del data["info"], data["binds"], data["capability"]["consumes"][0]["authentication"]
        for listener in data["capability"]["exposes"]:
            listener["namespace"] = listener["namespace"].replace("-oauth2", "")
    assert token == client


# -- what the providers get -------------------------------------------------------------------------------

WORKSPACE = "/v1/workspaces/ws_1"
IMAGE = "https://example.com/a.png"
KONTEXT = {
    "prompt": "p",
    "input_image": IMAGE,
    "input_image_2": "aGk=",
    "input_image_3": "aGk=",
    "input_image_4": "aGk=",
    "seed": 7,
    "aspect_ratio": "16:9",
    "output_format": "jpeg",
    "prompt_upsampling": True,
    "safety_tolerance": 0,
}
HOOKED = KONTEXT | {"webhook_url": "https://example.com/hook", "webhook_secret": "s"}
SEARCH = {
    "query": "q",
    "max_results": 3,
    "include_answer": False,
    "topic": "news",
    "time_range": "week",
    "search_depth": "advanced",
    "include_domains": ["a.example"],
    "exclude_domains": ["b.example"],
}
OPTIONS = {"width": 64, "height": 32, "steps": 2, "seed": 9}
TALL = {"width": 768, "height": 1360, "seed": 3}
PROJECT = {"name": "n", "workspace_id": "ws_1"}
PLACED = {"workspace_id": "ws_1", "project_id": "prj_1"}
GENERATION = {"type": "image", "prompt": "p", **PLACED, "model": "m", "params": {"seed": 1}}
INPUTS = {"inputs": [{"id": "prompt", "type": "text", "value": "v"}], "idempotency_key": "k"}
PICTURES = {"prompt": "p", "numImages": 2, "aspectRatio": "16:9", "outputFormat": "png", "modelId": "m"}
EDITS = PICTURES | {"imageIds": ["i"]}
UPSCALE = {"imageId": "i", "modelId": "m", "upscaleFactor": 4, "outputFormat": "jpeg"}
SENT: dict[str, list[tuple[str, dict[str, Any], str, dict[str, Any]]]] = {
    "flexura": [
        ("search-internet", SEARCH, "/api/search", SEARCH),
        ("generate-image", {"prompt": "p"}, "/api/generate/image", {"prompt": "p", "options": {}}),
        (
            "generate-image",
            {"prompt": "p", "model": "m", **OPTIONS},
            "/api/generate/image",
            {"prompt": "p", "model": "m", "options": OPTIONS},
        ),
        ("generate-video", {"prompt": '{"a": 1}'}, "/api/generate/video", {"prompt": '{"a": 1}'}),
        ("generate-audio", {"prompt": "p"}, "/api/generate/audio", {"prompt": "p"}),
    ],
    "flux-kontext": [
        ("edit-image-pro", KONTEXT, "/flux-kontext-pro", KONTEXT),
        ("edit-image-max", {"prompt": "p"}, "/flux-kontext-max", {"prompt": "p"}),
        ("editimagekontextpro", HOOKED, "/flux-kontext-pro", HOOKED),
        ("editimagekontextmax", HOOKED, "/flux-kontext-max", HOOKED),
    ],
    "flora": [
        ("create-project", PROJECT, "/projects", PROJECT),
        ("generate", GENERATION, "/generate", GENERATION),
        (
            "run-technique",
            {"technique_id": "tech_1", **INPUTS},
            "/techniques/tech_1/runs",
            {"mode": "async", **INPUTS},
        ),
    ],
    "neuroflash-images": [
        ("generate-images", PICTURES, f"{WORKSPACE}/image-generation-tasks", PICTURES),
        ("edit-images", EDITS, f"{WORKSPACE}/image-edit-tasks", EDITS),
        ("upscale-image", UPSCALE, f"{WORKSPACE}/image-upscale-tasks", UPSCALE),
        ("upload-image", {"imageUrl": IMAGE}, f"{WORKSPACE}/images", {"imageUrl": IMAGE}),
    ],
    "media-studio": [
        (
            "generate-image-flexura",
            {"prompt": "p", "aspect_ratio": "9:16", "seed": 3},
            "/api/generate/image",
            {"prompt": "p", "options": TALL},
        ),
        (
            "generate-image-flux",
            {"prompt": "p"},
            "/flux-kontext-pro",
            {"prompt": "p", "aspect_ratio": "1:1"},
        ),
        (
            "edit-image-flux",
            {"prompt": "p", "image_url": IMAGE, "model": "max"},
            "/flux-kontext-max",
            {"prompt": "p", "input_image": IMAGE},
        ),
        (
            "generate-image-neuroflash",
            {"prompt": "p", "model": "m"},
            f"{WORKSPACE}/image-generation-tasks",
            {"prompt": "p", "modelId": "m", "aspectRatio": "1:1"},
        ),
    ],
}


@asynccontextmanager
async def refused(name: str) -> AsyncIterator[Whole]:
    """A file whose providers refuse everything."""

    def refuse(seen: Seen) -> bytes:
        return reply(400, b'{"error": "seen"}')

    text = (CAPABILITIES / f"{name}.yaml").read_text(encoding="utf-8")
    async with running(text, refuse, environ=demo_secrets() | {WORKSPACE_ID: "ws_1"}) as whole:
        yield whole


@pytest.mark.parametrize(
    ("name", "tool", "arguments", "path", "body"),
    [(name, *row) for name, rows in SENT.items() for row in rows],
)
async def test_every_argument_reaches_the_provider_in_its_place(
    name: str, tool: str, arguments: dict[str, Any], path: str, body: dict[str, Any]
):
    async with refused(name) as whole:
        assert (await whole.tool(tool, arguments)).is_error
        assert (whole.sent.method, whole.sent.path) == ("POST", path)
        assert json.loads(whole.sent.body) == body


@pytest.mark.parametrize(
    ("given", "pattern"), [({}, r"[0-9a-f-]{36}"), ({"Idempotency-Key": "mine"}, "mine")]
)
async def test_a_generation_of_flora_carries_a_key_that_makes_it_safe_to_repeat(
    given: dict[str, str], pattern: str
):
    async with refused("flora") as whole:
        assert (await whole.tool("generate", GENERATION | given)).is_error
        assert re.fullmatch(pattern, whole.sent.header("idempotency-key") or "")


# -- what each tool gives ---------------------------------------------------------------------------------

Scenario = Callable[[Studio], Awaitable[None]]
SCENARIOS: dict[tuple[str, str], Scenario] = {}


def gives(tool: str, *names: str) -> Callable[[Scenario], Scenario]:
    """The scenario that shows what a tool of these files gives."""

    def register(scenario: Scenario) -> Scenario:
        SCENARIOS.update({(name, tool): scenario for name in names})
        return scenario

    return register


async def refusal(call: Awaitable[Any]) -> str:
    """What a call is refused with."""
    with pytest.raises(RefusedError) as caught:
        await call
    return str(caught.value)


async def failure(world: Studio, tool: str, reason: str, **arguments: Any) -> None:
    """A tool's job fails, and its caller is told why."""
    envelope = await world.call(tool, **arguments)
    assert envelope["state"] == "failed"
    assert reason in f"{envelope['error']['code']} {envelope['error']['message']}"
    assert "result" not in envelope


# Flexura


@gives("search-internet", "flexura")
async def search_the_web(world: Studio) -> None:
    found = await world.call(
        "search-internet", query="green tea", max_results=2, include_domains=["tea.example"]
    )
    assert "green tea" in found["answer"]
    fields = {"title", "url", "content", "score", "published_date"}
    assert [set(item) for item in found["results"]] == [fields, fields]
    assert all(item["url"].startswith("https://tea.example/") for item in found["results"])
    without = await world.call("search-internet", query="green tea", include_answer=False)
    assert without["answer"] is None
    assert "max_results" in await refusal(world.call("search-internet", query="x", max_results=21))


@gives("generate-image", "flexura")
async def make_a_picture(world: Studio) -> None:
    arguments = {"prompt": "a kite", "width": 320, "height": 160, "seed": 4}
    made = await world.made("generate-image", **arguments)
    picture = await world.fetch(made["asset_url"])
    assert made["type"] == "image"
    assert picture.startswith(PNG)
    assert size_of(picture) == (320, 160)
    again = await world.made("generate-image", **arguments)
    assert again["job_id"] != made["job_id"]
    assert await world.fetch(again["asset_url"]) == picture
    assert "no-such-model" in await refusal(world.call("generate-image", prompt="x", model="no-such-model"))


@gives("generate-video", "flexura")
async def make_a_film(world: Studio) -> None:
    made = await world.made("generate-video", prompt="a kite")
    assert made["type"] == "video"
    assert (await world.fetch(made["asset_url"]))[4:8] == b"ftyp"


@gives("generate-audio", "flexura")
async def make_a_sound(world: Studio) -> None:
    made = await world.made("generate-audio", prompt="wind")
    assert made["type"] == "audio"
    assert (await world.fetch(made["asset_url"])).startswith(b"RIFF")


@gives("get-job", "flexura")
async def look_at_a_generation(world: Studio) -> None:
    made = await world.made("generate-image", prompt="a kite")
    found = await world.call("get-job", job_id=made["job_id"])
    assert found == made | {"status": "completed", "error": None}
    await failure(world, "generate-image", "broken", prompt="[[fault:job-fail message=broken]] a kite")
    failed = await world.call("get-job", job_id=await world.last_job("flexura"))
    assert (failed["status"], failed["asset_url"], failed["error"]) == ("failed", None, "broken")
    assert "not found" in await refusal(world.call("get-job", job_id="nobody"))


@gives("list-models", "flexura")
async def list_models_of_flexura(world: Studio) -> None:
    models = (await world.call("list-models"))["models"]
    assert {"id": "nvidia-flux", "type": "image", "status": "active"}.items() <= models[0].items()
    assert set(models[0]) == {"id", "type", "description", "status"}


# FLUX


@gives("edit-image-pro", "flux-kontext")
async def edit_an_image_with_pro(world: Studio) -> None:
    made = await world.made("edit-image-pro", prompt="a red kite", seed=11, aspect_ratio="16:9")
    assert (made["prompt"], made["seed"], made["cost"]) == ("a red kite", 11, 4)
    picture = await world.fetch(made["image_url"])
    width, height = size_of(picture) or (0, 1)
    assert picture.startswith(PNG)
    assert width / height == pytest.approx(16 / 9, rel=0.05)
    await failure(world, "edit-image-pro", "Kites", prompt="[[fault:moderate:request reason=Kites]]")
    assert "safety_tolerance" in await refusal(world.call("edit-image-pro", prompt="x", safety_tolerance=7))


@gives("edit-image-max", "flux-kontext")
async def edit_an_image_with_max(world: Studio) -> None:
    image = "https://example.com/kite.png"
    made = await world.made("edit-image-max", prompt="a red kite", input_image=image, output_format="jpeg")
    assert made["cost"] == 8
    assert (await world.fetch(made["image_url"])).startswith(JPEG)


@gives("editimagekontextpro", "flux-kontext")
async def submit_an_edit_to_pro(world: Studio) -> None:
    submitted = await world.call("editimagekontextpro", prompt="a red kite")
    assert submitted["polling_url"].endswith(f"/get_result?id={submitted['id']}")
    assert submitted["status"] is None
    hooked = await world.call("editimagekontextpro", prompt="x", webhook_url="http://127.0.0.1:9/hook")
    assert (hooked["polling_url"], hooked["status"]) == (None, "Pending")


@gives("editimagekontextmax", "flux-kontext")
async def submit_an_edit_to_max(world: Studio) -> None:
    submitted = await world.call("editimagekontextmax", prompt="a red kite", seed=5)
    await world.later()
    done = await world.call("geteditresult", id=submitted["id"])
    assert (done["status"], done["seed"], done["cost"]) == ("Ready", 5, 8)


@gives("geteditresult", "flux-kontext")
async def look_at_an_edit(world: Studio) -> None:
    made = await world.made("edit-image-pro", prompt="a red kite")
    found = await world.call("geteditresult", id=made["id"])
    assert (found["status"], found["progress"], found["details"]) == ("Ready", None, None)
    assert await world.fetch(found["image_url"]) == await world.fetch(made["image_url"])
    prompt = "[[fault:moderate:content reason=Kites]] a red kite"
    submitted = await world.call("editimagekontextpro", prompt=prompt)
    await world.later()
    moderated = await world.call("geteditresult", id=submitted["id"])
    assert (moderated["status"], moderated["image_url"]) == ("Content Moderated", None)
    assert moderated["details"] == {"Moderation Reasons": ["Kites"]}
    assert "Task not found" in await refusal(world.call("geteditresult", id="nobody"))


@gives("get-credits", "flux-kontext")
async def ask_for_credits(world: Studio) -> None:
    before = (await world.call("get-credits"))["credits"]
    await world.made("edit-image-max", prompt="a red kite")
    assert (await world.call("get-credits"))["credits"] == before - 8


# FLORA

PLACE = {"workspace_id": "ws_abc123", "project_id": "prj_abc123"}


@gives("list-models", "flora")
async def list_models_of_flora(world: Studio) -> None:
    models = (await world.call("list-models", type="video"))["models"]
    assert {model["type"] for model in models} == {"video"}
    ratio = next(param for param in models[0]["params"] if param["name"] == "aspect_ratio")
    assert (ratio["default"], ratio["required"]) == ("1:1", False)
    assert "16:9" in ratio["options"]
    assert len((await world.call("list-models"))["models"]) > len(models)


@gives("list-workspaces", "flora")
async def list_workspaces(world: Studio) -> None:
    workspaces = (await world.call("list-workspaces"))["workspaces"]
    assert workspaces[0] == {"workspace_id": "ws_abc123", "name": "Sandbox workspace", "role": "owner"}


@gives("list-projects", "flora")
async def list_projects(world: Studio) -> None:
    found = await world.call("list-projects", workspace_id="ws_abc123", query="first", limit=1)
    assert found["projects"] == [PLACE | {"name": "First project"}]
    assert found["next_cursor"] is None
    assert "workspace_id" in await refusal(world.call("list-projects", workspace_id="abc123"))


@gives("create-project", "flora")
async def make_a_project(world: Studio) -> None:
    made = await world.call("create-project", name="Kites", workspace_id="ws_abc123")
    assert made == {"project_id": made["project_id"], "name": "Kites", "workspace_id": "ws_abc123"}
    found = await world.call("list-projects", workspace_id="ws_abc123", query="kites")
    assert made in found["projects"]
    assert "read-only" in await refusal(world.call("create-project", name="Kites", workspace_id="ws_def456"))


@gives("generate", "flora")
async def generate_with_flora(world: Studio) -> None:
    params = {"aspect_ratio": "16:9", "seed": 3}
    made = await world.made("generate", type="image", prompt="a kite", params=params, **PLACE)
    (output,) = made["outputs"]
    assert output["type"] == "imageUrl"
    assert size_of(await world.fetch(output["url"])) == (1392, 752)
    assert made["charged_cost"] == 0.04
    wrong = world.call("generate", type="image", prompt="x", model="no-such-model", **PLACE)
    assert "t2i-flux-2-pro" in await refusal(wrong)
    homeless = world.call("generate", type="image", prompt="x", workspace_id="ws_abc123")
    assert "project_id" in await refusal(homeless)
    await keeps_its_key(world, "generate", {"type": "text", "prompt": "a kite", **PLACE}, "Idempotency-Key")


async def keeps_its_key(world: Studio, tool: str, arguments: dict[str, Any], name: str) -> None:
    """The same call with the same key makes nothing new; one without a key gets a new one each time."""
    keyed = arguments | {name: str(uuid.uuid4())}
    assert (await world.made(tool, **keyed))["run_id"].startswith("run_")
    assert "already submitted" in await refusal(world.call(tool, **keyed))
    first, second = [await world.made(tool, **arguments) for _ in range(2)]
    assert first["run_id"] != second["run_id"]


@gives("get-run", "flora")
async def look_at_a_run(world: Studio) -> None:
    made = await world.made("generate", type="text", prompt="a kite", **PLACE)
    found = await world.call("get-run", run_id=made["run_id"])
    assert found.items() >= made.items()
    assert (found["status"], found["progress"], found["error_code"]) == ("completed", 100, None)
    assert found["outputs"][0]["type"] == "text"
    assert found["outputs"][0]["url"].startswith("a kite: ")
    prompt = "[[fault:job-fail code=GPU_PROVIDER_ERROR]] a kite"
    await failure(world, "generate", "GPU_PROVIDER_ERROR", type="image", prompt=prompt, **PLACE)
    failed = await world.call("get-run", run_id=await world.last_job("flora"))
    assert (failed["status"], failed["error_code"]) == ("failed", "GPU_PROVIDER_ERROR")
    assert failed["outputs"] is None


@gives("list-generations", "flora")
async def list_generations(world: Studio) -> None:
    made = await world.made("generate", type="image", prompt="a kite", **PLACE)
    found = await world.call("list-generations", project_id="prj_abc123", status="completed", limit=1)
    (newest,) = found["generations"]
    assert newest == made | {"status": "completed", "error_code": None, "error_message": None}
    assert (await world.call("list-generations", workspace_id="ws_def456"))["generations"] == []


@gives("list-techniques", "flora")
async def list_techniques(world: Studio) -> None:
    first = await world.call("list-techniques", limit=1)
    (technique,) = first["techniques"]
    assert set(technique) == {"technique_id", "name", "description", "run_cost"}
    second = await world.call("list-techniques", limit=1, cursor=first["next_cursor"])
    assert second["techniques"] != first["techniques"]
    assert second["next_cursor"] is None


@gives("get-technique", "flora")
async def look_at_a_technique(world: Studio) -> None:
    by_slug = await world.call("get-technique", technique_id="product-shot")
    assert by_slug == await world.call("get-technique", technique_id=by_slug["technique_id"])
    inputs = [(item["id"], item["type"]) for item in by_slug["inputs"]]
    assert inputs == [("image", "imageUrl"), ("prompt", "text")]


@gives("run-technique", "flora")
async def run_a_technique(world: Studio) -> None:
    inputs = [
        {"id": "image", "type": "imageUrl", "value": "https://example.com/kite.png"},
        {"id": "prompt", "type": "text", "value": "a kite"},
    ]
    arguments = {"technique_id": "product-shot", "inputs": inputs}
    made = await world.made("run-technique", **arguments)
    assert (await world.fetch(made["outputs"][0]["url"])).startswith(PNG)
    imageless = arguments | {"inputs": inputs[1:]}
    assert "image" in await refusal(world.call("run-technique", **imageless))
    nameless = {"technique_id": "storyboard", "inputs": [{"type": "text", "value": "a kite"}]}
    assert "id" in await refusal(world.call("run-technique", **nameless))
    await keeps_its_key(world, "run-technique", arguments, "idempotency_key")


# neuroflash


async def neuroflash_picture(world: Studio, **arguments: Any) -> dict[str, Any]:
    made = await world.call("generate-images", prompt="a kite", **arguments)
    assert made["warning"] is None
    picture: dict[str, Any] = made["images"][0]
    return picture


@gives("generate-images", *NEUROFLASH)
async def make_pictures(world: Studio) -> None:
    made = await world.call(
        "generate-images", prompt="a kite", numImages=2, aspectRatio="16:9", outputFormat="jpeg"
    )
    first, second = made["images"]
    assert (first["prompt"], first["model"], first["generationId"]) == (
        "a kite",
        "nano-banana-2",
        second["generationId"],
    )
    content = await world.call("get-image-content", imageId=first["id"])
    assert content.startswith(JPEG)
    assert (first["width"], first["height"], first["bytes"]) == (*(size_of(content) or ()), len(content))
    assert "sandbox-reserved" in await refusal(
        world.call("generate-images", prompt="x", modelId="sandbox-reserved")
    )


@gives("edit-images", *NEUROFLASH)
async def change_pictures(world: Studio) -> None:
    before = await neuroflash_picture(world, aspectRatio="9:16")
    made = await world.call("edit-images", prompt="a red kite", imageIds=[before["id"]])
    (after,) = made["images"]
    assert (after["width"], after["height"]) == (before["width"], before["height"])
    assert after["id"] != before["id"]
    assert "imageIds" in await refusal(world.call("edit-images", prompt="x", imageIds=[]))


@gives("upscale-image", *NEUROFLASH)
async def enlarge_a_picture(world: Studio) -> None:
    small = await world.call("upload-image", imageUrl="https://example.com/kite.png")
    made = await world.call("upscale-image", imageId=small["id"], modelId="sandbox-upscaler", upscaleFactor=2)
    (large,) = made["images"]
    assert (large["width"], large["height"]) == (2 * small["width"], 2 * small["height"])
    no_factor = world.call("upscale-image", imageId=small["id"], modelId="sandbox-upscaler")
    assert "upscaleFactor" in await refusal(no_factor)


@gives("list-images", *NEUROFLASH)
async def list_pictures(world: Studio) -> None:
    newest = await neuroflash_picture(world)
    found = await world.call("list-images", size=1)
    assert found["images"] == [newest]
    assert found["page"] == 1
    second = await world.call("list-images", size=1, page=2)
    assert second["page"] == 2
    assert second["images"] != found["images"]
    assert "size" in await refusal(world.call("list-images", size=201))


@gives("get-image", *NEUROFLASH)
async def look_up_a_picture(world: Studio) -> None:
    made = await neuroflash_picture(world)
    assert await world.call("get-image", imageId=made["id"]) == made
    assert "not found" in await refusal(world.call("get-image", imageId="nobody"))


@gives("get-image-content", *NEUROFLASH)
async def get_a_picture(world: Studio) -> None:
    made = await neuroflash_picture(world)
    content = await world.call("get-image-content", imageId=made["id"])
    assert content.startswith(PNG)
    assert len(content) == made["bytes"]


@gives("delete-image", *NEUROFLASH)
async def delete_a_picture(world: Studio) -> None:
    made = await neuroflash_picture(world)
    assert await world.call("delete-image", imageId=made["id"]) is None
    assert "not found" in await refusal(world.call("get-image", imageId=made["id"]))
    foreign = (await world.call("list-images", size=200))["images"][-1]
    assert "owner" in await refusal(world.call("delete-image", imageId=foreign["id"]))


@gives("upload-image", *NEUROFLASH)
async def upload_a_picture(world: Studio) -> None:
    made = await world.call("upload-image", imageUrl="https://example.com/kite.png")
    assert (made["prompt"], made["model"]) == ("", "upload")
    assert (await world.call("get-image-content", imageId=made["id"])).startswith(PNG)
    assert "imageUrl" in await refusal(world.call("upload-image", imageUrl="kite.png"))


@gives("list-image-models", *NEUROFLASH)
async def list_models_of_neuroflash(world: Studio) -> None:
    found = await world.call("list-image-models", size=1)
    (model,) = found["models"]
    assert (found["page"], found["pages"]) == (1, 4)
    assert (model["id"], model["maxImages"], model["allowed"]) == ("nano-banana-2", 4, True)
    assert "text2image" in model["capabilities"]


# all four together


async def made_by(world: Studio, tool: str, **arguments: Any) -> dict[str, Any]:
    """What a tool of the studio made; all providers answer in the same words."""
    made: dict[str, Any] = await world.call(tool, **arguments)
    assert set(made) == {"provider", "id", "image_url"}
    assert made["provider"] == tool.rpartition("-")[2]
    return made


@gives("generate-image", "media-studio")
async def make_a_picture_with_the_provider_of_ones_choice(world: Studio) -> None:
    for provider in ("flexura", "flux", "flora", "neuroflash"):
        made = await world.call("generate-image", provider=provider, prompt="a kite")
        assert made["provider"] == provider
        assert made["id"]
        if provider == "neuroflash":
            assert made["id"] in made["image_url"]
        else:
            assert (await world.fetch(made["image_url"])).startswith(PNG)
    assert (await world.call("generate-image", prompt="a kite"))["provider"] == "flexura"
    failing = world.call("generate-image", provider="flexura", prompt="[[fault:job-fail message=broken]]")
    assert "broken" in await refusal(failing)


@gives("generate-image-flexura", "media-studio")
async def make_a_picture_with_flexura(world: Studio) -> None:
    made = await made_by(world, "generate-image-flexura", prompt="a kite", aspect_ratio="16:9")
    assert size_of(await world.fetch(made["image_url"])) == (1360, 768)
    assert "aspect_ratio" in await refusal(
        world.call("generate-image-flexura", prompt="x", aspect_ratio="7:1")
    )
    failing = world.call("generate-image-flexura", prompt="[[fault:job-fail message=broken]]")
    assert "broken" in await refusal(failing)


@gives("generate-image-flux", "media-studio")
async def make_a_picture_with_flux(world: Studio) -> None:
    made = await made_by(world, "generate-image-flux", prompt="a kite", model="max", seed=2)
    again = await made_by(world, "generate-image-flux", prompt="a kite", seed=2)
    first, second = [await world.fetch(item["image_url"]) for item in (made, again)]
    assert first.startswith(PNG)
    assert first == second
    assert size_of(first) == (1024, 1024)


@gives("get-image-flux", "media-studio")
async def get_a_fresh_link(world: Studio) -> None:
    made = await made_by(world, "generate-image-flux", prompt="a kite")
    fresh = await made_by(world, "get-image-flux", id=made["id"])
    assert fresh["id"] == made["id"]
    assert await world.fetch(fresh["image_url"]) == await world.fetch(made["image_url"])


@gives("generate-image-flora", "media-studio")
async def make_a_picture_with_flora(world: Studio) -> None:
    made = await made_by(world, "generate-image-flora", prompt="a kite", aspect_ratio="4:3")
    assert size_of(await world.fetch(made["image_url"])) == (1184, 880)
    place = {"workspace_id": "ws_def456", "project_id": "prj_def456"}
    assert "read-only" in await refusal(world.call("generate-image-flora", prompt="x", **place))


@gives("get-image-neuroflash", "media-studio")
@gives("generate-image-neuroflash", "media-studio")
async def make_a_picture_with_neuroflash(world: Studio) -> None:
    made = await made_by(world, "generate-image-neuroflash", prompt="a kite", aspect_ratio="3:4")
    content = await world.call("get-image-neuroflash", id=made["id"])
    width, height = size_of(content) or (0, 1)
    assert content.startswith(PNG)
    assert width / height == pytest.approx(3 / 4, rel=0.05)
    assert made["id"] in made["image_url"]


@gives("edit-image-flux", "media-studio")
async def change_a_picture_of_one_provider_with_another(world: Studio) -> None:
    made = await made_by(world, "generate-image-flexura", prompt="a kite")
    change = {"prompt": "a red kite", "seed": 1}
    edited = await made_by(world, "edit-image-flux", image_url=made["image_url"], **change)
    other = await made_by(world, "generate-image-flux", **change)
    edit, fresh = [await world.fetch(item["image_url"]) for item in (edited, other)]
    assert edit.startswith(PNG)
    assert edit != fresh


@gives("edit-image-neuroflash", "media-studio")
async def change_a_picture_with_neuroflash(world: Studio) -> None:
    image = "https://example.com/kite.png"
    made = await made_by(world, "edit-image-neuroflash", prompt="a red kite", image_url=image)
    assert (await world.call("get-image-neuroflash", id=made["id"])).startswith(PNG)
    posted = [entry["path"] for entry in await world.requests(provider="neuroflash", method="POST")]
    assert [path.rpartition("/")[2] for path in posted[-2:]] == ["images", "image-edit-tasks"]


@gives("upscale-image-neuroflash", "media-studio")
async def enlarge_a_picture_with_neuroflash(world: Studio) -> None:
    arguments = {"image_url": "https://example.com/kite.png", "model": "sandbox-upscaler"}
    made = await made_by(world, "upscale-image-neuroflash", **arguments)
    assert size_of(await world.call("get-image-neuroflash", id=made["id"])) == (2048, 2048)


@gives("list-image-models", "media-studio")
async def list_the_models_of_all(world: Studio) -> None:
    models = await world.call("list-image-models")
    assert list(models) == ["flexura", "flux", "flora", "neuroflash"]
    ids = {provider: [model["id"] for model in listed] for provider, listed in models.items()}
    assert ids["flexura"] == ["nvidia-flux"]
    assert ids["flux"] == ["pro", "max"]
    assert ids["flora"] == ["t2i-flux-2-pro", "i2i-sandbox-brush"]
    assert ids["neuroflash"] == ["nano-banana-2", "sandbox-sketch", "sandbox-upscaler"]
    assert all(model["about"] for listed in models.values() for model in listed)


# -- in both ways -----------------------------------------------------------------------------------------


Worlds = Callable[[str, str], Awaitable[Studio]]


@pytest.fixture(scope="module")
async def worlds(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Worlds]:
    """Gives a file, reached in one way; each is started once, for all of its tools."""
    async with AsyncExitStack() as stack:
        started: dict[tuple[str, str], Studio] = {}

        async def world_of(name: str, way: str) -> Studio:
            if (name, way) not in started:
                world = studio(CAPABILITIES / f"{name}.yaml", way, tmp_path_factory.mktemp(name))
                started[name, way] = await stack.enter_async_context(world)
            return started[name, way]

        yield world_of


@pytest.mark.parametrize("way", ["mcp", "rest"])
@pytest.mark.parametrize(("name", "tool"), SCENARIOS)
async def test_a_tool_does_what_it_says(worlds: Worlds, name: str, tool: str, way: str):
    await SCENARIOS[name, tool](await worlds(name, way))


def test_every_tool_was_put_to_the_test():
    assert SCENARIOS.keys() == {(name, tool) for name in OURS for tool in tools_of(plan_of(name))}


@pytest.mark.parametrize("name", NEUROFLASH)
async def test_a_client_of_neuroflash_signs_in_once_for_many_calls(worlds: Worlds, name: str):
    world = await worlds(name, "mcp")
    for _ in range(3):
        await world.call("list-images")
    tokens = await world.requests(provider="neuroflash-id")
    assert len(tokens) == (1 if name.endswith("oauth2") else 0)


# -- jobs -------------------------------------------------------------------------------------------------

JOBS = {
    "flexura": ["generate-image", "generate-video", "generate-audio"],
    "flux-kontext": ["edit-image-pro", "edit-image-max"],
    "flora": ["generate", "run-technique"],
}


@pytest.mark.parametrize("name", OURS)
async def test_an_agent_can_ask_about_every_job_that_it_starts(worlds: Worlds, name: str):
    world = await worlds(name, "mcp")
    assert isinstance(world.call, OverMcp)
    listed = {tool.name: tool for tool in (await world.call.agent.list_tools()).tools}
    asking = {f"{tool}_status" for tool in JOBS.get(name, [])}
    assert listed.keys() == tools_of(plan_of(name)).keys() | asking
    for tool in asking:
        annotations = listed[tool].annotations
        assert annotations is not None
        assert (annotations.read_only_hint, annotations.idempotent_hint) == (True, True)
    for tool in JOBS.get(name, []):
        envelope = listed[tool].output_schema
        assert envelope is not None
        assert envelope["properties"]["result"] == tools_of(plan_of(name))[tool].output_schema


@pytest.mark.parametrize(
    ("name", "path", "body", "link"),
    [
        ("flexura", "/images", {"prompt": "a kite"}, "asset_url"),
        ("flux-kontext", "/edits/pro", {"prompt": "a kite"}, "image_url"),
        ("flora", "/generations", {"type": "image", "prompt": "a kite", **PLACE}, "outputs"),
    ],
)
async def test_an_application_can_leave_and_come_back_for_the_result(
    worlds: Worlds, name: str, path: str, body: dict[str, Any], link: str
):
    world = await worlds(name, "rest")
    assert isinstance(world.call, OverRest)
    client = world.call.client
    started = await client.post(path, json=body)
    assert (started.status_code, started.json()["state"]) == (202, "queued")
    ended = await client.get(started.headers["location"], headers={"Prefer": "wait=60"})
    assert ended.json()["state"] == "succeeded"
    assert ended.json()["result"][link]


async def test_an_edit_is_followed_to_the_host_that_the_provider_names(worlds: Worlds):
    world = await worlds("flux-kontext", "mcp")
    made = await world.made("edit-image-pro", prompt="a kite")
    asked = [entry for entry in await world.requests(provider="bfl") if entry["job"] == made["id"]]
    submitted, *looks = asked
    assert submitted["path"] == "/bfl/v1/flux-kontext-pro"
    assert {entry["path"] for entry in looks} == {"/bfl-eu4/v1/get_result"}
