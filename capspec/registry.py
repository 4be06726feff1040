"""Every extension, one line each: a word of the language to the import string of what it means.

An extension is imported when a file first uses it, so nobody pays for what their file does not name.
"""

from __future__ import annotations

import difflib
import importlib
import re
from typing import Any

EXTENSIONS: dict[str, dict[str, str]] = {
    "adapter": {
        "rest": "capspec.adapters.rest.adapter:build",
        "mcp": "capspec.adapters.mcp.adapter:build",
        "skill": "capspec.adapters.skill.adapter:build",
        "control": "capspec.adapters.control.adapter:build",
    },
    "auth": {
        "apikey": "capspec.auth.apikey:compile_auth",
        "bearer": "capspec.auth.bearer:compile_auth",
        "basic": "capspec.auth.basic:compile_auth",
        "digest": "capspec.auth.digest:compile_auth",
        "oauth2": "capspec.auth.oauth2:compile_auth",
        "oauth1": "capspec.auth.oauth1:compile_auth",
        "hmac": "capspec.auth.hmac:compile_auth",
        "aws-sig-v4": "capspec.auth.aws_sig_v4:compile_auth",
        "certificate": "capspec.auth.certificate:compile_auth",
    },
    "guard": {
        "apikey": "capspec.guards.apikey:compile_guard",
        "bearer": "capspec.guards.bearer:compile_guard",
        "basic": "capspec.guards.basic:compile_guard",
        "digest": "capspec.guards.digest:compile_guard",
        "oauth2": "capspec.guards.oauth2:compile_guard",
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
        "multipart": "capspec.codecs.multipart:CODEC",
        "sparql": "capspec.codecs.sparql:QUERY",
        "sparql-update": "capspec.codecs.sparql:UPDATE",
        "csv": "capspec.codecs.delimited:CSV",
        "tsv": "capspec.codecs.delimited:TSV",
        "psv": "capspec.codecs.delimited:PSV",
        "yaml": "capspec.codecs.yaml:CODEC",
        "html": "capspec.codecs.html:compile_codec",
        "markdown": "capspec.codecs.markdown:compile_codec",
        "avro": "capspec.codecs.avro:compile_codec",
        "protobuf": "capspec.codecs.protobuf:compile_codec",
    },
    "step": {
        "call": "capspec.steps.call:compile_step",
        "lookup": "capspec.steps.lookup:compile_step",
        "script": "capspec.steps.script:compile_step",
        "transform": "capspec.steps.transform:compile_step",
        "block": "capspec.steps.block:BlockStep",
        "wait-for": "capspec.steps.wait_for:compile_step",
    },
    "script": {
        "javascript": "capspec.scripting.javascript:LANGUAGE",
        "python": "capspec.scripting.python:LANGUAGE",
    },
    "transport": {
        "httpx": "capspec.transports.httpx:open_transport",
    },
}

SYNONYMS: dict[tuple[str, str], str] = {
    ("adapter", "api"): "rest",
    ("adapter", "agent-skill"): "skill",
    ("auth", "apiKey"): "apikey",
    ("auth", "api-key"): "apikey",
    ("auth", "header"): "apikey",
    ("auth", "headers"): "apikey",
    ("auth", "query"): "apikey",
    ("auth", "cookie"): "apikey",
    ("auth", "cookies"): "apikey",
    ("auth", "custom"): "apikey",
    ("auth", "token"): "bearer",
    ("auth", "oauth"): "oauth2",
    ("auth", "oauth2-client-credentials"): "oauth2",
    ("auth", "client-credentials"): "oauth2",
    ("auth", "service-account"): "oauth2",
    ("auth", "google-service-account"): "oauth2",
    ("auth", "jwt-bearer"): "oauth2",
    ("auth", "oauth1a"): "oauth1",
    ("auth", "aws"): "aws-sig-v4",
    ("auth", "aws4"): "aws-sig-v4",
    ("auth", "aws-iam"): "aws-sig-v4",
    ("auth", "sigv4"): "aws-sig-v4",
    ("auth", "aws-signature-v4"): "aws-sig-v4",
    ("auth", "aws-signature"): "aws-sig-v4",
    ("auth", "hmac-signature"): "hmac",
    ("auth", "client-certificate"): "certificate",
    ("auth", "mtls"): "certificate",
    ("auth", "mutualTLS"): "certificate",
    ("guard", "apiKey"): "apikey",
    ("guard", "api-key"): "apikey",
    ("step", "waitFor"): "wait-for",
    ("step", "try"): "block",
    ("step", "group"): "block",
    ("codec", "formUrlEncoded"): "form",
    ("codec", "urlencoded"): "form",
    ("codec", "x-www-form-urlencoded"): "form",
    ("codec", "multipartForm"): "multipart",
    ("codec", "multipartFormData"): "multipart",
    ("codec", "formData"): "multipart",
    ("codec", "multipart/form-data"): "multipart",
    ("codec", "octet-stream"): "binary",
    ("codec", "bytes"): "binary",
    ("codec", "sparqlQuery"): "sparql",
    ("codec", "yml"): "yaml",
    ("codec", "htm"): "html",
    ("codec", "md"): "markdown",
    ("codec", "proto"): "protobuf",
    ("codec", "plain"): "text",
    ("codec", "txt"): "text",
    ("codec", "raw"): "text",
}
"""Other spellings of the same extension that real files use; capitals, `-`, `_` and blanks do not count."""

