"""The `tunnel` of a consumed API: the private network that it is in, as the author wrote it."""

from __future__ import annotations

from dataclasses import dataclass

from capspec.errors import Place
from capspec.node import Node, kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class TunnelSpec:
    """`fallback` says what becomes of calls without the tunnel: "fail" or "direct"."""

    type: str
    service: str
    fallback: str
    place: Place


def parse_tunnel(api: Node) -> TunnelSpec | None:
    """The `tunnel` of an API, None without one."""
    node = api.get("tunnel")
    if node is None:
        return None
    if not isinstance(node.value, dict):
        node.error("CAP107", f"'tunnel' should be a mapping, and is {kind_of(node.value)}")
        return None
    fallback = node.text("fallback", default="fail").lower()
    if fallback not in ("fail", "direct"):
        message = f"'{fallback}' is no fallback of a tunnel; it counts as 'fail'"
        node.warn("CAP122", message, hint="use 'fail' or 'direct'")
        fallback = "fail"
    spec = TunnelSpec(
        type=node.text("type", default="ziti"),
        service=node.text("service"),
        fallback=fallback,
        place=api.key_place("tunnel"),
    )
    node.has("identity")
    node.finish("a tunnel")
    return spec
