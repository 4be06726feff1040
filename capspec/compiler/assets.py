"""AssetsSpec to Assets: what cannot be read is reported with its place."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from capspec.compiler.operations import CompiledOperation
from capspec.durations import parse_duration
from capspec.egress import HOST_RULE, Origin, origin_of, own_names, pattern_of
from capspec.jsonpath import JsonPath, JsonPathError, compile_path
from capspec.model.assets import AssetsSpec
from capspec.model.jobs import Written
from capspec.node import Report
from capspec.plan import Operation
from capspec.plan.assets import KEEP, MAX_SIZE, TYPES, Assets, Mode
from capspec.sizes import parse_size

_MODES: dict[str, Mode | None] = {"proxy": "proxy", "save": "save", "link": None}
_TYPE = re.compile(r"\*/\*|[a-z0-9!#$&^_.+-]+/(?:\*|[a-z0-9!#$&^_.+-]+)")
"""A media type (RFC 6838, 4.2), or a range of them as `Accept` has it (RFC 9110, 12.5.1)."""

_Number = TypeVar("_Number", int, float)


@dataclass(slots=True, kw_only=True)
class AssetCompiler:
    """Compiles the `assets` blocks of one capability. `contacts` are the origins that links may lead to."""

    report: Report
    contacts: list[str] = field(default_factory=list)

    def operation(self, compiled: CompiledOperation) -> CompiledOperation:
        """The operation with what its block says; without one, itself."""
        spec, operation = compiled.spec.assets, compiled.operation
        if spec is None:
            return compiled
        assets = self._assets(spec, operation)
        if assets is None:
            return compiled
        if operation.codec.media_type == "application/octet-stream":
            message = "'assets' has no effect, because the answer is not read for links"
            self.report.add("CAP366", message, place=spec.place, severity="warning")
            return compiled
        self.contacts += assets.allowed
        return replace(compiled, operation=replace(operation, assets=assets))

    def _assets(self, spec: AssetsSpec, operation: Operation) -> Assets | None:
        mode = self._mode(spec)
        poll = operation.poll
        assets = Assets(
            mode=mode or "proxy",
            paths=tuple(path for item in spec.paths if (path := self._path(item)) is not None),
            allowed=self._allowed(spec.allow_hosts, operation),
            max_size=self._number("CAP363", "maxSize", spec.max_size, parse_size, MAX_SIZE),
            keep=self._number("CAP364", "keep", spec.keep, parse_duration, KEEP),
            lasts=None if poll is None else poll.result.lasts,
            types=tuple(self._type(item) for item in spec.types) or TYPES,
        )
        return None if mode is None else assets

    def _mode(self, spec: AssetsSpec) -> Mode | None:
        hint = "use proxy, save or link"
        if spec.mode is None:
            self.report.add("CAP360", "'assets' has no 'mode'", place=spec.place, hint=hint)
            return None
        if spec.mode.text not in _MODES:
            message = f"'assets' cannot be '{spec.mode.text}'"
            self.report.add("CAP360", message, place=spec.mode.place, hint=hint)
        return _MODES.get(spec.mode.text)

    def _path(self, written: Written) -> JsonPath | None:
        text = written.text
        try:
            if not text.lstrip().startswith("$"):
                raise ValueError("it does not begin with '$'")
            return compile_path(text)
        except (JsonPathError, ValueError) as error:
            at = self.report.spot(written.place, text, getattr(error, "offset", 0))
            self.report.add("CAP361", f"'{text}' is not a JSONPath: {error}", place=at)
            return None

    def _number(
        self,
        code: str,
        name: str,
        written: Written | None,
        parse: Callable[[str], _Number],
        default: _Number,
    ) -> _Number:
        if written is None:
            return default
        try:
            value = parse(written.text)
        except ValueError as error:
            self.report.add(code, f"{name}: {error}", place=written.place)
            return default
        if value <= 0:
            self.report.add(code, f"{name} should be more than nothing", place=written.place)
        return value

    def _type(self, written: Written) -> str:
        text = written.text.strip().lower()
        if not _TYPE.fullmatch(text):
            hint = "write image/png or image/*"
            self.report.add("CAP365", f"'{written.text}' is not a media type", place=written.place, hint=hint)
        return text

    # -- where links may lead -------------------------------------------------------------------------

    def _allowed(self, hosts: Iterable[Written], operation: Operation) -> tuple[str, ...]:
        """The base URL's origin, and those of `hosts`; where there are none, what the job allows."""
        try:
            base = origin_of(operation.upstream.base_url)
        except ValueError:
            return ()
        found = own_names(base)
        given = list(hosts)
        for written in given:
            found += self._patterns(written, base)
        if not given and operation.poll is not None:
            found += operation.poll.request.allowed
        return tuple(dict.fromkeys(found))

    def _patterns(self, written: Written, base: Origin) -> list[str]:
        """A host over https, and where the base URL is not encrypted, as that one is."""
        host = written.text.strip()
        match = HOST_RULE.fullmatch(host)
        found = [f"https://{host}"]
        if base.scheme == "http":
            port = "" if match is None or match[3] else f":{base.port}"
            found.append(f"http://{host}{port}")
        try:
            if match is None:
                raise ValueError("it is not a host name, nor '*.' before one")
            for text in found:
                pattern_of(text)
        except ValueError as error:
            self.report.add("CAP362", f"'{host}' cannot be allowed: {error}", place=written.place)
            return []
        return found
