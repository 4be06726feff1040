"""The eleven steps of the reference tutorial in both dialects, against back ends that check credentials."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests.cli.cli_processes import Serving, served
from tests.reference_mock import back_ends
from tests.upstreams import Server, serving
from tests.whole import value_of

REFERENCE = Path(__file__).parent.parent.parent / "shared" / "reference"
TUTORIALS = ("tutorial-naftiko-alpha3", "tutorial-ikanos-beta5")
TOKEN = "sk-mcp-YYYYYYYYYYYY"

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(not REFERENCE.is_dir(), reason="the reference tutorial is not here"),
]

STAR = {"imo": "IMO-9321483", "name": "Northern Star", "type": "cargo", "flag": "NO", "status": "active"}
DAWN = {"imo": "IMO-9456781", "name": "Pacific Dawn", "type": "tanker", "flag": "SG", "status": "maintenance"}
SPECS = {"yearBuilt": 2015, "tonnage": 42000, "length": 229}
FAITHFUL = {
    "vesselCode": "LEGACY-4012",
    "name": "Old Faithful",
    "type": "cargo",
    "flag": "GB",
    "status": "active",
}
MAIDEN = {
    "vesselCode": "LEGACY-2087", "name": "Iron Maiden", "type": "bulk_carrier", "flag": "PA", "status": "laid_up",
}  # fmt: skip
CREW = [{"fullName": "Erik Lindström", "role": "captain"}, {"fullName": "Aiko Tanaka", "role": "cook"}]
CARGO = [{"type": "container", "description": "Electronics components", "weight": 12.5, "hazardous": False}]
PLAN = {
    "shipImo": "IMO-9321483", "departurePort": "Oslo", "arrivalPort": "Singapore",
    "departureDate": "2026-04-10T08:00:00Z", "arrivalDate": "2026-05-02T14:00:00Z",
    "crewIds": ["CREW-001", "CREW-003"],
}  # fmt: skip
VOYAGE = {
    "voyageId": "VOY-2026-042",
    "shipImo": "IMO-9321483",
    "route": {"from": "Oslo", "to": "Singapore"},
    "dates": {"departure": "2026-04-10T08:00:00Z", "arrival": "2026-05-02T14:00:00Z"},
    "crewIds": ["CREW-001", "CREW-003"],
    "cargoIds": ["CARGO-2024-0451"],
    "status": "planned",
}
WITH_CREW = {**STAR, **SPECS, "crew": CREW}
MANIFEST = {
    "voyageId": "VOY-2026-042",
    "status": "planned",
    "route": {"from": "Oslo", "to": "Singapore"},
    "ship": {"name": "Northern Star", "type": "cargo", "flag": "NO"},
    "crew": CREW,
    "cargo": CARGO,
}
FLAT = {
    "voyageId": "VOY-2026-042", "status": "planned", "departurePort": "Oslo", "arrivalPort": "Singapore",
    "shipName": "Northern Star", "shipType": "cargo", "shipFlag": "NO", "crew": CREW, "cargo": CARGO,
}  # fmt: skip

TOOLS = [
    "list-ships",
    "get-ship",
    "list-legacy-vessels",
    "create-voyage",
    "get-ship-with-crew",
    "get-voyage-manifest",
]
COUNTS = {1: 1, 2: 2, 3: 2, 4: 2, 5: 3, 6: 4, 7: 5, 8: 5, 9: 5, 10: 5, 11: 6}


def file_of(tutorial: str, step: int) -> Path:
    (found,) = (REFERENCE / tutorial).glob(f"step-{step}-*.yml")
    return found


@dataclass
class Step:
    process: Serving
    upstream: Server
    agent: Client
    http: httpx.AsyncClient

    async def tool(self, name: str, **arguments: Any) -> Any:
        result = await self.agent.call_tool(name, arguments)
        assert not result.is_error, result.content
        value = value_of(result)
        return value["result"] if isinstance(value, dict) and set(value) == {"result"} else value

    def url(self, kind: str, path: str) -> str:
        return self.process.url(kind).rstrip("/").removesuffix("/skills") + path


@asynccontextmanager
async def running(tutorial: str, step: int) -> AsyncIterator[Step]:
    answer, prefixes = back_ends(REFERENCE / "mock-openapi")
    async with serving(answer) as upstream:
        bases = {f"CAPSPEC_BASE_URI_{name.upper()}": upstream.url + path for name, path in prefixes.items()}
        async with served(str(file_of(tutorial, step)), "--port", "0", env=bases) as process:
            headers = {"authorization": f"Bearer {TOKEN}"}
            async with httpx.AsyncClient(headers=headers) as http:
                async with httpx2.AsyncClient(headers=headers) as knocking:
                    transport = streamable_http_client(process.url("mcp"), http_client=knocking)
                    async with Client(transport) as agent:
                        yield Step(process, upstream, agent, http)


@pytest.fixture(params=TUTORIALS)
def tutorial(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.mark.parametrize("number", COUNTS)
async def test_the_tools_of_every_step_in_order(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        tools = (await step.agent.list_tools()).tools
    expected = ["get-ship"] if number == 1 else TOOLS[: COUNTS[number]]
    assert [tool.name for tool in tools] == expected
    required = {tool.name: tool.input_schema.get("required", []) for tool in tools}
    if number > 1:
        assert required["list-ships"] == []
        assert required["get-ship"] == ["imo"]
    if number >= 6:
        assert required["create-voyage"] == [*PLAN]


async def test_step_1_answers_from_the_file(tutorial: str):
    async with running(tutorial, 1) as step:
        found = await step.tool("get-ship", imo_number="IMO-9321483")
        assert found == {
            "imo": "IMO-9321483",
            **{key: STAR[key] for key in ("name", "type", "flag", "status")},
        }


@pytest.mark.parametrize("number", range(2, 12))
async def test_ships_are_listed_filtered_and_found(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        if number == 2:
            # Step 2 sends no credentials yet, and these back ends ask for them.
            result = await step.agent.call_tool("list-ships", {})
            assert result.is_error
            assert "401" in str(result.content)
            return
        assert await step.tool("list-ships") == [STAR, DAWN]
        assert await step.tool("list-ships", status="active") == [STAR]
        ship = await step.tool("get-ship", imo="IMO-9321483")
        assert ship == (STAR if number < 4 else {**STAR, "specs": SPECS})
        missing = await step.agent.call_tool("get-ship", {"imo": "IMO-0"})
        assert missing.is_error


@pytest.mark.parametrize("number", range(5, 12))
async def test_legacy_vessels_are_a_list_even_when_there_is_one(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        assert await step.tool("list-legacy-vessels") == [FAITHFUL, MAIDEN]
        assert await step.tool("list-legacy-vessels", status="active") == [FAITHFUL]


@pytest.mark.parametrize("number", range(6, 12))
async def test_a_voyage_is_planned(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        assert await step.tool("create-voyage", **PLAN) == VOYAGE
        refused = await step.agent.call_tool("create-voyage", {"shipImo": "IMO-9321483"})
        assert refused.is_error


@pytest.mark.parametrize("number", range(7, 12))
async def test_a_ship_comes_with_its_crew(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        assert await step.tool("get-ship-with-crew", imo="IMO-9321483") == WITH_CREW


async def test_step_11_makes_a_manifest_of_one_call_and_three(tutorial: str):
    async with running(tutorial, 11) as step:
        assert await step.tool("get-voyage-manifest", voyageId="VOY-2026-042") == MANIFEST
        assert len(step.upstream.requests) == 4
        flat = await step.http.get(step.url("rest", "/voyages/VOY-2026-042/manifest"))
        assert (flat.status_code, flat.json()) == (200, FLAT)


@pytest.mark.parametrize("number", [10, 11])
async def test_the_rest_adapter_gives_the_same(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        ships = await step.http.get(step.url("rest", "/ships"))
        assert (ships.status_code, ships.json()) == (200, [STAR, DAWN])
        active = await step.http.get(step.url("rest", "/ships?status=active"))
        assert active.json() == [STAR]
        ship = await step.http.get(step.url("rest", "/ships/IMO-9321483"))
        assert ship.json() == {**STAR, "specs": SPECS}
        crew = await step.http.get(step.url("rest", "/ships/IMO-9321483/crew"))
        assert crew.json() == WITH_CREW
        legacy = await step.http.get(step.url("rest", "/legacy/vessels?status=active"))
        assert legacy.json() == [FAITHFUL]
        voyage = await step.http.post(step.url("rest", "/voyages"), json=PLAN)
        assert (voyage.status_code, voyage.json()) == (201, VOYAGE)
        absent = await step.http.get(step.url("rest", "/ships/IMO-0"))
        assert absent.status_code == 404


@pytest.mark.parametrize("number", range(8, 12))
async def test_skills_group_the_tools(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        skills = (await step.http.get(step.url("skill", "/skills"))).json()
        assert skills["count"] == 2
        fleet = (await step.http.get(step.url("skill", "/skills/fleet-ops"))).json()
        assert [tool["type"] for tool in fleet["tools"]] == ["derived"] * 4
        assert fleet["tools"][0]["invocationRef"] == {
            "targetNamespace": "shipyard-tools", "action": "list-ships", "mode": "mcp",
        }  # fmt: skip
        voyage = (await step.http.get(step.url("skill", "/skills/voyage-ops"))).json()
        assert len(voyage["tools"]) == (2 if number == 11 else 1)


@pytest.mark.parametrize("number", range(3, 12))
async def test_nobody_comes_in_without_the_token(tutorial: str, number: int):
    async with running(tutorial, number) as step, httpx.AsyncClient() as stranger:
        answer = await stranger.post(step.process.url("mcp"), json={})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")
