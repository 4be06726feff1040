"""`capspec serve` as a real process: what it says, where it listens, and how it stops."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.cli_processes import PATIENCE, finished, served, started
from tests.cli.thing_capability import GUARDED, READABLE, THING, Gate, echo, write
from tests.upstreams import Seen, reply, serving

pytestmark = pytest.mark.anyio

MCP_HEADERS = {"accept": "application/json, text/event-stream"}


def call(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    params = {"name": name, "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


async def tools_at(url: str) -> list[str]:
    async with httpx.AsyncClient() as client:
        request = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
        answer = await client.post(url, json=request, headers=MCP_HEADERS)
    data = next(line for line in answer.text.splitlines() if line.startswith("data: {"))
    return [tool["name"] for tool in json.loads(data.removeprefix("data: "))["result"]["tools"]]


# -- stopping -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_request_in_flight_is_answered_before_a_signal_ends_the_server(
    tmp_path: Path, number: int
) -> None:
    gate = Gate()
    async with serving(gate.answer) as upstream, served(write(tmp_path, upstream=upstream.url)) as server:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            waiting = asyncio.create_task(client.get(f"{server.url('rest')}/t/1"))
            await gate.arrived.wait()
            server.process.send_signal(number)
            await server.refuses(server.url("rest"))
            await server.refuses(server.url("mcp"))
            gate.opened.set()
            answer = await waiting
        assert (answer.status_code, answer.json()) == (200, {"waited": True})
        assert await server.ended() == 0


async def test_a_tool_call_in_flight_is_answered_before_a_signal_ends_the_server(tmp_path: Path) -> None:
    gate = Gate()
    async with serving(gate.answer) as upstream, served(write(tmp_path, upstream=upstream.url)) as server:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            url = server.url("mcp")
            sent = client.post(url, json=call("get-thing", {"id": "1"}), headers=MCP_HEADERS)
            waiting = asyncio.create_task(sent)
            await gate.arrived.wait()
            server.process.send_signal(signal.SIGTERM)
            await server.refuses(url)
            gate.opened.set()
            answer = await waiting
        assert "waited" in answer.text
        assert await server.ended() == 0


async def test_a_second_signal_ends_the_server_at_once(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(gate.answer) as upstream,
        served(write(tmp_path, upstream=upstream.url)) as server,
        httpx.AsyncClient(timeout=PATIENCE) as client,
    ):
        waiting = asyncio.create_task(client.get(f"{server.url('rest')}/t/1"))
        await gate.arrived.wait()
        server.process.send_signal(signal.SIGINT)
        await server.refuses(server.url("rest"))
        server.process.send_signal(signal.SIGINT)
        assert await server.ended() == 128 + signal.SIGINT
        with pytest.raises(httpx.TransportError):
            await waiting


async def test_requests_that_outlast_the_grace_are_given_up(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(gate.answer) as upstream,
        served(write(tmp_path, upstream=upstream.url), "--grace", "0.2") as server,
        httpx.AsyncClient(timeout=PATIENCE) as client,
    ):
        waiting = asyncio.create_task(client.get(f"{server.url('rest')}/t/1"))
        await gate.arrived.wait()
        server.process.send_signal(signal.SIGTERM)
        assert await server.ended() == 0
        with pytest.raises(httpx.HTTPError):
            (await waiting).raise_for_status()


# -- where things are -----------------------------------------------------------------------------------


async def test_each_listener_has_its_own_port(tmp_path: Path) -> None:
    rest, mcp = free_port(), free_port()
    async with serving(echo) as upstream:
        file = write(tmp_path, upstream=upstream.url, rest_port=rest, mcp_port=mcp)
        async with served(file) as server, httpx.AsyncClient() as client:
            assert server.url("rest") == f"http://127.0.0.1:{rest}"
            assert server.url("mcp") == f"http://127.0.0.1:{mcp}/mcp"
            assert server.banner["merged"] is None
            assert (await client.get(f"{server.url('rest')}/t/7?n=2")).json()["target"] == "/things/7?n=2"
            assert await tools_at(server.url("mcp")) == ["get-thing", "make-thing", "get-picture"]


async def test_port_puts_everything_on_one_port_with_the_tools_of_all_together(tmp_path: Path) -> None:
    write(tmp_path, name="first.yaml")
    write(tmp_path, name="second.yaml")
    async with served(str(tmp_path), "--port", "0") as server, httpx.AsyncClient() as client:
        port = httpx.URL(server.url("rest")).port
        assert server.url("rest", 0) == f"http://127.0.0.1:{port}/first"
        assert server.url("mcp", 0) == f"http://127.0.0.1:{port}/first/mcp"
        assert server.url("mcp", 1) == f"http://127.0.0.1:{port}/second/mcp"
        assert server.banner["merged"]["url"] == f"http://127.0.0.1:{port}/mcp"
        assert await tools_at(server.url("mcp", 1)) == ["get-thing", "make-thing", "get-picture"]
        merged = await tools_at(server.banner["merged"]["url"])
        assert len(merged) == 6
        assert "second_get-thing" in merged
        assert (await client.get(f"http://127.0.0.1:{port}/elsewhere")).status_code == 404


async def test_ports_that_clash_move_everything_to_one_port_and_the_banner_says_so(tmp_path: Path) -> None:
    rest, mcp = free_port(), free_port()
    write(tmp_path, name="first.yaml", rest_port=rest, mcp_port=mcp)
    write(tmp_path, name="second.yaml", rest_port=rest, mcp_port=mcp)
    async with served(str(tmp_path)) as server:
        assert server.banner["clashes"] == sorted([rest, mcp])
        assert server.url("rest", 1) == f"http://127.0.0.1:{rest}/second"


async def test_a_port_that_another_program_has_names_who_wants_it(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = await finished("serve", write(tmp_path, rest_port=port))
    assert done.code == 4
    assert f"port {port} on 127.0.0.1 is in use" in done.err
    assert "'things-rest'" in done.err
    assert "things.yaml:21:7" in done.err
    assert "--port" in done.err
    assert "Traceback" not in done.err


# -- what is refused ------------------------------------------------------------------------------------


async def test_a_public_address_is_refused_without_authentication(tmp_path: Path) -> None:
    done = await finished("serve", write(tmp_path), "--host", "0.0.0.0")
    assert done.code == 4
    assert "without authentication" in done.err
    assert "--insecure" in done.err


async def test_insecure_serves_on_a_public_address_and_takes_addresses_but_not_names(tmp_path: Path) -> None:
    words = (write(tmp_path), "--host", "0.0.0.0", "--insecure", "--allow-host", "things.example")
    async with served(*words) as server, httpx.AsyncClient() as client:
        url = server.url("rest").replace("0.0.0.0", "127.0.0.1") + "/openapi.json"
        statuses = [
            (await client.get(url, headers={"host": host})).status_code
            for host in ("10.1.2.3:80", "things.example", "evil.example")
        ]
    assert statuses == [200, 200, 421]


@pytest.mark.parametrize("kind", ["rest", "mcp"])
async def test_every_adapter_checks_host_and_origin(tmp_path: Path, kind: str) -> None:
    async with served(write(tmp_path)) as server, httpx.AsyncClient() as client:
        url = server.url(kind)
        rebound = await client.get(url, headers={"host": "evil.example"})
        foreign = await client.get(url, headers={"origin": "http://evil.example"})
    assert (rebound.status_code, foreign.status_code) == (421, 403)
    assert rebound.headers["content-type"] == "application/problem+json"


async def test_strict_stops_when_a_variable_has_no_value(tmp_path: Path) -> None:
    done = await finished("serve", write(tmp_path, text=GUARDED), "--strict")
    assert done.code == 3
    assert "THING_TOKEN has no value" in done.err
    assert done.out == ""


async def test_strict_stops_at_warnings(tmp_path: Path) -> None:
    done = await finished(
        "serve", write(tmp_path, text="capspecc: 1\n" + GUARDED.replace("THING_TOKEN", "PATH")), "--strict"
    )
    assert done.code == 1
    assert "did you mean 'capspec'" in done.err


async def test_a_file_with_errors_does_not_start_and_says_all_of_them(tmp_path: Path) -> None:
    first = write(tmp_path, name="first.yaml", text="capspec: [\n")
    second = write(tmp_path, name="second.yaml", text='capspec: "1"\nexposes: 3\n')
    done = await finished("serve", first, second)
    assert done.code == 1
    assert "first.yaml:" in done.err
    assert "second.yaml:2:10" in done.err


async def test_nothing_to_serve_is_said(tmp_path: Path) -> None:
    done = await finished("serve", write(tmp_path, text='capspec: "1"\n'))
    assert done.code == 4
    assert "nothing to serve" in done.err


# -- what it says ---------------------------------------------------------------------------------------


async def test_the_banner_names_what_has_no_value_and_what_that_stops(tmp_path: Path) -> None:
    async with served(write(tmp_path, text=GUARDED)) as server:
        (missing,) = server.banner["capabilities"][0]["missing"]
    assert missing["name"] == "THING_TOKEN"
    assert missing["affects"] == ["read-thing", "get-thing", "make-thing", "get-picture"]


async def test_the_banner_is_for_people_unless_json_is_asked_for(tmp_path: Path) -> None:
    file = write(tmp_path, text=GUARDED)
    async with started("serve", file, "--port", "0") as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            text = (await process.stdout.readuntil(b"Ctrl-C.")).decode()
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            await process.communicate()
    assert f"things  Things ({file})" in text
    assert "/things  " in text
    assert "1 route" in text
    assert "3 tools" in text
    assert "THING_TOKEN has no value: read-thing, get-thing, make-thing, get-picture cannot work" in text
    assert "all tools together" in text


async def test_the_banner_counts_resources_and_prompts(tmp_path: Path) -> None:
    async with served(write(tmp_path, text=READABLE)) as server:
        mcp = server.banner["capabilities"][0]["endpoints"][1]
    assert (mcp["count"], mcp["resources"], mcp["prompts"]) == (3, 1, 1)


async def test_an_address_for_other_machines_is_not_opened_and_the_banner_says_so(tmp_path: Path) -> None:
    text = THING.replace("port: REST_PORT", "port: REST_PORT\n      address: 0.0.0.0")
    async with served(write(tmp_path, text=text)) as server:
        assert server.url("rest").startswith("http://127.0.0.1:")
        assert server.banner["narrowed"] == ["0.0.0.0"]


async def test_a_secret_is_masked_in_the_log(tmp_path: Path) -> None:
    # A base URI with the secret in it comes back in the message of an unreachable host.
    text = GUARDED.replace("UPSTREAM", "http://{{THING_TOKEN}}.invalid")
    async with started(
        "serve", write(tmp_path, text=text), "--log-level", "debug", env={"THING_TOKEN": "s3cr3t-t0ken"}
    ) as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            banner = (await process.stdout.readuntil(b"Ctrl-C.")).decode()
            url = next(word for word in banner.split() if word.startswith("http"))
            async with httpx.AsyncClient(timeout=PATIENCE) as client:
                await client.get(f"{url}/t/1")
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    assert b"get-thing" in errors
    assert b"s3cr3t-t0ken" not in errors


# -- standard input and output --------------------------------------------------------------------------

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-11-25",
        "capabilities": {},
        "clientInfo": {"name": "t", "version": "1"},
    },
}


@pytest.mark.parametrize("words", [["--stdio"], []], ids=["option", "transport"])
async def test_stdio_says_nothing_but_mcp_on_standard_output(tmp_path: Path, words: list[str]) -> None:
    text = GUARDED
    if not words:
        before, _, mcp = text.partition("    - type: rest")
        text = (
            before
            + "    - type: mcp"
            + mcp.partition("    - type: mcp")[2].replace("port: MCP_PORT", "transport: stdio")
        )
    given = json.dumps(INITIALIZE).encode() + b"\n"
    done = await finished("serve", write(tmp_path, text=text), *words, given=given)
    assert done.code == 0
    assert [json.loads(line)["id"] for line in done.out.splitlines()] == [1]
    assert "3 tools on standard input and output" in done.err
    assert "THING_TOKEN has no value" in done.err


async def test_a_signal_ends_stdio_cleanly(tmp_path: Path) -> None:
    async with started("serve", write(tmp_path), "--stdio") as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps(INITIALIZE).encode() + b"\n")
        async with asyncio.timeout(PATIENCE):
            await process.stdout.readline()
            process.send_signal(signal.SIGTERM)
            assert await process.wait() == 0


# -- the sandbox ----------------------------------------------------------------------------------------

FLUX = """\
capspec: "1"
binds: [{namespace: env, keys: {FLUX_TOKEN: FLUX_TOKEN}}]
capability:
  consumes:
    - namespace: flux
      type: http
      baseUri: https://api.bfl.ai/v1
      authentication: {type: apikey, in: header, name: X-Key, value: '{{FLUX_TOKEN}}'}
      resources:
        - {path: /flux-kontext-pro, operations: [{name: edit, method: POST}]}
  exposes:
    - type: rest
      port: 0
      namespace: flux-rest
      resources: [{path: /edit, operations: [{method: POST, name: edit, call: flux.edit}]}]
