"""Request bodies whose content comes from more places than a template: the parts of a form, and files."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.template import Template, Tree


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part, or one file, of a body. Of `value`, `base64`, `url` and `content` exactly one is there.

    `content` are the bytes of a file that lies beside the capability file. A `url` may only lead to an origin
    that `allowed` has, as `egress.pattern_of` reads them. Files have at most `max_size` bytes. Where the part
    `is_field` of an object, a value that is a `data:` URL is a file.
    """

    name: Template
    value: Template | Tree | None = None
    base64: Template | None = None
    url: Template | None = None
    content: bytes | None = None
    filename: Template | None = None
    media_type: Template | None = None
    allowed: tuple[str, ...] = ()
    max_size: int
    is_field: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The parts of a form in order; a `single` one is the body itself. `names` are those that they read."""

    parts: tuple[Part, ...]
    names: tuple[str, ...]
    single: bool = False
