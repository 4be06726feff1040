"""Media types and links to file names that are safe anywhere, and to how a browser may treat a file."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote, urlsplit

OCTETS: Final = "application/octet-stream"

_LONGEST_NAME = 80
_LONGEST_EXTENSION = 8
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_ESSENCE = re.compile(r"[a-z0-9!#$&^_.+-]{1,64}/[a-z0-9!#$&^_.+-]{1,64}")
_EXTENSION = re.compile(rf"\.([a-z0-9]{{1,{_LONGEST_EXTENSION}}})$", re.IGNORECASE)

_TYPES = {
    "aac": "audio/aac", "avi": "video/x-msvideo", "avif": "image/avif", "bin": OCTETS, "bmp": "image/bmp",
    "csv": "text/csv", "flac": "audio/flac", "gif": "image/gif", "glb": "model/gltf-binary",
    "gltf": "model/gltf+json", "heic": "image/heic", "htm": "text/html", "html": "text/html",
    "ico": "image/x-icon", "jpeg": "image/jpeg", "jpg": "image/jpeg", "json": "application/json",
    "jxl": "image/jxl", "m4a": "audio/mp4", "m4v": "video/mp4", "md": "text/markdown",
    "mkv": "video/x-matroska", "mov": "video/quicktime", "mp3": "audio/mpeg", "mp4": "video/mp4",
    "mpeg": "video/mpeg", "oga": "audio/ogg", "ogg": "audio/ogg", "ogv": "video/ogg", "opus": "audio/opus",
    "pdf": "application/pdf", "png": "image/png", "svg": "image/svg+xml", "tif": "image/tiff",
    "tiff": "image/tiff", "txt": "text/plain", "wav": "audio/wav", "weba": "audio/webm",
    "webm": "video/webm", "webp": "image/webp", "xml": "application/xml", "zip": "application/zip",
}  # fmt: skip
_EXTENSIONS = {
    **{kind: extension for extension, kind in reversed(_TYPES.items())},
    "audio/ogg": "ogg", "audio/vnd.wave": "wav", "audio/wave": "wav", "audio/x-flac": "flac",
    "audio/x-m4a": "m4a", "audio/x-wav": "wav", "image/jpeg": "jpg", "image/jpg": "jpg",
    "image/vnd.microsoft.icon": "ico", "text/html": "html", "text/xml": "xml", "video/mp4": "mp4",
}  # fmt: skip
_ACTIVE = ("svg", "xml", "html")
"""Parts of the subtypes of what a browser would run scripts of."""


def essence_of(content_type: str) -> str:
    """A content type without parameters, in lower case; for none, that of plain bytes (RFC 9110, 8.3)."""
    essence = content_type.partition(";")[0].strip().lower()
    return essence if _ESSENCE.fullmatch(essence) else OCTETS


def type_at(content_type: str, url: str) -> str:
    """An answer's media type. Plain bytes are taken for what the end of the URL says, if that is harmless."""
    essence = essence_of(content_type)
    found = _EXTENSION.search(urlsplit(url).path) if essence == OCTETS else None
    likely = OCTETS if found is None else type_of(found[1])
    return likely if is_shown(likely) else essence


def is_shown(media_type: str) -> bool:
    """Whether a browser may show what it gets, and not only save it."""
    kind, _, subtype = media_type.partition("/")
    if any(word in subtype for word in _ACTIVE):
        return False
    return kind in ("image", "audio", "video") or media_type in ("application/pdf", "text/plain")


def extension_of(media_type: str) -> str:
    """The usual extension, without a dot; "bin" for a media type without one."""
    return _EXTENSIONS.get(media_type, "bin")


def type_of(extension: str) -> str:
    """The media type of an extension, that of plain bytes for an unknown one."""
    return _TYPES.get(extension.lower(), OCTETS)


def name_in(url: str, otherwise: str) -> str:
    """A safe name from the last segment of a URL's path, or from `otherwise` when nothing of that is left."""
    segment = unquote(urlsplit(url).path.rpartition("/")[2])
    return _safe(segment) or _safe(otherwise) or "asset"


def with_extension(name: str, media_type: str) -> str:
    """A safe name that ends as its media type does; one that already does stays as it is."""
    found = _EXTENSION.search(name)
    stem = name
    if found is not None and found[1].lower() in _TYPES:
        if type_of(found[1]) == media_type:
            return name
        stem = name[: found.start()]
    ending = f".{extension_of(media_type)}"
    return stem[: _LONGEST_NAME - len(ending)].rstrip(".") + ending


def _safe(text: str) -> str:
    """Letters, digits, dots, dashes and underscores of ASCII; no dot or dash at either end, 80 at the most.

    A long name loses its middle, because its end says what it is.
    """
    text = re.sub(r"\.{2,}", ".", _UNSAFE.sub("-", text)).strip(".-")
    if len(text) > _LONGEST_NAME:
        found = _EXTENSION.search(text)
        ending = found[0] if found else ""
        text = text[: _LONGEST_NAME - len(ending)].rstrip(".-") + ending
    return text
