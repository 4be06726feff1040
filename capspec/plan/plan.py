"""The plan: a capability compiled. Everything that depends only on the file is in here; nothing changes.

A request makes a `Call`, and gets a `Result`. In between, steps make requests of `Operation`s and get
`Answer`s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias

from capspec.clock import Clock
from capspec.document import Document
from capspec.errors import Place, Problem, ResponseTooLarge
from capspec.events import EventStream
from capspec.mapping import Output
from capspec.model import HintsSpec, ListenerSpec
from capspec.plan.assets import Assets
from capspec.plan.offers import FileResource, Prompt
from capspec.plan.polling import Idempotency, Poll
from capspec.template import JsonText, Template, Tree
from capspec.values import MISSING, Json, Missing
from capspec.wire import Auth, Headers, Response, header

Location: TypeAlias = Literal["path", "query", "header", "cookie", "body", "form"]


class Codec(Protocol):
    """Values to bytes and back, for one format. `media_type` is what it writes."""

    media_type: str

    def encode(self, value: Json) -> tuple[bytes, str]:
        """The bytes, and their content type. Raises ValueError for a value that it cannot write."""
        ...

    def decode(self, content: bytes, charset: str) -> Json:
        """The value. Raises ValueError with a message for people when the bytes are not in the format."""
        ...


# -- the consumed side ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """One API that is called. `base_url` has no trailing slash; `missing` names variables without a value."""

    namespace: str
    base_url: str
    auth: Auth | None
    auth_names: frozenset[str] = frozenset()
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """A value that a request carries. `value` None means: the argument of the same name.

    `whole` marks a body parameter that, alone, is the body itself when it is an object or a list: many public
    files lost the schema of a body and call it a text.
    """

    name: str
    location: Location
    type: str = ""
    value: Template | Tree | None = None
    required: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PathVariable:
    """A placeholder of a path. A greedy one (`{Key+}`) may hold slashes."""

    name: str
    greedy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """A request body that the file describes, and the codec that writes it."""

    codec: Codec
    content: Tree | JsonText | Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request that can be made.

    `path` alternates percent-encoded literals and variables, and is joined to the upstream's base URL.
    `query` is what the path's own `?…` says. With no `body`, parameters in "body" build a JSON body and
    those in "form" a URL-encoded one. `problem` says why the operation cannot be called at all. With `poll`
    it starts a job, and `follow_ups` are the requests about it. With `assets` the links in its answers become
    our own.
    """

    id: str
    upstream: Upstream
    method: str
    path: tuple[str | PathVariable, ...]
    query: tuple[tuple[str, Template], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    codec: Codec
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    problem: str = ""
    description: str = ""
    place: Place | None = None
    poll: Poll | None = None
    idempotency: Idempotency | None = None
    follow_ups: FollowUps | None = None
    assets: Assets | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """A request about a job: `found` goes to an address from an answer, `own` to where the file says."""

    found: Operation
    own: Operation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUps:
    """The requests about a job that an operation started; `recover` finds one that was started before."""

    status: FollowUp | None = None
    result: FollowUp | None = None
    cancel: FollowUp | None = None
    recover: Operation | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What a caller sent that the file says nothing of, and that is passed on as it is.

    `query` are decoded pairs in order; `body` is raw bytes with their `content_type`; `json` is a value to
    be encoded. At most one of `body` and `json` is there.
    """

    query: tuple[tuple[str, str], ...] = ()
    body: bytes | AsyncIterator[bytes] | None = None
    content_type: str = ""
    json: Json | Missing = MISSING


NOTHING = Extra()


@dataclass(slots=True, kw_only=True)
class Answer:
    """What an upstream answered. The body is read at most once, on demand, up to `limit` bytes."""

    response: Response
    codec: Codec
    limit: int
    operation: str
    _content: bytes | None = None

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Headers:
        return self.response.headers

    @property
    def content_type(self) -> str:
        return header(self.response.headers, "content-type") or ""

    async def read(self) -> bytes:
        """The whole body. Raises ResponseTooLarge over the limit; closes the exchange either way."""
        if self._content is None:
            try:
                self._content = b"".join([part async for part in self.stream()])
            finally:
                await self.response.close()
        return self._content

    def revise(self, content: bytes) -> None:
        """Put this in the place of the body that was read."""
        self._content = content

    async def stream(self) -> AsyncIterator[bytes]:
        """The body as it comes, cut off with ResponseTooLarge over the limit."""
        size = 0
        async for part in self.response.chunks:
            size += len(part)
            if size > self.limit:
                await self.response.close()
                raise ResponseTooLarge(
                    f"{self.operation} answered more than {self.limit} bytes",
                    hint="ask for less, or raise --max-response-bytes",
                )
            yield part

    async def close(self) -> None:
        await self.response.close()


# -- the exposed side -------------------------------------------------------------------------------------

NO_HINTS = HintsSpec()


@dataclass(frozen=True, slots=True, kw_only=True)
class Input:
    """An argument of a flow.

    `name` is what the file's expressions use; `argument` is the published name, legal for every client.
    `location` and `wire` say where a REST request carries it: `wire` is the placeholder, query or header
    name; a `body` input with `whole` set is the request body itself. `schema` is JSON Schema (2020-12).
    """

    name: str
    argument: str
    schema: Mapping[str, Json]
    required: bool = False
    location: Location = "query"
    wire: str = ""
    whole: bool = False
    constant: Json | Missing = MISSING


class Runtime(Protocol):
    """What a step may use while it runs."""

    clock: Clock

    async def send(self, operation: Operation, arguments: Mapping[str, Json], extra: Extra) -> Answer: ...

    async def decode(self, answer: Answer) -> Json: ...

    async def finish(self, operation: Operation, arguments: Mapping[str, Json]) -> Answer | Json:
        """Start a job and wait for its end: its result, or the answer that started none."""
        ...


@dataclass(slots=True)
class Scope:
    """What a step can see: the caller's arguments, and what earlier steps gave, by name."""

    arguments: dict[str, Json]
    steps: dict[str, Json] = field(default_factory=dict)
    extra: Extra = NOTHING
    aliases: tuple[str, ...] = ()

    @property
    def names(self) -> dict[str, Json]:
        """All names at once, as templates see them; a step's output hides an argument of the same name."""
        return {**dict.fromkeys(self.aliases, self.arguments), **self.arguments, **self.steps}


class Assembly(Protocol):
    """Makes one document of what steps gave; MISSING when there is nothing to make it of."""

    def read(self, scope: Scope) -> Json | Missing: ...


class Step(Protocol):
    """One step of a flow: gives an upstream's answer, a value, or MISSING."""

    @property
    def name(self) -> str: ...

    async def run(self, scope: Scope, runtime: Runtime) -> Answer | Json | Missing: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flow:
    """What one REST operation or one MCP tool does: inputs, steps, output.

    `path` alternates literals and variables as the route table needs them ("" parts left out); tools have
    none. `open_query` and `open_body` say that undeclared arguments are passed on as query or JSON body.
    `job` is the operation whose answer is a job, when calling it is all that the flow does.
    `unavailable` says why the flow cannot work; it is then listed by `inspect` and served as an error.
    """

    name: str
    published: str
    title: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    method: str = ""
    path: tuple[str | PathVariable, ...] = ()
    inputs: tuple[Input, ...] = ()
    input_schema: Mapping[str, Json]
    validate: Callable[[Mapping[str, Json]], list[Problem]]
    steps: tuple[Step, ...] = ()
    document: Assembly | None = None
    output: Output
    output_schema: Mapping[str, Json] | None = None
    open_query: bool = False
    open_body: bool = False
    hints: HintsSpec = NO_HINTS
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    unavailable: str = ""
    calls: tuple[Operation, ...] = ()
    job: Operation | None = None
    aliases: tuple[str, ...] = ()
    place: Place | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who calls: `name` for logs and policies, `scheme` how it was proved, `claims` what else is known."""

    name: str = "anonymous"
    scheme: str = ""
    claims: Mapping[str, Json] = field(default_factory=dict)


ANONYMOUS = Principal()


class Guard(Protocol):
    """Decides who a caller is, from what its request carries."""

    async def admit(self, headers: Mapping[str, str], query: Mapping[str, str]) -> Principal:
        """`headers` has lower-case names. Raises AuthError with a challenge."""
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
    """One adapter of a capability, compiled. `port` None lets the server choose; stdio has none."""

    type: str
    namespace: str
    address: str
    port: int | None
    transport: str
    description: str
    flows: tuple[Flow, ...]
    resources: tuple[Resource | FileResource, ...] = ()
    prompts: tuple[Prompt, ...] = ()
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
    `warnings` are problems that did not stop it.
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
    document: Document
    secrets: tuple[str, ...] = field(default=(), repr=False)


def is_failure(status: int) -> bool:
    """Whether an upstream's status (RFC 9110, 15) means that a call did not give what it was for.

    A redirect is one, because none is followed; that nothing was modified is none.
    """
    return status >= 300 and status != 304


# -- one invocation ---------------------------------------------------------------------------------------

Progress: TypeAlias = Callable[[float, float | None, str], Awaitable[None]]
"""Called with what is done, the total when it is known, and a message."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One invocation of a flow. `arguments` are by an input's name; `extra` is what REST passes through.

    `streams` says that the caller can take an unmapped answer as a stream of bytes. `links` is the absolute
    URL below which our own links are served, "" where nothing serves them.
    """

    flow: Flow
    arguments: Mapping[str, Json]
    listener: str = ""
    extra: Extra = NOTHING
    principal: Principal = ANONYMOUS
    request_id: str = ""
    streams: bool = False
    progress: Progress | None = None
    links: str = ""


@dataclass(slots=True, kw_only=True)
class Result:
    """What a flow gave: a `value` (mapped or decoded), or the upstream's bytes as `content` or `stream`.

    `status` is the upstream's status for a call, 200 otherwise; `failed` is set for 400 and above.
    `close` must be called when a stream is not read to its end.
    """

    status: int = 200
    value: Json | Missing = MISSING
    content: bytes | None = None
    stream: AsyncIterator[bytes] | None = None
    media_type: str = "application/json"
    headers: Headers = ()
    closer: Callable[[], Awaitable[None]] | None = None

    @property
    def failed(self) -> bool:
        return is_failure(self.status)

    async def close(self) -> None:
        if self.closer is not None:
            await self.closer()


class Engine(Protocol):
    """Runs calls. Raises CallError for everything that goes wrong in a call."""

    plan: Plan
    clock: Clock
    events: EventStream

    async def run(self, call: Call) -> Result: ...


__all__ = [
    "ANONYMOUS",
    "NOTHING",
    "NO_HINTS",
    "Answer",
    "Assembly",
    "Body",
    "Call",
    "Codec",
    "Engine",
    "Extra",
    "Flow",
    "FollowUp",
    "FollowUps",
    "Guard",
    "Input",
    "Listener",
    "Location",
    "MissingVariable",
    "Operation",
    "Parameter",
    "PathVariable",
    "Plan",
    "Principal",
    "Progress",
    "Resource",
    "Result",
    "Runtime",
    "Scope",
    "Step",
    "Upstream", "is_failure",
]  # fmt: skip
