"""`--mock`: any capability answers from its declared outputs, and nobody is called."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from mcp import Client

from capspec import app
from tests.cli.cli_processes import served

pytestmark = pytest.mark.anyio

CAPABILITIES = sorted((Path(__file__).parent.parent / "capabilities").glob("*.yaml"))

TEXT = """
capspec: "1"
capability:
  binds: [{namespace: env, keys: {KEY: KEY}}]
  consumes:
  - namespace: up
    baseUri: https://nobody.invalid
    authentication: {type: bearer, token: "{{KEY}}"}
    resources:
    - path: /ships/{imo}
      operations:
      - name: get-ship
        method: GET
        outputParameters: [{name: name, type: string, value: $.name}, {name: built, type: number, value: $.built}]
    - path: /jobs
      operations:
      - {name: make, method: POST, poll: {id: $.id, request: {uri: "/jobs/{{id}}"}, status: {path: $.s, success: [ok]}, result: {path: $.r}}}
  exposes:
  - type: mcp
    namespace: agent
    port: 1
    tools:
    - name: shaped
      call: up.get-ship
      outputParameters:
      - type: object
        properties:
          name: {type: string, mapping: $.name, example: Northern Star}
          flag: {type: string, mapping: $.flag, enum: [NO, SG]}
          built: {type: number, mapping: $.built}
          active: {type: boolean, mapping: $.active}
          label: {type: string, value: "Ship {{imo}}"}
          crew: {type: array, mapping: $.crew, items: {type: object, properties: {fullName: {type: string, mapping: $.n}}}}
    - {name: bare, call: up.get-ship}
    - {name: make, call: up.make, outputParameters: [{name: url, type: string, mapping: $.url, example: "https://x.test/a.png"}]}
    - {name: lost, call: up.nowhere, outputParameters: [{name: ok, type: boolean, mapping: $.ok}]}
    - name: steps
      steps: [{name: a, type: call, call: up.get-ship}]
      mappings: [{target: name, value: $.a.name}]
      outputParameters: [{name: name, type: string}]
  - type: rest
    namespace: app
    port: 2
    resources:
    - path: /ships/{imo}
      operations:
      - {name: shaped, method: GET, call: up.get-ship, outputParameters: [{type: array, items: {type: number}}]}
"""


async def test_every_flow_answers_typed_and_without_a_key(tmp_path: Path, anyio_backend: str):
    file = tmp_path / "ships.yaml"
    file.write_text(TEXT)
    async with served(str(file), "--mock", "--port", "0") as process:
        async with Client(process.url("mcp")) as agent:
            answers = {
                name: (
                    await agent.call_tool(name, {"imo": "7"} if name in ("shaped", "bare", "steps") else {})
                )
                for name in ("shaped", "bare", "make", "lost", "steps")
            }
        async with httpx.AsyncClient(base_url=process.url("rest") + "/") as client:
            rest = await client.get("ships/7")
    values = {name: answer.structured_content for name, answer in answers.items()}
    assert not any(answer.is_error for answer in answers.values())
    assert values["shaped"] == {
        "name": "Northern Star", "flag": "NO", "built": 1.5, "active": True, "label": "Ship 7",
        "crew": [{"fullName": "fullName"}],
    }  # fmt: skip
    assert values["bare"] == {"name": "name", "built": 1.5}
    assert (values["make"]["state"], values["make"]["result"]) == (
        "succeeded",
        {"url": "https://x.test/a.png"},
    )
    assert values["lost"] == {"ok": True}
    assert values["steps"] == {"name": "name"}
    assert (rest.status_code, rest.json()) == (200, [1.5])


@pytest.mark.parametrize("file", CAPABILITIES, ids=lambda file: file.stem)
async def test_every_shipped_capability_can_be_mocked(file: Path, anyio_backend: str):
    plan = app.load_plan(file, environ={}, mock=True)
    async with served(str(file), "--mock", "--port", "0") as process, Client(process.url("mcp")) as agent:
        for tool in (await agent.list_tools()).tools:
            if tool.input_schema.get("required"):
                continue
            result = await agent.call_tool(tool.name, {})
            assert not result.is_error, (tool.name, json.dumps(result.structured_content))
    assert plan.missing == ()
