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


@pytest.mark.parametrize("number", range(1, 12))
async def test_every_step_gives_what_the_tutorial_says(tutorial: str, number: int):
    async with running(tutorial, number) as step:
        await the_tools_are_in_order(step, number)
        if number == 1:
            await a_ship_comes_from_the_file(step)
        elif number == 2:
            await nothing_comes_without_credentials(step)
        else:
            await ships_are_listed_filtered_and_found(step, shaped=number >= 4)
            await nobody_comes_in_without_the_token(step)
        if number >= 5:
            await legacy_vessels_are_a_list_even_when_there_is_one(step)
        if number >= 6:
            await a_voyage_is_planned(step)
        if number >= 7:
            assert await step.tool("get-ship-with-crew", imo="IMO-9321483") == WITH_CREW
        if number >= 8:
            await skills_group_the_tools(step, planning=2 if number == 11 else 1)
        if number >= 10:
            await the_rest_adapter_gives_the_same(step)
        if number == 11:
            await a_manifest_is_made_of_one_call_and_three(step)


async def the_tools_are_in_order(step: Step, number: int) -> None:
    tools = (await step.agent.list_tools()).tools
    expected = ["get-ship"] if number == 1 else TOOLS[: COUNTS[number]]
    assert [tool.name for tool in tools] == expected
    required = {tool.name: tool.input_schema.get("required", []) for tool in tools}
    if number > 1:
        assert required["list-ships"] == []
        assert required["get-ship"] == ["imo"]
    if number >= 6:
        assert required["create-voyage"] == [*PLAN]


async def a_ship_comes_from_the_file(step: Step) -> None:
    assert await step.tool("get-ship", imo_number="IMO-9321483") == STAR


async def nothing_comes_without_credentials(step: Step) -> None:
    """Step 2 sends none yet, and these back ends ask for them."""
    result = await step.agent.call_tool("list-ships", {})
    assert result.is_error
    assert "401" in str(result.content)


async def ships_are_listed_filtered_and_found(step: Step, *, shaped: bool) -> None:
    assert await step.tool("list-ships") == [STAR, DAWN]
    assert await step.tool("list-ships", status="active") == [STAR]
    assert await step.tool("get-ship", imo="IMO-9321483") == ({**STAR, "specs": SPECS} if shaped else STAR)
    assert (await step.agent.call_tool("get-ship", {"imo": "IMO-0"})).is_error


async def nobody_comes_in_without_the_token(step: Step) -> None:
    async with httpx.AsyncClient() as stranger:
        answer = await stranger.post(step.process.url("mcp"), json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")


async def legacy_vessels_are_a_list_even_when_there_is_one(step: Step) -> None:
    assert await step.tool("list-legacy-vessels") == [FAITHFUL, MAIDEN]
    assert await step.tool("list-legacy-vessels", status="active") == [FAITHFUL]


async def a_voyage_is_planned(step: Step) -> None:
    assert await step.tool("create-voyage", **PLAN) == VOYAGE
    assert (await step.agent.call_tool("create-voyage", {"shipImo": "IMO-9321483"})).is_error


async def a_manifest_is_made_of_one_call_and_three(step: Step) -> None:
    before = len(step.upstream.requests)
    assert await step.tool("get-voyage-manifest", voyageId="VOY-2026-042") == MANIFEST
    assert len(step.upstream.requests) == before + 4
    flat = await step.http.get(step.url("rest", "/voyages/VOY-2026-042/manifest"))
    assert (flat.status_code, flat.json()) == (200, FLAT)


async def the_rest_adapter_gives_the_same(step: Step) -> None:
    ships = await step.http.get(step.url("rest", "/ships"))
    assert (ships.status_code, ships.json()) == (200, [STAR, DAWN])
    assert (await step.http.get(step.url("rest", "/ships?status=active"))).json() == [STAR]
    assert (await step.http.get(step.url("rest", "/ships/IMO-9321483"))).json() == {**STAR, "specs": SPECS}
    assert (await step.http.get(step.url("rest", "/ships/IMO-9321483/crew"))).json() == WITH_CREW
    assert (await step.http.get(step.url("rest", "/legacy/vessels?status=active"))).json() == [FAITHFUL]
    voyage = await step.http.post(step.url("rest", "/voyages"), json=PLAN)
    assert (voyage.status_code, voyage.json()) == (201, VOYAGE)
    assert (await step.http.get(step.url("rest", "/ships/IMO-0"))).status_code == 404


async def skills_group_the_tools(step: Step, *, planning: int) -> None:
    skills = (await step.http.get(step.url("skill", "/skills"))).json()
    assert skills["count"] == 2
    fleet = (await step.http.get(step.url("skill", "/skills/fleet-ops"))).json()
    assert [tool["type"] for tool in fleet["tools"]] == ["derived"] * 4
    reference = {"targetNamespace": "shipyard-tools", "action": "list-ships", "mode": "mcp"}
    assert fleet["tools"][0]["invocationRef"] == reference
    voyage = (await step.http.get(step.url("skill", "/skills/voyage-ops"))).json()
    assert len(voyage["tools"]) == planning
