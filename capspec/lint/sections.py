"""Rules about the sections of a file: namespaces, imports, credentials, tunnels, scripts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from capspec.language.walking import Found
from capspec.lint.addresses import base_uri, host_of
from capspec.lint.subject import Finding, Subject

_ALONE: Final = {"type", "in", "placement", "realm", "header", "tls"}


def shared_namespace(subject: Subject) -> Iterator[Finding]:
    """One namespace for two things, so that a name that begins with it may mean either."""
    first: dict[str, Found] = {}
    for item in subject.of("api", "rest", "mcp", "skillAdapter", "bind"):
        name = item.text("namespace")
        if not name:
            continue
        other = first.setdefault(name, item)
        kinds = {other.kind, item.kind}
        if other is item or kinds == {"api"} or kinds <= {"rest", "mcp", "skillAdapter"}:
            continue
        message = f"'{name}' is the namespace of {_what(other)} and of {_what(item)}"
        yield Finding(message=message, pointer=(*item.pointer, "namespace"), hint="give each one of its own")


def _what(item: Found) -> str:
    return {"api": "a consumed API", "bind": "a bind"}.get(
        item.kind, f"an exposed {item.text('type')} adapter"
    )


def adapter_without_namespace(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("rest", "mcp", "skillAdapter"):
        if not item.text("namespace"):
            message = (
                f"the exposed {item.text('type')} adapter has no namespace, and goes by '{item.text('type')}'"
            )
            yield Finding(message=message, pointer=item.pointer, hint="add 'namespace'")


def stdio_with_authentication(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("mcp"):
        key = next((key for key in ("authentication", "auth") if key in item.value), "")
        if key and item.text("transport").lower() == "stdio":
            message = "over stdio nobody is asked who they are: 'authentication' has no effect"
            yield Finding(
                message=message,
                pointer=(*item.pointer, key),
                key=True,
                hint="take it out, or use 'transport: http'",
            )


def _guards(subject: Subject) -> Iterator[Found]:
    for item in subject.of("authentication"):
        if item.text("type").lower() == "oauth2" and item.parents[-1].kind in (
            "rest",
            "mcp",
            "skillAdapter",
            "control",
        ):
            yield item


def issuer_without_tls(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("authentication"):
        uri = item.text("authorizationServerUri")
        if uri.startswith("http://") and host_of(uri) not in ("localhost", "127.0.0.1", "::1"):
            message = (
                "the authorization server is asked without encryption, so that anybody could answer for it"
            )
            yield Finding(
                message=message, pointer=(*item.pointer, "authorizationServerUri"), hint="write https://"
            )


def resource_without_tls(subject: Subject) -> Iterator[Finding]:
    for item in _guards(subject):
        uri = item.text("resource")
        if uri.startswith("http://") and host_of(uri) not in ("localhost", "127.0.0.1", "::1"):
            message = "tokens are for a resource without encryption, on the way to which they can be read"
            yield Finding(
                message=message, pointer=(*item.pointer, "resource"), hint="write the https:// address"
            )


def no_scopes(subject: Subject) -> Iterator[Finding]:
    for item in _guards(subject):
        if not item.value.get("scopes"):
            message = (
                "any token for this resource is let in, whatever it was given for: there are no 'scopes'"
            )
            yield Finding(
                message=message, pointer=(*item.pointer, "type"), hint="add the scopes that callers need"
            )


def type_only(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("authentication"):
        if (
            item.value.get("type")
            and not set(item.value) - _ALONE
            and item.text("type").lower() not in ("none", "certificate")
        ):
            message = f"'{item.text('type')}' authentication says nothing but its type"
            yield Finding(
                message=message, pointer=(*item.pointer, "type"), hint="add what it needs, or take it out"
            )


def import_in_shared_file(subject: Subject) -> Iterator[Finding]:
    if "capability" in subject.document.data:
        return
    for item in subject.of("import"):
        if item.pointer[0] in ("consumes", "aggregates", "exposes", "binds"):
            message = (
                "a file that is there to be imported from imports itself, which other engines do not follow"
            )
            yield Finding(
                message=message, pointer=item.pointer, hint="import it where it is used", cause="import"
            )


def tunnel_identity(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("tunnel"):
        identity = item.text("identity")
        if identity and "{{" not in identity and not identity.startswith(("$secrets.", "$env.")):
            message = "the identity of a tunnel is written in the file"
            yield Finding(
                message=message, pointer=(*item.pointer, "identity"), hint="write {{NAME}}, and bind NAME"
            )


def tunnel_fallback(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("tunnel"):
        if item.text("fallback").lower() == "direct":
            message = "without its tunnel the API is called over the open network"
            yield Finding(
                message=message,
                pointer=(*item.pointer, "fallback"),
                hint="write 'fallback: fail' if it must not be",
            )


def tunnel_to_public(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("tunnel"):
        key, uri = base_uri(item.parents[-1])
        host = host_of(uri)
        if key and "." in host and not host.endswith((".local", ".internal", ".ziti")):
            message = f"a tunnel leads to '{host}', which looks as if it could be reached without one"
            yield Finding(
                message=message, pointer=(*item.parents[-1].pointer, key), hint="take 'tunnel' out if it can"
            )


def script_defaults(subject: Subject) -> Iterator[Finding]:
    scripting = [item.value.get("scripting") for item in subject.of("management")]
    defaults = next((item for item in scripting if isinstance(item, dict)), {})
    for step in subject.of("step"):
        if step.text("type") != "script" and "file" not in step.value:
            continue
        for key, default in (("language", "defaultLanguage"), ("location", "defaultLocation")):
            if key not in step.value and default not in defaults and not {"source", "code"} & set(step.value):
                message = f"the script step '{step.name}' has no '{key}', and there is no '{default}'; other engines need one"
                yield Finding(message=message, pointer=step.pointer, hint=f"add '{key}'", cause=key)


def outputs_that_say_nothing(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("output"):
        flow = item.parents[-1]
        if flow.kind not in ("tool", "restOperation", "mcpResource", "function") or "steps" in flow.value:
            continue
        if item.text("type") == "object" and not set(item.value) & {
            "mapping",
            "value",
            "const",
            "properties",
            "values",
        }:
            if "call" in flow.value:
                message = "this output is an object of nothing: it has neither 'mapping' nor 'properties'"
                yield Finding(
                    message=message,
                    pointer=item.pointer,
                    hint="add 'mapping: $.' for the whole answer",
                    cause="output",
                )


_FLAGS: Final = frozenset(
    "required readOnly destructive idempotent openWorld safe cacheable parallel binary health info reload validate"
    " enabled".split()
)


def numbers_in_quotes(subject: Subject) -> Iterator[Finding]:
    """Texts that are read as a number, or as true or false: other engines refuse them."""
    for item in subject.found:
        for key, value in item.value.items():
            if not isinstance(value, str):
                continue
            number = (
                key == "port" and item.kind in ("rest", "mcp", "skillAdapter", "control") and value.isdigit()
            )
            if number or (key in _FLAGS and value.lower() in ("true", "false")):
                message = f"'{key}' is a text, and is read as {value.lower()}"
                yield Finding(
                    message=message, pointer=(*item.pointer, key), hint="leave the quotes out", cause=key
                )
