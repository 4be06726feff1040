"""The answers of Flexura's imitation, field by field."""

from __future__ import annotations

from capspec.sandbox.fidelity import Note, Shape, Source, documented, inferred, official

QUEUED = Shape(name="Queued", fields={"job_id": documented("string"), "status": documented("string")})
JOB = Shape(
    name="Job",
    fields={
        "job_id": documented("string"),
        "status": documented("string"),
        "type": documented("string"),
        "asset_url": documented("string", required=False),
        "error": documented("string", required=False),
        "prompt": documented("string", required=False),
        "created_at": documented("string", required=False),
        "updated_at": documented("string", required=False),
    },
)
CAPABILITY = Shape(
    name="Capability",
    fields={
        "endpoint_url": documented("string"),
        "method": documented("string"),
        "description": documented("string"),
    },
)
MODEL = Shape(
    name="Model",
    fields={
        "id": documented("string"),
        "type": documented("string"),
        "endpoint_url": documented("string"),
        "description": documented("string"),
        "status": documented("string"),
        "input": documented("object"),
    },
)
CAPABILITIES = Shape(name="Capabilities", fields={"search": documented("object", CAPABILITY)})
MODELS = Shape(
    name="Models",
    fields={
        "platform": documented("string"),
        "capabilities": documented("object", CAPABILITIES),
        "models": documented("array", MODEL),
    },
)
SEARCH_RESULT = Shape(
    name="SearchResult",
    fields={
        "title": inferred("string"),
        "url": official("string"),
        "content": official("string"),
        "score": official("number"),
        "raw_content": inferred("string", required=False),
        "published_date": inferred("string", required=False),
    },
)
SEARCH = Shape(
    name="SearchAnswer",
    fields={
        "query": inferred("string"),
        "answer": official("string|null"),
        "results": official("array", SEARCH_RESULT),
        "response_time": inferred("number"),
    },
)
ERROR = Shape(name="Error (Flexura)", fields={"error": inferred("string")})

_S, _O, _I = Source.DOCUMENTED, Source.OFFICIAL, Source.INFERRED
PROVIDER_NOTES = (
    Note(text="the key goes in `Authorization: Bearer fx_live_…`", source=_S),
    Note(text="error bodies, and 400 for a body that does not fit", source=_I),
    Note(text="another key's job is not found", source=_I),
)
SEARCH_NOTES = (
    Note(text="body fields, defaults and ranges", source=_O),
    Note(text="the answer's field names: the documentation stops before the sample", source=_I),
)
SUBMIT_NOTES = (
    Note(
        text="202 with `job_id` and `queued`; `prompt` required, `model` and `options` for images", source=_S
    ),
    Note(text="sides from 16 to 4096 pixels, steps from 1 to 50", source=_I),
    Note(text="sounds are WAV files, films two seconds long: limits of the sandbox", source=_I),
    Note(text="a key without credits makes jobs that fail", source=_I),
)
JOB_NOTES = (
    Note(text="statuses `queued`, `processing`, `completed`, `failed`", source=_S),
    Note(text="queued and processing jobs show the prompt and both times", source=_I),
)
MODELS_NOTES = (
    Note(text="needs no key, as the example sends none", source=_S),
    Note(text="the ids of the video and audio models", source=_I),
)
ASSET_NOTES = (Note(text="public and permanent; `/api/assets/{job_id}.{ext}`", source=_S),)
INSTALL_NOTES = (
    Note(text="a bash script that takes `--target` with one of six agents", source=_S),
    Note(text="the sandbox's script says what it would do and changes nothing", source=_I),
)
