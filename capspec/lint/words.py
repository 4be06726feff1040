"""Rules about what a file says in words: to people, and to models, which obey words."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import Final

from capspec.document import Pointer
from capspec.language.walking import Found
from capspec.lint.subject import Finding, Subject

_SAID: Final = ("description", "label", "display", "title", "summary", "name", "content", "text")
"""Keys whose texts people or models read."""

_SPEAKING: Final = ("description", "label", "display", "title", "summary", "content", "text")

_STEERING: Final = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"\b(?:ignore|disregard|forget|override|bypass)\s+(?:(?:all|any|the|your|these|those|of|every)\s+){0,3}"
        r"(?:previous|prior|earlier|above|preceding|other|existing|system|safety)\s+"
        r"(?:\w+\s+)?(?:instructions?|prompts?|rules?|messages?|guidelines?|directions?|context|policies)\b",
        r"\b(?:do\s+not|don'?t|never)\s+(?:tell|inform|alert|notify|mention\s+(?:this|it)\s+to|reveal\s+(?:this|it)\s+to"
        r"|show\s+(?:this|it)\s+to)\s+(?:the\s+)?(?:user|human|operator)\b",
        r"\bwithout\s+(?:telling|informing|alerting|notifying|asking)\s+the\s+(?:user|human|operator)\b",
        r"\b(?:always|must)\s+(?:call|use|invoke|run)\s+this\s+tool\s+(?:first|before|instead)\b",
        r"\bbefore\s+(?:using|calling|invoking|running)\s+(?:any|every|each)\s+(?:other\s+)?tools?\b",
        r"\b(?:do\s+not|don'?t|never)\s+(?:use|call|invoke)\s+(?:any\s+|the\s+)?other\s+(?:\w+\s+)?tools?\b",
        r"<\s*/?\s*(?:important|system|instructions?|secret|admin)\s*>",
        r"<\|(?:im_start|im_end|system|user|assistant|endoftext)\|>|\[/?INST\]|<<\s*/?SYS\s*>>",
        r"\b(?:your|the)\s+new\s+(?:instructions|role|task)\s+(?:are|is)\b|\byou\s+are\s+now\s+(?:a|an|in|the)\b",
        r"\b(?:send|forward|upload|post|include|append|copy|leak)\b[^.\n]{0,60}\b(?:conversation|chat\s+history"
        r"|system\s+prompt|your\s+(?:api\s+keys?|credentials|instructions|context))\b",
        r"~/\.(?:ssh|aws|config|env)\b|\bid_rsa\b|/etc/(?:passwd|shadow)\b",
    )
)
"""Words that are addressed to a model, and not about what something does. The list is short on purpose."""

_MARKUP: Final = re.compile(
    r"<\s*(?:script|iframe|object|embed|svg|img|style|link|meta|form)\b|\bjavascript:", re.IGNORECASE
)
_SCRIPT: Final = re.compile(r"<\s*/?\s*script\b|\bjavascript:", re.IGNORECASE)
_EVAL: Final = re.compile(r"\beval\s*\(")
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e007f\U000e0100-\U000e01ef]"
)
_JOINERS: Final = "\u200c\u200d"
_SHORTEST: Final = 12
_STEP_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")


def said(subject: Subject, *, names: bool = False) -> Iterator[tuple[Found, Pointer, str]]:
    """Every text that people or models read, with the object that it is of."""
    for item in subject.found:
        for key in _SAID if names else _SPEAKING:
            text = item.value.get(key)
            if isinstance(text, str):
                yield item, (*item.pointer, key), text


def steering(subject: Subject) -> Iterator[Finding]:
    for _, pointer, text in said(subject):
        for pattern in _STEERING:
            found = pattern.search(text)
            if found is not None:
                words = " ".join(found[0].split())[:60]
                message = f"a {_word(pointer)} gives orders to models: '{words}'"
                hint = "say what it does, and leave to the reader what to do with it"
                yield Finding(message=message, pointer=pointer, hint=hint)
                break


def hidden_characters(subject: Subject) -> Iterator[Finding]:
    for _, pointer, text in said(subject, names=True):
        if text.isascii() and text.isprintable():
            continue
        for found in _HIDDEN.finditer(text):
            if not _is_joining(text, found.start()):
                message = f"a {_word(pointer)} has a character that nobody sees: {_named(found[0])}"
                hint = "take it out: models read what people do not see"
                yield Finding(message=message, pointer=pointer, hint=hint)
                break


def script_tags(subject: Subject) -> Iterator[Finding]:
    for _, pointer, text in said(subject):
        if _SCRIPT.search(text):
            message = f"a {_word(pointer)} has a script in it"
            yield Finding(message=message, pointer=pointer, hint="take it out: who shows the text may run it")


def eval_calls(subject: Subject) -> Iterator[Finding]:
    for _, pointer, text in said(subject):
        if _EVAL.search(text):
            message = f"a {_word(pointer)} has 'eval(' in it"
            yield Finding(message=message, pointer=pointer, hint="say it without code that runs code")


def markup(subject: Subject) -> Iterator[Finding]:
    for _, pointer, text in said(subject):
        found = _MARKUP.search(text)
        if found is not None and not _SCRIPT.search(text):
            message = f"a {_word(pointer)} has HTML in it that loads or hides something: '{found[0]}'"
            yield Finding(message=message, pointer=pointer, hint="write plain text or Markdown")


def no_tags(subject: Subject) -> Iterator[Finding]:
    info = next(iter(subject.of("info")), None)
    if info is not None and not info.value.get("tags"):
        message = "the capability has no tags, by which catalogues find it"
        yield Finding(message=message, pointer=("info",), key=True, hint="add 'tags' to 'info'")


def _undescribed(subject: Subject, what: str, *kinds: str) -> Iterator[Finding]:
    for item in subject.of(*kinds):
        if not item.text("description").strip() and item.value:
            called = f" '{item.name}'" if item.name else ""
            yield Finding(
                message=f"{what}{called} has no description",
                pointer=item.pointer,
                hint="say what it is for",
                cause=what,
            )


def api_undescribed(subject: Subject) -> Iterator[Finding]:
    yield from _undescribed(subject, "the consumed API", "api")


def rest_resource_undescribed(subject: Subject) -> Iterator[Finding]:
    yield from _undescribed(subject, "the resource", "restResource")


def rest_operation_undescribed(subject: Subject) -> Iterator[Finding]:
    for finding in _undescribed(subject, "the operation", "restOperation"):
        if "ref" not in (subject.document.value(finding.pointer) or {}):
            yield finding


def function_undescribed(subject: Subject) -> Iterator[Finding]:
    yield from _undescribed(subject, "the function", "function")


def tool_undescribed(subject: Subject) -> Iterator[Finding]:
    """What models choose a tool by; the operation's own description stands in for it."""
    for item, served in subject.served("tool"):
        text = served.flow.description.strip()
        key = ("description",) if "description" in item.value else ()
        if not text:
            message = f"tool '{item.name}' has no description, by which models choose"
        elif len(text) < _SHORTEST:
            message = (
                f"tool '{item.name}' has a description of {len(text)} characters, by which models choose"
            )
        else:
            continue
        hint = "say what it does, and when to use it"
        yield Finding(
            message=message,
            pointer=(*item.pointer, *key),
            hint=hint,
            cause="no description" if not text else "",
        )


def step_names(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("step"):
        if item.name and _STEP_NAME.fullmatch(item.name) is None:
            key = isinstance(item.pointer[-1], str)
            message = f"the step '{item.name}' has a name that expressions cannot read"
            hint = "use letters, digits, '-' and '_'"
            yield Finding(
                message=message, pointer=item.pointer if key else (*item.pointer, "name"), key=key, hint=hint
            )


def _word(pointer: Pointer) -> str:
    key = str(pointer[-1])
    return {"content": "prompt's text", "text": "prompt's text"}.get(key, key)


def _named(character: str) -> str:
    return f"U+{ord(character):04X} ({unicodedata.name(character, 'a control character').lower()})"


def _is_joining(text: str, at: int) -> bool:
    """Whether a joiner does what it is for: between characters of emoji, or of scripts that join letters."""
    if text[at] not in _JOINERS or at in (0, len(text) - 1):
        return False
    return not text[at - 1].isascii() and not text[at + 1].isascii()
