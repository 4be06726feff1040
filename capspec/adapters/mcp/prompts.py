"""Targets to prompts: prompts/list from a catalog, prompts/get by rendering their messages."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import mcp.types as types
from mcp import MCPError

from capspec.adapters.mcp.callers import Callers, RequestContext
from capspec.adapters.mcp.errors import masked
from capspec.adapters.mcp.names import unique_names
from capspec.adapters.mcp.text import plain
from capspec.adapters.mcp.tools import Target
from capspec.plan.offers import Prompt, PromptArgument
from capspec.template import Template
from capspec.values import MISSING


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A prompt under the name that clients ask for it by."""

    target: int
    prompt: Prompt
    listed: types.Prompt
    secrets: Sequence[str]


@dataclass(frozen=True, slots=True)
class Prompts:
    """Answers everything about prompts."""

    entries: Mapping[str, Entry]
    callers: Callers

    async def list_prompts(
        self, context: RequestContext, params: types.PaginatedRequestParams | None
    ) -> types.ListPromptsResult:
        visible = self.callers.visible(context)
        return types.ListPromptsResult(
            prompts=[entry.listed for entry in self.entries.values() if entry.target in visible],
        )

    async def get(
        self, context: RequestContext, params: types.GetPromptRequestParams
    ) -> types.GetPromptResult:
        """The messages with the arguments in them. What the prompt does not know of is ignored."""
        entry = self.find(params.name, self.callers.visible(context))
        arguments = params.arguments or {}
        _check(params.name, entry.prompt.arguments, arguments)
        scope = {**entry.prompt.unknown, **arguments}
        return types.GetPromptResult(
            description=entry.prompt.description or None,
            messages=[_message(role, template, scope, entry) for role, template in entry.prompt.messages],
        )

    def find(self, name: str, visible: frozenset[int]) -> Entry:
        """Raises MCPError with the nearest name."""
        entry = self.entries.get(name)
        if entry is not None and entry.target in visible:
            return entry
        known = [key for key, other in self.entries.items() if other.target in visible]
        near = difflib.get_close_matches(name, known, 1)
        mend = f"; did you mean '{near[0]}'?" if near else ""
        raise MCPError(types.INVALID_PARAMS, f"Unknown prompt: {plain(name[:200])}{mend}")

    def choices(self, name: str, argument: str, visible: frozenset[int]) -> Sequence[str]:
        """The values that an argument can have, as far as they are known. Raises MCPError."""
        arguments = self.find(name, visible).prompt.arguments
        return next((item.choices for item in arguments if item.name == argument), ())


def compile_prompts(targets: Sequence[Target], callers: Callers) -> Prompts:
    """The prompts of every target, in order."""
    offers = [
        (number, prompt, engine.plan)
        for number, (listener, engine) in enumerate(targets)
        for prompt in listener.prompts
    ]
    names = unique_names([(prompt.name, plan.name) for _, prompt, plan in offers])
    entries = {
        name: Entry(target=number, prompt=prompt, listed=_listed(name, prompt), secrets=plan.secrets)
        for name, (number, prompt, plan) in zip(names, offers, strict=True)
    }
    return Prompts(entries, callers)


def _listed(name: str, prompt: Prompt) -> types.Prompt:
    arguments = [
        types.PromptArgument(
            name=item.name,
            title=item.title or None,
            description=item.description or None,
            required=item.required,
        )
        for item in prompt.arguments
    ]
    return types.Prompt(
        name=name,
        title=prompt.title or None,
        description=prompt.description or None,
        arguments=arguments or None,
    )


def _check(name: str, declared: Sequence[PromptArgument], given: Mapping[str, str]) -> None:
    missing = [item for item in declared if item.required and item.name not in given]
    if missing:
        said = (f"'{item.name}'" + (f" ({item.description})" if item.description else "") for item in missing)
        raise MCPError(types.INVALID_PARAMS, f"The prompt '{name}' needs {', '.join(said)}")


def _message(role: str, template: Template, scope: Mapping[str, str], entry: Entry) -> types.PromptMessage:
    try:
        text = template.text(scope)
    except ValueError as error:
        reason = masked(plain(str(error)), entry.secrets)
        message = f"The prompt cannot be made of these arguments: {reason}"
        raise MCPError(types.INVALID_PARAMS, message) from None
    block = types.TextContent(type="text", text="" if text is MISSING else text)
    return types.PromptMessage(role="assistant" if role == "assistant" else "user", content=block)