"""


async def test_the_sandbox_stands_in_for_a_provider_with_keys_that_work(tmp_path: Path) -> None:
    async with served(write(tmp_path, text=FLUX), "--sandbox") as server:
        async with httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.post(f"{server.url('rest')}/edit", json={"prompt": "make it blue"})
        assert server.banner["capabilities"][0]["missing"] == []
        assert server.banner["sandbox"].startswith("http://127.0.0.1:")
    assert answer.status_code == 200
    assert "polling_url" in answer.json()


async def test_a_base_uri_that_is_given_wins_over_the_sandbox(tmp_path: Path) -> None:
    async with serving(echo) as upstream:
        words = (write(tmp_path, text=FLUX), "--sandbox", "--base-uri", f"flux={upstream.url}")
        async with served(*words) as server, httpx.AsyncClient(timeout=PATIENCE) as client:
            answer = await client.post(f"{server.url('rest')}/edit", json={"prompt": "make it blue"})
    assert answer.json()["target"] == "/flux-kontext-pro"


SAVING = """
capspec: "1"
capability:
  consumes:
  - namespace: up
    baseUri: {url}
    resources:
    - path: /picture
      operations:
      - name: picture
        method: GET
        assets: {{mode: save, url: $.link, keep: 1h, allowHosts: ["127.0.0.1"]}}
  exposes:
  - type: rest
    namespace: app
    port: 1
    resources: [{{path: /picture, operations: [{{name: picture, method: GET, call: up.picture}}]}}]
"""


async def test_saved_assets_are_kept_in_the_folder_that_is_named(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: object) -> bytes:
        if seen.path == "/file.png":
            return reply(200, b"\x89PNG\r\n\x1a\n", ("content-type", "image/png"))
        return reply(200, json.dumps({"link": f"{upstream.url}/file.png"}).encode())

    async with serving(answer) as upstream:
        file = tmp_path / "pictures.yaml"
        file.write_text(SAVING.format(url=upstream.url))
        folder = tmp_path / "kept"
        async with served(str(file), "--port", "0", "--assets-folder", str(folder)) as process:
            async with httpx.AsyncClient() as client:
                link = (await client.get(process.url("rest") + "/picture")).json()["link"]
                picture = await client.get(link)
        assert picture.content == b"\x89PNG\r\n\x1a\n"
        assert [path for path in folder.rglob("*") if path.is_file()]
