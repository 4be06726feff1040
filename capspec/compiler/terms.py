"""What a flow and its adapter say of the answers to what they call, put over what the operation says."""

from __future__ import annotations

from dataclasses import dataclass, replace

from capspec import registry
from capspec.compiler.operations import CompiledOperation
from capspec.errors import Place
from capspec.model import FlowSpec, ListenerSpec
from capspec.node import Report
from capspec.plan import Operation
from capspec.request.inline import MEDIA_TYPE
from capspec.sizes import parse_size


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`max_size` bounds answers in bytes, `media_type` says what they are, where the operation does not.

    `media_types` are those of binary answers by status, three digits of which the last two may be X; they
    count after `media_type`.
    """

    max_size: int | None = None
    media_type: str = ""
    media_types: tuple[tuple[str, str], ...] = ()

    def over(self, compiled: CompiledOperation) -> Operation:
        """The operation on these terms. A limit is for answers that are passed on as bytes."""
        operation = compiled.operation
        binary = registry.canonical("codec", compiled.spec.raw_format) == "binary"
        own = operation.max_size is not None or not binary
        return replace(
            operation,
            max_size=operation.max_size if own else self.max_size,
            media_type=operation.media_type or self.media_type,
            media_types=self.media_types if binary else (),
        )


NO_TERMS = Terms()


def limit_of(spec: ListenerSpec, report: Report) -> int | None:
    """An adapter's `maxBinarySize` in bytes; None without one, and after a warning for one that is none."""
    try:
        return parse_size(spec.max_size) if spec.max_size else None
    except ValueError as error:
        message = f"maxBinarySize: {error}; it has no effect"
        report.add("CAP338", message, place=spec.node.at("maxBinarySize"), severity="warning")
        return None


def terms_of(spec: FlowSpec, limit: int | None, report: Report) -> Terms:
    """The terms of a flow on an adapter with this limit."""
    if spec.block.steps or spec.call is None:
        if spec.media_type:
            message = f"outputMediaType of '{spec.name}' has no effect: it answers in JSON"
            report.add("CAP329", message, place=spec.place, severity="warning")
        return Terms(max_size=limit)
    found = [
        (response.status, content.media_type)
        for response in spec.responses
        for content in response.content
        if content.binary and _is_media_type(content.media_type, response.place, report)
    ]
    media_type = spec.media_type if _is_media_type(spec.media_type, spec.place, report) else ""
    return Terms(max_size=limit, media_type=media_type, media_types=tuple(found))


def _is_media_type(text: str, place: Place, report: Report) -> bool:
    if text and not MEDIA_TYPE.fullmatch(text):
        message = f"'{text}' is no media type, and has no effect"
        report.add("CAP329", message, place=place, severity="warning")
        return False
    return True
