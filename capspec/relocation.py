"""Links in an API's answer to links below our own path, where they lead to what is passed on there."""

from __future__ import annotations

from urllib.parse import SplitResult, unquote_plus, urljoin, urlsplit

from capspec.egress import origin_of
from capspec.plan import Operation
from capspec.plan.passages import Passage
from capspec.request.encoding import leaves_place


def relocated(link: str, url: str, passage: Passage) -> str:
    """A Location or Content-Location (RFC 9110, 10.2.2) of the answer to a request at `url`.

    One below the base URI becomes a path of ours; what only the file may say in a query is taken out. Any
    other stays as it is, or becomes absolute when it was relative to the API.
    """
    operation = passage.forward.operation
    try:
        absolute = urljoin(url, link)
        parts = urlsplit(absolute)
        rest = None if operation is None else _rest(absolute, parts, operation)
    except ValueError:
        return link
    if rest is None or (not passage.forward.takes_rest and rest.strip("/")):
        return link if link.startswith((f"{parts.scheme}:", "#")) else absolute
    ours = f"{passage.before}{rest.removeprefix('/')}{passage.after}" if passage.forward.takes_rest else ""
    query = _query(parts.query, passage)
    return "".join((
        ours or passage.before, f"?{query}" if query else "", f"#{parts.fragment}" if parts.fragment else ""
    ))  # fmt: skip


def _rest(absolute: str, parts: SplitResult, operation: Operation) -> str | None:
    """What a link has after the base URI, "" or beginning with a slash; None when it leads elsewhere."""
    base = operation.upstream.base_url
    if origin_of(absolute) != origin_of(base):
        return None
    path = urlsplit(base).path
    rest = parts.path.removeprefix(path)
    if not parts.path.startswith(path) or (rest and not rest.startswith("/")) or rest.startswith("//"):
        return None
    return None if any(leaves_place(segment) for segment in rest.split("/")) else rest


def _query(query: str, passage: Passage) -> str:
    withheld = passage.forward.withheld_query
    kept = (pair for pair in query.split("&") if unquote_plus(pair.partition("=")[0]) not in withheld)
    return "&".join(kept)
