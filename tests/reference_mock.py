"""The back ends of the reference tutorial, made from OpenAPI documents with examples; they check credentials."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.upstreams import Answer, Seen, reply

VERSION = "1.0.0-alpha2"
_TEMPLATE = re.compile(r"\{\{ request\.body/(\w+) \}\}")


@dataclass(frozen=True)
class Api:
    """One document; `refusal` says what a request lacks, "" when it may pass."""

    document: dict[str, Any]

    @property
    def prefix(self) -> str:
        return urlsplit(self.document["servers"][0]["url"]).path

    def refusal(self, seen: Seen) -> str:
        if "bearerAuth" in str(self.document["security"]):
            if seen.header("authorization") != "Bearer dummy-token":
                return "no bearer"
            return "" if seen.header("registry-version") == VERSION else "no version"
        return "" if seen.header("x-dock-key") == "dummy-dockyard-key" else "no dock key"

    def answer(self, seen: Seen) -> bytes:
        refused = self.refusal(seen)
        if refused:
            return reply(401, json.dumps({"error": refused, "headers": seen.headers}).encode())
        for path, item in self.document["paths"].items():
            pattern = self.prefix + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", path)
            found = re.fullmatch(pattern, seen.path)
            operation = item.get(seen.method.lower())
            if found and operation:
                return _answered(operation, seen, found.groupdict())
        return reply(404, b'{"error": "no such path"}')


def _answered(operation: dict[str, Any], seen: Seen, path: dict[str, str]) -> bytes:
    status = "201" if "201" in operation["responses"] else "200"
    ((media_type, content),) = operation["responses"][status]["content"].items()
    examples = content["examples"]
    wanted = [f"?{name}={value}" for name, value in seen.query] + [f"/{k}={v}" for k, v in path.items()]
    name = next((name for name in wanted if name in examples), "")
    if not name and path:
        return reply(404, b'{"error": "not_found", "message": "there is none"}')
    value = examples[name or next(iter(examples))]["value"]
    text = value if isinstance(value, str) else json.dumps(value)
    if seen.body:
        given = json.loads(seen.body)
        text = _TEMPLATE.sub(lambda match: str(given[match[1]]), text)
    return reply(int(status), text.encode(), ("content-type", media_type))


def back_ends(folder: Path) -> tuple[Answer, dict[str, str]]:
    """What answers for all documents of a folder, and the path of each by the namespace that files use."""
    apis = [Api(yaml.safe_load(file.read_text())) for file in sorted(folder.glob("*.yaml"))]

    async def answer(seen: Seen, writer: object) -> bytes:
        api = next((item for item in apis if seen.path.startswith(item.prefix)), None)
        return reply(404) if api is None else api.answer(seen)

    prefixes = {"legacy" if "legacy" in api.prefix else "registry": api.prefix for api in apis}
    return answer, prefixes
