"""What the reference engine does otherwise than capspec with things that both of them read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from capspec.language.dialects import Dialect
from capspec.language.walking import Found, entries
from capspec.lint.portability.finding import Difference
from capspec.lint.subject import Subject, texts_of

_KEBAB: Final = re.compile(r"[a-zA-Z0-9-]+")
_SINGLE: Final = re.compile(r"(?<!\{)\{[^{}]+\}(?!\})")
_DOUBLE: Final = re.compile(r"\{\{\s*([^{}]*?)\s*\}\}")
_SIMPLE: Final = re.compile(r"[\w$@.\[\]-]+")
_PREFIXES: Final = ("tools.", "rest.", "mcp.", "inputs.")
_AUTH: Final = ("basic", "digest", "apikey", "bearer")
_GUARDS: Final = (*_AUTH, "oauth2")
_STEPS: Final = ("call", "lookup", "script")
_FLOWS: Final = ("restOperation", "tool", "mcpResource", "function")


def startup(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """What keeps the engine from starting."""
    data = subject.document.data
    shared = [key for key in ("consumes", "exposes", "aggregates") if key in data]
    if "capability" in data and shared:
        refused = not dialect.maps
        yield Difference(
            code="CAP774",
            severity="error" if refused else "warning",
            message=f"'{shared[0]}' beside 'capability' is {'refused' if refused else 'ignored'} there",
            pointer=(shared[0],), key=True, hint="move it into 'capability'",
        )  # fmt: skip
    capability = data.get("capability")
    if isinstance(capability, dict) and not capability.get("exposes"):
        yield Difference(
            code="CAP774", severity="error", message="a capability that exposes nothing is refused there",
            pointer=("capability",), key=True, hint="add an adapter to 'exposes'",
        )  # fmt: skip
    if isinstance(capability, dict) and capability.get("binds"):
        yield Difference(
            code="CAP775", message="'binds' below 'capability' are read and never used there",
            pointer=("capability", "binds"), key=True, hint="move them to the root of the file",
        )  # fmt: skip


def bind_locations(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for bind in subject.of("bind"):
        location = bind.text("location", "uri")
        where = (*bind.pointer, "location" if "location" in bind.value else "uri")
        if location and not location.startswith("file:"):
            yield Difference(
                code="CAP774", severity="error", pointer=where,
                message=f"a bind from '{location.partition(':')[0]}' keeps the engine from starting",
            )  # fmt: skip
        elif location.endswith(".env"):
            yield Difference(
                code="CAP774", severity="error", pointer=where,
                message="a bind from a dotenv file keeps the engine from starting: it reads YAML and JSON",
            )  # fmt: skip


def extensions(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Adapters, authentications, steps and bodies of types that it does not have."""
    for item in subject.of("other"):
        yield _type(item, "refused", "error")
    for item in subject.of("skillAdapter", "rest"):
        if item.text("type") not in ("skill", "rest"):
            yield _type(item, f"written '{'skill' if item.kind == 'skillAdapter' else 'rest'}'", "error")
    for item in subject.of("authentication"):
        exposed = item.parents[-1].kind != "api"
        if item.text("type") not in (_GUARDS if exposed else _AUTH):
            yield _type(item, "refused" if exposed else "ignored: requests carry no credentials", "warning")
        if (
            item.text("type") == "apikey"
            and not exposed
            and "placement" not in item.value
            and "in" not in item.value
        ):
            yield Difference(
                code="CAP774", message="an API key without 'placement' fails each call there", pointer=item.pointer,
                hint="add 'placement: header'",
            )  # fmt: skip
    for item in subject.of("step"):
        kind = item.text("type")
        if kind not in _STEPS:
            yield _type(
                item,
                "ignored: such a step does nothing" if kind else "needed: a step without one does nothing",
                "warning",
            )


def _type(item: Found, what: str, severity: Any) -> Difference:
    key = ("type",) if "type" in item.value else ()
    return Difference(
        code="CAP776", severity=severity, message=f"the type '{item.text('type')}' is {what} there",
        pointer=(*item.pointer, *key), cause=f"{item.kind} {item.text('type')}",
    )  # fmt: skip


