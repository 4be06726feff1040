"""FLORA: generations and techniques as runs, idempotency keys that suppress duplicates."""

from __future__ import annotations

from capspec.sandbox.providers.flora.api import Flora

__all__ = ["Flora"]
