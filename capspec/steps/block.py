"""A block step: several steps as one, so that a condition, a loop or a recovery can govern them together."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.orchestration import run_block
from capspec.plan import Block, Runtime, Scope
from capspec.values import Json, Missing


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockStep:
    """Gives what its mappings make, or what its last step gave. Its steps are seen inside it only."""

    name: str
    block: Block

    async def run(self, scope: Scope, runtime: Runtime) -> Json | Missing:
        return await run_block(self.block, scope, runtime)
