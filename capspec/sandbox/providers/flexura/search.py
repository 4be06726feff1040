"""A search's inputs to results that nobody wrote: the same for the same query, in the domains asked for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from capspec.sandbox.providers.flexura.inputs import Search
from capspec.sandbox.randomness import seeded

_DOMAINS = (
    "example.com",
    "example.org",
    "example.net",
    "docs.example.com",
    "news.example.org",
    "blog.example.net",
)
_ANGLES = (
    "An overview",
    "A field guide",
    "Common questions",
    "What changed lately",
    "A closer look",
    "In figures",
)
_DAYS = {"day": 1, "week": 7, "month": 30, "year": 365}


def search_answer(search: Search, *, seed: int, now: float) -> dict[str, object]:
    """The answer's JSON; domains are the ones reserved for documentation (RFC 2606)."""
    draw = seeded(seed, "search", search.query, search.topic)
    domains = [d for d in search.include_domains or _DOMAINS if d not in search.exclude_domains]
    score, results = 0.98, []
    for i in range(search.max_results if domains else 0):
        angle = draw.choice(_ANGLES)
        content = f"{angle} of {search.query}, written by the sandbox. Nothing here was looked up."
        result: dict[str, object] = {
            "title": f"{search.query}: {angle.lower()} ({i + 1})",
            "url": f"https://{domains[i % len(domains)]}/{search.topic}/{draw.getrandbits(32):08x}",
            "content": content,
            "score": round(score, 4),
        }
        if search.search_depth == "advanced":
            result["raw_content"] = " ".join([content] * 3)
        if search.topic == "news" or search.time_range is not None:
            result["published_date"] = _date(now, draw.random() * _DAYS[search.time_range or "month"])
        results.append(result)
        score -= 0.01 + 0.04 * draw.random()
    answer = f"In short: {search.query} is a question that the sandbox answers without looking it up."
    return {
        "query": search.query,
        "answer": answer if search.include_answer else None,
        "results": results,
        "response_time": round(0.4 + draw.random(), 2),
    }


def _date(now: float, days: float) -> str:
    return (datetime.fromtimestamp(now, UTC) - timedelta(days=days)).date().isoformat()
