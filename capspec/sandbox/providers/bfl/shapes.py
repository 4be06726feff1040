"""The answers of BFL's imitation, field by field."""

from __future__ import annotations

from capspec.sandbox.fidelity import Field, Note, Shape, Source, inferred, measured, official

_COSTS = {
    "cost": official("number|null"),
    "input_mp": official("number|null"),
    "output_mp": official("number|null"),
}
ASYNC_RESPONSE = Shape(
    name="AsyncResponse",
    fields={"id": official("string"), "polling_url": official("string"), **_COSTS},
)
ASYNC_WEBHOOK_RESPONSE = Shape(
    name="AsyncWebhookResponse",
    fields={
        "id": official("string"),
        "status": official("string"),
        "webhook_url": official("string"),
        **_COSTS,
    },
)
SUBMITTED = Shape(
    name="AsyncResponse or AsyncWebhookResponse",
    fields={
        "id": official("string"),
        "polling_url": Field(type="string", source=Source.OFFICIAL, required=False),
        "status": Field(type="string", source=Source.OFFICIAL, required=False),
        "webhook_url": Field(type="string", source=Source.OFFICIAL, required=False),
        **_COSTS,
    },
)
RESULT = Shape(
    name="Result",
    fields={
        "sample": measured("string"),
        "prompt": measured("string"),
        "seed": measured("integer"),
        "start_time": measured("number"),
        "end_time": measured("number"),
        "duration": measured("number"),
    },
)
RESULT_RESPONSE = Shape(
    name="ResultResponse",
    fields={
        "id": official("string"),
        "status": official("string"),
        "result": official("object|null", RESULT),
        "progress": official("number|null"),
        "details": official("object|null"),
        "preview": official("object|null"),
        "cost": measured("number|null", required=False),
    },
)
CREDITS = Shape(name="Credits", fields={"credits": official("number")})
DETAIL = Shape(name="Detail", fields={"detail": measured("string")})
GUESSED_DETAIL = Shape(name="Detail (guessed)", fields={"detail": inferred("string")})
VALIDATION_ITEM = Shape(
    name="ValidationError",
    fields={
        "type": official("string"),
        "loc": official("array"),
        "msg": official("string"),
        "input": measured("any"),
        "ctx": measured("object", required=False),
    },
)
VALIDATION = Shape(name="HTTPValidationError", fields={"detail": official("string|array", VALIDATION_ITEM)})
WEBHOOK = Shape(
    name="Webhook",
    fields={
        "id": official("string"),
        "status": official("string"),
        "result": official("object|null", RESULT, required=False),
        "error": official("string", required=False),
        "message": official("string", required=False),
        "timestamp": official("string"),
    },
)

_O, _M, _T, _I = Source.OFFICIAL, Source.MEASURED, Source.REPORTED, Source.INFERRED
PROVIDER_NOTES = (
    Note(text="the key goes in `X-Key`; a wrong one gets 403 and one of the wrong form 422", source=_M),
    Note(text="a missing key gets 403 `Not authenticated`", source=_T),
    Note(
        text="accepted keys begin with `bfl_`; keys of a real key's form (a UUID) are wrong ones here",
        source=_I,
    ),
    Note(text="`polling_url` lies on another host than the submit", source=_M),
    Note(text="unknown body fields are ignored", source=_O),
    Note(text="the bodies of 402 and 429", source=_I),
)
SUBMIT_NOTES = (
    Note(text="fields, defaults and ranges of the body", source=_O),
    Note(text="with `webhook_url` the answer has no `polling_url`", source=_O),
    Note(text="24 unfinished jobs a key (6 for max), then 429", source=_O),
    Note(text="`cost`, `input_mp` and `output_mp` are null on submit", source=_M),
    Note(text="pro costs 4 credits, max 8; a job that fails is not charged", source=_O),
    Note(text="an input image that is neither URL nor base64 gets 422; so does one above 20 MB", source=_I),
    Note(text="webp gets 422: a limit of the sandbox, which renders png and jpeg", source=_I),
    Note(text="an edited picture keeps its input's size; without input the ratio picks the size", source=_I),
)
POLL_NOTES = (
    Note(text="needs no key unless `strict_poll_auth` is set", source=_O),
    Note(text="an unknown id gets 404 with status `Task not found`", source=_M),
    Note(text="one job in four answers so for its first 0.2 s, as task stores are regional", source=_T),
    Note(text="`progress` is 0.1 to 0.9 while pending and null at the end", source=_M),
    Note(
        text="`Retry-After: 1`, from half way on `0`; `X-Ratelimit-Limit: 1200` with its companions",
        source=_M,
    ),
    Note(text="each answer signs the link anew; it opens for 10 minutes", source=_M),
    Note(text="a status of `Error` carries `details.error`", source=_I),
)
WEBHOOK_NOTES = (
    Note(text="the webhook's body and `X-BFL-Signature: sha256=…`, retried after 1, 5 and 30 s", source=_O),
    Note(
        text="webhooks go to loopback addresses only, and http is allowed: a limit of the sandbox", source=_I
    ),
)
