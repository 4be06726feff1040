"""The consumed side of a plan: APIs, the requests that can be made of them, and what they answer."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from capspec.errors import Place, ResponseTooLarge
from capspec.mapping.projection import Projection
from capspec.plan.assets import Assets
from capspec.plan.bodies import Parts
from capspec.plan.polling import Idempotency, Poll
from capspec.template import JsonText, Template, Tree
from capspec.values import MISSING, Json, Missing
from capspec.wire import Auth, Headers, Response, header

Location: TypeAlias = Literal["path", "query", "header", "cookie", "body", "form"]


class Codec(Protocol):
    """Values to bytes and back, for one format. `media_type` is what it writes.

    Where a text of the file has values in it, `escape(text)` writes one of them, if a codec has that; or
    `fill(text, values)` all of them at once, into the text with `NUL index NUL` in their places.
    """

    media_type: str

    def encode(self, value: Json) -> tuple[bytes, str]:
        """The bytes, and their content type. Raises ValueError for a value that it cannot write."""
        ...

    def decode(self, content: bytes, charset: str) -> Json:
        """The value. Raises ValueError with a message for people when the bytes are not in the format."""
        ...


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
    """A request body that the file describes, and the codec that writes it.

    `takes_fields` says that it is an object, to which parameters in "body" that it does not read are added.
    """

    codec: Codec
    content: Tree | JsonText | Template | Parts
    takes_fields: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One request that can be made.

    `path` alternates percent-encoded literals and variables, and is joined to the upstream's base URL.
    `query` is what the path's own `?…` says. With no `body`, parameters in "body" build a JSON body and
    those in "form" a URL-encoded one, unless `body_codec` says how it is written. `codec` reads answers;
    `media_type` is theirs whatever the upstream says, and `max_size` how many bytes one may have, where the
    file says so; `media_types` are theirs by status, of which digits may be X. `problem` says why the
    operation cannot be called at all. With `poll` it starts a job, and `follow_ups` are the requests about
    it. With `assets` the links in its answers become our own. `projection` names parts of its answers for
    the steps of a flow.
    """

    id: str
    upstream: Upstream
    method: str
    path: tuple[str | PathVariable, ...]
    query: tuple[tuple[str, Template], ...] = ()
    parameters: tuple[Parameter, ...] = ()
    body: Body | None = None
    body_codec: Codec | None = None
    codec: Codec
    media_type: str = ""
    media_types: tuple[tuple[str, str], ...] = ()
    max_size: int | None = None
    timeout: float | None = None
    missing: tuple[str, ...] = ()
    problem: str = ""
    description: str = ""
    place: Place | None = None
    poll: Poll | None = None
    idempotency: Idempotency | None = None
    follow_ups: FollowUps | None = None
    assets: Assets | None = None
    projection: Projection | None = None


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
    """What an upstream answered. The body is read at most once, on demand, up to `limit` bytes.

    `remedy` says what could be done about a body that is larger.
    """

    response: Response
    codec: Codec
    limit: int
    operation: str
    media_type: str = ""
    remedy: str = ""
    _content: bytes | None = None

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def headers(self) -> Headers:
        return self.response.headers

    @property
    def content_type(self) -> str:
        """The declared media type, or what the upstream says."""
        return self.media_type or header(self.response.headers, "content-type") or ""

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
                raise self.too_large()
            yield part

    @property
    def announced(self) -> int:
        """The bytes that the body is said to have (RFC 9110, 8.6), 0 when that is not known."""
        length = header(self.response.headers, "content-length") or ""
        return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else 0

    def too_large(self) -> ResponseTooLarge:
        return ResponseTooLarge(f"{self.operation} answered more than {self.limit} bytes", hint=self.remedy)

    async def close(self) -> None:
        await self.response.close()
