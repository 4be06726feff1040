"""What is logged to lines on standard error, as text or JSON, with every secret masked."""

from __future__ import annotations

import json
import logging
import re
import sys
import time
from collections.abc import Iterable
from typing import Literal
from urllib.parse import quote, quote_plus

from capspec.cli.printing import visible
from capspec.spans import CURRENT

LogFormat = Literal["text", "json"]

MASK = "****"

_SHORTEST = 4
"""Shorter secrets are left alone: masking them would make every line unreadable, and they protect nothing."""


class Masked(logging.Formatter):
    """A formatter whose lines hold none of the secrets, plain or percent-encoded, tracebacks included."""

    def __init__(self, log_format: LogFormat, secrets: Iterable[str]) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")
        self._as_json = log_format == "json"
        self._forms: set[str] = set()
        self.mask(secrets)

    def mask(self, secrets: Iterable[str]) -> None:
        """Mask these, too, from now on."""
        forms = {form for secret in secrets for form in (secret, quote(secret, safe=""), quote_plus(secret))}
        self._forms |= {form for form in forms if len(form) >= _SHORTEST}
        longest_first = sorted(self._forms, key=len, reverse=True)
        self._secrets = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def format(self, record: logging.LogRecord) -> str:
        return self._json(record) if self._as_json else self._masked(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's own name
        # What others sent may be in a message: it stays on its line.
        record.message = visible(record.message).replace("\n", "\\n").replace("\r", "\\r")
        return super().formatMessage(record)

    def _json(self, record: logging.LogRecord) -> str:
        # Masked before it is escaped: a secret with a quote in it looks different afterwards.
        entry = {
            "time": time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
            + f".{record.msecs:03.0f}Z",
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self._masked(record.getMessage()),
        }
        entry |= _span()
        if record.exc_info:
            entry["exception"] = self._masked(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

    def _masked(self, text: str) -> str:
        return text if self._secrets is None else self._secrets.sub(MASK, text)


def _span() -> dict[str, str]:
    """The ids of the trace and the span in which this runs, if there are any."""
    span = CURRENT.get()
    return {} if span is None else {"trace_id": span.trace_id, "span_id": span.span_id}


def mask(secrets: Iterable[str]) -> None:
    """Let the log mask these secrets, too."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler.formatter, Masked):
            handler.formatter.mask(secrets)


def configure(level: str, log_format: LogFormat, secrets: Iterable[str] = ()) -> None:
    """Log from a level on ("debug" … "error"). Calling it again replaces what was set before."""
    stream = logging.StreamHandler(sys.stderr)
    stream.setFormatter(Masked(log_format, secrets))
    root = logging.getLogger()
    root.handlers[:] = [stream]
    root.setLevel(level.upper())
    if level != "debug":
        # Libraries tell of each request and each start; capspec's own events say what matters.
        for name in ("uvicorn", "httpx", "httpcore", "mcp"):
            logging.getLogger(name).setLevel(logging.WARNING)
