"""Parts of a body and a call's names to what a codec writes: values, and the bytes of files."""

from __future__ import annotations

from collections.abc import Mapping

from capspec.plan.bodies import Part, Parts
from capspec.request.encoding import text_of
from capspec.request.inline import Inline, is_data_url, read_inline
from capspec.template import Template
from capspec.values import MISSING, Json, Missing, Scope

Files = Mapping[int, Inline]
"""Files that were fetched, by the number of their part."""

NO_FILES: Files = {}


def addresses(parts: Parts, scope: Scope) -> dict[int, str]:
    """The URLs that are to be fetched, by the number of their part; a missing one is left out.

    Raises ValueError for what is no URL.
    """
    found: dict[int, str] = {}
    for number, part in enumerate(parts.parts):
        url = _read(part.url, scope)
        if url is MISSING or url is None or _is_inline(url):
            continue
        if not isinstance(url, str) or not url.startswith(("https://", "http://")):
            raise ValueError(f"needs an address (https://…) for {_shown(parts, part, scope)}")
        found[number] = url
    return found


def rendered(parts: Parts, scope: Scope, files: Files) -> Json | Missing:
    """A list of parts as `capspec.codecs.multipart` takes them, or the content of a single one.

    A part without a value is left out. Raises ValueError for a file that cannot be read.
    """
    contents = [files.get(number) or _content(parts, part, scope) for number, part in enumerate(parts.parts)]
    if parts.single:
        return contents[0]
    made = [
        described
        for part, found in zip(parts.parts, contents, strict=True)
        if found is not MISSING and found is not None
        for described in (_field(part, found, scope) if part.is_field else [_described(part, found, scope)])
    ]
    return made or MISSING


def _content(parts: Parts, part: Part, scope: Scope) -> Inline | Json | Missing:
    if part.content is not None:
        return part.content
    if part.value is not None:
        return _read(part.value, scope) if isinstance(part.value, Template) else part.value.render(scope)
    written = _read(part.base64 or part.url, scope)
    if written is MISSING or written is None:
        return MISSING
    try:
        return read_inline(written, part.max_size)
    except ValueError as error:
        raise ValueError(f"has {_shown(parts, part, scope)} that {error}") from None


def _described(part: Part, found: Inline | Json, scope: Scope) -> dict[str, Json]:
    made: dict[str, Json] = {"name": _text(part.name, scope), "value": found}
    filename, media_type = _text(part.filename, scope), _text(part.media_type, scope)
    if isinstance(found, Inline):
        made["value"] = found.content
        filename, media_type = filename or found.filename, media_type or found.media_type
    return made | {"filename": filename, "contentType": media_type}


def _field(part: Part, found: Inline | Json, scope: Scope) -> list[dict[str, Json]]:
    """A field of an object as a form has it: a file, a value, or each item of a list."""
    name = _text(part.name, scope)
    return [
        {"name": name, "base64": item} if is_data_url(item) else {"name": name, "value": [item]}
        for item in (found if isinstance(found, list) else [found])
    ]


def _is_inline(url: Json) -> bool:
    return isinstance(url, str) and url[:5].lower() == "data:"


def _shown(parts: Parts, part: Part, scope: Scope) -> str:
    return "a file" if parts.single else f"a part '{_text(part.name, scope)[:60]}'"


def _read(template: Template | None, scope: Scope) -> Json | Missing:
    return MISSING if template is None else template.value(scope)


def _text(template: Template | None, scope: Scope) -> str:
    value = _read(template, scope)
    return "" if value is MISSING or value is None else text_of(value)
