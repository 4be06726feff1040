"""A Recipe (what to draw, how large, in which format) to its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from capspec.sandbox.media.jpeg import jpeg
from capspec.sandbox.media.mp4 import mp4
from capspec.sandbox.media.png import png
from capspec.sandbox.media.wav import wav

Format = Literal["png", "jpeg", "wav", "mp4"]

MEDIA_TYPES: dict[Format, str] = {
    "png": "image/png",
    "jpeg": "image/jpeg",
    "wav": "audio/wav",
    "mp4": "video/mp4",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Everything that settles the bytes of one asset.

    basis: what the asset was derived from (a digest of the input images); empty for a fresh one.
    width, height: pixels, for pictures. seconds: length, for sounds.
    """

    format: Format
    prompt: str
    seed: int
    basis: str = ""
    width: int = 1024
    height: int = 1024
    seconds: float = 2.0

    @property
    def media_type(self) -> str:
        """The asset's media type."""
        return MEDIA_TYPES[self.format]

    @property
    def extension(self) -> str:
        """The file name's ending, without a dot."""
        return "jpg" if self.format == "jpeg" else self.format


@lru_cache(maxsize=64)
def render(recipe: Recipe) -> bytes:
    """The bytes of ``recipe``; equal recipes give equal bytes."""
    subject = (recipe.prompt, recipe.seed, recipe.basis)
    legend = {"prompt": recipe.prompt, "seed": str(recipe.seed)}
    if recipe.basis:
        legend["derived-from"] = recipe.basis
    match recipe.format:
        case "png":
            return png(subject, recipe.width, recipe.height, legend)
        case "jpeg":
            return jpeg(subject, recipe.width, recipe.height, legend)
        case "wav":
            return wav(subject, recipe.seconds)
    return mp4(subject)
