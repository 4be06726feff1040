"""Bodies in parts, read by python-multipart as servers read them."""

from __future__ import annotations

from dataclasses import dataclass
from email.message import Message

from python_multipart import MultipartParser


@dataclass(frozen=True)
class PartSeen:
    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


def parts_of(body: bytes, content_type: str) -> list[PartSeen]:
    """The parts of a body, in order. Header values are UTF-8, as browsers send them."""
    kind, _, boundary = content_type.partition("; boundary=")
    assert kind == "multipart/form-data"
    found: list[PartSeen] = []
    headers: list[tuple[bytearray, bytearray]] = []
    content = bytearray()

    def begin() -> None:
        headers.clear()
        content.clear()

    def end() -> None:
        found.append(_part({bytes(name).lower(): bytes(value) for name, value in headers}, bytes(content)))

    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": begin,
            "on_header_begin": lambda: headers.append((bytearray(), bytearray())),
            "on_header_field": lambda data, start, stop: headers[-1][0].extend(data[start:stop]),
            "on_header_value": lambda data, start, stop: headers[-1][1].extend(data[start:stop]),
            "on_part_data": lambda data, start, stop: content.extend(data[start:stop]),
            "on_part_end": end,
        },
    )
    parser.write(body)
    parser.finalize()
    return found


def _part(headers: dict[bytes, bytes], content: bytes) -> PartSeen:
    assert headers.keys() <= {b"content-disposition", b"content-type"}
    message = Message()
    message["content-disposition"] = headers[b"content-disposition"].decode()
    assert message.get_content_disposition() == "form-data"
    kind = headers.get(b"content-type")
    name = message.get_param("name", header="content-disposition")
    assert isinstance(name, str)
    filename = message.get_param("filename", header="content-disposition")
    return PartSeen(
        name, content, None if filename is None else str(filename), None if kind is None else kind.decode()
    )
