"""The images of every workspace: kept, listed, forgotten."""

from __future__ import annotations

import base64
import binascii
import hashlib
import uuid
from dataclasses import dataclass
from functools import cached_property
from urllib.parse import unquote_to_bytes

from capspec.sandbox.clock import iso
from capspec.sandbox.media import Recipe, render
from capspec.sandbox.media.dimensions import size_of

_NAMESPACE = uuid.UUID("b1a6a0c4-8e7b-5f5b-8f6e-0a8f3a0f7d11")
COLLEAGUE = "sandbox-colleague"


@dataclass(frozen=True, kw_only=True)
class Image:
    """One picture of a workspace. upload: its bytes and media type when it was brought in."""

    id: str
    generation: str
    workspace: str
    owner: str
    prompt: str
    model: str
    parameters: dict[str, object]
    inputs: tuple[str, ...]
    created_at: float
    recipe: Recipe
    upload: tuple[bytes, str] | None = None

    @cached_property
    def data(self) -> bytes:
        """The picture itself."""
        return self.upload[0] if self.upload else render(self.recipe)

    @property
    def media_type(self) -> str:
        """The picture's media type."""
        return self.upload[1] if self.upload else self.recipe.media_type

    def as_json(self, base: str) -> dict[str, object]:
        """The image's record; ``base`` is the image service's address."""
        width, height = size_of(self.data) or (None, None)
        when = iso(self.created_at, timespec="seconds")
        return {
            "id": self.id,
            "generationId": self.generation,
            "workspaceId": self.workspace,
            "createdByUserId": self.owner,
            "prompt": self.prompt,
            "model": self.model,
            "parameters": self.parameters,
            "inputImageIds": list(self.inputs) or None,
            "imageWidth": width,
            "imageHeight": height,
            "imageSize": len(self.data),
            "createdAt": when,
            "updatedAt": when,
            "_links": {"content": f"{base}/v1/workspaces/{self.workspace}/images/{self.id}/content"},
        }


class ImageStore:
    """Images by workspace; each workspace begins with one that somebody else made."""

    def __init__(self) -> None:
        self._workspaces: dict[str, dict[str, Image]] = {}

    def reset(self) -> None:
        """Forget every image."""
        self._workspaces.clear()

    def of(self, workspace: str, now: float) -> dict[str, Image]:
        """A workspace's images by id, oldest first."""
        if workspace not in self._workspaces:
            first = _first(workspace, now)
            self._workspaces[workspace] = {first.id: first}
        return self._workspaces[workspace]


def imported(workspace: str, owner: str, url: str, number: int, now: float) -> Image | None:
    """The image at ``url``: a ``data:`` URL's own bytes, or a picture drawn in place of what lies elsewhere.

    None for a ``data:`` URL that holds no PNG or JPEG.
    """
    upload = _data_url(url) if url.startswith("data:") else None
    if url.startswith("data:") and upload is None:
        return None
    return Image(
        id=str(uuid.uuid5(_NAMESPACE, f"{workspace}/upload/{number}")),
        generation=str(uuid.uuid5(_NAMESPACE, f"{workspace}/upload/{number}/generation")),
        workspace=workspace,
        owner=owner,
        prompt="",
        model="upload",
        parameters={},
        inputs=(),
        created_at=now,
        recipe=Recipe(format="png", prompt=url if upload is None else "", seed=0),
        upload=upload,
    )


def _first(workspace: str, now: float) -> Image:
    prompt = "A lighthouse at dusk"
    return Image(
        id=str(uuid.uuid5(_NAMESPACE, f"{workspace}/first")),
        generation=str(uuid.uuid5(_NAMESPACE, f"{workspace}/first/generation")),
        workspace=workspace,
        owner=COLLEAGUE,
        prompt=prompt,
        model="nano-banana-2",
        parameters={"aspectRatio": "1:1", "outputFormat": "png"},
        inputs=(),
        created_at=now - 86_400,
        recipe=Recipe(format="png", prompt=prompt, seed=1),
    )


def _data_url(url: str) -> tuple[bytes, str] | None:
    """The bytes and media type of a ``data:`` URL (RFC 2397) that holds a PNG or JPEG."""
    head, _, payload = url.removeprefix("data:").partition(",")
    try:
        data = base64.b64decode(payload) if head.endswith(";base64") else unquote_to_bytes(payload)
    except binascii.Error:
        return None
    kind = "image/png" if data.startswith(b"\x89PNG") else "image/jpeg"
    return (data, kind) if size_of(data) else None


def digest(images: list[Image]) -> str:
    """One digest of what several images show."""
    return hashlib.sha256(b"\0".join(image.data for image in images)).hexdigest()
