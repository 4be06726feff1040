"""`capspec call`: arguments typed, one flow run, its result printed."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import re
import sys
from asyncio.subprocess import DEVNULL
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from tests.cli.cli_processes import PATIENCE, finished
from tests.cli.thing_capability import GUARDED, THING, echo, write
from tests.upstreams import serving

pytestmark = pytest.mark.anyio


async def call(
    folder: Path, *words: str, text: str = THING, given: bytes = b"", env: dict[str, str] | None = None
) -> Result:
    """The command, in a thread, with an upstream that tells what it was asked."""
    async with serving(echo) as upstream:
        file = write(folder, upstream=upstream.url, text=text)
        invoke = CliRunner(env=env).invoke
        return await asyncio.to_thread(invoke, group, ["call", file, *words], input=given)


async def test_values_are_typed_by_the_inputs_and_the_result_is_compact_json(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=a/b c", "n=5")
    assert (result.exit_code, result.stderr) == (0, "")
    assert json.loads(result.stdout)["target"] == "/things/a%2Fb%20c?n=5"
    assert result.stdout.count("\n") == 1


async def test_a_value_that_does_not_fit_is_said_in_words(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=1", "n=five")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Invalid input:\nerror CAP601 'n' should be")


async def test_json_values_and_json_documents_are_taken(tmp_path: Path) -> None:
    one = await call(tmp_path, "make-thing", 'body:={"a": [1, null]}')
    two = await call(tmp_path, "make-thing", "--json", '{"body": {"a": [1, null]}}')
    three = await call(tmp_path, "make-thing", "-", given=b'{"body": {"a": [1, null]}}')
    four = await call(tmp_path, "make-thing", "--json", "-", given=b'{"body": {"a": [1, null]}}')
    bodies = [json.loads(json.loads(item.stdout)["body"]) for item in (one, two, three, four)]
    assert bodies == [{"a": [1, None]}] * 4


async def test_words_win_over_the_document(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=2", "--json", '{"id": "1", "n": 3}')
    assert json.loads(result.stdout)["target"] == "/things/2?n=3"


async def test_a_value_can_be_the_contents_of_a_file_or_of_standard_input(tmp_path: Path) -> None:
    (tmp_path / "id.txt").write_text("from-file")
    file = await call(tmp_path, "get-thing", f"id=@{tmp_path / 'id.txt'}")
    stream = await call(tmp_path, "get-thing", "id=@-", given=b"from-stream")
    assert json.loads(file.stdout)["target"] == "/things/from-file"
    assert json.loads(stream.stdout)["target"] == "/things/from-stream"


async def test_a_file_that_is_not_text_is_given_as_base64(tmp_path: Path) -> None:
    (tmp_path / "id.bin").write_bytes(b"\xff\xfe")
    result = await call(tmp_path, "get-thing", f"id=@{tmp_path / 'id.bin'}")
    assert json.loads(result.stdout)["target"] == "/things/%2F%2F4%3D"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["get-thin"], "did you mean 'get-thing'?"),
        (["zzz"], "it has: get-thing, make-thing, get-picture, read-thing"),
        (["get-thing", "idd=1"], "has no input 'idd'; did you mean 'id'?"),
        (["get-thing", "zz=1"], "its inputs are: id, n"),
        (["get-thing", "id"], "'id' is not an argument"),
        (["get-thing", "id:={"], "'id': this is not JSON"),
        (["get-thing", "id=@/no/such/file"], "cannot read '/no/such/file': No such file"),
        (["get-thing", "--json", "[1]"], "the arguments should be a JSON object"),
        (["get-thing", "--listener", "none"], "known are: things-rest, things-mcp"),
    ],
)
async def test_a_wrong_command_line_says_what_would_be_right(
    tmp_path: Path, words: list[str], message: str
) -> None:
    result = await call(tmp_path, *words)
    assert result.exit_code == 2
    assert message in result.stderr


async def test_rest_operations_can_be_called_too(tmp_path: Path) -> None:
    result = await call(tmp_path, "read-thing", "id=3", "--listener", "things-rest")
    assert json.loads(result.stdout)["target"] == "/things/3"


async def test_an_upstreams_failure_is_printed_and_fails(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=missing")
    assert result.exit_code == 1
    assert result.stderr == "the upstream answered with status 404\n"
    assert json.loads(result.stdout)["target"] == "/things/missing"


async def test_a_missing_variable_fails_in_words(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=1", text=GUARDED)
    assert result.exit_code == 1
    assert result.stderr.startswith("A secret is missing:\n")
    assert "THING_TOKEN" in result.stderr


async def test_an_env_file_gives_variables_and_the_environment_wins(tmp_path: Path) -> None:
    first, last = tmp_path / "first.env", tmp_path / "last.env"
    first.write_text("THING_TOKEN=from-first\n")
    last.write_text("# a comment\nexport THING_TOKEN='from-$last'\nEMPTY\n")
    words = ("get-thing", "id=1", "--env-file", str(first), "--env-file", str(last))
    file = await call(tmp_path, *words, text=GUARDED)
    environment = await call(tmp_path, *words, text=GUARDED, env={"THING_TOKEN": "from-environment"})
    assert json.loads(file.stdout)["auth"] == "Bearer from-$last"
    assert json.loads(environment.stdout)["auth"] == "Bearer from-environment"


async def test_an_upstream_that_cannot_be_reached_fails_in_words(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-thing", "id=1", "--base-uri", "up=http://127.0.0.1:9")
    assert result.exit_code == 1
    assert result.stderr.startswith("The upstream failed:\n")
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("up", "is not NAMESPACE=URL"),
        ("up=ftp://x", "is not NAMESPACE=URL"),
        ("down=http://x", "known are: up"),
    ],
)
async def test_a_base_uri_has_to_make_sense(tmp_path: Path, value: str, message: str) -> None:
    result = await call(tmp_path, "get-thing", "id=1", "--base-uri", value)
    assert result.exit_code == 2
    assert message in result.stderr


async def test_bytes_go_to_a_file_or_a_pipe(tmp_path: Path) -> None:
    target = tmp_path / "picture.png"
    file = await call(tmp_path, "get-picture", "--output", str(target))
    pipe = await call(tmp_path, "get-picture")
    assert (file.exit_code, file.stdout) == (0, "")
    assert target.read_bytes() == pipe.stdout_bytes == b"\x89PNG\r\n\x1a\n\x00"


async def test_an_output_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    result = await call(tmp_path, "get-picture", "--output", str(tmp_path / "no" / "picture.png"))
    assert result.exit_code == 2
    assert "cannot write" in result.stderr


async def test_arguments_that_are_not_declared_go_along_where_the_file_says_nothing(tmp_path: Path) -> None:
    text = THING.replace("[{name: body, in: body, type: object}]", "[]")
    result = await call(tmp_path, "make-thing", "a=1", "b=x", "b=y", "c:=[true]", text=text)
    assert json.loads(json.loads(result.stdout)["body"]) == {"a": "1", "b": ["x", "y"], "c": [True]}


async def test_an_env_file_that_is_not_text_is_said(tmp_path: Path) -> None:
    (tmp_path / "bad.env").write_bytes(b"A=\xff\xfe")
    result = await call(tmp_path, "get-thing", "id=1", "--env-file", str(tmp_path / "bad.env"))
    assert result.exit_code == 2
    assert "cannot read" in result.stderr


async def test_the_sandbox_answers_without_a_key(tmp_path: Path) -> None:
    flux = Path(__file__).parents[2] / "capabilities" / "flux.yaml"
    done = await finished("call", "--sandbox", str(flux), "editimagekontextpro", "prompt=make it red")
    assert (done.code, done.err) == (0, "")
    assert "polling_url" in json.loads(done.out)


# -- on a terminal --------------------------------------------------------------------------------------


async def on_a_terminal(*words: str) -> tuple[int | None, str]:
    """The exit code, and everything that a person would see."""
    ours, theirs = pty.openpty()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "capspec", *words, stdin=DEVNULL, stdout=theirs, stderr=theirs
        )
    finally:
        os.close(theirs)
    seen = await asyncio.to_thread(_read_to_end, ours)
    async with asyncio.timeout(PATIENCE):
        return await process.wait(), seen


def _read_to_end(descriptor: int) -> str:
    parts = []
    try:
        while part := os.read(descriptor, 65536):
            parts.append(part)
    except OSError:  # a terminal whose other end is closed
        pass
    finally:
        os.close(descriptor)
    return b"".join(parts).decode().replace("\r\n", "\n")


async def test_a_terminal_gets_indented_json(tmp_path: Path) -> None:
    async with serving(echo) as upstream:
        code, seen = await on_a_terminal("call", write(tmp_path, upstream=upstream.url), "get-thing", "id=1")
    assert code == 0
    assert seen.startswith('{\n  "target": "/things/1",\n')


async def test_a_terminal_gets_no_bytes(tmp_path: Path) -> None:
    async with serving(echo) as upstream:
        code, seen = await on_a_terminal("call", write(tmp_path, upstream=upstream.url), "get-picture")
    assert code == 2
    assert "--output" in seen
    assert "PNG" not in seen


async def test_a_terminal_gets_the_line_of_a_problem(tmp_path: Path) -> None:
    code, seen = await on_a_terminal("validate", write(tmp_path, text='capspec: "1"\nexposes: 3\n'))
    assert code == 1
    plain = re.sub(r"\x1b\[[0-9;]*m", "", seen)
    assert plain != seen
    assert "   2 | exposes: 3\n     |          ^\n" in plain


async def test_with_a_sandbox_nothing_real_is_called(tmp_path: Path) -> None:
    async with serving(echo) as upstream:
        file = write(tmp_path, upstream=upstream.url, text=THING)
        words = ["call", file, "get-thing", "id=a", "--sandbox"]
        result = await asyncio.to_thread(CliRunner().invoke, group, words)
        assert result.exit_code == 1
        assert "nothing stands for" in result.stderr
        assert "--base-uri up=URL" in result.stderr
        assert upstream.requests == []
