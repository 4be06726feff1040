"""An imitation of the four providers that the shipped capabilities call, for use without their keys."""

from __future__ import annotations

from capspec.sandbox.app import create_app
from capspec.sandbox.config import SandboxConfig

__all__ = ["SandboxConfig", "create_app"]
