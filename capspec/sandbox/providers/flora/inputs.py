"""FLORA's request bodies to checked values, or to the 400 that lists every field."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from capspec.sandbox.journal import BODY
from capspec.sandbox.providers.flora.catalogue import KINDS, PROJECTS, WORKSPACES, Kind, Technique
from capspec.sandbox.providers.flora.errors import invalid, not_found, refused

_GENERATE = frozenset({"type", "prompt", "workspace_id", "project_id", "model", "params", "callback_url"})
_WELL_FORMED = re.compile(r"[a-z]+_[A-Za-z0-9]{4,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Generation:
    """What ``/generate`` was asked."""

    kind: Kind
    prompt: str
    workspace: str
    project: str
    model: str | None
    params: Mapping[str, object]
    callback: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TechniqueRun:
    """What a technique was asked to do: its inputs' values by id."""

    values: Mapping[str, str]
    workspace: str
    callback: str | None
    key: str | None


def parse_body(request: Request) -> dict[str, object]:
    """The JSON object sent. Raises RefusedError (400)."""
    try:
        body = json.loads(request.scope[BODY])
    except (ValueError, RecursionError):
        raise refused(400, "invalid_json", "The body is not valid JSON") from None
    if not isinstance(body, dict):
        raise refused(400, "invalid_json", "The body must be a JSON object")
    return body


def parse_generation(body: Mapping[str, object], projects: Mapping[str, tuple[str, str]]) -> Generation:
    """A generation's inputs. Raises RefusedError."""
    fields = Fields(body)
    fields.only(_GENERATE)
    kind = fields.one_of("type", KINDS)
    prompt = fields.text("prompt")
    workspace, project = fields.identifier("workspace_id", "ws_"), fields.identifier("project_id", "prj_")
    params = fields.mapping("params")
    model, callback = fields.optional_text("model"), fields.optional_text("callback_url")
    fields.check()
    check_place(workspace, project, projects)
    return Generation(
        kind=next(known for known in KINDS if known == kind),
        prompt=prompt,
        workspace=workspace,
        project=project,
        model=model,
        params=params,
        callback=callback,
    )


def parse_listed_inputs(body: Mapping[str, object], technique: Technique) -> TechniqueRun:
    """The inputs of ``/techniques/{id}/runs``: a list of ``{id, type, value}``. Raises RefusedError."""
    fields = Fields(body)
    mode = fields.one_of("mode", ("async", "stream"))
    listed = body.get("inputs")
    values: dict[str, object] = {}
    if isinstance(listed, list) and all(isinstance(item, dict) for item in listed):
        values = {str(item.get("id")): item.get("value") for item in listed}
    else:
        fields.wrong("inputs", "Required" if listed is None else "Expected array of objects")
    run = _technique_run(fields, body, values, technique, workspace=next(iter(WORKSPACES)))
    if mode == "stream":
        raise invalid([{"field": "mode", "message": "the sandbox runs techniques in mode async only"}])
    return run


def parse_mapped_inputs(body: Mapping[str, object], technique: Technique) -> TechniqueRun:
    """The inputs of ``/runs/technique``: an object by input id. Raises RefusedError."""
    fields = Fields(body)
    workspace = fields.identifier("workspace_id", "ws_")
    return _technique_run(fields, body, fields.mapping("inputs"), technique, workspace)


def _technique_run(
    fields: Fields,
    body: Mapping[str, object],
    values: Mapping[str, object],
    technique: Technique,
    workspace: str,
) -> TechniqueRun:
    for name in technique.inputs:
        if not isinstance(values.get(name), str) or not values[name]:
            fields.wrong(f"inputs.{name}", "Required")
    callback, key = fields.optional_text("callback_url"), fields.optional_text("idempotency_key")
    fields.check()
    if workspace not in WORKSPACES:
        raise not_found("Workspace")
    given = {name: str(values[name]) for name in technique.inputs}
    return TechniqueRun(values=given, workspace=workspace, callback=callback, key=key)


def check_place(workspace: str, project: str, projects: Mapping[str, tuple[str, str]]) -> None:
    """Raises RefusedError unless both exist and belong together."""
    for name in (workspace, project):
        if not _WELL_FORMED.fullmatch(name):
            raise refused(500, "unknown_error", "An unknown error occurred")
    if workspace not in WORKSPACES:
        raise not_found("Workspace")
    if projects.get(project, ("", ""))[1] != workspace:
        raise not_found("Project")


def first_projects() -> dict[str, tuple[str, str]]:
    """Name and workspace of each project that exists from the start, by id."""
    return dict(PROJECTS)


class Fields:
    """Takes fields out of a body and collects what is wrong with them."""

    def __init__(self, body: Mapping[str, object]) -> None:
        self._body = body
        self._problems: list[dict[str, str]] = []

    def check(self) -> None:
        """Raises RefusedError when anything was wrong."""
        if self._problems:
            raise invalid(self._problems)

    def wrong(self, name: str, message: str) -> None:
        self._problems.append({"field": name, "message": message})

    def only(self, known: Iterable[str]) -> None:
        for name in sorted(set(self._body) - set(known)):
            self.wrong(name, "Unrecognized field")

    def text(self, name: str) -> str:
        value = self._body.get(name)
        if isinstance(value, str) and value:
            return value
        self.wrong(name, "Required" if value is None else "Expected a non-empty string")
        return ""

    def optional_text(self, name: str) -> str | None:
        value = self._body.get(name)
        if value is None or (isinstance(value, str) and value):
            return value
        self.wrong(name, "Expected a non-empty string")
        return None

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        value = self._body.get(name)
        if value in known:
            return str(value)
        self.wrong(name, "Required" if value is None else f"Expected one of {', '.join(known)}")
        return ""

    def identifier(self, name: str, prefix: str) -> str:
        value = self.text(name)
        if value and not value.startswith(prefix):
            self.wrong(name, f"Must be a public id that starts with {prefix}")
        return value

    def mapping(self, name: str) -> Mapping[str, object]:
        value = self._body.get(name)
        if value is None or isinstance(value, dict):
            return value or {}
        self.wrong(name, "Expected an object")
        return {}
