"""Log lines: their two forms, and no secret in either."""

from __future__ import annotations

import json
import logging
import sys

import pytest

from capspec.cli.logs import MASK, LogFormat, Masked, configure

SECRET = 'pa"ss word/1'


def record(message: str, *arguments: object, error: BaseException | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error is not None else None
    return logging.LogRecord("capspec", logging.WARNING, __file__, 1, message, arguments, info)


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_masked_plain_and_percent_encoded(log_format: LogFormat) -> None:
    line = Masked(log_format, [SECRET]).format(
        record("a %s b pa%%22ss%%20word%%2F1 c pa%%22ss+word%%2F1 d", SECRET)
    )
    assert f"a {MASK} b {MASK} c {MASK} d" in line


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_secrets_are_masked_in_tracebacks(log_format: LogFormat) -> None:
    try:
        raise ValueError(f"no such key: {SECRET}")
    except ValueError as error:
        line = Masked(log_format, [SECRET]).format(record("broken", error=error))
    assert f"no such key: {MASK}" in line
    assert "Traceback" in line


def test_the_longest_secret_is_masked_first() -> None:
    assert Masked("text", ["abcd", "abcdefgh"]).format(record("abcdefgh")).endswith(f": {MASK}")


def test_very_short_secrets_are_left_alone() -> None:
    assert Masked("text", ["", "abc"]).format(record("abcdef")).endswith("abcdef")


def test_a_message_stays_on_its_line_and_drives_no_terminal() -> None:
    line = Masked("text", []).format(record("one\r\ntwo \x1b[31mred"))
    assert line.endswith(r"one\r\ntwo \x1b[31mred")


def test_json_lines_have_time_level_logger_and_message() -> None:
    entry = json.loads(Masked("json", []).format(record("line one\nline two")))
    assert entry["level"] == "warning"
    assert entry["logger"] == "capspec"
    assert entry["message"] == "line one\nline two"
    assert entry["time"].endswith("Z")


def test_libraries_are_quiet_unless_debugging(capsys: pytest.CaptureFixture[str]) -> None:
    configure("info", "text")
    logging.getLogger("httpx").info("a request")
    logging.getLogger("capspec").info("an event")
    assert "an event" in capsys.readouterr().err
    configure("debug", "text")
    logging.getLogger("httpx").setLevel(logging.NOTSET)
    logging.getLogger("httpx").info("a request")
    assert "a request" in capsys.readouterr().err
    assert logging.getLogger().handlers[0].stream is sys.stderr  # type: ignore[attr-defined]
