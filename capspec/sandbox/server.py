"""A uvicorn protocol that lends each connection's transport to the app, so that faults can break it."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

from capspec.sandbox.faults.play import TRANSPORT


class FaultProtocol(H11Protocol):
    """For ``uvicorn.Config(app, http=FaultProtocol)``: without it, a reset is a truncated answer."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Puts the transport into the state that the app finds in its scope."""
        super().connection_made(transport)
        self.app_state = {**self.app_state, TRANSPORT: transport}
