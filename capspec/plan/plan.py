"""The plan: a capability compiled. Everything that depends only on the file is in here; nothing changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from capspec.document import Document
from capspec.errors import Place, Problem, UpstreamError
from capspec.model import ListenerSpec
from capspec.plan.control import Control
from capspec.plan.flows import Flow
from capspec.plan.forwards import Forward
from capspec.plan.offers import FileResource, Prompt
from capspec.plan.operations import Operation, PathVariable, Upstream
from capspec.plan.skills import Skill
from capspec.values import Json
from capspec.wire import Request, Response, Send


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls: `name` for logs and policies, `scheme` how it was proved, `claims` what else is known."""

    name: str = "anonymous"
    scheme: str = ""
    claims: Mapping[str, Json] = field(default_factory=dict)


ANONYMOUS = Principal()


async def _nowhere(request: Request) -> Response:
    del request
    raise UpstreamError("nobody can be asked from here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """What a request says of its caller before its body is read.

    `headers` has lower-case names, and one that was repeated is one list (RFC 9110, 5.2). Of a repeated
    query parameter the first counts. `target` is path and query as they were sent (RFC 9112, 3.2.1). `send`
    is how a guard asks somebody else.
    """

    headers: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    target: str = "/"
    send: Send = _nowhere


class Guard(Protocol):
    """Decides who a caller is, from what its request carries."""

    async def admit(self, request: Inbound) -> Principal:
        """Raises AuthError with a challenge, ForbiddenError, or AuthUnavailable."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """An MCP resource that `flow` reads.

    `parts` are its `uri` taken apart: literals, and variables named after the flow's inputs that they feed.
    With variables, `uri` is a template of RFC 6570 in which they are called `variables`. `binary` says that
    the content is bytes, whatever it looks like.
    """

    name: str
    uri: str
    parts: tuple[str | PathVariable, ...]
    variables: tuple[str, ...] = ()
    media_type: str = ""
    binary: bool = False
    flow: Flow


@dataclass(frozen=True, slots=True, kw_only=True)
class Listener:
    """One adapter of a capability, compiled. `port` None lets the server choose; stdio has none.

    `ttl_ms` (milliseconds) and `cache_scope` ("public", "private") say of what clients are told how long, and
    by whom, it may be kept; None and "" where the file does not.
    """

    type: str
    namespace: str
    address: str
    port: int | None
    transport: str
    description: str
    flows: tuple[Flow, ...]
    resources: tuple[Resource | FileResource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
    forwards: tuple[Forward, ...] = ()
    skills: tuple[Skill, ...] = ()
    control: Control | None = None
    ttl_ms: int | None = None
    cache_scope: str = ""
    guard: Guard | None
    spec: ListenerSpec
    place: Place

    @property
    def available(self) -> tuple[Flow, ...]:
        return tuple(flow for flow in self.flows if not flow.unavailable)


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingVariable:
    """A variable that has no value, and every place that needs it."""

    name: str
    bind: str
    places: tuple[Place, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A whole capability, ready to run.

    `contacts` are URLs, and patterns such as `https://*.example.com`, whose origins may be contacted.
    `warnings` are problems that did not stop it, `remarks` what is only worth knowing. `imported` are the
    files that it took entries from.
    `contact` is the name and the e-mail address of whom to ask about it.
    """

    name: str
    title: str
    description: str
    version: str
    upstreams: tuple[Upstream, ...]
    operations: Mapping[str, Operation]
    listeners: tuple[Listener, ...]
    contacts: tuple[str, ...]
    missing: tuple[MissingVariable, ...]
    warnings: tuple[Problem, ...]
    remarks: tuple[Problem, ...] = ()
    document: Document
    imported: tuple[Document, ...] = ()
    contact: tuple[str, str] = ("", "")
    secrets: tuple[str, ...] = field(default=(), repr=False)
