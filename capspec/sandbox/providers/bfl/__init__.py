"""Black Forest Labs: FLUX.1 Kontext editing, polled on another host, delivered through links that run out."""

from __future__ import annotations

from capspec.sandbox.providers.bfl.api import Bfl

__all__ = ["Bfl"]
