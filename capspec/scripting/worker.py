"""The process that a script runs in: evaluations in on standard input, what came of them out.

It is started with an empty environment, runs one evaluation at a time, and ends with its input.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import BinaryIO

from capspec.scripting import confinement
from capspec.scripting.evaluation import (
    Evaluated,
    Evaluation,
    Failed,
    Sandbox,
    answer_frame,
    parse_request,
    read_frame,
)

READY = b"ready\n"

REQUEST_LIMIT = 256 * 1024 * 1024
"""Bytes of an evaluation."""


def main(target: str) -> None:
    """Serve with the sandbox that `target`, an import string of a function without arguments, opens."""
    confinement.begin()
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nothing else may write where the answers go
    module, _, attribute = target.partition(":")
    sandbox: Sandbox = getattr(importlib.import_module(module), attribute)()
    _warm(sandbox)
    confinement.seal()
    answers.write(READY)
    answers.flush()
    _serve(sandbox, requests, answers)


def _serve(sandbox: Sandbox, requests: BinaryIO, answers: BinaryIO) -> None:
    while (content := read_frame(requests, REQUEST_LIMIT)) is not None:
        evaluation = parse_request(content)
        confinement.allow(evaluation.seconds)
        answer = _answer(sandbox, evaluation)
        answers.write(answer_frame(answer, evaluation.largest))
        answers.flush()
        if isinstance(answer, Failed) and answer.reason == "broken":
            return


def _answer(sandbox: Sandbox, evaluation: Evaluation) -> Evaluated | Failed:
    try:
        return sandbox.evaluate(evaluation)
    except Failed as failed:
        return failed
    except MemoryError:
        return Failed("memory")
    except Exception as error:  # noqa: BLE001 - whatever breaks in here must not reach a caller
        return Failed("broken", type(error).__name__)


def _warm(sandbox: Sandbox) -> None:
    """Whatever is loaded late is loaded now, because nothing can be opened afterwards."""
    for text in ("result = context", "result = nobody", "result = = 1"):
        evaluation = Evaluation(
            files=(("warm", text),),
            context={"a": [1.5]},
            seconds=30,
            statements=10_000_000,
            memory=64 * 1024 * 1024,
            largest=1024,
        )
        answer = _answer(sandbox, evaluation)
        answer_frame(answer, evaluation.largest)
        if isinstance(answer, Failed) and answer.reason == "broken":
            raise SystemExit(answer.message)
