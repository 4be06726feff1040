"""A ratio, or the input image, to the size of what Kontext draws."""

from __future__ import annotations

from capspec.sandbox.media.dimensions import fit, size_of

# The sizes, about a megapixel each, that the published Kontext code prefers.
_WIDE = (
    (1024, 1024),
    (1104, 944),
    (1184, 880),
    (1248, 832),
    (1328, 800),
    (1392, 752),
    (1456, 720),
    (1504, 688),
    (1568, 672),
)
_SIZES = _WIDE + tuple((height, width) for width, height in _WIDE[1:])


def kontext_size(aspect_ratio: str | None, image: bytes | None) -> tuple[int, int]:
    """Width and height in pixels: the ratio's, else the input image's own, else a square."""
    if aspect_ratio is not None:
        width, _, height = aspect_ratio.partition(":")
        wanted = int(width) / int(height)
        return min(_SIZES, key=lambda size: abs(size[0] / size[1] - wanted))
    size = size_of(image) if image is not None else None
    return fit(*size) if size else (1024, 1024)
