"""The answers of neuroflash's imitation, field by field."""

from __future__ import annotations

from capspec.sandbox.fidelity import Note, Shape, Source, documented, inferred, official

LINKS = Shape(name="Links", fields={"content": documented("string")})
IMAGE = Shape(
    name="Image",
    fields={
        "id": documented("string"),
        "generationId": documented("string"),
        "workspaceId": documented("string"),
        "createdByUserId": documented("string"),
        "prompt": documented("string"),
        "model": documented("string"),
        "parameters": documented("object"),
        "inputImageIds": documented("array|null"),
        "imageWidth": documented("integer|null"),
        "imageHeight": documented("integer|null"),
        "imageSize": documented("integer|null"),
        "createdAt": documented("string"),
        "updatedAt": documented("string"),
        "_links": documented("object", LINKS),
    },
)
TASK = Shape(
    name="TaskAnswer",
    fields={
        "images": documented("array", IMAGE),
        "generationId": documented("string"),
        "description": documented("string|null"),
        "detail": documented("object|null"),
    },
)
PAGE = Shape(
    name="Page",
    fields={
        "size": official("integer"),
        "totalElements": official("integer"),
        "totalPages": official("integer"),
        "currentPage": official("integer"),
    },
)
IMAGES = Shape(name="Images", fields={"page": official("object", PAGE), "data": official("array", IMAGE)})
MODEL = Shape(
    name="ImageModel",
    fields={
        "id": official("string"),
        "name": official("string"),
        "provider": official("string"),
        "description": official("string"),
        "capabilities": official("array"),
        "maxImages": official("integer"),
        "aspectRatios": official("array"),
        "outputFormats": official("array"),
        "allowed": official("boolean"),
        "order": official("integer"),
    },
)
MODELS = Shape(
    name="ImageModels", fields={"page": official("object", PAGE), "data": official("array", MODEL)}
)
WORKSPACE = Shape(
    name="Workspace (neuroflash)", fields={"id": inferred("string"), "name": inferred("string")}
)
WORKSPACES = Shape(
    name="Workspaces (neuroflash)",
    fields={"page": inferred("object", PAGE), "data": inferred("array", WORKSPACE)},
)
QUOTA = Shape(
    name="Quotas",
    fields={
        "usageTypeKey": official("string"),
        "monthly": inferred("object"),
        "daily": inferred("object"),
        "fairUseLimitReached": official("boolean"),
    },
)
ERROR = Shape(name="Error (neuroflash)", fields={"error": official("string"), "code": official("string")})
FIELD_ERROR = Shape(
    name="FieldError",
    fields={"field": official("string"), "message": official("string"), "type": official("string")},
)
INVALID = Shape(name="Invalid", fields={"errors": official("array", FIELD_ERROR)})

_S, _O, _I = Source.DOCUMENTED, Source.OFFICIAL, Source.INFERRED
PROVIDER_NOTES = (
    Note(text="bearer tokens from the sign-in; an expired one gets 401", source=_O),
    Note(text="the values of `code`", source=_I),
    Note(text="workspace ids that are UUIDs or begin with `ws` are the caller's, others get 403", source=_I),
    Note(text="each workspace holds one image by somebody else", source=_I),
)
TASK_NOTES = (
    Note(text="body fields, the answer's fields, ownership of inputs", source=_S),
    Note(text="the answer holds the finished images: there is no job to poll", source=_S),
    Note(text="success is 201", source=_I),
    Note(text="the answer takes 4 to 8 s", source=_I),
    Note(text="500 images a month; a request beyond gets fewer and a `detail`, then 429", source=_I),
    Note(text="the upscaler's id and its factors 2 and 4", source=_I),
    Note(text="webp gets 422: a limit of the sandbox, which renders png and jpeg", source=_I),
    Note(text="pictures above four megapixels are rendered smaller: a limit of the sandbox", source=_I),
)
LIST_NOTES = (Note(text="`page` from 1, `size` to 200, newest first", source=_O),)
CONTENT_NOTES = (
    Note(text="needs the bearer token", source=_S),
    Note(text="the path below the image", source=_I),
)
IMPORT_NOTES = (
    Note(text="`imageUrl` may be http(s) or `data:`", source=_O),
    Note(text="nothing is fetched: another host's picture is drawn from its address", source=_I),
)
DELETE_NOTES = (
    Note(text="only the owner may: 403 for anybody else", source=_S),
    Note(text="204 without a body", source=_O),
)
