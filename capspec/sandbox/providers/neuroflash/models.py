"""The picture models that neuroflash's imitation offers."""

from __future__ import annotations

from dataclasses import dataclass

RATIOS = ("21:9", "16:9", "3:2", "4:3", "5:4", "1:1", "4:5", "3:4", "2:3", "9:16")
FORMATS = ("jpeg", "png", "webp")
GENERATE, EDIT, UPSCALE = "text2image", "image2image", "upscale"


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One entry of the catalogue. factors: by how much an upscaler may enlarge."""

    id: str
    name: str
    provider: str
    description: str
    capabilities: tuple[str, ...]
    max_images: int = 4
    ratios: tuple[str, ...] = RATIOS
    factors: tuple[int, ...] = ()
    allowed: bool = True

    def as_json(self, order: int) -> dict[str, object]:
        """The entry as ``/image-models`` lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "provider": self.provider,
            "description": self.description,
            "capabilities": list(self.capabilities),
            "maxImages": self.max_images,
            "aspectRatios": list(self.ratios),
            "outputFormats": list(FORMATS),
            "allowed": self.allowed,
            "order": order,
        }


MODELS = {
    model.id: model
    for model in (
        Model(
            id="nano-banana-2",
            name="Nano Banana 2",
            provider="fal.ai",
            description="Pictures from a prompt, with or without input pictures",
            capabilities=(GENERATE, EDIT),
        ),
        Model(
            id="sandbox-sketch",
            name="Sandbox Sketch",
            provider="sandbox",
            description="One picture from a prompt",
            capabilities=(GENERATE,),
            max_images=1,
        ),
        Model(
            id="sandbox-reserved",
            name="Sandbox Reserved",
            provider="sandbox",
            description="Not part of this workspace's plan",
            capabilities=(GENERATE, EDIT),
            allowed=False,
        ),
        Model(
            id="sandbox-upscaler",
            name="Sandbox Upscaler",
            provider="sandbox",
            description="Larger pictures from small ones",
            capabilities=(UPSCALE,),
            max_images=1,
            ratios=(),
            factors=(2, 4),
        ),
    )
}
DEFAULT = "nano-banana-2"
