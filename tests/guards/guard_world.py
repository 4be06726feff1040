"""Guards compiled from text, as a capability's `authentication` block has it."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest

from capspec import document, registry
from capspec.errors import AuthError, CompileError, Place
from capspec.node import Node
from capspec.plan import Guard, Inbound, Principal
from capspec.settings import Settings


def compiled(written: str, **variables: str) -> Guard:
    """The guard of an `authentication` block; `variables` are the bound ones that have a value."""

    def resolve(text: str, place: Place) -> tuple[str, tuple[str, ...]]:
        missing = [name for name in re.findall(r"\{\{(\w+)\}\}", text) if name not in variables]
        value = re.sub(r"\{\{(\w+)\}\}", lambda match: variables.get(match[1], match[0]), text)
        return value, tuple(missing)

    node = Node.root(document.parse(written, source="auth.yaml"))
    guard: Guard = registry.find("guard", node.text("type"))(Settings(node, resolve))
    return guard


async def admitted(
    guard: Guard, headers: Mapping[str, str], query: Mapping[str, str] | None = None
) -> Principal:
    return await guard.admit(Inbound(headers=headers, query=query or {}))


async def refused(
    guard: Guard, headers: Mapping[str, str], query: Mapping[str, str] | None = None
) -> AuthError:
    with pytest.raises(AuthError) as caught:
        await guard.admit(Inbound(headers=headers, query=query or {}))
    return caught.value


def refused_file(written: str, **variables: str) -> str:
    """What is said of a block that cannot be used, which names its place."""
    with pytest.raises(CompileError) as caught:
        compiled(written, **variables)
    assert str(caught.value).startswith("auth.yaml:1:1: ")
    return str(caught.value)
