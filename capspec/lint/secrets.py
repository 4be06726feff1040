"""Rules about secrets that stand in the file itself. No finding ever shows one."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

from capspec.document import Pointer
from capspec.language.walking import Found
from capspec.lint.addresses import base_uri
from capspec.lint.subject import Finding, Subject, texts_of

_HINT: Final = (
    "write {{NAME}} in its place, declare NAME in 'binds', and change the secret: it may have been read"
)
_MOVED: Final = "use 'authentication' with {{NAME}}, declare NAME in 'binds', and change the secret"

_SECRET_KEYS: Final = frozenset(
    "token value password secret clientsecret refreshtoken privatekey signingkey signingkeypassword apikey secretkey"
    " secretaccesskey sessiontoken consumersecret tokensecret certpassword assertion serviceaccount".split()
)
_SEVERAL: Final = ("headers", "query", "queryParameters", "cookies", "parameters", "keys")
_NAMED: Final = re.compile(
    r"(?:^|[-_.])(?:authorization|api[-_]?key|apikey|auth[-_]?token|access[-_]?token|token|secret|password|passwd"
    r"|client[-_]?secret|private[-_]?key|x[-_]?auth|session[-_]?(?:id|token)|cookie)(?:$|[-_.])",
    re.IGNORECASE,
)
_REFERENCE: Final = re.compile(r"\{\{|\$(?:secrets|env)\.|\$\{|^[A-Z][A-Z0-9_]*$|^env\.\w+$")
_STAND_IN: Final = re.compile(
    r"^$|^<.*>$|^\[.*\]$|^(?:x{3,}|\*+|\.{3}|-+)$|^(?:your|my|some|a|the|change|replace|insert|put|todo|fixme|none|null"
    r"|true|false|placeholder|redacted|dummy|fake|example|sample)\b",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"(?:bearer|basic|token|apikey|key|digest)\s+", re.IGNORECASE)
_TOKENS: Final = re.compile(
    r"\b(?:sk|pk|rk)[-_](?:live|test|proj|ant|or)[-_][A-Za-z0-9_-]{12,}|\bsk-[A-Za-z0-9]{20,}"
    r"|\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_\w{40,}|\bglpat-[\w-]{18,}|\bxox[abeoprs]-[\w-]{10,}"
    r"|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b|\bAIza[\w-]{35}\b|\bhf_[A-Za-z0-9]{30,}|\bnpm_[A-Za-z0-9]{30,}"
    r"|\bpypi-[\w-]{40,}|\bSG\.[\w-]{16,}\.[\w-]{16,}|\bya29\.[\w-]{20,}|\bdop_v1_[0-9a-f]{40,}"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}|-----BEGIN (?:[A-Z ]+ )?PRIVATE KEY-----"
)
"""What the tokens of well-known services look like."""

_EXAMPLE: Final = re.compile(r"example|sample|\.\.\.|x{4,}|0{8,}|1234567", re.IGNORECASE)
_SHORTEST_RANDOM: Final = 20
_RANDOM: Final = 3.5
"""Bits of entropy for each character, from which on a long word is nothing that a person made up."""


def secret_in_file(subject: Subject) -> Iterator[Finding]:
    """One finding for each place: what is one by its place comes before what only looks like one."""
    seen: set[Pointer] = set()
    for found in (_in_credentials, _in_parameters, _like_tokens):
        for finding in found(subject):
            if finding.pointer not in seen:
                seen.add(finding.pointer)
                yield finding


def secret_in_address(subject: Subject) -> Iterator[Finding]:
    for api in subject.of("api"):
        key, uri = base_uri(api)
        what = _carried(uri)
        if what:
            message = f"the base URI of '{api.name}' has {what} in it"
            yield Finding(message=message, pointer=(*api.pointer, key), hint=_MOVED)


def _in_credentials(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("authentication"):
        for key, pointer, text in _credentials(item):
            if _is_literal(text):
                yield _written(f"the '{key}' of an authentication", pointer)
    for item in subject.of("webhook"):
        if _is_literal(item.text("secret")):
            yield _written("the 'secret' of a webhook", (*item.pointer, "secret"))


def _credentials(item: Found) -> Iterator[tuple[str, Pointer, str]]:
    block = item.value
    named_elsewhere = ("header" in block or "name" in block) and "value" not in block and "token" not in block
    for key, value in block.items():
        if key in _SEVERAL:
            for inner, text in texts_of(value, (*item.pointer, key)):
                if str(inner[-1]) not in ("name", "in", "placement", "key"):
                    yield key, inner, text
        elif key.lower().replace("_", "").replace("-", "") in _SECRET_KEYS or (
            key == "key" and named_elsewhere
        ):
            if isinstance(value, str):
                yield key, (*item.pointer, key), value


def _in_parameters(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("input"):
        if not _NAMED.search(item.name) or item.text("in") not in (
            "header",
            "query",
            "cookie",
            "environment",
            "body",
            "",
        ):
            continue
        for key in ("value", "const", "template", "default"):
            if _is_secret(item.value.get(key)):
                yield _written(f"a value of the parameter '{item.name}'", (*item.pointer, key))
    for api in subject.of("api"):
        headers = api.value.get("headers")
        for name, value in headers.items() if isinstance(headers, dict) else ():
            if _NAMED.search(str(name)) and _is_secret(value):
                yield _written(f"the value of the header '{name}'", (*api.pointer, "headers", name))
    for pointer, text in texts_of(subject.document.data):
        if "with" in pointer and _NAMED.search(str(pointer[-1])) and _looks_random(text):
            yield _written(f"a value of '{pointer[-1]}'", pointer)


def _like_tokens(subject: Subject) -> Iterator[Finding]:
    for pointer, text in texts_of(subject.document.data):
        found = _TOKENS.search(text)
        if found is not None and not _EXAMPLE.search(found[0]):
            yield Finding(message="this looks like the token of a service", pointer=pointer, hint=_HINT)


def _written(what: str, pointer: Pointer) -> Finding:
    return Finding(message=f"{what} is written in the file", pointer=pointer, hint=_HINT)


def _is_literal(text: str) -> bool:
    """Whether a credential is one, and not the name of a variable or a stand-in for one."""
    bare = _WORDS.sub("", text.strip(), count=1).strip()
    return not _REFERENCE.search(bare) and not _STAND_IN.search(bare)


def _is_secret(value: Any) -> bool:
    if not isinstance(value, str) or not _is_literal(value):
        return False
    prefixed = _WORDS.match(value.strip()) is not None
    return prefixed or _looks_random(value) or _TOKENS.search(value) is not None


def _looks_random(text: str) -> bool:
    """Whether a text is one long word that nobody made up."""
    if len(text) < _SHORTEST_RANDOM or not re.fullmatch(r"[\w+/=.~-]+", text) or not _is_literal(text):
        return False
    counts = Counter(text).values()
    entropy = -sum(count / len(text) * math.log2(count / len(text)) for count in counts)
    return entropy > _RANDOM and any(map(str.isdigit, text)) and any(map(str.isalpha, text))


def _carried(uri: str) -> str:
    """What of a secret an address carries; "" for nothing."""
    try:
        parts = urlsplit(uri)
        password = parts.password or ""
    except ValueError:
        return ""
    if password and _is_literal(password):
        return "a password"
    for name, value in parse_qsl(parts.query):
        if _NAMED.search(name) and _is_literal(value):
            return f"the value of '{name}'"
    return ""
