"""Answers to the same answers with our own links, and our own links to what they lead to."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import quote

from capspec.assets.fetching import STREAM_SECONDS, Fetched, Sending, fetch
from capspec.assets.finding import Found, find, replaced, unsigned
from capspec.assets.links import Link, LinkKey
from capspec.assets.media import name_in, type_of, with_extension
from capspec.assets.saving import Failure, Order, Saver
from capspec.assets.storage import Kept, Storage, key_of
from capspec.clock import Clock
from capspec.errors import AssetGone, AssetNotFound, UpstreamError
from capspec.events import AssetLeft, EventStream
from capspec.plan import Operation, Plan
from capspec.plan.assets import Assets
from capspec.values import Json

PATH: Final = "/-/assets/"
"""What our links have after the URL of their mount, before the text that says what they lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replacement:
    """Links of an answer, and what stands for them.

    `expires_at` is when the first of the new links stops working, in seconds since the epoch; None without
    any. `left` says why others stay as they are.
    """

    links: Mapping[str, str] = field(default_factory=dict)
    expires_at: float | None = None
    left: tuple[str, ...] = ()

    def of(self, answer: Json) -> Json:
        """The answer with the new links."""
        return replaced(answer, self.links)


NOTHING: Final = Replacement()


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """What a link of ours leads to, and the rules that hold for it."""

    link: Link
    operation: Operation
    assets: Assets


class Shelf:
    """The assets of one plan."""

    def __init__(
        self,
        plan: Plan,
        sending: Sending,
        clock: Clock,
        events: EventStream,
        *,
        key: LinkKey,
        storage: Storage,
    ) -> None:
        self.storage = storage
        self.clock = clock
        self._plan = plan
        self._sending = sending
        self._events = events
        self._key = key
        self._saver = Saver(sending, storage, clock)

    # -- making links ---------------------------------------------------------------------------------

    async def replace(self, operation: Operation, answer: Json, base: str, job: str = "") -> Replacement:
        """Links below `base` for those in an operation's answer, as its `assets` say.

        `job` tells the answer's job from all others. What cannot be replaced stays, and is reported. Never
        raises for what an upstream does.
        """
        assets = operation.assets
        if assets is None or not (base or assets.mode == "save"):
            return NOTHING
        findings = find(assets, operation.upstream.base_url, answer)
        if assets.mode == "save":
            made = await self._saved(operation, assets, findings.links, base, job)
        else:
            made = self._proxied(operation, assets, findings.links, base)
        left = tuple(dict.fromkeys((*findings.refused, *made.left)))
        for reason in left:
            self._events.emit(AssetLeft(operation=operation.id, reason=reason))
        return Replacement(links=made.links, expires_at=made.expires_at, left=left)

    async def fetch_first(self, operation: Operation, answer: Json) -> Fetched | None:
        """What the first link of an answer leads to that is an asset; None when it has no links.

        Raises as `fetch` does when none of them is one.
        """
        allowed = operation.poll.request.allowed if operation.poll is not None else ()
        assets = operation.assets or Assets(mode="proxy", allowed=allowed)
        trouble: UpstreamError | None = None
        for item in find(assets, operation.upstream.base_url, answer).links:
            try:
                return await fetch(self._sending, operation, assets, item.url, STREAM_SECONDS)
            except UpstreamError as error:
                trouble = trouble or error
        if trouble is not None:
            raise trouble
        return None

    def _proxied(
        self, operation: Operation, assets: Assets, found: Iterable[Found], base: str
    ) -> Replacement:
        expires_at = self.clock.wall() + assets.works_for
        links = {
            item.text: self._url(
                base,
                Link(
                    operation=operation.id,
                    name=name_in(item.url, operation.id),
                    expires_at=expires_at,
                    url=item.url,
                ),
            )
            for item in found
        }
        return Replacement(links=links, expires_at=expires_at if links else None)

    async def _saved(
        self, operation: Operation, assets: Assets, found: Iterable[Found], base: str, job: str
    ) -> Replacement:
        orders = {item.text: self._order(operation, assets, item.url, job) for item in found}
        kept = await asyncio.gather(*map(self._saver.save, orders.values()))
        links: dict[str, str] = {}
        left: list[str] = []
        for (text, order), item in zip(orders.items(), kept, strict=True):
            if isinstance(item, Failure):
                left.append(f"it could not be saved, because {item.reason}")
            else:
                links[text] = self._kept_url(order, item, base)
        ends = [item.until for item in kept if isinstance(item, Kept)]
        return Replacement(links=links, expires_at=min(ends, default=None), left=tuple(left))

    def _order(self, operation: Operation, assets: Assets, url: str, job: str) -> Order:
        # The result of a job may be signed anew each time that it is asked for, and is the same all the same.
        same = unsigned(url) if job else url
        key = key_of((self._plan.name, operation.id, job, same))
        return Order(operation=operation, assets=assets, url=url, key=key)

    def _kept_url(self, order: Order, kept: Kept, base: str) -> str:
        if not base:
            return (self.storage.folder / kept.name).absolute().as_uri()
        name = with_extension(name_in(order.url, order.operation.id), type_of(kept.extension))
        link = Link(operation=order.operation.id, name=name, expires_at=kept.until, file=kept.name)
        return self._url(base, link)

    def _url(self, base: str, link: Link) -> str:
        return f"{base}{PATH}{self._key.seal(link)}/{quote(link.name)}"

    # -- following links ------------------------------------------------------------------------------

    def open(self, token: str, name: str) -> Asset:
        """What a link leads to. Raises AssetNotFound and AssetGone."""
        link = self._key.open(token, name, now=self.clock.wall())
        operation = self._plan.operations.get(link.operation)
        if operation is None or operation.assets is None:
            raise AssetNotFound("there is no such asset")
        return Asset(link=link, operation=operation, assets=operation.assets)

    async def fetch(self, asset: Asset) -> Fetched:
        """The bytes of an asset that the upstream has. Raises as `fetching.fetch` does."""
        return await fetch(self._sending, asset.operation, asset.assets, asset.link.url, STREAM_SECONDS)

    def missing(self) -> AssetGone:
        """Why a file that was kept is not there."""
        return AssetGone("the asset is no longer kept here", hint="ask for the result again")

    # -- the life of the folder -----------------------------------------------------------------------

    async def sweep(self) -> None:
        """Remove what has been kept for long enough, if this plan keeps anything at all."""
        rules = (operation.assets for operation in self._plan.operations.values())
        if any(assets is not None and assets.mode == "save" for assets in rules):
            with suppress(OSError):
                await asyncio.to_thread(self.storage.sweep, self.clock.wall())

    async def close(self) -> None:
        """Give up what is being saved."""
        await self._saver.close()
