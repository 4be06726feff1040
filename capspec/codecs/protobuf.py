"""Protocol Buffers: one message in the binary encoding to an object, by the first message of a `.proto` file.

Fields have the names of the file, and those without a value their default. Numbers stay numbers, also those
of 64 bits; enums are names, bytes base64, and what Google's own types (`Timestamp`…) have a JSON form for is
in that form (protobuf.dev, "ProtoJSON").
"""

from __future__ import annotations

import base64
import posixpath
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NoReturn

from capspec.codecs.json import finite
from capspec.settings import FormatSettings
from capspec.values import Json

_IMPORT = re.compile(r"\bimport\s+(?:public\s+|weak\s+)?[\"']([^\"'\n]+)[\"']\s*;")
_LOG = re.compile(r"[IW]\d{4} |WARNING: ")
_GOOGLE = "google/protobuf/"
_MAX_FILES = 200
_SECONDS = 60


class ProtobufCodec:
    """Reads messages of one class."""

    media_type = "application/x-protobuf"

    def __init__(self, message: Any) -> None:
        self._message = message

    def encode(self, value: Json) -> NoReturn:
        del value
        raise ValueError("cannot be written as Protocol Buffers, which are only read")

    def decode(self, content: bytes, charset: str) -> Json:
        from google.protobuf.message import DecodeError  # noqa: PLC0415 - an extra

        del charset
        try:
            return _object(self._message.FromString(content))
        except DecodeError as error:
            raise ValueError(f"it is no such message: {error}") from None


def compile_codec(settings: FormatSettings) -> ProtobufCodec:
    """`outputSchema` is the path of a `.proto` file; what it imports lies beside it.

    Raises ValueError when it is none, or the extra is missing.
    """
    try:
        import google.protobuf  # noqa: F401, PLC0415 - an extra
        import grpc_tools  # noqa: F401, PLC0415
    except ImportError:
        needs = "Protocol Buffers need a library that is not here"
        raise ValueError(f"{needs}: pip install 'capspec[protobuf]'") from None
    if not settings.schema:
        raise ValueError("Protocol Buffers need 'outputSchema', the path of a .proto file")
    folder, name = posixpath.split(settings.schema)
    files = _with_imports(name, lambda file: settings.read(posixpath.join(folder, file)))
    return ProtobufCodec(_first_message(_compiled(files, name), name))


# -- a file to the class of its first message -------------------------------------------------------------


def _with_imports(name: str, read: Callable[[str], bytes]) -> dict[str, bytes]:
    """The file and all that it imports by name, but for Google's own.

    What looks like an import and is not there may stand in a comment: the compiler knows.
    """
    found = {name: read(name)}
    waiting = _imports(found[name])
    while waiting:
        file = waiting.pop()
        if file in found or file.startswith(_GOOGLE):
            continue
        if ".." in PurePosixPath(file).parts or PurePosixPath(file).is_absolute() or "\\" in file:
            raise ValueError(f"'{file}' is imported from outside of the folder of '{name}'")
        if len(found) == _MAX_FILES:
            raise ValueError(f"'{name}' imports more than {_MAX_FILES} files")
        with suppress(ValueError):
            found[file] = read(file)
            waiting += _imports(found[file])
    return found


def _imports(content: bytes) -> list[str]:
    return _IMPORT.findall(content.decode("utf-8", "replace"))


def _compiled(files: dict[str, bytes], name: str) -> Any:
    """A FileDescriptorSet. The compiler sees nothing but these files."""
    from google.protobuf import descriptor_pb2  # noqa: PLC0415 - an extra

    with tempfile.TemporaryDirectory(prefix="capspec-") as folder:
        for file, content in files.items():
            path = Path(folder, "in", file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        out = Path(folder, "out")
        command = [sys.executable, "-I", "-c", _PROTOC, str(Path(folder, "in")), str(out), name]
        try:
            done = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)  # noqa: S603
        except (OSError, subprocess.TimeoutExpired) as error:
            raise ValueError(f"'{name}' could not be compiled: {type(error).__name__}") from None
        if done.returncode or not out.is_file():
            said = _said(done.stderr.decode("utf-8", "replace").replace(f"{Path(folder, 'in')}/", ""))
            raise ValueError(f"'{name}' cannot be compiled: {said[:500]}")
        return descriptor_pb2.FileDescriptorSet.FromString(out.read_bytes())


def _said(output: str) -> str:
    """What the compiler complains of, without the log of its libraries."""
    lines = (line.strip() for line in output.splitlines())
    return "; ".join(line for line in lines if line and not _LOG.match(line)) or "the compiler gave no reason"


_PROTOC = """
import sys
from importlib.resources import files
from grpc_tools import protoc
folder, out, name = sys.argv[1:]
google = str(files("grpc_tools").joinpath("_proto"))
sys.exit(protoc.main(["protoc", "-I" + folder, "-I" + google, "--include_imports",
                      "--descriptor_set_out=" + out, name]))
"""
"""A process of its own, because the compiler writes what it has to say to the error stream."""


def _first_message(found: Any, name: str) -> Any:
    from google.protobuf import descriptor_pool, message_factory  # noqa: PLC0415 - an extra

    pool = descriptor_pool.DescriptorPool()
    for file in found.file:
        pool.Add(file)
    messages = pool.FindFileByName(name).message_types_by_name
    if not messages:
        raise ValueError(f"'{name}' describes no message")
    first = next(file for file in found.file if file.name == name).message_type[0].name
    return message_factory.GetMessageClass(messages[first])


# -- a message to an object -------------------------------------------------------------------------------


def _object(message: Any) -> Json:
    if message.DESCRIPTOR.full_name.startswith("google.protobuf."):
        return _well_known(message)
    found: dict[str, Json] = {}
    for field in message.DESCRIPTOR.fields:
        if field.has_presence and not message.HasField(field.name):
            continue
        value = getattr(message, field.name)
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            item = field.message_type.fields_by_name["value"]
            found[field.name] = {_key(key): _single(item, value[key]) for key in value}
        elif field.is_repeated:
            found[field.name] = [_single(field, item) for item in value]
        else:
            found[field.name] = _single(field, value)
    return found


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _single(field: Any, value: Any) -> Json:
    if field.message_type is not None:
        return _object(value)
    if field.enum_type is not None:
        known = field.enum_type.values_by_number.get(value)
        return value if known is None else known.name
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    return finite(value) if isinstance(value, float) else value


def _well_known(message: Any) -> Json:
    from google.protobuf.json_format import MessageToDict  # noqa: PLC0415 - an extra

    try:
        return MessageToDict(message)
    except Exception as error:  # noqa: BLE001 - of several kinds, for a time out of range and the like
        raise ValueError(f"it holds a {message.DESCRIPTOR.name} that is not valid: {error}") from None
