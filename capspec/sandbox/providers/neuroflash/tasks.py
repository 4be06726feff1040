"""A checked task and its input images to the recipes of what comes out."""

from __future__ import annotations

from capspec.sandbox.media import Recipe
from capspec.sandbox.media.dimensions import fit, size_of
from capspec.sandbox.media.recipe import Format
from capspec.sandbox.providers.neuroflash.images import Image, digest
from capspec.sandbox.providers.neuroflash.inputs import Task

_AREA = 1024 * 1024
_FORMATS: dict[str, Format] = {"png": "png", "jpeg": "jpeg"}


def recipes(task: Task, inputs: list[Image], count: int, seed: int) -> tuple[Recipe, ...]:
    """``count`` pictures: an upscale is its input drawn larger, others are new, seeds up from ``seed``."""
    if task.factor > 1:
        return (_larger(task, inputs[0]),)
    width, height = _size(task.ratio, inputs)
    return tuple(
        Recipe(
            format=_FORMATS[task.format],
            prompt=task.prompt,
            seed=seed + i,
            basis=digest(inputs) if inputs else "",
            width=width,
            height=height,
        )
        for i in range(count)
    )


def parameters(task: Task) -> dict[str, object]:
    """The parameters that the image's record shows."""
    if task.factor > 1:
        return {"upscaleFactor": task.factor, "outputFormat": task.format}
    return {"aspectRatio": task.ratio or "auto", "outputFormat": task.format}


def _larger(task: Task, source: Image) -> Recipe:
    width, height = size_of(source.data) or (1024, 1024)
    width, height = fit(width * task.factor, height * task.factor)
    same = source.recipe
    return Recipe(
        format=_FORMATS[task.format],
        prompt=same.prompt,
        seed=same.seed,
        basis=digest([source]) if source.upload else same.basis,
        width=width,
        height=height,
    )


def _size(ratio: str | None, inputs: list[Image]) -> tuple[int, int]:
    """About a megapixel in that ratio, in steps of 16; the first input's own size without one."""
    if ratio is None:
        return fit(*(size_of(inputs[0].data) or (1024, 1024)))
    across, _, down = ratio.partition(":")
    width = round((_AREA * int(across) / int(down)) ** 0.5 / 16) * 16
    height = round((_AREA * int(down) / int(across)) ** 0.5 / 16) * 16
    return width, height
