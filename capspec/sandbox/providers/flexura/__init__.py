"""Flexura: web search, and pictures, films and sounds as jobs polled by a template."""

from __future__ import annotations

from capspec.sandbox.providers.flexura.api import Flexura

__all__ = ["Flexura"]
