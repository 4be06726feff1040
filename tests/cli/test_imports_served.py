"""Imports on the command line: served by a process, folders with shared files in them, and --root."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner, Result
from mcp import Client

from capspec.cli import group
from tests.cli.cli_processes import finished, served
from tests.imports_world import MAIN, REGISTRY, importing, write
from tests.upstreams import Seen, reply, serving
from tests.whole import value_of

FLEET = """\
capspec: "1"
capability:
  consumes:
    - {import: registry, from: ./shared/registry.yaml, as: fleet}
  exposes:
    - type: rest
      port: 0
      namespace: fleet-rest
      resources: [{path: '/ships/{id}', operations: [{method: GET, name: read-ship, call: fleet.get-ship}]}]
    - type: mcp
      port: 0
      namespace: fleet-mcp
      tools: [{name: get-ship, description: Get a ship, call: fleet.get-ship}]
"""

SHARED = """\
naftiko: "1.0.0-alpha3"
binds:
  - {namespace: keys, location: 'file:///./keys.env', keys: {REGISTRY_TOKEN: token}}
  - {namespace: env, keys: {REGISTRY_VERSION: REGISTRY_VERSION}}
consumes:
  - namespace: registry
    type: http
    baseUri: UPSTREAM
    authentication: {type: bearer, token: '{{REGISTRY_TOKEN}}'}
    inputParameters: [{name: Registry-Version, in: header, value: '{{REGISTRY_VERSION}}'}]
    resources:
      - path: /ships/{{id}}
        operations: [{name: get-ship, method: GET, inputParameters: [{name: id, in: path}]}]
"""


async def ship(seen: Seen, _: object) -> bytes:
    """Who asks with the right token and version learns the ship's name."""
    if (seen.header("authorization"), seen.header("registry-version")) != ("Bearer s3cret", "2"):
        return reply(401)
    return reply(200, json.dumps({"id": seen.path.rpartition("/")[2], "name": "Northern Star"}).encode())


@pytest.mark.anyio
async def test_an_imported_api_is_called_over_rest_and_mcp_with_the_secrets_of_its_own_file(
    tmp_path: Path,
) -> None:
    async with serving(ship) as upstream:
        files = {"fleet.yaml": FLEET, "shared/registry.yaml": SHARED.replace("UPSTREAM", upstream.url)}
        main = write(tmp_path, {**files, "shared/keys.env": "token=s3cret\n"})
        async with served(str(main), env={"REGISTRY_VERSION": "2"}) as server:
            async with httpx.AsyncClient() as client:
                answer = await client.get(f"{server.url('rest')}/ships/IMO-1")
            async with Client(server.url("mcp")) as agent:
                result = await agent.call_tool("get-ship", {"id": "IMO-2"})
        assert (answer.status_code, answer.json()) == (200, {"id": "IMO-1", "name": "Northern Star"})
        assert value_of(result) == {"id": "IMO-2", "name": "Northern Star"}
        assert [seen.path for seen in upstream.requests] == ["/ships/IMO-1", "/ships/IMO-2"]


@pytest.mark.anyio
async def test_of_a_folder_the_files_that_are_only_imported_from_are_not_served(tmp_path: Path) -> None:
    write(
        tmp_path,
        {"fleet.yaml": FLEET, "shared/registry.yaml": SHARED.replace("UPSTREAM", "http://127.0.0.1:9")},
    )
    adapters = (
        "capspec: '1'\nexposes: [{type: mcp, namespace: more, tools: [{name: x, call: registry.get-ship}]}]\n"
    )
    taking = importing("{import: registry, from: ../shared/registry.yaml}")
    taking += "  exposes: [{import: more, from: ../shared/more.yaml}]\n"
    write(tmp_path, {"more/taking.yaml": taking, "shared/more.yaml": adapters})
    async with served(str(tmp_path), "--port", "0") as server:
        assert [item["name"] for item in server.banner["capabilities"]] == ["fleet", "taking"]


@pytest.mark.anyio
async def test_a_file_that_exposes_nothing_is_served_by_no_one_and_told_of(tmp_path: Path) -> None:
    shared = write(tmp_path, {"registry.yaml": REGISTRY})
    for path in (shared, tmp_path):
        process = await finished("serve", str(path))
        assert process.code == 4
        assert "there is nothing to serve" in process.err


