"""A SandboxConfig to the ASGI app: the providers, their delivery, and the control plane."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from capspec.sandbox.config import SandboxConfig
from capspec.sandbox.control import PREFIX as CONTROL
from capspec.sandbox.control import Control
from capspec.sandbox.delivery import Delivery
from capspec.sandbox.endpoint import Provider
from capspec.sandbox.gate import Gate
from capspec.sandbox.journal import Journaled
from capspec.sandbox.providers.bfl import Bfl
from capspec.sandbox.providers.flexura import Flexura
from capspec.sandbox.providers.flora import Flora
from capspec.sandbox.providers.library import Catalogue, Loans, Scans
from capspec.sandbox.providers.neuroflash import Neuroflash, NeuroflashId
from capspec.sandbox.unknown import UnknownPath
from capspec.sandbox.world import World


def create_app(config: SandboxConfig | None = None) -> Starlette:
    """The app that imitates every provider, as ``config`` says (the defaults when None).

    Its paths: ``/flexura``, ``/bfl``, ``/bfl-eu4``, ``/flora``, ``/neuroflash``, ``/neuroflash-id``,
    ``/library-catalogue``, ``/library-loans``, ``/library-scans``, ``/media`` and ``/__sandbox__``.
    Raises FaultSyntaxError (a ValueError) for a rule that cannot be read.
    """
    world = World(config or SandboxConfig())
    providers = build_providers(world)
    routes = [route for provider in providers for route in _routes(world, provider)]
    if world.config.control:
        routes += Control(world, providers).routes()

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        yield
        await world.webhooks.close()

    journaled = Middleware(Journaled, journal=world.journal, clock=world.clock, control=CONTROL)
    return Starlette(routes=routes, middleware=[journaled], lifespan=lifespan)


def build_providers(world: World) -> tuple[Provider, ...]:
    """Every imitation, sharing one world."""
    imitated = (Flexura(world), Bfl(world), Flora(world), Neuroflash(world), NeuroflashId(world))
    return (*imitated, Delivery(world), Catalogue(world), Loans(world), Scans(world))


def _routes(world: World, provider: Provider) -> list[Route]:
    endpoints = provider.endpoints()
    unknown = UnknownPath(provider, endpoints)
    catch_all = [unknown.endpoint(prefix) for prefix in provider.prefixes]
    return [
        Route(
            endpoint.path,
            Gate(world, provider, endpoint),
            methods=None if endpoint.method == "*" else [endpoint.method],
            name=f"{provider.name} {endpoint.method} {endpoint.path}",
        )
        for endpoint in (*endpoints, *catch_all)
    ]