def paths(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of("apiResource"):
        path = item.text("path")
        if _SINGLE.search(path):
            message = (
                f"'{_found(_SINGLE, path)}' in a consumed path is not filled in there, but sent as it is"
            )
            yield Difference(
                code="CAP777", message=message, pointer=(*item.pointer, "path"), hint="write it with two braces",
                cause="single",
            )  # fmt: skip
        if path and not path.startswith("/"):
            message = f"the path '{path}' is put behind the base URI without a '/' there"
            yield Difference(
                code="CAP778",
                message=message,
                pointer=(*item.pointer, "path"),
                hint=f"write '/{path}'",
                cause="slash",
            )
    for api in subject.of("api"):
        uri = api.text("baseUri")
        where = (*api.pointer, "baseUri")
        if uri.endswith("/"):
            yield Difference(
                code="CAP774", severity="error", message="a base URI that ends in '/' is refused there", pointer=where,
                hint="leave it out",
            )  # fmt: skip
        elif "baseUri" in api.value and (
            not uri or "{" in uri or not uri.startswith(("http://", "https://"))
        ):
            yield Difference(
                code="CAP778", message="a base URI that is no address, or has braces, is called as it is there",
                pointer=where, hint="write the address",
            )  # fmt: skip


def variables(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Variables of binds, which it puts in only where credentials are."""
    bound = {name: bind.text("namespace") for bind in subject.of("bind") for name in _keys(bind)}
    spaces = {space for space in bound.values() if space} | {"env", "secrets"}
    for pointer, text in texts_of(subject.document.data):
        for name in _DOUBLE.findall(text):
            space, _, variable = name.rpartition(".")
            if space in spaces and (variable in bound or variable.isupper()):
                message = f"'{{{{{name}}}}}' has no value there: variables go by their bare names"
                yield Difference(
                    code="CAP779",
                    message=message,
                    pointer=pointer,
                    hint=f"write {{{{{variable}}}}}",
                    cause=f"ns {name}",
                )
            elif name in bound and not {"authentication", "auth", "tunnel"} & set(pointer):
                message = f"'{{{{{name}}}}}' has no value there: variables are only put into credentials"
                yield Difference(code="CAP779", message=message, pointer=pointer, cause=f"var {name}")


def _keys(bind: Found) -> list[str]:
    keys = bind.value.get("keys")
    return [key for key in keys if isinstance(key, str)] if isinstance(keys, dict | list) else []


def expressions(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """What stands in braces and is more than a name."""
    for pointer, text in texts_of(subject.document.data):
        if str(pointer[-1]) in ("description", "when", "condition", "if"):
            continue
        inside = _DOUBLE.findall(text)
        wrong = next(
            (name for name in inside if _SIMPLE.fullmatch(name) is None or name.startswith("$")), None
        )
        if wrong is None and "{%" in text:
            wrong = "{% … %}"
        if wrong is not None:
            message = f"'{wrong[:40]}' is an expression, of which nothing comes there"
            yield Difference(
                code="CAP780", message=message, pointer=pointer, hint="only names stand in braces there"
            )


def arguments(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Values of `with` that are references here and text there."""
    for item in subject.of(*_FLOWS, "step", "call"):
        given = item.value.get("with")
        if not isinstance(given, dict):
            continue
        own = _own(item)
        for key, value in given.items():
            where = (*item.pointer, "with", key)
            if isinstance(value, bool | list | dict):
                message = (
                    f"the value of '{key}' is {type(value).__name__} data, which 'with' cannot have there"
                )
                yield Difference(code="CAP781", message=message, pointer=where, cause="data")
            elif (
                isinstance(value, str)
                and not value.startswith(f"{own}.")
                and value.startswith((*_PREFIXES, "$this."))
            ):
                name = value.partition(".")[2]
                message = f"'{value}' is no argument there, but a text that is sent"
                hint = f"write '{own}.{name}'" if own else "write the namespace of the adapter before the dot"
                yield Difference(code="CAP781", message=message, pointer=where, hint=hint, cause="prefix")


def _own(item: Found) -> str:
    around = item.parent("rest", "mcp", "aggregate")
    return around.text("namespace") if around is not None else ""


def inputs(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    """Arguments that callers cannot give there, and parameters that have no effect."""
    for tool, served in subject.served("tool"):
        if not tool.value.get("inputParameters") and served.flow.inputs and "ref" not in tool.value:
            message = f"tool '{tool.name}' takes no arguments there, because it declares none"
            hint = "declare them in 'inputParameters'"
            yield Difference(code="CAP782", message=message, pointer=tool.pointer, hint=hint, cause="tool")
    for item in subject.of("input"):
        holder = item.parents[-1].kind
        where = item.text("in")
        if holder == "apiResource":
            message = f"the parameter '{item.name}' of a resource is not sent there"
            yield Difference(
                code="CAP783",
                message=message,
                pointer=item.pointer,
                hint="declare it at the operations",
                cause="res",
            )
        elif holder in ("api", "apiOperation") and where in ("cookie", "body", "formData"):
            message = f"the parameter '{item.name}' with 'in: {where}' is not sent there"
            yield Difference(
                code="CAP783", message=message, pointer=item.pointer, hint="write a 'body'", cause=where
            )


def outputs(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of("restOperation", "tool", "mcpResource"):
        found = entries(item.value.get("outputParameters"))
        if "call" in item.value and len(found) > 1:
            message = (
                f"of the {len(found)} outputs of '{item.name}' only the first that is not null is given there"
            )
            yield Difference(
                code="CAP784", message=message, pointer=(*item.pointer, "outputParameters"), key=True,
                hint="make one output of type object of them", cause="several",
            )  # fmt: skip
    for item in subject.of("output"):
        if item.text("type") == "integer":
            message = "outputs cannot be of type integer there"
            yield Difference(
                code="CAP784",
                severity="info",
                message=message,
                pointer=(*item.pointer, "type"),
                hint="write number",
                cause="int",
            )
        if "const" in item.value and "value" not in item.value:
            message = "'const' of an output has no effect there"
            yield Difference(
                code="CAP784",
                message=message,
                pointer=(*item.pointer, "const"),
                key=True,
                hint="write 'value'",
                cause="const",
            )


def bodies(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of("apiOperation"):
        body = item.value.get("body")
        kind = str(body.get("type", "json")) if isinstance(body, dict) else "json"
        if kind != "json":
            message = f"a body of type '{kind}' is sent as JSON text there"
            yield Difference(
                code="CAP785", message=message, pointer=(*item.pointer, "body", "type"), cause=kind
            )
        found = item.text("outputRawFormat").lower()
        if found and found not in dialect.formats:
            message = f"answers in the format '{found}' are not read there"
            yield Difference(
                code="CAP785", message=message, pointer=(*item.pointer, "outputRawFormat"), cause=found
            )


def steps(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of("step"):
        match = item.text("match")
        if match and _KEBAB.fullmatch(match) is None:
            message = f"a lookup cannot match '{match}' there: only letters, digits and '-' may be in it"
            yield Difference(
                code="CAP786",
                message=message,
                pointer=(*item.pointer, "match"),
                hint="give it another name in an output",
            )
    for item in subject.of("mapping"):
        value = item.value.get("value")
        if not isinstance(value, str) or re.fullmatch(r"\$(\.[\w-]+)+", value) is None:
            message = "this mapping gives nothing there: only paths such as $.step.field do"
            yield Difference(code="CAP786", message=message, pointer=(*item.pointer, "value"))


def names(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of(
        "api", "apiOperation", "tool", "restOperation", "function", "prompt", "skill", "step"
    ):
        name = item.text("namespace") if item.kind == "api" else item.name
        if name and _KEBAB.fullmatch(name) is None:
            message = f"'{name}' is no name there: only letters, digits and '-' may be in it"
            yield Difference(
                code="CAP787", severity="info", message=message, pointer=item.pointer, cause=item.kind
            )
        elif not name and item.kind in ("apiOperation", "tool", "function"):
            message = "it has no name, by which it could be called there"
            yield Difference(
                code="CAP787", message=message, pointer=item.pointer, hint="add 'name'", cause="none"
            )


def calls(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of(*_FLOWS, "step"):
        target = item.value.get("call")
        if isinstance(target, str) and target.count(".") != 1:
            message = f"'{target}' cannot be called there: a call is two names with one '.' between them"
            yield Difference(code="CAP788", message=message, pointer=(*item.pointer, "call"), cause="call")


def imports(subject: Subject, dialect: Dialect) -> Iterator[Difference]:
    for item in subject.of("import"):
        section = str(item.pointer[-2])
        asked, said = item.text("import"), {"from", "location", "url"} & set(item.value)
        if section not in dialect.sections:
            message = f"'{section}' cannot be imported there"
            yield Difference(code="CAP789", severity="error", message=message, pointer=item.pointer)
        elif asked in ("", "*") or not said:
            message = "an import names one namespace there, and the file that it is from"
            yield Difference(code="CAP789", severity="error", message=message, pointer=item.pointer)


def _found(pattern: re.Pattern[str], text: str) -> str:
    match = pattern.search(text)
    return match[0] if match else ""
