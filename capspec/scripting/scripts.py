"""A script and its context, to what it gives: whether it may run, where it runs, and what is noted of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Final

from capspec.clock import Clock
from capspec.errors import ScriptError, ScriptTimeout, Unavailable
from capspec.events import EventStream, ScriptFinished, ScriptPrinted
from capspec.scripting.evaluation import Evaluation, Failed
from capspec.scripting.governance import Governance
from capspec.scripting.language import Language
from capspec.scripting.program import NotRunnable, Program
from capspec.scripting.workers import Workers
from capspec.values import Json, Missing

EXTRA: Final = "pip install 'capspec[scripts]'"

_MOST = 4
"""Processes of one language."""


class Scripts:
    """Runs the scripts of one running capability. Processes start with the first one that needs them."""

    def __init__(self, governance: Governance, clock: Clock, events: EventStream) -> None:
        self.governance = governance
        self._clock = clock
        self._events = events
        self._workers: dict[str, Workers] = {}

    async def run(self, program: Program, context: Mapping[str, Json]) -> Json | Missing:
        """What the script left in `result`, MISSING for nothing and null.

        Raises Unavailable when it may not or cannot run, ScriptError and ScriptTimeout when it failed.
        """
        language, evaluation = self._prepared(program, context)
        began = self._clock.monotonic()
        code, console = "CAP699", ""
        try:
            evaluated = await self._workers_for(language).evaluate(evaluation)
            code, console = "", evaluated.console
            return evaluated.value
        except Failed as failed:
            error = _error(program, failed, evaluation)
            code, console = error.code, failed.console
            raise error from None
        finally:
            self._note(program, language, self._clock.monotonic() - began, code, console)

    async def close(self) -> None:
        """End all processes."""
        workers, self._workers = self._workers, {}
        for item in workers.values():
            await item.close()

    def _prepared(self, program: Program, context: Mapping[str, Json]) -> tuple[Language, Evaluation]:
        rules = self.governance.rules
        if not rules.enabled:
            raise Unavailable(f"script '{program.name}' may not run: scripts are switched off")
        try:
            language, files = program.chosen(rules), program.files(rules)
        except NotRunnable as error:
            raise Unavailable(f"script '{program.name}' may not run: {error}", hint=error.hint) from None
        if not language.is_installed:
            raise Unavailable(f"{language.title} scripts cannot run here", hint=EXTRA)
        return language, Evaluation(
            files=files,
            context=dict(context),
            seconds=(program.timeout or rules.timeout) / 1000,
            statements=program.statement_limit or rules.statement_limit,
            memory=rules.memory,
            largest=rules.largest,
        )

    def _workers_for(self, language: Language) -> Workers:
        if language.name not in self._workers:
            size = max(2, min(_MOST, os.cpu_count() or 1))
            self._workers[language.name] = Workers(language, size)
        return self._workers[language.name]

    def _note(self, program: Program, language: Language, seconds: float, code: str, console: str) -> None:
        self.governance.statistics.note(seconds, failed=bool(code), now=self._clock.wall())
        if console:
            self._events.emit(ScriptPrinted(script=program.name, text=console))
        self._events.emit(
            ScriptFinished(script=program.name, language=language.name, seconds=seconds, code=code)
        )


def _error(program: Program, failed: Failed, evaluation: Evaluation) -> ScriptError:
    place = failed.file or program.name
    where = f"script '{place}'" + (f", line {failed.line}" if failed.line else "")
    if failed.reason == "time":
        return ScriptTimeout(f"{where} took longer than {evaluation.seconds:g} seconds")
    why = {
        "statements": f"exceeded the statement limit ({evaluation.statements})",
        "memory": f"needed more than {evaluation.memory:,} bytes of memory",
        "depth": "nested its calls too deeply",
        "syntax": f"cannot be read: {failed.message}",
        "broken": f"could not be run: {failed.message}",
    }.get(failed.reason, failed.message)
    joint = " " if failed.reason in ("statements", "memory", "depth") else ": "
    return ScriptError(f"{where}{joint}{why}")
