"""`capspec health`, `status`, `traces`, `metrics` and `scripting`, asking a real `capspec serve`."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import yaml
from click.testing import CliRunner, Result

from capspec.cli import group
from capspec.cli.status import duration
from capspec.cli.traces import readable
from tests.adapters.control_world import EVERYTHING, MCP, REST, capability
from tests.cli.cli_processes import PATIENCE, Serving, finished, served
from tests.cli.thing_capability import echo
from tests.upstreams import serving

pytestmark = pytest.mark.anyio

TRACE = "0af7651916cd43dd8448eb211c80319c"


@asynccontextmanager
async def running(folder: Path, text: str, *words: str) -> AsyncIterator[Serving]:
    file = folder / "things.yaml"
    file.write_text(text, "utf-8")
    async with serving(echo) as upstream:
        environ = {"UP_KEY": "k3y-of-the-upstream"}
        async with served(str(file), "--base-uri", f"up={upstream.url}", *words, env=environ) as server:
            yield server


def port(server: Serving) -> str:
    return str(httpx.URL(server.url("control")).port)


async def ask(server: Serving, *words: str, env: dict[str, str] | None = None) -> tuple[int, str, str]:
    done = await finished(*words, "--port", port(server), env=env)
    return done.code, done.out, done.err


async def get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(timeout=PATIENCE) as client:
        return await client.get(url, headers={"traceparent": f"00-{TRACE}-b7ad6b7169203331-01"})


async def test_everything_is_there_to_be_seen(tmp_path: Path) -> None:
    async with running(tmp_path, capability(EVERYTHING)) as server:
        await get(f"{server.url('rest')}/t/1")
        health, status, traces, one, metrics, scripting = await asyncio.gather(
            ask(server, "health"),
            ask(server, "status"),
            ask(server, "traces", "--operation", "read"),
            ask(server, "traces", TRACE),
            ask(server, "metrics", "--filter", "http_client_total"),
            ask(server, "scripting", "--set", "timeout=2000", "--set", "allowedLanguages=python"),
        )
    assert health == (0, "Liveness:  UP\nReadiness: UP\n3/3 adapters started\n", "")
    assert status[0] == 0
    assert status[1].splitlines()[0] == "Things: UP"
    assert re.search(r"^Uptime:  (\d+m )?\d+s$", status[1], re.MULTILINE)
    assert re.search(r"^rest +things +\d+ +started *$", status[1], re.MULTILINE)
    assert re.search(rf"^{TRACE} +rest\.request +read-thing +\d+ms +OK +2 ", traces[1], re.MULTILINE)
    assert re.search(r"^  http\.client\.GET +CLIENT +\d+ms +OK +up\.get-thing", one[1], re.MULTILINE)
    assert [line.split("{")[0] for line in metrics[1].splitlines()] == [
        "# HELP capspec_http_client_total Requests to upstreams.",
        "# TYPE capspec_http_client_total counter",
        "capspec_http_client_total",
    ]
    assert re.search(r"^Scripting: +ENABLED$", scripting[1], re.MULTILINE)
    assert re.search(r"^Timeout: +2000 ms$", scripting[1], re.MULTILINE)
    assert re.search(r"^Average: +0\.00 ms$", scripting[1], re.MULTILINE)
    assert re.search(r"^Allowed languages: python$", scripting[1], re.MULTILINE)


async def test_programs_get_json(tmp_path: Path) -> None:
    async with running(tmp_path, capability(EVERYTHING)) as server:
        outs = await asyncio.gather(
            *(ask(server, word, "--format", "json") for word in ("health", "status", "traces", "scripting"))
        )
    health, status, traces, scripting = (json.loads(out) for _, out, _ in outs)
    assert health["ready"]["status"] == "UP"
    assert status["engine"]["name"] == "capspec"
    assert traces == {"traces": [], "bufferSize": 100, "bufferUsed": 0}
    assert scripting["timeout"] == 1000


async def test_what_is_not_there_is_said_with_exit_code_1(tmp_path: Path) -> None:
    text = capability("observability: {enabled: false}")
    async with running(tmp_path, text) as server:
        status, traces, lost = await asyncio.gather(
            ask(server, "status"), ask(server, "traces"), ask(server, "traces", TRACE)
        )
        elsewhere = await finished("health", "--port", str(httpx.URL(server.url("rest")).port))
    assert (status[0], status[2]) == (
        1, "Not configured: the file's control adapter needs management.info.\n",
    )  # fmt: skip
    assert (traces[0], "observability.traces.local" in traces[2]) == (1, True)
    assert (lost[0], lost[2]) == (1, f"Trace not found: {TRACE}\n")
    assert elsewhere.code == 1
    assert "there is no control adapter at" in elsewhere.err


async def test_a_rule_that_is_refused_is_said(tmp_path: Path) -> None:
    async with running(tmp_path, capability(EVERYTHING)) as server:
        refused = await ask(server, "scripting", "--set", "timeout=soon")
        unknown = await ask(server, "scripting", "--set", "speed=1")
    assert (refused[0], refused[2]) == (1, "'timeout' should be a whole number, 1 or more\n")
    assert unknown[0] == 2
    assert "keys are enabled, defaultLocation" in unknown[2]


async def test_a_guarded_port_takes_credentials_from_variables(tmp_path: Path) -> None:
    guard = "authentication: {type: apikey, key: X-Admin, value: sesame-open, in: header}"
    async with running(tmp_path, capability(guard)) as server:
        env = {"CAPSPEC_CONTROL_API_KEY": "sesame-open", "CAPSPEC_CONTROL_API_KEY_HEADER": "X-Admin"}
        refused, admitted = await asyncio.gather(ask(server, "health"), ask(server, "health", env=env))
    assert refused[0] == 1
    assert "use --token, --user or --api-key" in refused[2]
    assert admitted[0] == 0


async def test_on_one_port_it_is_below_the_capability(tmp_path: Path) -> None:
    async with running(tmp_path, capability(), "--port", "0") as server:
        done = await ask(server, "health", "--path", "/things/control")
    assert done[0] == 0


async def test_nobody_there_is_exit_code_1(tmp_path: Path) -> None:
    done = await finished("health", "--port", "1", "--address", "127.0.0.1")
    assert done.code == 1
    assert done.err.startswith("Cannot connect to control port at 127.0.0.1:1")


# -- which port -------------------------------------------------------------------------------------------


def invoke(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(group, [*words, "--address", "127.0.0.1"], env=env)


def test_the_port_is_an_option_or_a_variable_or_a_file_s_or_9090(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    class Refusing:
        def __init__(self, address: str, port: int, **options: float) -> None:
            asked.append(port)

        def request(self, *anything: object) -> None:
            raise ConnectionRefusedError

        def close(self) -> None:
            pass

    monkeypatch.setattr("http.client.HTTPConnection", Refusing)
    monkeypatch.chdir(tmp_path)
    assert invoke("health").exit_code == 1
    (tmp_path / "broken.yaml").write_text("capspec: [", "utf-8")
    text = yaml.safe_dump(json.loads(capability("port: 4001", listeners=(REST,))))
    (tmp_path / "things.yaml").write_text(text, "utf-8")
    invoke("health")
    invoke("health", env={"CAPSPEC_CONTROL_PORT": "4002"})
    invoke("health", "--port", "4003", env={"CAPSPEC_CONTROL_PORT": "4002"})
    assert asked == [9090, 4001, 4002, 4003]
    assert invoke("health", env={"CAPSPEC_CONTROL_PORT": "many"}).exit_code == 2


def test_a_filter_that_is_no_expression_is_a_usage_error() -> None:
    assert invoke("metrics", "--filter", "(", "--port", "1").exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [("PT2H34M12S", "2h 34m 12s"), ("PT0S", "0s"), ("PT3M", "3m"), ("PT12.5S", "12s"), ("soon", "soon")],
)
def test_durations_are_readable(text: str, said: str) -> None:
    assert duration(text) == said


@pytest.mark.parametrize(("figure", "said"), [(342.4, "342ms"), (1234.0, "1.2s"), (0.2, "0ms"), (None, "")])
def test_times_of_traces_are_readable(figure: float | None, said: str) -> None:
    assert readable(figure) == said


# -- a signal ---------------------------------------------------------------------------------------------


@pytest.mark.skipif(not hasattr(signal, "SIGHUP"), reason="there is no such signal")
async def test_a_hangup_reads_the_file_again(tmp_path: Path) -> None:
    async with running(tmp_path, capability()) as server:
        before = await get(f"{server.url('rest')}/other/1")
        changed = capability(listeners=(REST.replace("/t/{id}", "/other/{id}"),))
        (tmp_path / "things.yaml").write_text(changed, "utf-8")
        os.kill(server.process.pid, signal.SIGHUP)
        assert server.process.stderr is not None
        refused = await heard(server.process.stderr, "goes on as it was")
        text = capability(listeners=(REST.replace("/t/{id}", "/other/{id}"), MCP))
        (tmp_path / "things.yaml").write_text(text, "utf-8")
        os.kill(server.process.pid, signal.SIGHUP)
        await heard(server.process.stderr, "is served as its file is now")
        after = await get(f"{server.url('rest')}/other/1")
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0
    assert (before.status_code, after.status_code) == (404, 200)
    assert json.loads(refused)["level"] == "error"


async def heard(stream: asyncio.StreamReader, words: str) -> str:
    async with asyncio.timeout(PATIENCE):
        while line := (await stream.readline()).decode():
            if words in line:
                return line
    raise AssertionError("it ended before it said so")
