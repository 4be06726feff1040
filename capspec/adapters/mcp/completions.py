"""completion/complete: what is known of an argument's values, narrowed to what the user has typed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import mcp.types as types
from mcp import MCPError

from capspec.adapters.mcp.callers import RequestContext
from capspec.adapters.mcp.prompts import Prompts
from capspec.adapters.mcp.resources import Resources
from capspec.adapters.mcp.text import plain

LIMIT = 100
"""Values of one answer (MCP, "Completion")."""


@dataclass(frozen=True, slots=True)
class Completions:
    """Answers for the arguments of prompts and the variables of resource templates."""

    prompts: Prompts
    resources: Resources

    async def complete(
        self, context: RequestContext, params: types.CompleteRequestParams
    ) -> types.CompleteResult:
        typed = params.argument.value.lower()
        found = [value for value in self._known(context, params) if value.lower().startswith(typed)]
        return types.CompleteResult(
            completion=types.Completion(values=found[:LIMIT], total=len(found), has_more=len(found) > LIMIT)
        )

    def _known(self, context: RequestContext, params: types.CompleteRequestParams) -> Sequence[str]:
        visible, argument = self.prompts.callers.visible(context), params.argument.name
        if isinstance(params.ref, types.PromptReference):
            return self.prompts.choices(params.ref.name, argument, visible)
        found = self.resources.choices(params.ref.uri, argument, visible)
        if found is None:
            raise MCPError(types.INVALID_PARAMS, f"Unknown resource template: {plain(params.ref.uri[:200])}")
        return found

    @property
    def wanted(self) -> bool:
        """Whether there is anything to complete."""
        arguments = any(entry.prompt.arguments for entry in self.prompts.entries.values())
        return arguments or any(entry.pattern is not None for entry in self.resources.entries)
