"""Files of running engines, read again as the command line said that they are to be read."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from capspec import app
from capspec.cli.loading import Surroundings, load_one
from capspec.engine import CallEngine
from capspec.errors import CapspecError, LayoutError, LoadError, Problem
from capspec.plan import Engine, Plan


class Renewing:
    """A Renewal of `capspec.serving.live`. `mask` is told of secrets, which may be others than before."""

    def __init__(
        self,
        engines: app.Engines,
        around: Surroundings,
        mask: Callable[[Iterable[str]], None],
        *,
        strict: bool,
    ) -> None:
        self._engines = engines
        self._around = around
        self._mask = mask
        self._strict = strict

    def check(self, engine: Engine, content: bytes | None) -> tuple[Problem, ...]:
        """What is wrong with the file as it is now, or with a text in its place."""
        try:
            return load_one(_file(engine.plan), self._around, content).warnings
        except CapspecError as error:
            return error.problems

    async def renew(self, engine: Engine) -> Engine:
        """An engine that runs the file as it is now. Raises CapspecError."""
        assert isinstance(engine, CallEngine)
        plan = await asyncio.to_thread(load_one, _file(engine.plan), self._around)
        if self._strict:
            _check(plan)
        self._mask(plan.secrets)
        return await self._engines.open(plan, engine)

    async def close(self, engine: Engine) -> None:
        assert isinstance(engine, CallEngine)
        await self._engines.close(engine)


def _file(plan: Plan) -> str:
    if plan.document.path is None:
        raise LayoutError("this capability was read from standard input, which has nothing more")
    return plan.document.source


def _check(plan: Plan) -> None:
    """Refuse what --strict refuses."""
    missing = [
        Problem(
            code="CAP200",
            message=f"{variable.name} has no value ({variable.bind})",
            place=next(iter(variable.places), None),
        )
        for variable in plan.missing
    ]
    if missing or plan.warnings:
        raise LoadError([*missing, *plan.warnings])
