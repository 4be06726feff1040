"""A Cookie header to names and values."""

from __future__ import annotations


def parse_cookies(header: str) -> dict[str, str]:
    """The cookies of a request (RFC 6265, 5.4): the first of a name counts, values without their quotes.

    Parts that are no pair are skipped, so that one odd cookie does not hide the others.
    """
    cookies: dict[str, str] = {}
    for part in header.split(";"):
        name, equals, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if equals and name:
            quoted = len(value) > 1 and value[0] == value[-1] == '"'
            cookies.setdefault(name, value[1:-1] if quoted else value)
    return cookies
