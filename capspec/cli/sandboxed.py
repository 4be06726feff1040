"""A sandbox for the time of a command: where it is, which addresses it stands for, keys that work there."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from capspec.cli.loading import Surroundings
from capspec.serving.sockets import open_socket, port_of


@asynccontextmanager
async def surroundings(given: Surroundings, *, sandbox: bool, speed: float) -> AsyncIterator[Surroundings]:
    """What was given, or with a running sandbox put in where nothing was given."""
    if not sandbox or given.mock:
        yield given
        return
    from capspec import sandbox as imitation  # noqa: PLC0415 - a third of a second that most commands save
    from capspec.sandbox.server import FaultProtocol  # noqa: PLC0415
    from capspec.serving.server import hosted  # noqa: PLC0415

    with open_socket("127.0.0.1", 0, "the sandbox") as bound:
        origin = f"http://127.0.0.1:{port_of(bound)}"
        app = imitation.create_app(imitation.SandboxConfig(speed=speed, origin=origin))
        async with hosted(app, bound, protocol=FaultProtocol):
            yield replace(
                given,
                # Real keys have no business here, and most would be refused.
                environ={**given.environ, **imitation.demo_secrets()},
                rewrites=imitation.rewrites(origin),
                sandbox=origin,
            )
