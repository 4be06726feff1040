"""`capspec inspect`: what would be served, as JSON and as tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from click.testing import CliRunner

from capspec.cli import group
from tests.cli.thing_capability import GUARDED, READABLE, THING, write

TROUBLED = GUARDED.replace("call: up.make-thing", "call: up.mak-thing").replace(
    "capability:\n", "binds: [{namespace: env, keys: {THING_TOKEN: THE_KEY, SPARE: SPARE}}]\ncapability:\n"
)


def inspect(*words: str, env: dict[str, str] | None = None) -> str:
    result = CliRunner(env={"COLUMNS": "200", **(env or {})}).invoke(group, ["inspect", *words])
    assert result.exit_code == 0, result.output
    return result.stdout


def as_json(*words: str, env: dict[str, str] | None = None) -> Any:
    return json.loads(inspect(*words, "--json", env=env))


def test_json_has_routes_tools_and_their_schemas(tmp_path: Path) -> None:
    (thing,) = as_json(write(tmp_path, rest_port=8080))
    rest, mcp = thing["listeners"]
    assert (rest["type"], rest["port"], rest["authentication"]) == ("rest", 8080, None)
    assert [(flow["name"], flow["method"], flow["path"]) for flow in rest["flows"]] == [
        ("read-thing", "GET", "/t/{id}")
    ]
    tool = mcp["flows"][0]
    assert tool["calls"] == ["up.get-thing"]
    assert tool["input_schema"]["required"] == ["id"]
    assert tool["input_schema"]["properties"]["n"]["type"] == "integer"
    assert "path" not in tool


def test_json_says_which_variables_have_values_but_never_the_values(tmp_path: Path) -> None:
    words = (write(tmp_path, text=TROUBLED),)
    text = inspect(*words, "--json", env={"THE_KEY": "s3cr3t-t0ken"})
    (thing,) = json.loads(text)
    assert {item["name"]: item["has_value"] for item in thing["binds"][0]["variables"]} == {
        "THING_TOKEN": True,
        "SPARE": False,
    }
    assert "s3cr3t-t0ken" not in text


def test_json_says_what_does_not_work_and_why(tmp_path: Path) -> None:
    (thing,) = as_json(write(tmp_path, text=TROUBLED))
    get, make, _ = thing["listeners"][1]["flows"]
    assert get["missing"] == ["THING_TOKEN"]
    assert "did you mean" in make["unavailable"]
    assert thing["missing"][0]["name"] == "THING_TOKEN"
    assert thing["warnings"][0]["line"] == 33


def test_what_calls_an_api_that_cannot_be_called_is_not_available(tmp_path: Path) -> None:
    file = write(tmp_path, text=GUARDED.replace("type: bearer", "type: saml"))
    (thing,) = as_json(file)
    reasons = [flow["unavailable"] for flow in thing["listeners"][1]["flows"]]
    assert reasons
    for reason in reasons:
        assert "cannot be called: its authentication cannot be used: 'saml' needs a person" in reason
    assert "not available: up.get-thing cannot be called" in inspect(file)


def test_tables_have_it_all_for_people(tmp_path: Path) -> None:
    text = inspect(write(tmp_path, text=TROUBLED, rest_port=8080))
    for words in (
        "Things", "REST things-rest, port 8080, no authentication", "GET /t/{id}", "get-thing", "id*: string",
        "n: integer", "up.get-thing", "needs THING_TOKEN", "not available:", "THE_KEY", "1 warning",
        "things.yaml:33:",
    ):  # fmt: skip
        assert words in text, words


def test_resources_and_prompts_are_shown_too(tmp_path: Path) -> None:
    file = write(tmp_path, text=READABLE)
    (thing,) = as_json(file)
    mcp = thing["listeners"][1]
    assert mcp["resources"][0]["uri"] == "thing://{id}"
    assert mcp["prompts"][0]["arguments"] == [{"name": "what", "required": True}]
    text = inspect(file)
    assert "thing://{id}" in text
    assert "what*" in text


def test_schemas_are_shown_on_demand(tmp_path: Path) -> None:
    file = write(tmp_path)
    assert '"properties"' not in inspect(file)
    assert '"properties"' in inspect(file, "--schemas")


def test_text_in_brackets_is_shown_as_it_is(tmp_path: Path) -> None:
    text = THING.replace("label: Things", "label: '[bold]Things[/bold] [red'")
    assert "[bold]Things[/bold] [red" in inspect(write(tmp_path, text=text))


def test_several_files_are_shown_one_after_the_other(tmp_path: Path) -> None:
    write(tmp_path, name="first.yaml")
    write(tmp_path, name="second.yaml")
    assert [item["name"] for item in as_json(str(tmp_path))] == ["first", "second"]


def test_the_sandbox_replaces_addresses(tmp_path: Path) -> None:
    text = THING.replace("UPSTREAM", "https://api.bfl.ai/v1")
    (thing,) = as_json(write(tmp_path, text=text), "--sandbox")
    assert thing["upstreams"][0]["base_url"].startswith("http://127.0.0.1:")
    assert thing["upstreams"][0]["base_url"].endswith("/bfl/v1")
