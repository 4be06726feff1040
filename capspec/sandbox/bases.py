"""The providers' documented base URIs to the sandbox's own, and demo credentials that work there."""

from __future__ import annotations

from capspec.sandbox.providers.neuroflash.access import DEMO_WORKSPACE
from capspec.sandbox.providers.neuroflash.tokens import DEMO_CLIENT, demo_token
from capspec.sandbox.world import other_name

# Where each provider's documented addresses begin, and the sandbox's path in their place.
PROVIDERS: dict[str, str] = {
    "https://www.flexura.site": "/flexura",
    "https://flexura.site": "/flexura",
    "http://localhost:3000": "/flexura",
    "https://app.flora.ai": "/flora",
    "https://app.flora.ai/api/v1": "/flora/api/v1",
    "https://app.neuroflash.com": "/neuroflash",
    "https://app.neuroflash.com/api/image-service": "/neuroflash/api/image-service",
    "https://id.neuroflash.com": "/neuroflash-id",
    "https://id.neuroflash.com/oauth/v2/token": "/neuroflash-id/oauth/v2/token",
    "https://catalogue.larchwood.example": "/library-catalogue",
    "https://loans.larchwood.example": "/library-loans",
    "https://scans.larchwood.example": "/library-scans",
    **{
        f"https://api{region}.bfl.ai{version}": f"/bfl{version}"
        for region in ("", ".eu", ".us", ".eu1", ".us1")
        for version in ("", "/v1")
    },
}
# BFL's hosts that are named only in its answers; the sandbox has them under its other name.
_ANSWERED: dict[str, str] = {
    **{f"https://api.{region}.bfl.ai": "/bfl-eu4" for region in ("eu4", "ice", "us6")},
    **{f"https://delivery.{region}.bfl.ai": "/media/bfl" for region in ("eu4", "ice", "us6", "eu", "us")},
}
_BFL_KEY = "bfl_sandbox_demo_0001"
_FLEXURA_KEY = "fx_test_sandbox_demo_0001"
_FLORA_KEY = "sk_test_sandbox_demo_0001"
_LIBRARY_KEYS = {
    "library-catalogue": "cat_sandbox_demo_0001",
    "library-loans": "loans_sandbox_demo_0001",
    "library-scans": "scans_sandbox_demo_0001",
}


def rewrites(origin: str) -> dict[str, str]:
    """Each documented base URI, without a last slash, to its imitation below ``origin``; the longest wins."""
    origin = origin.rstrip("/")
    answered = {base: other_name(origin) + path for base, path in _ANSWERED.items()}
    return {base: origin + path for base, path in PROVIDERS.items()} | answered


def rewrite(uri: str, origin: str) -> str | None:
    """``uri`` with its provider's base replaced by the sandbox's; None when no provider is imitated there."""
    table = rewrites(origin)
    base = _base_of(uri, table)
    return None if base is None else table[base] + uri[len(base) :]


def authorities(origin: str) -> tuple[str, ...]:
    """The ``host:port`` names under which the sandbox's answers send a client back to it."""
    names = (origin.rstrip("/"), other_name(origin.rstrip("/")))
    return tuple(dict.fromkeys(name.partition("://")[2] for name in names))


def demo_secrets() -> dict[str, str]:
    """Working credentials by the names of the environment variables that usually hold them."""
    return {
        "FLUX_TOKEN": _BFL_KEY,
        "FLUX_API_KEY": _BFL_KEY,
        "BFL_API_KEY": _BFL_KEY,
        "MEDIA_GATEWAY_API_KEY": _FLEXURA_KEY,
        "FLORA_API_KEY": _FLORA_KEY,
        "NEUROFLASH_ACCESS_TOKEN": demo_token(),
        "NEUROFLASH_CLIENT_ID": DEMO_CLIENT,
        "NEUROFLASH_CLIENT_SECRET": "sandbox-secret-demo-0001",
        "NEUROFLASH_WORKSPACE_ID": DEMO_WORKSPACE,
        "CATALOGUE_TOKEN": _LIBRARY_KEYS["library-catalogue"],
        "LOANS_KEY": _LIBRARY_KEYS["library-loans"],
        "SCANS_KEY": _LIBRARY_KEYS["library-scans"],
    }


def demo_secret(upstream_base_uri: str) -> str | None:
    """A working key of the provider at that documented base URI; None when no provider is imitated there."""
    base = _base_of(upstream_base_uri, PROVIDERS)
    if base is None:
        return None
    imitated = {"flexura": _FLEXURA_KEY, "bfl": _BFL_KEY, "flora": _FLORA_KEY, "neuroflash": demo_token()}
    keys = {**imitated, **_LIBRARY_KEYS}
    provider = PROVIDERS[base].split("/")[1]
    return keys.get(provider, "sandbox-secret-demo-0001")


def _base_of(uri: str, table: dict[str, str]) -> str | None:
    """The longest base in ``table`` that ``uri`` begins with, up to a boundary."""
    found = [base for base in table if uri == base or uri.startswith((f"{base}/", f"{base}?", f"{base}#"))]
    return max(found, key=len, default=None)
