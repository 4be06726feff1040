"""A recipe to the bytes of a picture, a sound or a film: small, real, and the same every time."""

from __future__ import annotations

from capspec.sandbox.media.recipe import MEDIA_TYPES, Recipe, render

__all__ = ["MEDIA_TYPES", "Recipe", "render"]
