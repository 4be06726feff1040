"""Every extension, one line each: a word of the language to the import string of what it means.

An extension is imported when a file first uses it, so nobody pays for what their file does not name.
"""

from __future__ import annotations

import difflib
import importlib
from typing import Any

EXTENSIONS: dict[str, dict[str, str]] = {
    "adapter": {
        "rest": "capspec.adapters.rest.adapter:build",
        "mcp": "capspec.adapters.mcp.adapter:build",
    },
    "auth": {
        "apikey": "capspec.auth.apikey:compile_auth",
        "bearer": "capspec.auth.bearer:compile_auth",
        "basic": "capspec.auth.basic:compile_auth",
        "digest": "capspec.auth.digest:compile_auth",
        "oauth2": "capspec.auth.oauth2:compile_auth",
    },
    "guard": {
        "apikey": "capspec.guards.apikey:compile_guard",
        "bearer": "capspec.guards.bearer:compile_guard",
        "basic": "capspec.guards.basic:compile_guard",
    },
    "bind": {
        "env": "capspec.binds.env:open_source",
        "file": "capspec.binds.file:open_source",
    },
    "codec": {
        "json": "capspec.codecs.json:CODEC",
        "text": "capspec.codecs.text:CODEC",
        "form": "capspec.codecs.form:CODEC",
        "binary": "capspec.codecs.binary:CODEC",
        "xml": "capspec.codecs.xml:CODEC",
    },
    "step": {
        "call": "capspec.steps.call:compile_step",
        "lookup": "capspec.steps.lookup:compile_step",
    },
    "transport": {
        "httpx": "capspec.transports.httpx:open_transport",
    },
}

SYNONYMS: dict[tuple[str, str], str] = {
    ("adapter", "api"): "rest",
    ("auth", "apiKey"): "apikey",
    ("auth", "api-key"): "apikey",
    ("auth", "header"): "apikey",
    ("auth", "query"): "apikey",
    ("auth", "oauth2-client-credentials"): "oauth2",
    ("guard", "apiKey"): "apikey",
    ("codec", "formUrlEncoded"): "form",
    ("codec", "octet-stream"): "binary",
    ("codec", "raw"): "text",
}
"""Other spellings of the same extension that real files use."""


class UnknownExtension(LookupError):
    """No extension has this word; the message names the nearest one."""


def names(kind: str) -> tuple[str, ...]:
    """The words that an author may write for this kind."""
    return tuple(EXTENSIONS[kind])


def canonical(kind: str, name: str) -> str:
    """The extension's own word for a spelling."""
    return SYNONYMS.get((kind, name), name)


def find(kind: str, name: str) -> Any:
    """Import and return the extension that a word names.

    Raises UnknownExtension with a suggestion.
    """
    known = EXTENSIONS[kind]
    target = known.get(canonical(kind, name))
    if target is None:
        near = difflib.get_close_matches(name, known, 1)
        mend = f"did you mean '{near[0]}'?" if near else f"use one of: {', '.join(known)}"
        raise UnknownExtension(f"'{name}' is not a known {kind}; {mend}")
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)
