"""The FLUX capability, from a submission to a picture: the shipped file and, when it is there, the original."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import httpx
import pytest

from capspec import app, document
from capspec.serving.sockets import ListenError, open_socket
from tests.cli.cli_processes import served
from tests.whole import text_of, value_of

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parent.parent
ORIGINAL = ROOT.parent / "shared" / "seeds" / "002_7a225c03200e535a.txt"
SANDBOX = ("--sandbox", "--sandbox-speed", "1000", "--port", "0")
TOOLS = ["editimagekontextpro", "editimagekontextmax", "geteditresult"]


@pytest.fixture(params=["shipped", "original"])
def capability(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    if request.param == "shipped":
        return ROOT / "capabilities" / "flux.yaml"
    if not ORIGINAL.exists():
        pytest.skip("the original file is not beside this checkout")
    text = ORIGINAL.read_text(encoding="utf-8")
    path = tmp_path / "flux.yaml"
    path.write_text(text[text.index("naftiko: ") :], encoding="utf-8")
    return path


def test_it_loads_without_a_word_and_says_which_secret_it_lacks(capability: Path):
    plan = app.load_plan(capability, environ={})
    assert [(listener.type, listener.port) for listener in plan.listeners] == [("rest", 8080), ("mcp", 9090)]
    assert [flow.published for flow in plan.listeners[1].flows] == TOOLS
    assert plan.warnings == ()
    assert [missing.name for missing in plan.missing] == ["FLUX_TOKEN"]


def test_the_shipped_file_has_the_structure_of_the_original():
    if not ORIGINAL.exists():
        pytest.skip("the original file is not beside this checkout")
    text = ORIGINAL.read_text(encoding="utf-8")
    original = document.parse(text[text.index("naftiko: ") :], "original").data
    shipped = document.read(ROOT / "capabilities" / "flux.yaml").data
    assert _bare(shipped["capability"]) == _bare(original["capability"])
    assert shipped["binds"] == original["binds"]
    assert shipped["naftiko"] == original["naftiko"]


def _bare(node: Any) -> Any:
    """The tree without its descriptions."""
    if isinstance(node, dict):
        return {key: _bare(value) for key, value in node.items() if key != "description"}
    return [_bare(item) for item in node] if isinstance(node, list) else node


async def picture(client: httpx.AsyncClient, sample: str) -> bytes:
    answer = await client.get(sample)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/png"
    return answer.content


async def test_an_application_edits_an_image_over_rest(capability: Path):
    async with served(str(capability), *SANDBOX) as process:
        async with httpx.AsyncClient(base_url=process.url("rest") + "/") as client:
            body = {"prompt": "a red boat", "input_image": "https://example.com/boat.png", "seed": 7}
            submitted = (await client.post("flux-kontext-pro", json=body)).json()
            assert submitted["polling_url"]
            result = await _ready(lambda: _get(client, submitted["id"]))
            assert (await picture(client, result["result"]["sample"])).startswith(b"\x89PNG\r\n\x1a\n")


async def _get(client: httpx.AsyncClient, job: str) -> dict[str, Any]:
    answer = await client.get("get_result", params={"id": job})
    return answer.json()


async def _ready(look: Any) -> dict[str, Any]:
    for _ in range(2000):
        found: dict[str, Any] = await look()
        if found["status"] == "Ready":
            return found
    raise AssertionError(f"never ready: {found}")


@pytest.mark.parametrize("mode", ["2026-07-28", "legacy"])
async def test_an_agent_edits_an_image_over_mcp(capability: Path, mode: str):
    from mcp import Client

    async with served(str(capability), *SANDBOX) as process:
        async with Client(process.url("mcp"), mode=mode) as agent, httpx.AsyncClient() as web:
            tools = {tool.name: tool for tool in (await agent.list_tools()).tools}
            assert list(tools) == TOOLS
            assert "JSON request body" in tools["editimagekontextpro"].input_schema["description"]
            assert tools["geteditresult"].annotations.read_only_hint is True
            arguments = {"prompt": "a red boat", "input_image": "https://example.com/boat.png"}
            submitted = value_of(await agent.call_tool("editimagekontextpro", arguments))

            async def look() -> dict[str, Any]:
                return value_of(await agent.call_tool("geteditresult", {"id": submitted["id"]}))

            result = await _ready(look)
            assert result["result"]["prompt"] == "a red boat"
            assert (await picture(web, result["result"]["sample"])).startswith(b"\x89PNG\r\n\x1a\n")


async def test_a_single_argument_body_is_the_body_itself(capability: Path):
    from mcp import Client

    async with served(str(capability), *SANDBOX) as process, Client(process.url("mcp")) as agent:
        submitted = value_of(await agent.call_tool("editimagekontextmax", {"body": {"prompt": "x"}}))
        assert re.fullmatch(r"[0-9a-f-]{36}", submitted["id"])
        refused = await agent.call_tool("editimagekontextmax", {"seed": 1})
        assert refused.is_error
        assert "prompt" in text_of(refused)


async def test_it_listens_on_its_own_ports_and_stops_cleanly(capability: Path):
    if in_use(8080) or in_use(9090):
        pytest.skip("another program has port 8080 or 9090")
    async with served(str(capability), "--sandbox") as process:
        assert process.url("rest") == "http://127.0.0.1:8080"
        assert process.url("mcp") == "http://127.0.0.1:9090/mcp"
        process.process.send_signal(signal.SIGTERM)
        assert await process.ended() == 0


def in_use(port: int) -> bool:
    try:
        open_socket("127.0.0.1", port, "the test").close()
    except ListenError:
        return True
    return False


async def test_without_its_secret_it_starts_and_says_what_to_set(capability: Path):
    async with served(str(capability), "--port", "0") as process:
        (missing,) = process.banner["capabilities"][0]["missing"]
        assert (missing["name"], missing["affects"]) == ("FLUX_TOKEN", TOOLS)
        async with httpx.AsyncClient(base_url=process.url("rest") + "/") as client:
            answer = await client.post("flux-kontext-pro", json={"prompt": "x"})
            assert answer.status_code == 503
            assert "FLUX_TOKEN" in answer.json()["detail"]
