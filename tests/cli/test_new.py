"""`capspec new`: a first file that is right as it is written, from flags, from questions, or from an answer."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import shlex
import sys
from asyncio.subprocess import PIPE
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st

from capspec.cli import group
from capspec.drafting.draft import Draft, operation_of
from capspec.drafting.example import learn
from capspec.drafting.writing import written
from tests.cli.cli_processes import PATIENCE, finished
from tests.upstreams import Seen, reply, serving
from tests.whole import plan_of

pytestmark = pytest.mark.anyio

PAGE = Path(__file__).parents[2] / "docs" / "first-file.md"
ANSWER = {
    "id": 42,
    "name": "Anvil",
    "owner": {"login": "ada", "odd key": None},
    "parts": [{"sku": "a-1", "grams": 2}, {"sku": "b-2", "grams": 2.5, "spare": True}],
    "tags": ["iron"],
    "empty": [],
}


def new(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(group, ["new", *words], input=given)


def run(*words: str, env: dict[str, str] | None = None) -> Result:
    return CliRunner(env=env).invoke(group, [*words])


def data_of(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize(
    "words",
    [
        ("--operation", "GET /things/{id}"),
        ("--operation", "/things?limit=10&exact=true", "--operation", "POST /things", "--auth", "bearer"),
        ("--operation", "DELETE /a/{b}/c/{d}", "--auth", "apikey", "--rest"),
        ("--operation", "PATCH /", "--operation", "PUT /", "--mcp", "--name", "Über uns! 2"),
        ("--operation", "get /orders/{order.id}/lines", "--name", "true"),
    ],
)
def test_what_is_written_has_no_problem_at_all(tmp_path: Path, words: tuple[str, ...]) -> None:
    file = tmp_path / "first.yaml"
    result = new(str(file), "--base-uri", "https://api.example.com/v1", *words)
    assert result.exit_code == 0, result.output
    checked = run("validate", "--strict", str(file))
    assert (checked.exit_code, checked.stdout) == (0, "")


@pytest.mark.parametrize("kind", [(), ("--rest",), ("--mcp",), ("--rest", "--mcp")])
def test_it_is_offered_as_asked_and_as_both_when_nothing_is(tmp_path: Path, kind: tuple[str, ...]) -> None:
    file = tmp_path / "first.yaml"
    new(str(file), "--base-uri", "https://api.example.com", "--operation", "/x", *kind)
    types = {entry["type"] for entry in data_of(file)["capability"]["exposes"]}
    assert types == ({word.strip("-") for word in kind} or {"rest", "mcp"})


async def test_a_file_that_is_learned_from_an_answer_can_be_called(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(200, json.dumps(ANSWER).encode())

    async with serving(answer) as upstream:
        (tmp_path / "answer.json").write_text(json.dumps(ANSWER))
        file = tmp_path / "things.yaml"
        url = f"{upstream.url}/v1/things/42?limit=10&api_key=s3cret"
        words = (str(file), "--name", "things", "--url", url, "--response", str(tmp_path / "answer.json"))
        made = await finished("new", *words)
        assert made.code == 0, made.err
        assert "s3cret" not in file.read_text("utf-8")
        assert "Anvil" not in file.read_text("utf-8")
        checked = await finished("validate", "--strict", str(file))
        assert (checked.code, checked.out) == (0, "")
        for line in made.err.splitlines()[1:]:
            step = shlex.split(line)
            if step[:2] != ["capspec", "call"]:
                continue
            assert step[2:4] == [str(file), "get-thing"]
            called = await finished(*step[1:4], "id=42", "limit=5", env={"THINGS_API_KEY": "k3y"})
            assert called.code == 0, called.err
    assert [seen.target for seen in upstream.requests] == ["/v1/things/42?limit=5&api_key=k3y"]
    given = json.loads(called.out)
    assert (given["id"], given["owner"], given["tags"]) == (42, {"login": "ada", "odd key": None}, ["iron"])
    assert given["parts"][1] == {"sku": "b-2", "grams": 2.5, "spare": True}


async def test_the_next_steps_are_right(tmp_path: Path) -> None:
    async def answer(seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        return reply(200, b'{"made": true}')

    async with serving(answer) as upstream:
        file = str(tmp_path / "my things.yaml")
        made = await finished("new", file, "--base-uri", upstream.url, "--operation", "POST /boxes/{box}/things",
                              "--auth", "bearer", "--name", "things")  # fmt: skip
        steps = [shlex.split(line) for line in made.err.splitlines()[1:]]
        assert [words[:2] for words in steps] == [
            ["capspec", "validate"], ["export", "THINGS_TOKEN=…"], ["capspec", "call"], ["capspec", "serve"],
        ]  # fmt: skip
        env = {"THINGS_TOKEN": "t"}
        assert (await finished(*steps[0][1:])).code == 0
        called = await finished(*(word.replace("…", "7") for word in steps[2][1:]), env=env)
        assert (called.code, json.loads(called.out)) == (0, {"made": True}), called.err
    (seen,) = upstream.requests
    assert (seen.method, seen.target, seen.header("authorization")) == ("POST", "/boxes/7/things", "Bearer t")


def test_a_list_in_an_answer_has_items_with_the_fields_of_all_its_elements(tmp_path: Path) -> None:
    result = new("-", "--url", "https://api.example.com/api/v2/people", "--response", "-",
                 given=b'[{"a": 1}, {"a": 2.5, "b": {"c": null}}]')  # fmt: skip
    data = yaml.safe_load(result.stdout)
    (tool,) = data["capability"]["exposes"][0]["tools"]
    assert data["capability"]["consumes"][0]["baseUri"] == "https://api.example.com/api/v2"
    assert tool["name"] == "list-people"
    assert tool["outputParameters"][0]["items"]["properties"]["b"]["properties"] == {"c": {"mapping": "$.c"}}


@pytest.mark.parametrize(
    ("url", "answer", "base", "path"),
    [
        ("https://x.io/v1/things/42", {}, "https://x.io/v1", "/things/{id}"),
        ("https://x.io/things/7/parts/9", {}, "https://x.io", "/things/{thing_id}/parts/{part_id}"),
        ("https://x.io/users/octocat", {"login": "octocat"}, "https://x.io", "/users/{login}"),
        (
            "https://x.io/companies/0b5e7a9c-1f5e-4f39-9c1b-2a7d1c3e5f60",
            {},
            "https://x.io",
            "/companies/{id}",
        ),
        ("https://x.io/v2", {}, "https://x.io", "/v2"),
        ("https://u:p@x.io:8443/2024-01/a/", [], "https://x.io:8443/2024-01", "/a"),
    ],
)
def test_a_url_is_taken_apart(url: str, answer: object, base: str, path: str) -> None:
    learned = learn(url, "GET", answer)
    assert (learned.base_uri, learned.operation.path) == (base, path)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=12,
    )
)
def test_any_answer_gives_a_file_without_problems(answer: object) -> None:
    learned = learn("https://api.example.com/v1/things/42", "GET", answer)
    draft = Draft(name="things", base_uri=learned.base_uri, operations=(learned.operation,))
    assert plan_of(written(draft)).warnings == ()


def test_nothing_is_written_over_without_being_told_to(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("mine")
    (tmp_path / ".capspec.schema.json").write_text("{}")
    words = (str(file), "--base-uri", "https://api.example.com", "--operation", "/x")
    refused = new(*words)
    assert refused.exit_code == 1
    assert "is there already" in refused.stderr
    assert "write over it with --force" in refused.stderr
    assert file.read_text() == "mine"
    assert new(*words, "--force").exit_code == 0
    assert "capspec" in file.read_text("utf-8")
    assert json.loads((tmp_path / ".capspec.schema.json").read_text("utf-8"))["title"] == "Capability file"


def test_the_first_line_leads_editors_to_the_schema_beside_the_file(tmp_path: Path) -> None:
    file = tmp_path / "first.yaml"
    new(str(file), "--base-uri", "https://api.example.com", "--operation", "/x")
    first = file.read_text("utf-8").splitlines()[0]
    assert first == "# yaml-language-server: $schema=./.capspec.schema.json"
    assert (tmp_path / ".capspec.schema.json").read_text("utf-8") == run("schema").stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), "say where the API is"),
        (("--base-uri", "api.example.com", "--operation", "/x"), "is no address"),
        (("--base-uri", "https://u:p@api.example.com", "--operation", "/x"), "credentials do not belong"),
        (("--base-uri", "https://api.example.com"), "say what the API can do"),
        (
            ("--base-uri", "https://api.example.com", "--operation", "FETCH /x"),
            "'FETCH' is not an HTTP method",
        ),
        (("--base-uri", "https://api.example.com", "--operation", "GET /x/{id"), "belongs to no placeholder"),
        (("--base-uri", "https://api.example.com", "--operation", "things"), "is no operation"),
        (("--url", "https://x.io/a", "--response", "nowhere.json"), "cannot read 'nowhere.json'"),
        (("--url", "ftp://x.io/a"), "is no URL"),
        (("--response", "-"), "needs the --url"),
        (("--url", "https://x.io/a", "--base-uri", "https://y.io"), "does not begin with the base URI"),
    ],
)
def test_a_wrong_command_line_is_said_in_words(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    result = new(str(tmp_path / "x.yaml"), *words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_response_that_is_not_json_is_said_in_words() -> None:
    result = new("-", "--url", "https://x.io/a", "--response", "-", given=b"<html>")
    assert result.exit_code == 2
    assert "is not JSON" in result.stderr


async def test_the_page_about_it_shows_what_it_does(tmp_path: Path) -> None:
    blocks = [block.partition("```")[0] for block in PAGE.read_text("utf-8").split("```sh\n")[1:]]
    shown = next(block for block in blocks if "--base-uri" in block)
    words = shlex.split(shown.replace("\\\n", " "))
    made = await finished("new", str(tmp_path / words[2]), *words[3:])
    assert made.code == 0, made.err
    told = [line.strip().replace(f"{tmp_path}/", "") for line in made.err.splitlines()[1:]]
    assert told == blocks[-1].splitlines()


def test_operations_of_one_name_get_names_of_their_own() -> None:
    operations = (operation_of("GET /things/{id}"), operation_of("GET /old/things/{id}"))
    result = new("-", "--base-uri", "https://x.io", *(word for item in operations
                 for word in ("--operation", f"GET {item.path}")))  # fmt: skip
    tools = yaml.safe_load(result.stdout)["capability"]["exposes"][0]["tools"]
    assert [tool["name"] for tool in tools] == ["get-thing", "get-thing-2"]


async def test_at_a_terminal_it_asks(tmp_path: Path) -> None:
    file = tmp_path / "asked.yaml"
    main, other = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "capspec", "new", str(file), stdin=other, stdout=PIPE, stderr=PIPE,
        env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    os.close(other)
    os.write(main, b"nonsense\nhttps://api.example.com/v1\n\nwrong\nGET /things/{id}\n\nbearer\nmcp\n")
    async with asyncio.timeout(PATIENCE):
        _, errors = await process.communicate()
    os.close(main)
    assert process.returncode == 0, errors.decode()
    assert "'nonsense' is no address" in errors.decode()
    assert "'wrong' is no operation" in errors.decode()
    capability = data_of(file)["capability"]
    assert capability["consumes"][0]["namespace"] == "example"
    assert capability["consumes"][0]["authentication"] == {"type": "bearer", "token": "{{EXAMPLE_TOKEN}}"}
    assert [entry["type"] for entry in capability["exposes"]] == ["mcp"]
    assert run("validate", "--strict", str(file)).exit_code == 0
