"""The control adapter: health, status, validation, the log and the rules for scripts, over HTTP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from capspec import app, registry
from capspec.adapters.control.logs import AHEAD, Logs
from capspec.edge import Edge, EdgeOptions
from capspec.errors import CompileError, LoadError
from capspec.events import ServerStarted, ServerStopped, UpstreamRetried
from capspec.masking import Masking
from capspec.plan import Engine
from capspec.serving.serving import ServeOptions
from tests.adapters.control_world import (
    EVERYTHING,
    MCP,
    PATIENCE,
    REST,
    SECRET,
    World,
    capability,
    controlled,
)
from tests.cli.thing_capability import echo
from tests.whole import plan_of

pytestmark = pytest.mark.anyio


@pytest.fixture(autouse=True)
def _level_as_before() -> Iterator[None]:
    yield
    logging.getLogger("capspec.things").setLevel(logging.NOTSET)


@asynccontextmanager
async def alone(text: str) -> AsyncIterator[tuple[httpx.AsyncClient, Edge, Engine]]:
    """Just the control adapter, of which no server tells that anything has started."""
    plan = plan_of(text, environ={"UP_KEY": SECRET})
    listener = next(item for item in plan.listeners if item.type == "control")
    async with app.open_engine(plan) as engine:
        edge = registry.find("adapter", "control")(listener, engine, EdgeOptions(max_request_bytes=1000))
        transport = httpx.ASGITransport(edge.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            yield client, edge, engine


# -- health and status ------------------------------------------------------------------------------------


async def test_a_capability_that_is_served_is_live_and_ready(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability(), answer=echo) as world:
        live, ready = await world.control("/health/live"), await world.control("/health/ready")
        port = httpx.URL(world.url("rest")).port
    assert (live.status_code, live.json()) == (200, {"status": "UP"})
    assert ready.status_code == 200
    assert ready.json()["status"] == "UP"
    assert ready.json()["adapters"][0] == {
        "type": "rest", "namespace": "things", "port": port, "state": "started",
    }  # fmt: skip
    assert [item["type"] for item in ready.json()["adapters"]] == ["rest", "mcp", "control"]
    assert "namespace" not in ready.json()["adapters"][2]


async def test_it_is_degraded_until_every_adapter_has_started() -> None:
    async with alone(capability()) as (client, _, engine):
        before = await client.get("/health/ready")
        for kind, namespace in (("rest", "things"), ("mcp", "agent")):
            url = "http://127.0.0.1:4000"
            engine.events.emit(ServerStarted(kind=kind, namespace=namespace, url=url))
        after = await client.get("/health/ready")
        engine.events.emit(ServerStopped(kind="mcp", namespace="agent"))
        again = await client.get("/health/ready")
    assert (before.status_code, before.json()["status"]) == (503, "DEGRADED")
    assert {item["state"] for item in before.json()["adapters"]} == {"stopped"}
    assert (after.status_code, after.json()["status"]) == (200, "UP")
    assert (again.status_code, [item["state"] for item in again.json()["adapters"]][:2]) == (
        503, ["started", "stopped"],
    )  # fmt: skip


async def test_an_adapter_over_standard_input_does_not_degrade_the_others(tmp_path: Path) -> None:
    stdio = MCP.replace("port: 0", "transport: stdio")
    async with controlled(tmp_path, capability(listeners=(REST, stdio)), answer=echo) as world:
        ready = await world.control("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "UP")
    assert ready.json()["adapters"][1] == {
        "type": "mcp", "namespace": "agent", "transport": "stdio", "state": "stopped",
    }  # fmt: skip


async def test_the_status_says_what_runs(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability("management: {info: true}"), answer=echo) as world:
        found = (await world.control("/status")).json()
    assert found["capability"] == {"name": "things", "label": "Things", "version": "", "specVersion": "1"}
    assert (found["engine"]["name"], found["engine"]["version"]) == ("capspec", "1.2.3")
    assert found["uptime"].startswith("PT")
    assert found["uptime"].endswith("S")
    assert found["otel"] == {"status": "active"}
    assert [item["state"] for item in found["adapters"]] == ["started"] * 3


# -- what is on -------------------------------------------------------------------------------------------

PATHS = {
    "/health/live", "/health/ready", "/status", "/config/validate", "/config/reload", "/logs/level",
    "/logs/stream", "/scripting", "/metrics", "/traces",
}  # fmt: skip


@pytest.mark.parametrize(
    ("control", "offered"),
    [
        ("", {"/health/live", "/health/ready", "/metrics", "/traces"}),
        ("management: {health: false}", {"/metrics", "/traces"}),
        ("observability: {enabled: false}", {"/health/live", "/health/ready"}),
        ("observability: {metrics: {local: {enabled: false}}}", {"/health/live", "/health/ready", "/traces"}),
        ("observability: {traces: {local: {enabled: false}}}", {"/health/live", "/health/ready", "/metrics"}),
        (
            "management: {logs: true}\nobservability: {enabled: false}",
            {"/health/live", "/health/ready", "/logs/level"},
        ),
        (EVERYTHING, PATHS),
    ],
)
async def test_there_is_what_the_file_switches_on(control: str, offered: set[str]) -> None:
    async with alone(capability(control)) as (client, _, _):
        answers = {path: (await client.request("OPTIONS", path)).status_code for path in PATHS}
    assert {path for path, status in answers.items() if status == 204} == offered
    assert set(answers.values()) <= {204, 404}


async def test_what_is_not_there_says_what_is() -> None:
    async with alone(capability()) as (client, _, _):
        missing, wrong = await client.get("/nothing"), await client.post("/health/live")
        head = await client.head("/health/live")
    assert missing.status_code == 404
    assert "/health/ready" in missing.json()["detail"]
    assert missing.headers["content-type"] == "application/problem+json"
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert (head.status_code, head.content) == (200, b"")


async def test_a_level_that_may_not_be_changed_can_be_read() -> None:
    async with alone(capability("management: {logs: {level-control: false}}")) as (client, _, _):
        read, change = (
            await client.get("/logs/level"),
            await client.put("/logs/level", json={"level": "info"}),
        )
    assert (read.status_code, change.status_code) == (200, 405)


async def test_a_guard_is_on_all_of_it() -> None:
    guard = "authentication: {type: bearer, token: sesame-open}"
    async with alone(capability(EVERYTHING + guard)) as (client, _, _):
        for path in sorted(PATHS | {"/nothing"}):
            for method in ("GET", "POST", "PUT"):
                refused = await client.request(method, path)
                assert refused.status_code == 401, (method, path)
                assert refused.headers["www-authenticate"].startswith("Bearer")
        admitted = await client.get("/health/live", headers={"authorization": "Bearer sesame-open"})
    assert admitted.status_code == 200


async def test_capabilities_on_one_port_have_their_own(tmp_path: Path) -> None:
    texts = capability("management: {info: true}"), capability("management: {info: true}", label="Others")
    async with controlled(tmp_path, *texts, answer=echo, options=ServeOptions(port=0)) as world:
        await world.read()
        urls = [world.url("control", number) for number in (0, 1)]
        labels = [(await world.client.get(f"{url}/status")).json()["capability"]["label"] for url in urls]
        used = [(await world.client.get(f"{url}/traces")).json()["bufferUsed"] for url in urls]
    assert [httpx.URL(url).path for url in urls] == ["/things/control", "/things1/control"]
    assert labels == ["Things", "Others"]
    assert used == [1, 0]


# -- what the file may say --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("control", "message"),
    [
        ("observability: {traces: {sampling: 2}}", "'sampling' should be a number from 0 to 1"),
        ("observability: {traces: {sampling: often}}", "'sampling' should be a number from 0 to 1"),
        ("observability: {traces: {propagation: jaeger}}", "'propagation' should be w3c or b3"),
        (
            "observability: {traces: {local: {buffer-size: 9}}}",
            "'buffer-size' should be a whole number from 10 to 10000",
        ),
        ("observability: {exporters: {otlp: {}}}", "'otlp' has no 'endpoint'"),
        (
            "management: {logs: {max-subscribers: 21}}",
            "'max-subscribers' should be a whole number from 1 to 20",
        ),
        ("management: true", "'management' should be a mapping, and is true or false"),
        ("management: {scripting: {timeout: 0}}", "scripting: 'timeout' should be a whole number, 1 or more"),
    ],
)
def test_values_out_of_range_are_refused_where_they_stand(control: str, message: str) -> None:
    with pytest.raises((LoadError, CompileError)) as caught:
        plan_of(capability(control))
    (problem,) = [item for item in caught.value.problems if item.severity == "error"]
    assert problem.message == message
    assert problem.place is not None


def test_unknown_switches_and_a_second_adapter_are_warned_of() -> None:
    text = capability("management: {helth: true}", listeners=("{type: control, port: 0}",))
    warnings = {problem.code: problem.message for problem in plan_of(text).warnings}
    assert "'helth' is not known in 'management' of a control adapter and has no effect" in warnings["CAP110"]
    assert "one control adapter" in warnings["CAP391"]


# -- validation -------------------------------------------------------------------------------------------


async def test_the_file_and_other_texts_can_be_validated(tmp_path: Path) -> None:
    async with controlled(tmp_path, capability("management: {validate: true}"), answer=echo) as world:
        good = (await world.control("/config/validate", "POST")).json()
        bad = (await world.control("/config/validate", "POST", content="capspec: [")).json()
        world.write("capspec: '1'\nexposes: 5\n")
        changed = (await world.control("/config/validate", "POST")).json()
        still = (await world.read()).status_code
    assert good == {"valid": True, "problems": []}
    assert bad["valid"] is False
    assert {"code", "severity", "message", "hint", "file", "line", "column"} == set(bad["problems"][0])
    assert bad["problems"][0]["line"] == 1
    assert (changed["valid"], changed["problems"][0]["code"]) == (False, "CAP107")
    assert still == 200


async def test_a_body_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with alone(capability(EVERYTHING)) as (client, _, _):
        large = await client.post("/config/validate", content=b"x" * 1001)
        squeezed = await client.post("/config/validate", content=b"x", headers={"content-encoding": "gzip"})
        nothing_to_ask = await client.post("/config/validate", content=b"capspec: 1")
    assert (large.status_code, squeezed.status_code, nothing_to_ask.status_code) == (413, 415, 503)


# -- the log ----------------------------------------------------------------------------------------------


async def test_the_level_of_the_log_can_be_changed() -> None:
    async with alone(capability("management: {logs: true}")) as (client, _, _):
        changed = await client.put("/logs/level", json={"level": "DEBUG"})
        read = await client.get("/logs/level")
        refused = [await client.put("/logs/level", content=body) for body in ('{"level": "loud"}', "[]", "{")]
    assert (changed.status_code, changed.json(), read.json()) == (200, {"level": "debug"}, {"level": "debug"})
    assert logging.getLogger("capspec.things").level == logging.DEBUG
    assert logging.getLogger("capspec").level != logging.DEBUG
    assert {answer.status_code for answer in refused} == {400}
    assert "debug, info, warning, error" in refused[0].json()["error"]


async def lines(response: httpx.Response) -> AsyncIterator[str]:
    async with asyncio.timeout(PATIENCE):
        async for line in response.aiter_lines():
            if line:
                yield line


def listening(world: World) -> Any:
    return world.client.stream("GET", world.url("control") + "/logs/stream")


async def test_the_log_can_be_heard_with_its_secrets_masked(tmp_path: Path) -> None:
    text = capability("management: {logs: {stream: true}}")
    async with controlled(tmp_path, text, answer=echo) as world:
        await world.control("/health/live")
        logging.getLogger("capspec.things").setLevel("INFO")
        async with listening(world) as response:
            heard = lines(response)
            assert await anext(heard) == ": the log from now on"
            event = UpstreamRetried(operation="up.get-thing", reason=f"of {SECRET}")
            world.engines.running[0].events.emit(event)
            assert await anext(heard) == "event: log"
            data = await anext(heard)
    assert response.headers["content-type"].startswith("text/event-stream")
    assert '"level": "warning", "logger": "capspec.things"' in data
    assert "of ****" in data
    assert SECRET not in data


async def test_no_more_listen_than_may(tmp_path: Path) -> None:
    text = capability("management: {logs: {stream: true, max-subscribers: 2}}")
    async with controlled(tmp_path, text, answer=echo) as world:
        async with listening(world) as first, listening(world) as second:
            third = await world.control("/logs/stream")
        assert (first.status_code, second.status_code, third.status_code) == (200, 200, 503)
        assert third.headers["retry-after"] == "30"
        async with asyncio.timeout(PATIENCE):
            while True:
                async with listening(world) as again:
                    if again.status_code == 200:
                        break


async def test_streams_of_the_log_end_with_the_server(tmp_path: Path) -> None:
    text = capability("management: {logs: {stream: true}}")
    async with controlled(tmp_path, text, answer=echo) as world, listening(world) as response:
        heard = lines(response)
        await anext(heard)
        stopping = asyncio.create_task(_stop(world))
        assert [line async for line in heard if line.startswith("event")][-1] == "event: end"
        await stopping
    assert not logging.getLogger("capspec.things").handlers


async def _stop(world: World) -> None:
    world.stop.set()
    async with asyncio.timeout(PATIENCE):
        await world.finished


async def test_who_does_not_keep_up_is_dropped() -> None:
    logs = Logs("slow", Masking(()), 2)
    slow, quick = logs.subscribe(), logs.subscribe()
    assert slow is not None
    assert quick is not None
    for _ in range(AHEAD + 1):
        logs.publish({"message": "one more"})
        quick.lines.get_nowait()
    assert slow.dropped.is_set()
    assert not quick.dropped.is_set()
    for subscriber in (slow, quick):
        logs.leave(subscriber)
    assert not logging.getLogger("capspec.slow").handlers


# -- scripting --------------------------------------------------------------------------------------------


async def test_the_rules_for_scripts_can_be_read_and_changed() -> None:
    async with alone(capability("management: {scripting: {timeout: 1000}}")) as (client, _, _):
        first = (await client.get("/scripting")).json()
        patch = {"enabled": False, "timeout": 10000, "statementLimit": 200000, "allowedLanguages": ["python"]}
        changed = await client.put("/scripting", json=patch)
        second = (await client.get("/scripting")).json()
        refused = await client.put("/scripting", json={"timeout": 0, "defaultLocation": "scripts"})
        third = (await client.get("/scripting")).json()
    stats = {"totalExecutions": 0, "totalErrors": 0, "averageDurationMs": 0.0}
    assert first == {"enabled": True, "timeout": 1000, "statementLimit": 100000, "stats": stats}
    assert changed.status_code == 200
    assert changed.json() == second == {**patch, "stats": stats}
    assert refused.status_code == 400
    assert "'timeout' should be a whole number" in refused.json()["error"]
    assert "absolute file URL" in refused.json()["error"]
    assert third == second


async def test_nothing_breaks_where_there_is_nothing_to_keep_up() -> None:
    async with alone(capability(EVERYTHING)) as (client, _, _):
        answer = await client.post("/config/reload")
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
