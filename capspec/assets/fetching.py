"""An upstream's link to its bytes: from where the file allows, of the types and the size that it allows."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, Protocol

from capspec import registry
from capspec.assets.media import type_at
from capspec.egress import origin_of
from capspec.errors import AssetGone, ResponseTooLarge, UpstreamError
from capspec.plan import Answer, Operation, Parameter, Upstream
from capspec.plan.assets import Assets
from capspec.values import Json
from capspec.wire import header

STREAM_SECONDS: Final = 600.0
"""For how long a caller may be given an asset."""

SAVE_SECONDS: Final = 120.0
"""For how long a call may be held up by one of the assets in its answer."""

_GONE = frozenset({403, 404, 410})
"""What storage services answer for a link that has expired, and for what is no longer there."""

_LENGTH = re.compile(r"[0-9]{1,18}")


class Sending(Protocol):
    """The side that sends. Raises CallError."""

    async def send_to(
        self, url: str, operation: Operation, arguments: Mapping[str, Json], *, allowed: Iterable[str]
    ) -> Answer: ...


_OF_THE_BODY = frozenset({"accept", "content-type", "prefer"})
"""Headers that are about the operation's own request and answer."""


@dataclass(slots=True, kw_only=True)
class Fetched:
    """An asset whose bytes have yet to be read. `size` is in bytes, None while it is not known."""

    media_type: str
    size: int | None
    answer: Answer

    def stream(self) -> AsyncIterator[bytes]:
        """The bytes as they come. Raises ResponseTooLarge over the limit, and what reading raises."""
        return self.answer.stream()

    async def close(self) -> None:
        await self.answer.close()


async def fetch(sending: Sending, operation: Operation, assets: Assets, url: str, seconds: float) -> Fetched:
    """Ask for what is at a URL; reading it to the end may take `seconds` in all.

    The upstream's credentials go along to its own origin only, and no redirect is followed. Raises AssetGone,
    ResponseTooLarge, and all that sending raises; UpstreamError for a type that is not allowed.
    """
    request = _request(operation, url, seconds)
    answer = await sending.send_to(url, request, {}, allowed=assets.allowed)
    try:
        _check_status(answer)
        return _checked(answer, operation, assets, url)
    except BaseException:
        await answer.close()
        raise


def _request(operation: Operation, url: str, seconds: float) -> Operation:
    at_home = _is_at_home(url, operation.upstream)
    return Operation(
        id=f"{operation.id} (asset)",
        upstream=operation.upstream if at_home else _stranger(operation.upstream),
        method="GET",
        path=(),
        parameters=_constant_headers(operation) if at_home else (),
        codec=registry.find("codec", "binary"),
        timeout=seconds,
        missing=operation.missing if at_home else (),
        place=operation.place,
    )


def _is_at_home(url: str, upstream: Upstream) -> bool:
    try:
        return origin_of(url) == origin_of(upstream.base_url)
    except ValueError:
        return False


def _stranger(upstream: Upstream) -> Upstream:
    """The upstream without credentials: a link that a storage service signed brings its own."""
    return replace(upstream, auth=None, auth_names=frozenset(), missing=(), problem="")


def _constant_headers(operation: Operation) -> tuple[Parameter, ...]:
    """Headers that every request to the API carries, such as its version, or a key that is written as one."""
    return tuple(
        item
        for item in operation.parameters
        if item.location == "header"
        and item.value is not None
        and not item.value.names
        and item.name.lower() not in _OF_THE_BODY
    )


def _check_status(answer: Answer) -> None:
    status = answer.status
    if status in _GONE:
        raise AssetGone(
            f"the original has expired, or is no longer there: its host answered {status}",
            hint="ask for the result again; a result that should last longer can be saved ('assets: save')",
        )
    if 300 <= status < 400:
        raise UpstreamError(f"the original is elsewhere: its host answered {status}, which is not followed")
    if status != 200:
        raise UpstreamError(f"the original cannot be had: its host answered {status}")


def _checked(answer: Answer, operation: Operation, assets: Assets, url: str) -> Fetched:
    coding = header(answer.headers, "content-encoding") or "identity"
    if coding.lower() != "identity":
        raise UpstreamError("the original came in a content coding that was not asked for")
    media_type = type_at(answer.content_type, url)
    if not assets.takes(media_type):
        raise UpstreamError(
            f"the original is {media_type}, which {operation.id} does not allow",
            hint="add it to 'types' of 'assets'",
        )
    length = header(answer.headers, "content-length") or ""
    size = int(length) if _LENGTH.fullmatch(length) else None
    if size is not None and size > assets.max_size:
        raise ResponseTooLarge(
            f"the original has {size} bytes, more than the {assets.max_size} that {operation.id} allows",
            hint="raise 'maxSize' of 'assets'",
        )
    answer.limit = assets.max_size
    return Fetched(media_type=media_type, size=size, answer=answer)
