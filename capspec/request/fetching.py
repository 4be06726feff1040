"""The parts of a body that lie at an address, to their bytes: only from where the file allows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from posixpath import basename
from typing import Protocol
from urllib.parse import unquote, urlsplit

from capspec import registry
from capspec.egress import is_among
from capspec.errors import EgressDenied, InputError, UpstreamError
from capspec.jsonpath import JsonPathBudgetError
from capspec.plan import Answer, Operation
from capspec.plan.bodies import Part, Parts
from capspec.request.inline import MEDIA_TYPE, Inline
from capspec.request.parts import NO_FILES, Files, addresses
from capspec.request.request import scope_of
from capspec.template import TemplateError
from capspec.values import Json
from capspec.wire import header


class Sending(Protocol):
    """The side that sends. Raises CallError."""

    async def send_to(
        self, url: str, operation: Operation, arguments: Mapping[str, Json], *, allowed: Iterable[str]
    ) -> Answer: ...


async def fetch_files(sending: Sending, operation: Operation, arguments: Mapping[str, Json]) -> Files:
    """What the body of an operation needs from other addresses, one after the other.

    No credentials go along and no redirect is followed. Raises InputError for what is no address,
    EgressDenied for one that the file does not allow, ResponseTooLarge, and UpstreamError when its host has
    no such file.
    """
    parts = None if operation.body is None else operation.body.content
    if not isinstance(parts, Parts):
        return NO_FILES
    try:
        urls = addresses(parts, scope_of(arguments))
    except (TemplateError, JsonPathBudgetError):
        raise InputError("the body has a template that cannot be evaluated with these arguments") from None
    except ValueError as error:
        raise InputError(f"the body {error}") from None
    return {
        number: await _fetched(sending, operation, parts.parts[number], url) for number, url in urls.items()
    }


async def _fetched(sending: Sending, operation: Operation, part: Part, url: str) -> Inline:
    if not is_among(url, part.allowed):
        raise EgressDenied(
            "a file for the request was not fetched: the capability does not allow its address",
            hint="its author can add the host to 'allowHosts' of the part",
        )
    answer = await sending.send_to(url, _request(operation), {}, allowed=part.allowed)
    try:
        if answer.status != 200:
            raise UpstreamError(f"a file for the request cannot be had: its host answered {answer.status}")
        if (header(answer.headers, "content-encoding") or "identity").lower() != "identity":
            raise UpstreamError("a file for the request came in a content coding that was not asked for")
        answer.limit = part.max_size
        content = await answer.read()
    finally:
        await answer.close()
    media_type = answer.content_type if MEDIA_TYPE.fullmatch(answer.content_type) else ""
    return Inline(content=content, media_type=media_type, filename=_name(url))


def _request(operation: Operation) -> Operation:
    stranger = replace(operation.upstream, auth=None, auth_names=frozenset(), missing=(), problem="")
    return Operation(
        id=f"{operation.id} (file)",
        upstream=stranger,
        method="GET",
        path=(),
        codec=registry.find("codec", "binary"),
        timeout=operation.timeout,
        place=operation.place,
    )


def _name(url: str) -> str:
    """The last part of a URL's path, without what no name of a file has."""
    return "".join(filter(str.isprintable, basename(unquote(urlsplit(url).path))))
