"""The tunnel of a consumed API to what becomes of calls without it: there is none here."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from capspec.model import UpstreamSpec
from capspec.node import Report
from capspec.plan import Upstream


def without_tunnel(
    spec: UpstreamSpec, upstream: Upstream, given: Collection[str], report: Report
) -> Upstream:
    """The upstream, called directly, or not at all where its tunnel's `fallback` is to fail.

    `given` are the namespaces that have got another address than the file's: those are called there.
    """
    tunnel = spec.tunnel
    if tunnel is None:
        return upstream
    hint = ""
    if spec.namespace in given:
        happens = "it is called at the address given instead"
    elif tunnel.fallback == "direct":
        happens = "it is called directly at its base URI"
    else:
        happens = "it is not called"
        hint = f"write 'fallback: direct', or give the address of a gateway: --base-uri {spec.namespace}=URL"
    service = f" to '{tunnel.service}'" if tunnel.service else ""
    what = f"'{spec.namespace}' asks for a {tunnel.type} tunnel{service}, which capspec does not open"
    report.add("CAP396", f"{what}: {happens}", place=tunnel.place, hint=hint, severity="warning")
    if not hint:
        return upstream
    problem = upstream.problem or f"it is reached through a {tunnel.type} tunnel, which capspec does not open"
    return replace(upstream, problem=problem)
