"""Imitations of the providers that the shipped capabilities and the tutorial call, for use without keys."""

from __future__ import annotations

from capspec.sandbox.app import create_app
from capspec.sandbox.bases import PROVIDERS, authorities, demo_secret, demo_secrets, rewrite, rewrites
from capspec.sandbox.config import SandboxConfig

__all__ = [
    "PROVIDERS",
    "SandboxConfig",
    "authorities",
    "create_app",
    "demo_secret",
    "demo_secrets",
    "rewrite",
    "rewrites",
]
