"""A subject (any words) to a small grid of colours: a gradient under five discs."""

from __future__ import annotations

from collections.abc import Callable

from capspec.sandbox.randomness import seeded

Colour = tuple[int, int, int]
Grid = list[list[Colour]]

_DISCS = 5


def colours(subject: tuple[object, ...], columns: int, rows: int, *, shift: float = 0.0) -> Grid:
    """``rows`` x ``columns`` RGB colours, settled by ``subject``; ``shift`` moves the discs, in cells."""
    draw = seeded(*subject)
    start, end = _colour(draw.random), _colour(draw.random)
    discs = []
    for _ in range(_DISCS):
        x, y = draw.random() * columns, draw.random() * rows
        radius = (0.08 + 0.2 * draw.random()) * max(columns, rows)
        discs.append((x + shift, y, radius * radius, _colour(draw.random)))
    span = max(1, columns + rows - 2)

    def cell(x: int, y: int) -> Colour:
        for disc_x, disc_y, square, colour in reversed(discs):
            if (x - disc_x) ** 2 + (y - disc_y) ** 2 < square:
                return colour
        return _blend(start, end, (x + y) / span)

    return [[cell(x, y) for x in range(columns)] for y in range(rows)]


def _colour(draw: Callable[[], float]) -> Colour:
    return int(draw() * 256), int(draw() * 256), int(draw() * 256)


def _blend(start: Colour, end: Colour, part: float) -> Colour:
    red, green, blue = (int(a * (1 - part) + b * part) for a, b in zip(start, end, strict=True))
    return red, green, blue