UNSERVED: dict[tuple[str, str], str] = {
    ("auth", "oauth2-interactive"): "needs a person at a browser; store a refresh token, and write "
    "'type: oauth2' with 'grantType: refresh_token'",
    ("auth", "openIdConnect"): "needs a person at a browser; store a refresh token, and write "
    "'type: oauth2' with 'grantType: refresh_token'",
    ("auth", "saml"): "needs a person at a browser; if the API takes SAML assertions for tokens, write "
    "'type: oauth2' with 'grantType: saml2-bearer'",
    ("auth", "session"): "needs a login that no file can describe; if a cookie or a token is enough, write "
    "'type: cookie' or 'type: bearer'",
    ("auth", "ntlm"): "signs connections instead of requests, which is not supported",
    ("auth", "negotiate"): "needs the tickets of a signed-in person (Kerberos), which is not supported",
    ("auth", "kerberos"): "needs the tickets of a signed-in person, which is not supported",
}
"""Words that mean something which no runtime without a person can do, and why."""

_SAID = {
    "adapter": "type of adapter",
    "auth": "type of authentication",
    "guard": "type of authentication",
    "bind": "kind of location",
    "codec": "format",
    "step": "type of step",
}
"""What authors call the kinds."""

_BETWEEN = re.compile(r"[-_ ]")


class UnknownExtension(LookupError):
    """No extension has this word; `hint` names the nearest one, or says what may be written."""

    def __init__(self, message: str, hint: str = "", *, word: str = "") -> None:
        super().__init__(f"{message}; {hint}" if hint else message)
        self.message = message
        self.hint = hint
        self.word = word


def names(kind: str) -> tuple[str, ...]:
    """The words that an author may write for this kind."""
    return tuple(EXTENSIONS[kind])


def canonical(kind: str, name: str) -> str:
    """The extension's own word for a spelling; a word that is not known stays as it is."""
    if name in EXTENSIONS[kind]:
        return name
    spellings = {_plain(word): word for word in EXTENSIONS[kind]}
    spellings |= {_plain(word): meant for (of, word), meant in SYNONYMS.items() if of == kind}
    return spellings.get(_plain(name), name)


def _plain(word: str) -> str:
    return _BETWEEN.sub("", word).lower()


def find(kind: str, name: str) -> Any:
    """Import and return the extension that a word names.

    Raises UnknownExtension with a suggestion.
    """
    known = EXTENSIONS[kind]
    target = known.get(canonical(kind, name))
    if target is None:
        _explain(kind, name)
        near = difflib.get_close_matches(name.lower(), known, 1)
        mend = f"did you mean '{near[0]}'?" if near else f"use one of: {', '.join(known)}"
        raise UnknownExtension(f"'{name}' is not a known {_SAID.get(kind, kind)}", mend, word=name)
    module, _, attribute = target.partition(":")
    return getattr(importlib.import_module(module), attribute)


def _explain(kind: str, name: str) -> None:
    """Raises UnknownExtension with the reason for a word that is known, and that nothing here can do."""
    for (of, word), reason in UNSERVED.items():
        if of == kind and _plain(word) == _plain(name):
            raise UnknownExtension(f"'{name}' {reason}")
