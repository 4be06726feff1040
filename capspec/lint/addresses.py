"""Rules about addresses: base URIs, paths, and where adapters listen."""

from __future__ import annotations

import re
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from capspec.host_check import is_loopback
from capspec.language.walking import Found
from capspec.lint.subject import Finding, Subject

_EXAMPLE: Final = re.compile(
    r"(?:^|\.)(?:example\.(?:com|org|net|edu)|example)$|^your[-_.]?|(?:^|[.-])your[-_]", re.IGNORECASE
)
_PRIVATE: Final = (
    ".local",
    ".internal",
    ".localhost",
    ".test",
    ".lan",
    ".cluster.local",
    ".svc",
    ".home.arpa",
)


def base_uri(api: Found) -> tuple[str, str]:
    """The key and the text of a base URI; two empty ones for none."""
    for key in ("baseUri", "baseUrl"):
        if isinstance(api.value.get(key), str):
            return key, api.value[key].strip()
    return "", ""


def trailing_slash(subject: Subject) -> Iterator[Finding]:
    for api in subject.of("api"):
        key, uri = base_uri(api)
        if uri.endswith("/"):
            message = f"the base URI of '{api.name}' ends in '/'"
            yield Finding(
                message=message, pointer=(*api.pointer, key), hint="leave it out: paths begin with one"
            )


def example_host(subject: Subject) -> Iterator[Finding]:
    for api in subject.of("api"):
        key, uri = base_uri(api)
        host = host_of(uri)
        if host and _EXAMPLE.search(host):
            message = f"the base URI of '{api.name}' is an example: '{host}' is nobody's API"
            yield Finding(
                message=message, pointer=(*api.pointer, key), hint="write the address of the real API"
            )


def example_address(subject: Subject) -> Iterator[Finding]:
    for adapter in subject.of("rest", "mcp", "skillAdapter", "control"):
        address = adapter.text("address")
        if address and _EXAMPLE.search(address):
            message = f"the address '{address}' is an example"
            hint = "leave 'address' out, or write 127.0.0.1 or 0.0.0.0"
            yield Finding(message=message, pointer=(*adapter.pointer, "address"), hint=hint)


def plain_http(subject: Subject) -> Iterator[Finding]:
    for api in subject.of("api"):
        key, uri = base_uri(api)
        if uri.lower().startswith("http://") and _is_public(host_of(uri)):
            message = f"'{api.name}' is called without encryption: its base URI begins with http://"
            yield Finding(
                message=message, pointer=(*api.pointer, key), hint="write https:// if the API has it"
            )


def query_in_consumed_path(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("apiResource", "apiOperation"):
        if "?" in item.text("path"):
            message = f"the path '{item.text('path')}' has a query in it"
            hint = "declare it in 'inputParameters' with 'in: query', and a 'value' if it is always the same"
            yield Finding(message=message, pointer=(*item.pointer, "path"), hint=hint, cause="query")


def query_in_exposed_path(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("restResource", "restOperation"):
        if "?" in item.text("path"):
            message = f"the path '{item.text('path')}' has a query in it, by which nothing is routed"
            hint = "leave it out; query parameters are declared in 'inputParameters'"
            yield Finding(message=message, pointer=(*item.pointer, "path"), hint=hint)


def slash_after_exposed_path(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("restResource"):
        path = item.text("path")
        if len(path) > 1 and path.endswith("/"):
            message = f"the path '{path}' ends in '/', so callers must write that too"
            yield Finding(message=message, pointer=(*item.pointer, "path"), hint="leave it out")


def no_leading_slash(subject: Subject) -> Iterator[Finding]:
    for item in subject.of("apiResource", "restResource"):
        path = item.text("path")
        if path and not path.startswith(("/", "?", "#", "{{")):
            message = f"the path '{path}' does not begin with '/'"
            yield Finding(message=message, pointer=(*item.pointer, "path"), hint=f"write '/{path}'")


def control_everywhere(subject: Subject) -> Iterator[Finding]:
    for adapter in subject.of("control"):
        address = adapter.text("address")
        if address and "{{" not in address and not is_loopback(address):
            message = f"the control adapter can be reached from other machines, at '{address}'"
            hint = "write 'address: localhost', or protect it with 'authentication'"
            yield Finding(message=message, pointer=(*adapter.pointer, "address"), hint=hint)


def control_port_shared(subject: Subject) -> Iterator[Finding]:
    adapters = subject.of("rest", "mcp", "skillAdapter", "control")
    for control in subject.of("control"):
        port = control.value.get("port")
        others = [item for item in adapters if item is not control and item.value.get("port") == port]
        if port and others:
            message = f"the control adapter has port {port}, as another adapter has"
            hint = "give it a port of its own, which a firewall can close"
            yield Finding(message=message, pointer=(*control.pointer, "port"), hint=hint)


def host_of(uri: str) -> str:
    """The host of a URL, "" when it has none or a template stands for it."""
    try:
        host = urlsplit(uri).hostname or ""
    except ValueError:
        return ""
    return "" if "{" in uri.partition("://")[2].partition("/")[0] else host


def _is_public(host: str) -> bool:
    """Whether an address is one that anybody can reach; a name without dots is somebody's own."""
    try:
        return ip_address(host).is_global
    except ValueError:
        return "." in host and not host.endswith(_PRIVATE)
