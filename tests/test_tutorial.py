"""The tutorial, walked as a reader walks it: every command in its order, and every answer as it is shown."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from mcp import Client

from capspec import app
from capspec.sandbox import demo_secrets
from tests.adapters.auth_world import free_ports
from tests.cli.cli_processes import served as serving
from tests.sandbox.media_parsing import read_png
from tests.tutorial_walk import (
    FOLDER,
    PATIENCE,
    PORTS,
    README,
    Step,
    copied,
    matches,
    moved,
    served,
    steps,
    typed,
)

STEPS = steps()
FILES = sorted(FOLDER.glob("step-*.yaml"))

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="the tutorial types curl")


def calls() -> Iterator[Any]:
    """Each `capspec call` of the tutorial that is answered with JSON by the sandbox."""
    for step in STEPS:
        for command in step.commands:
            words = shlex.split(command.text)
            if words[:2] == ["capspec", "call"] and "--sandbox" in words and command.answer is not None:
                arguments = dict(word.split("=", 1) for word in words[4:] if not word.startswith("--"))
                name = f"{step.number}: {' '.join(words[3:-1])}"
                yield pytest.param(step.file, words[3], arguments, command.answer, id=name)


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_every_command_of_a_step_answers_as_it_is_shown(step: Step, tmp_path: Path) -> None:
    ports = dict(zip(PORTS, map(str, free_ports(len(PORTS))), strict=True))
    folder = copied(tmp_path, ports)
    with ExitStack() as running:
        for command in step.commands:
            text = moved(command.text, ports)
            if command.serves:
                running.close()
                seen = running.enter_context(served(text, folder))
            else:
                with typed(text, folder) as terminal:
                    seen = terminal.ended()
            where = f"{README.name}:{command.line}: {command.text}"
            assert command.answer is None or matches(moved(command.answer, ports), seen), f"{where}{seen}"
            assert command.serves or command.answer is not None, where


@pytest.mark.anyio
@pytest.mark.parametrize(("file", "tool", "arguments", "answer"), list(calls()))
async def test_an_agent_gets_what_the_shell_gets(
    file: Path, tool: str, arguments: dict[str, Any], answer: str
) -> None:
    async with serving(str(file), "--sandbox", "--port", "0") as server:
        async with Client(server.url("mcp")) as agent:
            known = {found.name: found.input_schema for found in (await agent.list_tools()).tools}
            given = {key: read(value, known[tool], key) for key, value in arguments.items()}
            result = await agent.call_tool(tool, given)
    if result.is_error or not answer.startswith(("{", "[")):
        assert result.is_error
        assert told(answer)
        assert told(answer) <= told("".join(part.text for part in result.content))
    else:
        value = result.structured_content
        assert (value["result"] if set(value) == {"result"} else value) == json.loads(answer)


def told(text: str) -> set[str]:
    """What an answer says is wrong: with an argument, or as the API put it."""
    return set(re.findall(r"There is no \w+ \w+|'\w+' does not fit: \w+|'\w+' is \"\w+\"", text))


def read(text: str, schema: dict[str, Any], name: str) -> Any:
    """An argument as the tool declares it."""
    kind = schema["properties"].get(name, {}).get("type", "string")
    return text if kind == "string" else json.loads(text)


@pytest.mark.anyio
async def test_the_picture_of_a_scan_opens_without_the_scanners_key() -> None:
    file = next(path for path in FILES if path.stem == "step-11-job")
    async with serving(str(file), "--sandbox", "--port", "0") as server, httpx.AsyncClient() as client:
        order = {"book": "b-101", "page": 14}
        url = f"{server.url('rest')}/scans"
        done = await client.post(url, json=order, headers={"prefer": "wait=30"}, timeout=PATIENCE)
        picture = await client.get(done.json()["result"]["picture"])
    assert (picture.status_code, picture.headers["content-type"]) == (200, "image/png")
    assert read_png(picture.content).text["prompt"] == "Middlemarch, page 14"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_file_is_without_warnings_and_everything_in_it_works(file: Path) -> None:
    plan = app.load_plan(str(file), environ={**demo_secrets(), "DESK_TOKEN": "t"})
    assert plan.warnings == ()
    assert plan.missing == ()
    flows = [flow for listener in plan.listeners for flow in listener.flows]
    assert flows
    assert not [flow.unavailable for flow in flows if flow.unavailable]


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_what_a_step_shows_of_a_file_stands_in_it(step: Step) -> None:
    texts = [path.read_text(encoding="utf-8") for path in (step.file, *(FOLDER / "shared").glob("*.yaml"))]
    assert step.fragments
    for fragment in step.fragments:
        assert any(fragment in text for text in texts), fragment


def test_the_steps_are_numbered_and_each_has_a_file() -> None:
    assert [step.number for step in STEPS] == list(range(1, 13))
    assert [step.file for step in STEPS] == FILES


@pytest.mark.parametrize("step", STEPS, ids=str)
def test_a_step_is_read_in_a_moment(step: Step) -> None:
    assert 10 <= len(step.prose.strip().splitlines()) <= 45


def test_the_first_three_steps_take_ten_minutes() -> None:
    first = STEPS[:3]
    words = sum(len(step.prose.split()) for step in first)
    texts = [text for step in first for text in (*step.fragments, *(item.text for item in step.commands))]
    # An editor indents by itself. 230 words are read in a minute, and 200 characters typed.
    keys = sum(len(line.strip()) + 1 for text in texts for line in text.splitlines())
    assert words / 230 + keys / 200 <= 10


def test_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    assert links
    assert not [link for link in links if not (FOLDER / link).exists()]
