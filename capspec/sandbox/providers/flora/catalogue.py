"""FLORA's models, techniques, workspaces and first projects, as the imitation has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["image", "video", "audio", "text"]
KINDS: tuple[Kind, ...] = ("image", "video", "audio", "text")
OUTPUT_TYPES: dict[Kind, str] = {
    "image": "imageUrl",
    "video": "videoUrl",
    "audio": "audioUrl",
    "text": "text",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """One model: its price in dollars, how long it says that it takes, in seconds."""

    id: str
    name: str
    kind: Kind
    cost: float
    seconds: float
    capabilities: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """The model as ``/models`` lists it."""
        params: list[dict[str, object]] = [{"name": "seed", "type": "integer", "required": False}]
        if self.kind in ("image", "video"):
            ratios = [{"label": ratio, "value": ratio} for ratio in ("1:1", "16:9", "9:16", "4:3")]
            ratio = {"name": "aspect_ratio", "type": "enum", "required": False, "default": "1:1"}
            params.append({**ratio, "options": ratios})
        return {
            "model_id": self.id,
            "name": self.name,
            "provider": "sandbox",
            "type": self.kind,
            "capabilities": list(self.capabilities),
            "estimated_credits": self.cost,
            "estimated_seconds": self.seconds,
            "params": params,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Technique:
    """A saved workflow. inputs: id to type (``text``, ``imageUrl``, ``videoUrl``)."""

    id: str
    slug: str
    name: str
    description: str
    inputs: dict[str, str]
    model: str

    def as_json(self) -> dict[str, object]:
        """The technique as ``/techniques`` lists it."""
        model = MODELS[self.model]
        return {
            "technique_id": self.id,
            "slug": self.slug,
            "name": self.name,
            "description": self.description,
            "inputs": [{"id": name, "name": name, "type": kind} for name, kind in self.inputs.items()],
            "outputs": [{"id": "output", "type": OUTPUT_TYPES[model.kind]}],
            "run_cost": model.cost,
        }


MODELS = {
    model.id: model
    for model in (
        Model(
            id="t2i-flux-2-pro",
            name="FLUX.2 Pro",
            kind="image",
            cost=0.04,
            seconds=12,
            capabilities=("text-to-image",),
        ),
        Model(
            id="i2i-sandbox-brush",
            name="Sandbox Brush",
            kind="image",
            cost=0.06,
            seconds=25,
            capabilities=("image-to-image",),
        ),
        Model(
            id="t2v-sandbox-film",
            name="Sandbox Film",
            kind="video",
            cost=0.5,
            seconds=80,
            capabilities=("text-to-video",),
        ),
        Model(
            id="t2a-sandbox-tune",
            name="Sandbox Tune",
            kind="audio",
            cost=0.05,
            seconds=20,
            capabilities=("text-to-audio",),
        ),
        Model(
            id="t2t-sandbox-words",
            name="Sandbox Words",
            kind="text",
            cost=0.01,
            seconds=3,
            capabilities=("text-to-text",),
        ),
    )
}
DEFAULTS: dict[Kind, str] = {
    "image": "t2i-flux-2-pro",
    "video": "t2v-sandbox-film",
    "audio": "t2a-sandbox-tune",
    "text": "t2t-sandbox-words",
}
TECHNIQUES = (
    Technique(
        id="tech_productshot1",
        slug="product-shot",
        name="Product shot",
        description="A product on a plain ground, from its picture and a few words",
        inputs={"image": "imageUrl", "prompt": "text"},
        model="i2i-sandbox-brush",
    ),
    Technique(
        id="tech_storyboard1",
        slug="storyboard",
        name="Storyboard",
        description="A single film from a line of text",
        inputs={"prompt": "text"},
        model="t2v-sandbox-film",
    ),
)
WORKSPACES = {"ws_abc123": "Sandbox workspace", "ws_def456": "Second workspace"}
READ_ONLY_WORKSPACE = "ws_def456"
PROJECTS = {"prj_abc123": ("First project", "ws_abc123"), "prj_def456": ("Second project", "ws_def456")}


def technique(name: str) -> Technique | None:
    """A technique by its id or slug."""
    return next((found for found in TECHNIQUES if name in (found.id, found.slug)), None)
