"""`capspec call` on operations that start jobs: submit, wait, ask again, and save what was made."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from capspec.cli import group
from tests.cli.cli_processes import started
from tests.upstreams import Seen, reply, serving

pytestmark = pytest.mark.anyio

ROOT = Path(__file__).parents[2]
SECRET = {"CAPSPEC_HANDLE_KEY": "a secret of sixteen or more characters"}

PAINTER = """
capspec: "1"
capability:
  consumes:
  - namespace: painter
    baseUri: {base}
    resources:
    - path: /paint
      operations:
      - name: paint
        method: POST
        poll:
          id: $.id
          request: {{uri: "/jobs/{{{{id}}}}"}}
          interval: 1ms
          status: {{path: $.status, success: [done], failure: [failed]}}
          progress: {{path: $.progress, max: 100}}
          result: {{path: $.picture}}
          error: {{message: $.reason}}
    - path: /plain
      operations: [{{name: plain, method: GET}}]
  exposes:
  - type: mcp
    namespace: p
    port: 1
    tools:
    - {{name: paint, description: Paints., call: painter.paint}}
    - {{name: plain, description: Plain., call: painter.plain}}
"""


class Painter:
    """An upstream whose job ends at the third look."""

    def __init__(self, end: dict[str, Any] | None = None) -> None:
        self.looks = 0
        self.submits = 0
        self.end = end

    async def __call__(self, seen: Seen, writer: asyncio.StreamWriter) -> bytes:
        if seen.path == "/paint":
            self.submits += 1
            return reply(202, b'{"id": "j1"}')
        if seen.path == "/pictures/j1.png":
            return reply(200, b"\x89PNG", ("content-type", "image/png"))
        self.looks += 1
        if self.looks < 3:
            return reply(200, json.dumps({"status": "busy", "progress": 30 * self.looks}).encode())
        host = seen.header("host")
        done = {"status": "done", "picture": f"http://{host}/pictures/j1.png"}
        return reply(200, json.dumps(self.end or done).encode())


async def call(
    folder: Path, painter: Painter, *runs: tuple[str, ...], env: dict[str, str] | None = None
) -> list[Result]:
    """The command, once for each run, all against one upstream; HANDLE stands for the first run's handle."""
    results: list[Result] = []
    async with serving(painter) as upstream:
        file = folder / "painter.yaml"
        file.write_text(PAINTER.format(base=upstream.url), encoding="utf-8")
        for run in runs:
            words = [json.loads(results[0].stdout)["job"] if word == "HANDLE" else word for word in run]
            invoke = CliRunner(env=env).invoke
            results.append(await asyncio.to_thread(invoke, group, ["call", str(file), *words]))
    return results


async def test_it_waits_and_saves_what_was_made(tmp_path: Path):
    output = tmp_path / "picture.png"
    painter = Painter()
    (result,) = await call(tmp_path, painter, ("paint", "prompt=x", "--wait", "--output", str(output)))
    assert result.exit_code == 0, result.stderr
    envelope = json.loads(result.stdout)
    assert envelope["state"] == "succeeded"
    assert envelope["result"].endswith("/pictures/j1.png")
    assert output.read_bytes() == b"\x89PNG"
    assert (painter.submits, painter.looks) == (1, 3)


async def test_without_wait_it_says_how_to_go_on_and_a_later_command_does(tmp_path: Path):
    painter = Painter()
    submitted, ended = await call(
        tmp_path, painter, ("paint", "prompt=x"), ("paint", "--job", "HANDLE", "--wait"), env=SECRET
    )
    assert submitted.exit_code == 0
    assert json.loads(submitted.stdout)["state"] in ("queued", "running")
    assert "--job" in submitted.stderr
    assert json.loads(ended.stdout)["state"] == "succeeded"
    assert painter.submits == 1


async def test_without_a_lasting_key_it_says_that_the_handle_ends(tmp_path: Path):
    (result,) = await call(tmp_path, Painter(), ("paint", "prompt=x"))
    assert "CAPSPEC_HANDLE_KEY" in result.stderr


async def test_a_failed_job_is_a_failed_command(tmp_path: Path):
    painter = Painter({"status": "failed", "reason": "the brush broke"})
    (result,) = await call(tmp_path, painter, ("paint", "prompt=x", "--wait"))
    assert result.exit_code == 1
    assert json.loads(result.stdout)["error"]["message"] == "the brush broke"


async def test_a_handle_of_somebody_else_is_not_found(tmp_path: Path):
    submitted, refused = await call(tmp_path, Painter(), ("paint", "prompt=x"), ("paint", "--job", "HANDLE"))
    assert submitted.exit_code == 0
    assert refused.exit_code == 1
    assert "no such job" in refused.stderr


async def test_wait_means_nothing_to_what_starts_no_job(tmp_path: Path):
    (result,) = await call(tmp_path, Painter(), ("plain", "--wait"))
    assert result.exit_code == 2
    assert "starts no job" in result.stderr


async def test_a_short_handle_key_is_refused(tmp_path: Path):
    (result,) = await call(tmp_path, Painter(), ("plain",), env={"CAPSPEC_HANDLE_KEY": "short"})
    assert result.exit_code == 2
    assert "CAPSPEC_HANDLE_KEY" in result.stderr


@pytest.mark.parametrize(
    ("file", "words", "magic"),
    [
        ("flux-kontext.yaml", ("edit-image-pro", "prompt=a red boat"), b"\x89PNG"),
        ("flexura.yaml", ("generate-image", "prompt=a red boat"), b"\x89PNG"),
    ],
)
def test_the_shipped_capabilities_make_files_with_no_key(tmp_path: Path, file, words, magic):
    output = tmp_path / "made"
    arguments = ["--sandbox", "--sandbox-speed", "1000", "--wait", "--output", str(output)]
    result = CliRunner(env={}).invoke(group, ["call", str(ROOT / "capabilities" / file), *words, *arguments])
    assert result.exit_code == 0, result.stderr
    assert output.read_bytes().startswith(magic)


async def test_an_interrupted_wait_says_how_to_go_on(tmp_path: Path):
    painter = Painter({"status": "busy", "progress": 10})
    async with serving(painter) as upstream:
        file = tmp_path / "painter.yaml"
        file.write_text(PAINTER.format(base=upstream.url), encoding="utf-8")
        async with started("call", str(file), "paint", "prompt=x", "--wait", env=SECRET) as process:
            await upstream.until(lambda: painter.looks > 2)
            process.send_signal(signal.SIGINT)
            _, errors = await process.communicate()
        assert process.returncode == 130
        assert "--job job1_" in errors.decode()
        assert painter.submits == 1
