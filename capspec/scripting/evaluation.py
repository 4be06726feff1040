"""What is asked of a script's sandbox and what it answers, as frames of JSON between two processes."""

from __future__ import annotations

import json
import math
import struct
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO, Literal, Protocol

from capspec.values import MISSING, Json, Missing

Reason = Literal["script", "syntax", "statements", "time", "memory", "depth", "result", "broken"]
"""Why a script gave nothing: its own error, text that is no script, a limit, what it left in `result`, or the
sandbox itself.
"""

CONSOLE = 16 * 1024
"""Characters of what a script prints that are kept."""

DEPTH = 200
"""Levels of lists and objects in what a script gives."""

_LENGTH = struct.Struct(">I")
_MESSAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Files to run one after the other, the last one being the script, with one variable `context`.

    `files` are names and texts. `seconds` is for all of them, `statements` for each in the unit of the
    language's sandbox; `memory` and `largest`, the size of the result as JSON, are bytes.
    """

    files: tuple[tuple[str, str], ...]
    context: Json
    seconds: float
    statements: int
    memory: int
    largest: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What `result` was, MISSING when it was never set or is null, and what the script printed."""

    value: Json | Missing = MISSING
    console: str = ""


class Failed(Exception):
    """A script gave nothing. `file` and `line` (from 1) say where, "" and 0 when that is not known."""

    def __init__(
        self, reason: Reason, message: str = "", *, file: str = "", line: int = 0, console: str = ""
    ) -> None:
        super().__init__(message)
        self.reason: Reason = reason
        self.message = message
        self.file = file
        self.line = line
        self.console = console


class Sandbox(Protocol):
    """An engine that runs scripts, in a process of its own."""

    def evaluate(self, evaluation: Evaluation) -> Evaluated:
        """Raises Failed. Nothing of an evaluation is left for the next one."""
        ...


# -- frames -------------------------------------------------------------------------------------------


def request_frame(evaluation: Evaluation) -> bytes:
    """Raises ValueError when the context has no JSON."""
    try:
        return _frame(json.dumps(asdict(evaluation), allow_nan=False, separators=(",", ":")))
    except (ValueError, RecursionError):
        return _frame(json.dumps({**asdict(evaluation), "context": plain(evaluation.context)}))


def parse_request(content: bytes) -> Evaluation:
    found = json.loads(content)
    return Evaluation(**{**found, "files": tuple((name, text) for name, text in found["files"])})


def answer_frame(answer: Evaluated | Failed, largest: int) -> bytes:
    """A result that is over `largest` bytes becomes a failure."""
    if isinstance(answer, Failed):
        return _frame(json.dumps(_failure(answer)))
    try:
        value = None if answer.value is MISSING else plain(answer.value)
        given = "" if value is None else json.dumps(value, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        return _frame(json.dumps(_failure(Failed("result", str(error), console=answer.console))))
    if len(given) > largest:
        message = f"'result' is larger than {largest:,} bytes"
        return _frame(json.dumps(_failure(Failed("result", message, console=answer.console))))
    return _frame(json.dumps({"result": given, "console": answer.console[:CONSOLE]}))


def parse_answer(content: bytes) -> Evaluated:
    """Raises Failed for a failure, and for what no sandbox says."""
    try:
        found: dict[str, Any] = json.loads(content)
        if "reason" in found:
            raise Failed(
                found["reason"],
                str(found["message"])[:_MESSAGE],
                file=str(found["file"]),
                line=int(found["line"]),
                console=str(found["console"])[:CONSOLE],
            )
        value = json.loads(found["result"]) if found["result"] else MISSING
        return Evaluated(value=value, console=str(found["console"])[:CONSOLE])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise Failed("broken", "its sandbox said something strange") from None


def read_frame(stream: BinaryIO, limit: int) -> bytes | None:
    """The content of the next frame, None at the end of the stream and for one over `limit` bytes."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    if length > limit:
        return None
    content = stream.read(length)
    return content if len(content) == length else None


def _frame(text: str) -> bytes:
    content = text.encode()
    return _LENGTH.pack(len(content)) + content


def _failure(failed: Failed) -> dict[str, Json]:
    return {
        "reason": failed.reason,
        "message": failed.message[:_MESSAGE],
        "file": failed.file,
        "line": failed.line,
        "console": failed.console[:CONSOLE],
    }


# -- plain values -------------------------------------------------------------------------------------


def plain(value: object, depth: int = 0) -> Json:
    """JSON of a value: NaN and infinities are null (as in ECMA-262, 25.5.2), tuples lists, dates RFC 3339.

    Half of a surrogate pair is U+FFFD. Raises ValueError for what JSON has nothing for.
    """
    if depth > DEPTH:
        raise ValueError(f"'result' is nested more than {DEPTH} levels deep")
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    if isinstance(value, dict):
        return {_key(key): plain(item, depth + 1) for key, item in value.items()}
    return _other(value)


def _key(key: object) -> str:
    if not isinstance(key, str):
        raise ValueError(f"'result' has the key {key!r:.50}, and keys are text")
    return str(plain(key))


def _other(value: object) -> Json:
    written = getattr(value, "isoformat", None)
    if callable(written):
        return str(written())
    kind = type(value).__name__
    hint = "; make it a list" if isinstance(value, (set, frozenset)) else ""
    raise ValueError(f"'result' holds a {kind}, and JSON has none{hint}")
