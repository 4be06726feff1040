"""The command line as a whole: help, version, wrong words, and errors of its own."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from capspec import __version__
from capspec.cli import COMMANDS, group
from capspec.errors import LoadError
from tests.cli.cli_processes import PATIENCE, finished, started
from tests.cli.thing_capability import Gate, write
from tests.upstreams import serving


def test_help_lists_the_commands_and_the_exit_codes() -> None:
    result = CliRunner().invoke(group, ["--help"])
    assert result.exit_code == 0
    assert all(name in result.stdout for name in COMMANDS)
    assert "130  interrupted" in result.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    result = CliRunner().invoke(group, [name, "--help"])
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(group, ["--version"]).stdout == f"capspec {__version__}\n"


def test_a_word_that_is_no_command_names_the_nearest() -> None:
    result = CliRunner().invoke(group, ["srve"])
    assert result.exit_code == 2
    assert "did you mean 'serve'?" in result.stderr
    assert "use one of: serve, validate" in CliRunner().invoke(group, ["xyzzy"]).stderr


def failing(error: BaseException) -> click.Command:
    def fail() -> None:
        raise error

    return click.Command("schema", callback=fail)


def run_failing(monkeypatch: pytest.MonkeyPatch, error: BaseException, *words: str) -> tuple[int, str]:
    monkeypatch.setattr(type(group), "get_command", lambda self, ctx, name: failing(error))
    result = CliRunner().invoke(group, [*words, "schema"])
    return result.exit_code, result.stderr


def test_an_error_of_capspec_itself_is_short(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run_failing(monkeypatch, KeyError("what"))
    assert code == 70
    assert text.startswith("capspec failed unexpectedly: KeyError: 'what'\n")
    assert "Traceback" not in text


def test_debug_shows_where_an_error_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    code, text = run_failing(monkeypatch, KeyError("what"), "--debug")
    assert code == 70
    assert "Traceback" in text
    assert "in fail" in text


def test_a_refusal_is_printed_as_its_problems(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_failing(monkeypatch, LoadError("no", hint="yes")) == (
        1,
        "error CAP100 no\n     = hint: yes\n     = why: Nothing is served of a file that cannot be read.\n",
    )


def test_an_interruption_has_its_own_code(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_failing(monkeypatch, KeyboardInterrupt()) == (130, "\n")


@pytest.mark.anyio
async def test_ctrl_c_ends_a_call(tmp_path: Path) -> None:
    gate = Gate()
    async with (
        serving(gate.answer) as upstream,
        started("call", write(tmp_path, upstream=upstream.url), "get-thing", "id=1") as process,
    ):
        await gate.arrived.wait()
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(PATIENCE):
            _, errors = await process.communicate()
    assert process.returncode == 130
    assert b"Traceback" not in errors


@pytest.mark.anyio
async def test_a_sandbox_says_where_it_is_and_stops_cleanly(tmp_path: Path) -> None:
    async with started("sandbox", "--speed", "100") as process:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            text = (await process.stdout.readuntil(b"Ctrl-C.")).decode()
            process.send_signal(signal.SIGTERM)
            _, errors = await process.communicate()
    assert "The sandbox is at http://127.0.0.1:" in text
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "is not JSON"), ("{}", "should hold a list"), ('[{"fault": {"kind": "nonsense"}}]', "Error:")],
)
async def test_fault_rules_that_cannot_be_read_are_refused(
    tmp_path: Path, content: str, message: str
) -> None:
    faults = tmp_path / "faults.json"
    faults.write_text(content)
    done = await finished("sandbox", "--faults", str(faults))
    assert done.code == 2
    assert message in done.err
