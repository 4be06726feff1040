"""Scripts in Python: the Monty interpreter, which is no CPython, in a process of its own.

It has most of the language (not `yield`, `del` and `match`) and a few modules of the standard library; it
reaches no file, socket, process or environment. It counts no statements, so each file may run for
10 microseconds for each that is allowed, many times what one takes.
"""

from __future__ import annotations

import re
from types import ModuleType
from typing import Any

from capspec.scripting import confinement
from capspec.scripting.evaluation import CONSOLE, Evaluated, Evaluation, Failed, Reason
from capspec.scripting.language import Language
from capspec.values import MISSING

LANGUAGE = Language(
    name="python",
    title="Python",
    suffixes=(".py",),
    engine="pydantic_monty",
    sandbox="capspec.scripting.python:open_sandbox",
)

_STATEMENT = 10e-6
"""Seconds."""

_LEAST = 0.1
"""Seconds that are allowed however few statements are."""

_INPUT = re.compile(r"<python-input-(\d+)>")


class _Console:
    """The beginning of what a script prints."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._room = CONSOLE

    def print(self, stream: str, text: str) -> None:
        if self._room > 0:
            self._parts.append(text[: self._room])
            self._room -= len(text)

    @property
    def text(self) -> str:
        return "".join(self._parts).rstrip("\n")


class _Monty:
    """A pool of one interpreter."""

    def __init__(self) -> None:
        import pydantic_monty  # noqa: PLC0415 - only the worker needs it

        self._library: ModuleType = pydantic_monty
        self._pool = pydantic_monty.Monty(min_processes=1, max_processes=1)
        self._pool.__enter__()

    def evaluate(self, evaluation: Evaluation) -> Evaluated:
        running = max(_LEAST, evaluation.statements * _STATEMENT)
        limits: Any = {
            "max_feed_duration_secs": min(running, evaluation.seconds),
            "max_memory": evaluation.memory,
        }
        console = _Console()
        # Sleeping would hold a process and help nobody.
        with self._pool.checkout(limits=limits, os_policy={"sleep": "zero"}) as session:
            confinement.seal_other(session.worker_pid)
            try:
                value = self._run(session, evaluation, console)
            except self._library.MontyError as error:
                raise self._failed(error, evaluation, console.text) from None
        return Evaluated(value=MISSING if value is None else value, console=console.text)

    def _run(self, session: Any, evaluation: Evaluation, console: _Console) -> object:
        session.feed_run("result = None", inputs={"context": evaluation.context})
        for _, text in evaluation.files:
            # The value of a last expression would be converted, whatever it is.
            session.feed_run(f"{text}\nNone", print_callback=console.print)
        return session.feed_run("result")

    def _failed(self, error: Any, evaluation: Evaluation, console: str) -> Failed:
        library = self._library
        if isinstance(error, library.MontyCrashedError):
            return Failed("time" if error.timed_out else "broken", "its interpreter ended", console=console)
        if not isinstance(error, (library.MontyRuntimeError, library.MontySyntaxError)):
            return Failed("result", "'result' holds something that cannot leave the sandbox", console=console)
        file, line = _place(error.traceback(), evaluation)
        message = error.display("type-msg")
        reason = _reason(message, evaluation)
        if isinstance(error, library.MontySyntaxError):
            reason = "syntax"
        return Failed(reason, message, file=file, line=line, console=console)


def _reason(message: str, evaluation: Evaluation) -> Reason:
    if message.startswith("TimeoutError: feed time limit exceeded"):
        return "statements" if evaluation.statements * _STATEMENT < evaluation.seconds else "time"
    if message.startswith("MemoryError"):
        return "memory"
    return "depth" if message.startswith("RecursionError") else "script"


def _place(frames: list[Any], evaluation: Evaluation) -> tuple[str, int]:
    """The file and line of the innermost frame; inputs are numbered, and the first is not a file."""
    for frame in reversed(frames):
        found = _INPUT.fullmatch(frame.filename)
        number = int(found[1]) - 1 if found else -1
        if 0 <= number < len(evaluation.files):
            return evaluation.files[number][0], frame.line
    return "", 0


def open_sandbox() -> _Monty:
    """The interpreter, ready to run. Raises ImportError when it is not installed."""
    return _Monty()
