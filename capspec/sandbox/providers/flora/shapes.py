"""The answers of FLORA's imitation, field by field."""

from __future__ import annotations

from capspec.sandbox.fidelity import Note, Shape, Source, documented, inferred, official

WORKSPACE = Shape(
    name="Workspace",
    fields={
        "workspace_id": official("string"),
        "name": official("string"),
        "role": official("string"),
        "created_at": official("number"),
    },
)
WORKSPACES = Shape(name="Workspaces", fields={"workspaces": official("array", WORKSPACE)})
META = Shape(
    name="Meta",
    fields={"next_cursor": official("string|null"), "total_estimate": official("integer", required=False)},
)
PROJECT = Shape(
    name="Project",
    fields={
        "project_id": official("string"),
        "name": official("string"),
        "workspace_id": official("string"),
        "created_at": inferred("number"),
    },
)
PROJECTS = Shape(
    name="Projects", fields={"projects": official("array", PROJECT), "meta": official("object", META)}
)
NODES = Shape(name="Nodes", fields={"nodes": inferred("array"), "meta": official("object", META)})
PARAM = Shape(
    name="Param",
    fields={
        "name": official("string"),
        "required": official("boolean"),
        "type": official("string"),
        "default": official("any", required=False),
        "options": official("array", required=False),
    },
)
MODEL = Shape(
    name="GenerationModel",
    fields={
        "model_id": official("string"),
        "name": official("string"),
        "provider": official("string"),
        "type": official("string"),
        "capabilities": official("array"),
        "estimated_credits": official("number"),
        "estimated_seconds": official("number"),
        "params": official("array", PARAM),
    },
)
MODELS = Shape(name="GenerationModels", fields={"models": official("array", MODEL)})
MODEL_REFERENCE = Shape(name="ModelReference", fields={"model_id": documented("string")})
TECHNIQUE_REFERENCE = Shape(name="TechniqueReference", fields={"technique_id": inferred("string")})
SUBMITTED = Shape(
    name="Submitted",
    fields={
        "run_id": documented("string"),
        "type": documented("string"),
        "estimated_seconds": documented("number|null"),
        "charged_cost": documented("number"),
        "poll_url": documented("string|null"),
        "model": documented("object|null", MODEL_REFERENCE),
        "technique": official("object|null", TECHNIQUE_REFERENCE),
        "action": official("object|null"),
        "project_id": documented("string|null"),
    },
)
OUTPUT = Shape(
    name="Output",
    fields={"output_id": official("string"), "type": official("string"), "url": official("string")},
)
RUN = Shape(
    name="Run",
    fields={
        "run_id": official("string"),
        "status": official("string"),
        "progress": official("integer"),
        "created_at": official("number"),
        "started_at": official("number", required=False),
        "completed_at": official("number", required=False),
        "charged_cost": official("number", required=False),
        "outputs": official("array", OUTPUT, required=False),
        "error_code": official("string", required=False),
        "error_message": official("string", required=False),
        "poll_url": official("string", required=False),
    },
)
GENERATIONS = Shape(
    name="Generations", fields={"generations": inferred("array", RUN), "meta": official("object", META)}
)
RUNS = Shape(name="Runs", fields={"runs": inferred("array", RUN), "meta": official("object", META)})
TECHNIQUE = Shape(
    name="Technique",
    fields={
        "technique_id": official("string"),
        "slug": inferred("string"),
        "name": official("string"),
        "description": official("string", required=False),
        "inputs": official("array"),
        "outputs": official("array"),
        "run_cost": official("number"),
    },
)
TECHNIQUES = Shape(
    name="Techniques", fields={"techniques": official("array", TECHNIQUE), "meta": official("object", META)}
)
FIELD = Shape(name="ErrorField", fields={"field": official("string"), "message": official("string")})
PROBLEM = Shape(
    name="Problem",
    fields={
        "code": official("string"),
        "message": official("string"),
        "fields": official("array", FIELD, required=False),
    },
)
ERROR = Shape(name="Error (FLORA)", fields={"error": official("object", PROBLEM)})

_S, _O, _M, _I = Source.DOCUMENTED, Source.OFFICIAL, Source.MEASURED, Source.INFERRED
PROVIDER_NOTES = (
    Note(text="the key goes in `Authorization: Bearer sk_live_…` or `sk_test_…`", source=_O),
    Note(text="`request-id: req_…` on every answer", source=_O),
    Note(text="120 requests at once for each key, ten more a second; then 429", source=_I),
    Note(text="`retry-after` on every second 429: it is there *when present*", source=_I),
    Note(text="another key's run is not found", source=_I),
    Note(text="the ids of all models but `t2i-flux-2-pro`", source=_I),
)
GENERATE_NOTES = (
    Note(
        text="fields, required fields and types; `model` must come from `/models` of the same `type`",
        source=_S,
    ),
    Note(text="a field that is not known gets 400", source=_O),
    Note(text="unknown `params` are accepted", source=_M),
    Note(text="an id whose prefix fits and whose rest does not gets 500 `unknown_error`", source=_M),
    Note(text="a workspace or project that does not exist gets 404", source=_I),
    Note(text="failed runs are not charged", source=_O),
)
IDEMPOTENCY_NOTES = (
    Note(text="a key used in the last two hours gets 409 `idempotency_duplicate`", source=_S),
    Note(
        text="`Idempotency-Key` here, `idempotency_key` in the body of technique runs",
        source=_M,
    ),
    Note(
        text="the key is free again when the request fails before there is a run, not when the run fails",
        source=_M,
    ),
    Note(text="`flora_idempotency=replay`: the first answer again for 24 h, 422 for another body", source=_O),
)
RUN_NOTES = (
    Note(text="statuses `pending`, `running`, `completed`, `failed`; `progress` 0 to 100", source=_O),
    Note(text="a failed run shows progress 100 and `completed_at`", source=_M),
    Note(text="times are milliseconds since the epoch", source=_I),
    Note(text="the run takes its estimate, give or take 30 %", source=_I),
    Note(text="text outputs hold the text in `url`", source=_O),
)
WEBHOOK_NOTES = (
    Note(
        text="`callback_url`: events `run.completed` and `run.failed`, `Flora-Signature`, three retries",
        source=_O,
    ),
    Note(text="the signing secret is the API key", source=_I),
    Note(
        text="webhooks go to loopback addresses only, and http is allowed: a limit of the sandbox", source=_I
    ),
)
TECHNIQUE_NOTES = (
    Note(text="`inputs` as a list of `{id, type, value}`, `mode` async or stream", source=_O),
    Note(text="success is 201", source=_I),
    Note(text="`mode: stream` gets 400: a limit of the sandbox", source=_I),
)
