"""Rows of values with a separator between them (RFC 4180), the first row their names, to objects and back.

Every value is text. A row that is too short lacks members; one that is longer than the names is refused.
"""

from __future__ import annotations

import csv
import io

from capspec.codecs.text import CODEC as TEXT
from capspec.request.encoding import text_of
from capspec.values import Json

MAX_ROWS = 1_000_000


class DelimitedCodec:
    """One separator. Values with a separator, a quote or a line end in them stand in double quotes."""

    def __init__(self, separator: str, media_type: str) -> None:
        self.separator = separator
        self.media_type = media_type

    def encode(self, value: Json) -> tuple[bytes, str]:
        """Of a list of objects. A text counts as rows that its author has written."""
        text = value if isinstance(value, str) else self._written(value)
        try:
            return text.encode(), f"{self.media_type}; charset=utf-8"
        except UnicodeEncodeError:
            raise ValueError("holds broken Unicode, which cannot be sent") from None

    def decode(self, content: bytes, charset: str) -> list[dict[str, Json]]:
        rows = csv.reader(
            io.StringIO(TEXT.decode(content, charset), newline=""), delimiter=self.separator, strict=True
        )
        found: list[dict[str, Json]] = []
        names: list[str] | None = None
        try:
            for row in rows:
                if names is None:
                    names = row or None
                elif row:
                    found.append(_record(names, row, rows.line_num))
                    if len(found) > MAX_ROWS:
                        raise ValueError(f"it has more than {MAX_ROWS} rows")
        except csv.Error as error:
            raise ValueError(f"{error} at line {rows.line_num}") from None
        return found

    def _written(self, value: Json) -> str:
        if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
            raise ValueError("must be a text, or a list of objects, to be sent as rows")
        names = list(dict.fromkeys(name for row in value for name in row))
        written = io.StringIO()
        writer = csv.writer(written, delimiter=self.separator, lineterminator="\r\n")
        writer.writerow(names)
        for row in value:
            writer.writerow(["" if row.get(name) is None else text_of(row[name]) for name in names])
        return written.getvalue()


def _record(names: list[str], row: list[str], line: int) -> dict[str, Json]:
    if len(row) > len(names) and any(row[len(names) :]):
        raise ValueError(f"the row that ends in line {line} has more values than there are names")
    return dict(zip(names, row, strict=False))


CSV = DelimitedCodec(",", "text/csv")
TSV = DelimitedCodec("\t", "text/tab-separated-values")
PSV = DelimitedCodec("|", "text/plain")