# -- validate -------------------------------------------------------------------------------------------


def validate(*words: str) -> Result:
    return CliRunner().invoke(group, ["validate", *words])


@pytest.mark.parametrize(
    "text",
    [
        REGISTRY,
        'capspec: "1"\nbinds: [{namespace: env, keys: {A: A}}]\n',
        'capspec: "1"\nconsumes: []\nbinds: []\n',
        'capspec: "1"\nexposes: [{type: mcp, namespace: m, tools: [{name: x, call: elsewhere.y}]}]\n',
        'capspec: "1"\naggregates: [{namespace: a, functions: [{name: x, call: elsewhere.y}]}]\n',
    ],
)
def test_a_shared_file_is_valid_by_itself(tmp_path: Path, text: str) -> None:
    result = validate(str(write(tmp_path, {"shared.yaml": text})))
    assert (result.exit_code, result.stdout) == (0, "")


def test_a_missing_import_is_a_warning_and_an_error_with_strict(tmp_path: Path) -> None:
    main = str(write(tmp_path, {"main.yaml": MAIN}))
    assert validate(main).exit_code == 0
    strict = validate("--strict", main)
    assert strict.exit_code == 1
    assert strict.stdout.startswith(f"{main}:4:32: warning CAP141 'registry' is not imported")


def test_the_line_of_a_problem_is_shown_from_the_file_that_it_is_in(tmp_path: Path) -> None:
    shared = REGISTRY.replace("path: /ships,", "pat: /ships,")
    main = write(tmp_path, {"main.yaml": MAIN, "shared/registry.yaml": shared})
    result = validate("--color", str(main))
    assert f"{tmp_path}/shared/registry.yaml:7:" in result.stdout
    assert "- {pat: /ships" in result.stdout
    assert f"(imported at {main}:4:7)" in result.stdout


def test_imports_reach_over_the_folder_that_is_named_or_over_root(tmp_path: Path) -> None:
    main = importing("{import: crews, from: ../shared/registry.yaml}")
    write(tmp_path, {"caps/main.yaml": main, "shared/registry.yaml": REGISTRY})
    alone = validate(str(tmp_path / "caps" / "main.yaml"))
    assert f"allow it with --root {tmp_path}" in alone.stdout
    assert validate(str(tmp_path)).stdout == ""
    assert validate("--root", str(tmp_path), str(tmp_path / "caps" / "main.yaml")).stdout == ""


def test_the_inner_one_of_two_named_folders_counts(tmp_path: Path) -> None:
    main = importing("{import: crews, from: ../registry.yaml}")
    write(tmp_path, {"caps/main.yaml": main, "registry.yaml": REGISTRY})
    result = validate(str(tmp_path), str(tmp_path / "caps"))
    assert "leads out of" in result.stdout


def test_inspect_shows_the_variables_of_imported_files_with_whether_they_have_a_value(tmp_path: Path) -> None:
    files = {"fleet.yaml": FLEET, "shared/registry.yaml": SHARED.replace("UPSTREAM", "http://127.0.0.1:9")}
    main = write(tmp_path, {**files, "shared/keys.env": "token=s3cret\n"})
    result = CliRunner().invoke(group, ["inspect", "--json", str(main)], env={"REGISTRY_VERSION": ""})
    (found,) = json.loads(result.stdout)
    variables = [variable for bind in found["binds"] for variable in bind["variables"]]
    assert {item["name"]: item["has_value"] for item in variables} == {
        "REGISTRY_TOKEN": True,
        "REGISTRY_VERSION": False,
    }
    assert [item["name"] for item in found["missing"]] == ["REGISTRY_VERSION"]


def test_call_takes_a_root_too(tmp_path: Path) -> None:
    main = MAIN.replace("./shared/", "../shared/")
    path = write(tmp_path, {"caps/main.yaml": main, "shared/registry.yaml": REGISTRY})
    result = CliRunner().invoke(group, ["call", "--root", str(tmp_path), str(path), "say"])
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"a": "b"})
