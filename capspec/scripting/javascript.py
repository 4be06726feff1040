"""Scripts in JavaScript (ECMA-262): the QuickJS engine as WebAssembly, a fresh instance for each evaluation.

The engine sees its own linear memory and nothing else: there are no modules, timers, files or sockets in it.
Files are scripts in strict mode that share their global names. Numbers are doubles: integers beyond 2^53 in
`context` are rounded, and a BigInt in `result` that is no safe integer becomes text.

Statements are counted as the engine counts them: one for each call and one or two for each turn of a loop, in
steps of 10,000. What a built-in function does by itself is not counted; the time limit ends that.
"""

from __future__ import annotations

import json
import re
import time
from typing import Any

from capspec.scripting.evaluation import CONSOLE, Evaluated, Evaluation, Failed
from capspec.scripting.language import Language
from capspec.values import MISSING

LANGUAGE = Language(
    name="javascript",
    title="JavaScript",
    suffixes=(".js", ".mjs", ".cjs"),
    engine="quickjs_rs",
    sandbox="capspec.scripting.javascript:open_sandbox",
)

_STEP = 10_000
"""Loop turns and calls between two polls of the engine (JS_INTERRUPT_COUNTER_INIT)."""

_PRELUDE = f"""(() => {{
  const stringify = JSON.stringify, parse = JSON.parse, isSafe = Number.isSafeInteger, text = String;
  const Awaited = Promise, wellFormed = String.prototype.toWellFormed, call = Function.prototype.call;
  const lines = []; let room = {CONSOLE};
  const show = (value) => {{
    if (typeof value === 'string') return value;
    try {{ const shown = stringify(value); return shown === undefined ? text(value) : shown; }}
    catch {{ return text(value); }}
  }};
  const print = (...values) => {{
    if (room <= 0) return;
    const line = values.map(show).join(' ').slice(0, room);
    room -= line.length + 1;
    lines.push(line);
  }};
  globalThis.console = {{log: print, info: print, warn: print, error: print, debug: print, trace: print}};
  const plain = (key, value) => typeof value === 'bigint'
    ? (isSafe(Number(value)) ? Number(value) : text(value)) : value;
  return {{
    enter: (given) => {{ globalThis.context = parse(given); globalThis.result = undefined; }},
    leave: (value) => {{
      if (value instanceof Awaited) throw new TypeError('it is a promise');
      return stringify(value, plain) ?? '';
    }},
    printed: () => lines.join('\\n'),
  }};
}})()"""

_FRAME = re.compile(r"eval_script:(\d+)")
_OUTERMOST = re.compile(r"at <eval> \(eval_script:(\d+)")


class _QuickJs:
    """The engine; each evaluation has an instance of its own."""

    def __init__(self) -> None:
        import quickjs_rs  # noqa: PLC0415 - only the worker needs it
        import wasmtime  # noqa: PLC0415

        self._library = quickjs_rs
        self._trap = wasmtime.Trap

    def evaluate(self, evaluation: Evaluation) -> Evaluated:
        run = _Run(self._library, self._trap, evaluation)
        try:
            return run.outcome()
        finally:
            run.close()


class _Run:
    """One evaluation in its own instance."""

    def __init__(self, library: Any, trap: type[BaseException], evaluation: Evaluation) -> None:
        self._library = library
        self._trap = trap
        self._evaluation = evaluation
        self._polls = 0
        self._ends = time.monotonic() + evaluation.seconds
        self._file = ""
        self._runtime = library.Runtime(memory_limit=None, stack_limit=None)
        self._context = self._runtime.new_context(timeout=evaluation.seconds)
        # The library limits what the engine asks for, which is less than what it has; this is the real limit.
        self._context._engine_ctx._inst.store.set_limits(memory_size=evaluation.memory)
        self._runtime._engine_rt.set_interrupt_handler(self._is_over)
        self._prelude = self._context.eval_handle(_PRELUDE)

    def close(self) -> None:
        self._runtime.close()

    def outcome(self) -> Evaluated:
        try:
            self._prelude.call_method("enter", json.dumps(self._evaluation.context))
            self._polls = 0
            for name, text in self._evaluation.files:
                self._file = name
                self._context.eval_handle(text).dispose()
            self._file = ""
            value = self._context.eval_handle("result")
            written = self._prelude.get("leave").call(value).to_python()
        except (self._library.QuickJSError, self._trap) as error:
            raise self._failed(error) from None
        return Evaluated(value=json.loads(written) if written else MISSING, console=self._printed())

    def _is_over(self) -> bool:
        self._polls += 1
        return self._counted > self._evaluation.statements or time.monotonic() >= self._ends

    @property
    def _counted(self) -> int:
        return (self._polls - 1) * _STEP

    def _failed(self, error: BaseException) -> Failed:
        if isinstance(error, self._trap):
            # An instance that trapped cannot be asked anything more.
            return Failed("depth", file=self._file)
        if isinstance(error, self._library.InterruptError):
            reason = "statements" if self._counted > self._evaluation.statements else "time"
            return Failed(reason, file=self._file, console=self._printed())  # type: ignore[arg-type]
        if isinstance(error, self._library.MemoryLimitError):
            return Failed("memory", file=self._file)
        return self._thrown(error)

    def _thrown(self, error: BaseException) -> Failed:
        if not self._file:
            return Failed("result", f"'result' has no JSON: {error}", console=self._printed())
        stack = getattr(error, "stack", None) or ""
        alone = len(self._evaluation.files) == 1
        # Every file has the same name for the engine, so only the outermost frame is surely this file's.
        found = _FRAME.findall(stack) if alone else _OUTERMOST.findall(stack)[-1:]
        message = str(error)
        if message.startswith("SyntaxError") and "<eval>" not in stack:
            return Failed("syntax", message, file=self._file)
        line = int(found[0]) if found else 0
        return Failed("script", message, file=self._file, line=line, console=self._printed())

    def _printed(self) -> str:
        """What was printed; the limits on statements and time do not count for asking."""
        self._polls, self._ends = -_STEP, time.monotonic() + 1
        try:
            return str(self._prelude.call_method("printed").to_python())
        except (self._library.QuickJSError, self._trap):
            return ""


def open_sandbox() -> _QuickJs:
    """The engine, ready to run. Raises ImportError when it is not installed."""
    return _QuickJs()
