"""What an author wrote to what they probably meant: the words of a file that are close to ones that count."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

from capspec.compiler.needs import needs_of
from capspec.compiler.paths import normalised, parse_exposed_path
from capspec.compiler.targets import Targets
from capspec.errors import Place
from capspec.folders import locate
from capspec.model import BindSpec, FlowSpec
from capspec.model.steps import BlockSpec
from capspec.node import Report, nearest
from capspec.values import Json, Missing

_REFERENCE = re.compile(
    r"(?:\{\{\s*)?((?:\$this\.)?([A-Za-z][\w-]*)\.([A-Za-z_][\w-]*)[\w.\[\]-]*)(?:\s*\}\})?"
)
_MEMBER = re.compile(r"\$\.([\w-]+)")
_NAME = re.compile(r"\{\{\s*([A-Za-z_][\w-]*)((?:\.[\w-]+)*)\s*(?=[|}])")
_PLACED = ("path", "query", "header", "cookie", "body")
_SHORT = 3
_SURE, _ALIKE, _LIKELY = 0.8, 0.75, 0.6
"""How alike two words are when one is taken for another: by themselves, in braces, if more speaks for it."""


def doubt_names(
    spec: FlowSpec,
    targets: Targets,
    prefixes: Collection[str],
    report: Report,
    declares: Callable[[str], bool],
) -> None:
    """Warn of names in what a flow gives to its calls and takes from its steps that are probably misspelt."""
    _doubt_references(spec, prefixes, report)
    _doubt_steps(spec, report, declares)
    for call, arguments, place in _calls(spec):
        known = [name for operation in targets.operations.get(call, ()) for name in needs_of(operation)]
        for key in arguments:
            near = (
                _near(key, [name for name in known if name not in arguments], ()) if key not in known else ""
            )
            if near:
                message = f"'{key}' is no parameter of '{call}', and is sent as it is"
                at = report.spot(place, key)
                report.add("CAP302", message, place=at, hint=f"did you mean '{near}'?", severity="warning")


def doubt_locations(binds: Iterable[BindSpec], report: Report) -> None:
    """Warn of files of binds that are not there, where one of nearly that name is."""
    for bind in binds:
        if not bind.location or bind.folder is None or bind.scheme not in ("env", "file"):
            continue
        path = locate(bind.location, bind.folder)
        try:
            beside = [] if path.exists() else [item.name for item in path.parent.iterdir() if item.is_file()]
        except OSError:
            continue
        near = difflib.get_close_matches(path.name, beside, 1, cutoff=_ALIKE)
        if near:
            message = f"'{bind.location}' does not exist, so its variables have no value"
            place = report.spot(bind.place, bind.location, key="location")
            report.add("CAP212", message, place=place, hint=f"did you mean '{near[0]}'?", severity="warning")


def _doubt_references(spec: FlowSpec, prefixes: Collection[str], report: Report) -> None:
    """Values of `with` that look like references and begin with none of the words that they can."""
    known = {item.name for item in spec.inputs} | set(parse_exposed_path(spec.path).variables)
    passed = (*prefixes, "env", "secrets", *known, *_steps(spec.block))
    for text, place in _written(spec):
        found = _REFERENCE.fullmatch(text.strip())
        if found is not None and found[2] in prefixes:
            _doubt_input(found, known, report, report.spot(place, text))
        if found is None or found[2] in passed:
            continue
        cutoff = _LIKELY if found[3] in known else _SURE
        near = difflib.get_close_matches(found[2], prefixes, 1, cutoff=cutoff)
        if near:
            meant = found[1].replace(found[2], near[0], 1)
            report.add(
                "CAP301",
                f"'{found[1]}' names no argument, because nothing is called '{found[2]}' here",
                place=report.spot(place, text),
                hint=f"did you mean '{meant}'?",
                severity="warning",
            )


def _doubt_input(found: re.Match[str], known: Collection[str], report: Report, place: Place) -> None:
    whole = found[1].removeprefix("$this.").partition(".")[2]
    near = "" if whole in known else _near(found[3], known, _PLACED)
    if near:
        message = f"'{found[1]}' is none of the inputs that are declared, and becomes one more"
        hint = f"did you mean '{found[2]}.{near}'?"
        report.add("CAP302", message, place=place, hint=hint, severity="warning")


def _doubt_steps(spec: FlowSpec, report: Report, declares: Callable[[str], bool]) -> None:
    """JSONPaths into the outputs of steps that begin with the name of none."""
    known = [*_steps(spec.block), *(item.name for item in spec.inputs)]
    written = [(text, spec.place) for _, value in spec.block.mappings for text in _texts([value])]
    for step in spec.block.steps:
        values = [step.node.raw("value"), step.node.raw("lookupValue"), step.when]
        written += [(text, step.place) for text in _texts(values)]
    _doubt_templates(spec, [*written, *_written(spec)], known, report, declares)
    for text, place in written:
        found = _MEMBER.match(text)
        near = _near(found[1], known, ("steps",)) if found is not None else ""
        if found is not None and near:
            message = f"'{text}' begins with neither a step nor an input"
            at = report.spot(place, text)
            report.add("CAP302", message, place=at, hint=f"did you mean '$.{near}'?", severity="warning")


def _doubt_templates(
    spec: FlowSpec,
    written: Iterable[tuple[str, Place]],
    known: Collection[str],
    report: Report,
    declares: Callable[[str], bool],
) -> None:
    """Templates that read a name close to one that is known; without declared inputs, only `{{a.b}}`."""
    for text, place in dict(written).items():
        for found in _NAME.finditer(text):
            name, rest = found[1], found[2]
            near = nearest(name, known, _ALIKE) if name not in known and (rest or spec.inputs) else ""
            if near and len(name) > 1 and not name.isupper() and not declares(f"{name}{rest}"):
                message = f"'{{{{{name}{rest}}}}}' names neither a step nor an input that is declared"
                at = report.spot(place, text, found.start())
                hint = f"did you mean '{{{{{near}{rest}}}}}'?"
                report.add("CAP302", message, place=at, hint=hint, severity="warning")


def _near(name: str, known: Collection[str], fine: Collection[str]) -> str:
    """The known name that is meant by one that is not known, "" when there is none."""
    # What differs by case and punctuation only is the same to whoever pairs names.
    if name in fine or normalised(name) in map(normalised, known):
        return ""
    return next(
        iter(difflib.get_close_matches(name, known, 1, cutoff=_SURE if len(name) > 3 else _LIKELY)), ""
    )


def _calls(spec: FlowSpec) -> Iterator[tuple[str, Mapping[str, Json], Place]]:
    """The operations that are called by their whole names, what each is given, and where."""
    if spec.call is not None:
        yield spec.call.target.strip(), spec.call.arguments, spec.call.place
    yield from _step_calls(spec.block)


def _step_calls(block: BlockSpec) -> Iterator[tuple[str, Mapping[str, Json], Place]]:
    for step in block.steps:
        node = step.node.get("with", "params", "parameters")
        call = step.node.raw("call", "operation")
        if isinstance(call, str) and node is not None and isinstance(node.value, dict):
            yield call.strip(), node.value, node.place
        if step.block is not None:
            yield from _step_calls(step.block)


def _steps(block: BlockSpec) -> Iterator[str]:
    for step in block.steps:
        yield step.name
        if step.loop is not None:
            yield step.loop.variable
        if step.block is not None:
            yield from _steps(step.block)


def _written(spec: FlowSpec) -> Iterator[tuple[str, Place]]:
    """The texts of each `with` of a flow, and a place near them."""
    if spec.call is not None:
        yield from ((text, spec.call.place) for text in _texts(spec.call.arguments.values()))
    yield from ((text, spec.place) for text in _texts(spec.preset.values()))
    yield from _written_in(spec.block)


def _written_in(block: BlockSpec) -> Iterator[tuple[str, Place]]:
    for step in block.steps:
        node = step.node.get("with", "params", "parameters")
        if node is not None and isinstance(node.value, dict):
            yield from ((text, node.place) for text in _texts(node.value.values()))
        if step.block is not None:
            yield from _written_in(step.block)


def _texts(values: Iterable[Json | Missing]) -> Iterator[str]:
    for value in values:
        if isinstance(value, str):
            yield value
        elif isinstance(value, dict | list):
            yield from _texts(value.values() if isinstance(value, dict) else value)
