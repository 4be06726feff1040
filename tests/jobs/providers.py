"""Thirteen ways in which real APIs run jobs, each as a capability and as the exchange that a job of it makes.

Addresses are the providers' own where they are public, and answers are cut down to what the rules read.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from capspec.jobs.outcome import State
from capspec.values import MISSING
from tests.jobs.job_world import Reply


@dataclass(frozen=True)
class Story:
    """One job: what the provider answers, in order, and what must come of it."""

    name: str
    replies: Mapping[str, Sequence[Reply]]
    state: State
    result: Any = MISSING
    content: bytes | None = None
    code: str = ""
    message: str = ""
    details: Any = None
    times: Sequence[float] | None = None


@dataclass(frozen=True)
class Provider:
    """One API: its base URI, its operation (method, path, more) and blocks, and what happens with it."""

    base: str
    operation: str
    blocks: str
    stories: Sequence[Story]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    more: str = ""


def _replies(*lines: tuple[str, Reply]) -> dict[str, list[Reply]]:
    found: dict[str, list[Reply]] = {}
    for line, reply in lines:
        found.setdefault(line, []).append(reply)
    return found


FLEXURA = Provider(
    base="https://www.flexura.site",
    operation="name: draw\nmethod: POST\npath: /api/generate/image",
    blocks="""
poll:
  id: $.job_id
  request: {uri: "/api/jobs/{{id}}"}
  interval: 5s
  status: {path: $.status, success: [completed], failure: [failed], pending: [queued, processing]}
  result: {path: $.asset_url}
  error: {message: $.error}
""",
    stories=[
        Story(
            name="completes at the second look",
            replies=_replies(
                (
                    "POST https://www.flexura.site/api/generate/image",
                    Reply({"job_id": "j1", "status": "queued"}, 202),
                ),
                ("GET https://www.flexura.site/api/jobs/j1", Reply({"status": "processing"})),
                (
                    "GET https://www.flexura.site/api/jobs/j1",
                    Reply({"status": "completed", "asset_url": "/a/j1.png"}),
                ),
            ),
            state=State.SUCCEEDED,
            result="/a/j1.png",
            times=[5, 10],
        ),
        Story(
            name="fails with a plain text",
            replies=_replies(
                (
                    "POST https://www.flexura.site/api/generate/image",
                    Reply({"job_id": "j1", "status": "queued"}, 202),
                ),
                (
                    "GET https://www.flexura.site/api/jobs/j1",
                    Reply({"status": "failed", "error": "out of memory"}),
                ),
            ),
            state=State.FAILED,
            code="failed",
            message="out of memory",
        ),
    ],
)

_EU4 = "GET https://api.eu4.bfl.ai/v1/get_result?id=e1"
_BFL_SUBMIT = "POST https://api.bfl.ai/v1/flux-kontext-pro"
_BFL_ACCEPTED = Reply({"id": "e1", "polling_url": "https://api.eu4.bfl.ai/v1/get_result?id=e1", "cost": None})

BFL = Provider(
    base="https://api.bfl.ai/v1",
    operation="name: edit\nmethod: POST\npath: /flux-kontext-pro",
    blocks="""
poll:
  id: $.id
  request:
    uriFrom: {body: $.polling_url}
    uri: /get_result?id={{id}}
    allowHosts: ["*.bfl.ai"]
  interval: 1s
  retryAfter: {header: Retry-After, min: 500ms, max: 10s}
  timeout: 3m
  status:
    path: $.status
    success: [Ready]
    failure: [Error, Request Moderated, Content Moderated]
    notFound: {values: [Task not found], codes: [404], grace: 10s}
  progress: {path: $.progress, max: 1}
  result: {path: $.result.sample, expires: 10m}
  error:
    code: $.status
    message: ["$.details['Moderation Reasons'][0]", $.details.error]
    details: $.details
webhook:
  url: {in: body, name: webhook_url}
  secret: {in: body, name: webhook_secret}
  signature: {header: X-BFL-Signature, algorithm: hmac-sha256, prefix: "sha256="}
""",
    stories=[
        Story(
            name="is polled on another host, not found at first, and told to come again at once",
            replies=_replies(
                (_BFL_SUBMIT, _BFL_ACCEPTED),
                (_EU4, Reply({"id": "e1", "status": "Task not found"}, 404)),
                (_EU4, Reply({"status": "Pending", "progress": 0.4}, headers=(("Retry-After", "0"),))),
                (_EU4, Reply({"status": "Ready", "result": {"sample": "https://delivery.eu4.bfl.ai/s"}})),
            ),
            state=State.SUCCEEDED,
            result="https://delivery.eu4.bfl.ai/s",
            times=[1, 2, 2.5],
        ),
        Story(
            name="is moderated",
            replies=_replies(
                (_BFL_SUBMIT, _BFL_ACCEPTED),
                (
                    _EU4,
                    Reply({"status": "Content Moderated", "details": {"Moderation Reasons": ["Derivative"]}}),
                ),
            ),
            state=State.FAILED,
            code="Content Moderated",
            message="Derivative",
            details={"Moderation Reasons": ["Derivative"]},
        ),
        Story(
            name="was submitted with a webhook, so that its answer has no address",
            replies=_replies(
                (_BFL_SUBMIT, Reply({"id": "e1", "status": "Pending", "webhook_url": "https://me.test"})),
                (
                    "GET https://api.bfl.ai/v1/get_result?id=e1",
                    Reply({"status": "Ready", "result": {"sample": "s"}}),
                ),
            ),
            state=State.SUCCEEDED,
            result="s",
        ),
        Story(
            name="stays unknown for longer than the grace",
            replies=_replies(
                (_BFL_SUBMIT, _BFL_ACCEPTED), (_EU4, Reply({"id": "e1", "status": "Task not found"}, 404))
            ),
            state=State.FAILED,
            code="Task not found",
            message="the provider knows no such job",
            times=[*range(1, 11)],
        ),
    ],
)

_FLORA_RUN = "GET https://app.flora.ai/api/v1/runs/r1"
_FLORA_ACCEPTED = Reply({"run_id": "r1", "estimated_seconds": 25, "poll_url": "/api/v1/runs/r1"}, 201)

FLORA = Provider(
    base="https://app.flora.ai/api/v1",
    operation="name: generate\nmethod: POST\npath: /generate",
    blocks="""
idempotency:
  in: header
  name: Idempotency-Key
  window: 2h
  duplicate: {code: 409, path: $.error.code, equals: idempotency_duplicate}
poll:
  id: $.run_id
  request: {uriFrom: {body: $.poll_url}, uri: "/runs/{{id}}", allowHosts: [app.flora.ai]}
  initialDelay: {path: $.estimated_seconds, unit: s, max: 10s}
  interval: 2s
  maxInterval: 5s
  backoff: 2
  status: {path: $.status, success: [completed], failure: [failed], pending: [pending, running]}
  progress: {path: $.progress, max: 100}
  result: {path: $.outputs}
  error: {code: $.error_code, message: $.error_message, retryable: [GPU_PROVIDER_ERROR]}
""",
    stories=[
        Story(
            name="waits as long as was estimated, then longer and longer",
            replies=_replies(
                ("POST https://app.flora.ai/api/v1/generate", _FLORA_ACCEPTED),
                (_FLORA_RUN, Reply({"status": "pending", "progress": 0})),
                (_FLORA_RUN, Reply({"status": "running", "progress": 50})),
                (_FLORA_RUN, Reply({"status": "running", "progress": 70})),
                (_FLORA_RUN, Reply({"status": "completed", "outputs": [{"url": "u"}]})),
            ),
            state=State.SUCCEEDED,
            result=[{"url": "u"}],
            times=[10, 12, 16, 21],
        ),
        Story(
            name="fails with everything done and HTTP 200",
            replies=_replies(
                ("POST https://app.flora.ai/api/v1/generate", _FLORA_ACCEPTED),
                (
                    _FLORA_RUN,
                    Reply(
                        {
                            "status": "failed",
                            "progress": 100,
                            "error_code": "GPU_PROVIDER_ERROR",
                            "error_message": "x",
                        }
                    ),
                ),
            ),
            state=State.FAILED,
            code="GPU_PROVIDER_ERROR",
            message="x",
        ),
    ],
)

_FAL_STATUS = "GET https://queue.fal.run/fal-ai/flux/requests/q1/status"
_FAL_ACCEPTED = Reply(
    {
        "request_id": "q1",
        "status_url": "https://queue.fal.run/fal-ai/flux/requests/q1/status",
        "response_url": "https://rest.fal.run/fal-ai/flux/requests/q1",
        "cancel_url": "https://queue.fal.run/fal-ai/flux/requests/q1/cancel",
    }
)

FAL = Provider(
    base="https://queue.fal.run",
    operation="name: run\nmethod: POST\npath: /fal-ai/flux/dev",
    blocks="""
poll:
  id: $.request_id
  request: {uriFrom: {body: $.status_url}, allowHosts: ["*.fal.run"]}
  interval: 1s
  status: {path: $.status, success: [COMPLETED], pending: [IN_QUEUE, IN_PROGRESS]}
  position: $.queue_position
  message: $.logs[-1].message
  result: {uriFrom: {body: $.response_url, of: submit}, path: $}
  error: {message: $.detail}
  cancel: {uriFrom: {body: $.cancel_url, of: submit}, method: PUT}
webhook: {url: {in: query, name: fal_webhook}}
""",
    stories=[
        Story(
            name="has its result at an address from the first answer",
            replies=_replies(
                ("POST https://queue.fal.run/fal-ai/flux/dev", _FAL_ACCEPTED),
                (_FAL_STATUS, Reply({"status": "IN_QUEUE", "queue_position": 3})),
                (_FAL_STATUS, Reply({"status": "COMPLETED"})),
                ("GET https://rest.fal.run/fal-ai/flux/requests/q1", Reply({"images": [{"url": "u"}]})),
            ),
            state=State.SUCCEEDED,
            result={"images": [{"url": "u"}]},
            times=[1, 2, 2],
        ),
        Story(
            name="is complete, and failed all the same",
            replies=_replies(
                ("POST https://queue.fal.run/fal-ai/flux/dev", _FAL_ACCEPTED),
                (_FAL_STATUS, Reply({"status": "COMPLETED"})),
                (
                    "GET https://rest.fal.run/fal-ai/flux/requests/q1",
                    Reply({"detail": "the picture is too large"}, 422),
                ),
            ),
            state=State.FAILED,
            code="result_failed",
            message="the picture is too large",
        ),
    ],
)

_PREDICTION = "GET https://api.replicate.com/v1/predictions/p1"
_REPLICATE_ACCEPTED = Reply(
    {
        "id": "p1",
        "status": "starting",
        "urls": {
            "get": "https://api.replicate.com/v1/predictions/p1",
            "cancel": "https://api.replicate.com/v1/predictions/p1/cancel",
        },
    },
    201,
)

REPLICATE = Provider(
    base="https://api.replicate.com/v1",
    operation="name: predict\nmethod: POST\npath: /predictions",
    blocks="""
poll:
  id: $.id
  request: {uriFrom: {body: $.urls.get}, allowHosts: [api.replicate.com]}
  interval: 500ms
  status:
    path: $.status
    success: [succeeded]
    failure: [failed]
    canceled: [canceled, aborted]
    pending: [starting, processing]
  result: {path: $.output}
  error: {message: $.error}
  cancel: {uriFrom: {body: $.urls.cancel, of: submit}, method: POST}
""",
    stories=[
        Story(
            name="has ended when it is submitted",
            replies=_replies(
                (
                    "POST https://api.replicate.com/v1/predictions",
                    Reply({"id": "p1", "status": "succeeded", "output": ["u"], "urls": {}}, 201),
                )
            ),
            state=State.SUCCEEDED,
            result=["u"],
            times=[],
        ),
        Story(
            name="has failed when it is submitted",
            replies=_replies(
                (
                    "POST https://api.replicate.com/v1/predictions",
                    Reply({"id": "p1", "status": "failed", "error": "no GPU", "urls": {}}, 201),
                )
            ),
            state=State.FAILED,
            code="failed",
            message="no GPU",
            times=[],
        ),
        Story(
            name="is aborted by the provider",
            replies=_replies(
                ("POST https://api.replicate.com/v1/predictions", _REPLICATE_ACCEPTED),
                (_PREDICTION, Reply({"status": "processing"})),
                (_PREDICTION, Reply({"status": "aborted"})),
            ),
            state=State.CANCELED,
            code="canceled",
            message="the job was canceled",
            times=[0.5, 1],
        ),
    ],
)

RUNWAY = Provider(
    base="https://api.dev.runwayml.com/v1",
    operation="""
name: imagine
method: POST
path: /text_to_image
inputParameters:
- {name: X-Runway-Version, in: header, value: "2024-11-06"}
""",
    blocks="""
poll:
  id: $.id
  request: {uri: "/tasks/{{id}}"}
  interval: 6s
  jitter: 0.25
  timeout: 10m
  status:
    path: $.status
    success: [SUCCEEDED]
    failure: [FAILED]
    canceled: [CANCELLED]
    pending: [PENDING, THROTTLED, RUNNING]
  progress: {path: $.progress, max: 1}
  result: {path: $.output, expires: 24h}
  error: {code: $.failureCode, message: $.failure}
  cancel: {uri: "/tasks/{{id}}", method: DELETE}
""",
    stories=[
        Story(
            name="is throttled, and runs",
            replies=_replies(
                ("POST https://api.dev.runwayml.com/v1/text_to_image", Reply({"id": "t1"})),
                ("GET https://api.dev.runwayml.com/v1/tasks/t1", Reply({"status": "THROTTLED"})),
                (
                    "GET https://api.dev.runwayml.com/v1/tasks/t1",
                    Reply({"status": "SUCCEEDED", "output": ["u"]}),
                ),
            ),
            state=State.SUCCEEDED,
            result=["u"],
            times=[6, 12],
        ),
        Story(
            name="fails with a code",
            replies=_replies(
                ("POST https://api.dev.runwayml.com/v1/text_to_image", Reply({"id": "t1"})),
                (
                    "GET https://api.dev.runwayml.com/v1/tasks/t1",
                    Reply({"status": "FAILED", "failureCode": "SAFETY.INPUT", "failure": "not this"}),
                ),
            ),
            state=State.FAILED,
            code="SAFETY.INPUT",
            message="not this",
        ),
    ],
)

OPENAI_VIDEOS = Provider(
    base="https://api.openai.com/v1",
    operation="name: film\nmethod: POST\npath: /videos",
    blocks="""
poll:
  id: $.id
  request: {uri: "/videos/{{id}}"}
  interval: 1s
  retryAfter: {header: openai-poll-after-ms, unit: ms}
  status: {path: $.status, success: [completed], failure: [failed], pending: [queued, in_progress]}
  progress: {path: $.progress, max: 100}
  result: {uri: "/videos/{{id}}/content", format: binary}
  error: {code: $.error.code, message: $.error.message}
""",
    stories=[
        Story(
            name="is a film, after the milliseconds that a header says",
            replies=_replies(
                ("POST https://api.openai.com/v1/videos", Reply({"id": "v1", "status": "queued"})),
                (
                    "GET https://api.openai.com/v1/videos/v1",
                    Reply({"status": "in_progress"}, headers=(("OpenAI-Poll-After-Ms", "2500"),)),
                ),
                ("GET https://api.openai.com/v1/videos/v1", Reply({"status": "completed"})),
                (
                    "GET https://api.openai.com/v1/videos/v1/content",
                    Reply(b"\x00ftyp", headers=(("Content-Type", "video/mp4"),)),
                ),
            ),
            state=State.SUCCEEDED,
            content=b"\x00ftyp",
            times=[1, 3.5, 3.5],
        ),
        Story(
            name="fails with a nested error",
            replies=_replies(
                ("POST https://api.openai.com/v1/videos", Reply({"id": "v1", "status": "queued"})),
                (
                    "GET https://api.openai.com/v1/videos/v1",
                    Reply({"status": "failed", "error": {"code": "moderation_blocked", "message": "no"}}),
                ),
            ),
            state=State.FAILED,
            code="moderation_blocked",
            message="no",
        ),
    ],
)

_DREAM = "https://api.lumalabs.ai/dream-machine/v1/generations"

LUMA = Provider(
    base="https://api.lumalabs.ai/dream-machine/v1",
    operation="name: dream\nmethod: POST\npath: /generations/image",
    blocks="""
poll:
  id: $.id
  request: {uri: "/generations/{{id}}"}
  interval: 3s
  status: {path: $.state, success: [completed], failure: [failed], pending: [queued, dreaming]}
  result: {path: $.assets}
  error: {message: $.failure_reason}
""",
    stories=[
        Story(
            name="dreams",
            replies=_replies(
                (f"POST {_DREAM}/image", Reply({"id": "g1", "state": "queued"}, 201)),
                (f"GET {_DREAM}/g1", Reply({"state": "dreaming"})),
                (f"GET {_DREAM}/g1", Reply({"state": "completed", "assets": {"image": "u"}})),
            ),
            state=State.SUCCEEDED,
            result={"image": "u"},
            times=[3, 6],
        ),
        Story(
            name="fails with a reason",
            replies=_replies(
                (f"POST {_DREAM}/image", Reply({"id": "g1", "state": "queued"}, 201)),
                (f"GET {_DREAM}/g1", Reply({"state": "failed", "failure_reason": "too dark"})),
            ),
            state=State.FAILED,
            code="failed",
            message="too dark",
        ),
    ],
)

_STABILITY = "https://api.stability.ai/v2beta/image-to-video"

STABILITY = Provider(
    base="https://api.stability.ai/v2beta",
    operation="name: animate\nmethod: POST\npath: /image-to-video",
    blocks="""
poll:
  id: $.id
  request: {uri: "/image-to-video/result/{{id}}", headers: {Accept: "video/*"}}
  interval: 10s
  status: {http: true, success: [200], pending: [202], failure: [400, 404]}
  result: {format: binary, expires: 24h}
  error: {code: $.name, message: "$.errors[0]"}
""",
    stories=[
        Story(
            name="says by its HTTP code alone that it is done, and is the result",
            replies=_replies(
                (f"POST {_STABILITY}", Reply({"id": "s1"})),
                (f"GET {_STABILITY}/result/s1", Reply({"status": "in-progress"}, 202)),
                (f"GET {_STABILITY}/result/s1", Reply(b"\x00\xffmoov", 200)),
            ),
            state=State.SUCCEEDED,
            content=b"\x00\xffmoov",
            times=[10, 20],
        ),
        Story(
            name="says by its HTTP code that it failed",
            replies=_replies(
                (f"POST {_STABILITY}", Reply({"id": "s1"})),
                (f"GET {_STABILITY}/result/s1", Reply({"name": "content_moderation", "errors": ["no"]}, 400)),
            ),
            state=State.FAILED,
            code="content_moderation",
            message="no",
        ),
    ],
)

_LRO = "https://management.example.com/operations/o1?api-version=3"

AZURE = Provider(
    base="https://management.example.com",
    operation="""
name: build
method: PUT
path: "/things/{name}?api-version=3"
inputParameters:
- {name: name, in: path}
""",
    arguments={"name": "a b"},
    blocks="""
poll:
  request:
    uriFrom: [{header: Azure-AsyncOperation}, {header: Operation-Location}, {header: Location}]
  interval: 30s
  retryAfter: true
  status: {path: $.status, success: [Succeeded], failure: [Failed], canceled: [Canceled]}
  progress: {path: $.percentComplete, max: 100}
  result: {uri: "/things/{{name}}?api-version=3", path: $}
  error: {code: $.error.code, message: $.error.message}
""",
    stories=[
        Story(
            name="is located by a header, has no id, and its result is the thing itself",
            replies=_replies(
                (
                    "PUT https://management.example.com/things/a%20b?api-version=3",
                    Reply(None, 202, headers=(("Operation-Location", _LRO), ("Retry-After", "7"))),
                ),
                (f"GET {_LRO}", Reply(None, 202, headers=(("Retry-After", "3"),))),
                (f"GET {_LRO}", Reply({"status": "InProgress", "percentComplete": 40})),
                (f"GET {_LRO}", Reply({"status": "Succeeded"})),
                ("GET https://management.example.com/things/a%20b?api-version=3", Reply({"name": "a b"})),
            ),
            state=State.SUCCEEDED,
            result={"name": "a b"},
            times=[7, 10, 40, 40],
        ),
        Story(
            name="fails",
            replies=_replies(
                (
                    "PUT https://management.example.com/things/a%20b?api-version=3",
                    Reply(None, 202, headers=(("Location", "/operations/o1?api-version=3"),)),
                ),
                (
                    f"GET {_LRO}",
                    Reply({"status": "Failed", "error": {"code": "Conflict", "message": "taken"}}),
                ),
            ),
            state=State.FAILED,
            code="Conflict",
            message="taken",
        ),
    ],
)

_VEO = "https://aiplatform.example.com/v1/models/veo"

GOOGLE = Provider(
    base="https://aiplatform.example.com/v1",
    operation="name: shoot\nmethod: POST\npath: '/models/veo:predictLongRunning'",
    blocks="""
poll:
  id: $.name
  request:
    uri: "/models/veo:fetchPredictOperation"
    method: POST
    body: {operationName: "{{id}}"}
  interval: 10s
  status: {done: $.done, failedIf: $.error}
  progress: {path: $.metadata.progressPercent, max: 100}
  result: {path: $.response.videos}
  error: {code: $.error.code, message: $.error.message}
  cancel: {uri: "/{{id}}:cancel", method: POST}
""",
    stories=[
        Story(
            name="is asked about with POST, and done when it says so",
            replies=_replies(
                (f"POST {_VEO}:predictLongRunning", Reply({"name": "projects/p/operations/7"})),
                (f"POST {_VEO}:fetchPredictOperation", Reply({"name": "projects/p/operations/7"})),
                (
                    f"POST {_VEO}:fetchPredictOperation",
                    Reply({"done": True, "response": {"videos": [{"gcsUri": "gs://v"}]}}),
                ),
            ),
            state=State.SUCCEEDED,
            result=[{"gcsUri": "gs://v"}],
            times=[10, 20],
        ),
        Story(
            name="is done, with an error",
            replies=_replies(
                (f"POST {_VEO}:predictLongRunning", Reply({"name": "projects/p/operations/7"})),
                (
                    f"POST {_VEO}:fetchPredictOperation",
                    Reply({"done": True, "error": {"code": 8, "message": "exhausted"}}),
                ),
            ),
            state=State.FAILED,
            code="8",
            message="exhausted",
        ),
    ],
)

_WANX = "https://dashscope.example.com/api/v1"

DASHSCOPE = Provider(
    base=_WANX,
    operation="""
name: paint
method: POST
path: /services/aigc/text2image/image-synthesis
inputParameters:
- {name: X-DashScope-Async, in: header, value: enable}
""",
    blocks="""
poll:
  id: $.output.task_id
  request: {uri: "/tasks/{{id}}"}
  interval: 5s
  status:
    path: $.output.task_status
    success: [SUCCEEDED]
    failure: [FAILED]
    canceled: [CANCELED]
    pending: [PENDING, RUNNING]
    notFound: {values: [UNKNOWN], grace: 0s}
  result: {path: "$.output.results[*].url", expires: 24h}
  error: {code: $.output.code, message: $.output.message}
""",
    stories=[
        Story(
            name="is a list of those pictures that came out",
            replies=_replies(
                (
                    f"POST {_WANX}/services/aigc/text2image/image-synthesis",
                    Reply({"output": {"task_id": "d1", "task_status": "PENDING"}}),
                ),
                (f"GET {_WANX}/tasks/d1", Reply({"output": {"task_status": "RUNNING"}})),
                (
                    f"GET {_WANX}/tasks/d1",
                    Reply(
                        {"output": {"task_status": "SUCCEEDED", "results": [{"url": "u"}, {"code": "Bad"}]}}
                    ),
                ),
            ),
            state=State.SUCCEEDED,
            result=["u"],
            times=[5, 10],
        ),
        Story(
            name="has been forgotten",
            replies=_replies(
                (
                    f"POST {_WANX}/services/aigc/text2image/image-synthesis",
                    Reply({"output": {"task_id": "d1", "task_status": "PENDING"}}),
                ),
                (f"GET {_WANX}/tasks/d1", Reply({"output": {"task_status": "UNKNOWN"}})),
            ),
            state=State.FAILED,
            code="not_found",
            message="the provider knows no such job",
        ),
    ],
)

_MINIMAX = "https://api.minimax.io/v1"
_FINE = {"status_code": 0, "status_msg": "success"}

MINIMAX = Provider(
    base=_MINIMAX,
    operation="name: clip\nmethod: POST\npath: /video_generation",
    blocks="""
poll:
  id: $.task_id
  request: {uri: "/query/video_generation?task_id={{id}}"}
  interval: 10s
  status: {path: $.status, success: [Success], failure: [Fail], pending: [Preparing, Queueing, Processing]}
  result: {uri: "/files/retrieve?file_id={{status.file_id}}", path: $.file.download_url}
  error: {code: $.base_resp.status_code, message: $.base_resp.status_msg}
""",
    stories=[
        Story(
            name="needs one more request, with an id from the last answer",
            replies=_replies(
                (f"POST {_MINIMAX}/video_generation", Reply({"task_id": "m1", "base_resp": _FINE})),
                (f"GET {_MINIMAX}/query/video_generation?task_id=m1", Reply({"status": "Queueing"})),
                (
                    f"GET {_MINIMAX}/query/video_generation?task_id=m1",
                    Reply({"status": "Success", "file_id": "f 7"}),
                ),
                (
                    f"GET {_MINIMAX}/files/retrieve?file_id=f+7",
                    Reply({"file": {"download_url": "u"}, "base_resp": _FINE}),
                ),
            ),
            state=State.SUCCEEDED,
            result="u",
            times=[10, 20, 20],
        ),
        Story(
            name="answers an error in a good answer when its result is fetched",
            replies=_replies(
                (f"POST {_MINIMAX}/video_generation", Reply({"task_id": "m1", "base_resp": _FINE})),
                (
                    f"GET {_MINIMAX}/query/video_generation?task_id=m1",
                    Reply({"status": "Success", "file_id": "f7"}),
                ),
                (
                    f"GET {_MINIMAX}/files/retrieve?file_id=f7",
                    Reply({"base_resp": {"status_code": 1004, "status_msg": "who are you"}}),
                ),
            ),
            state=State.FAILED,
            code="1004",
            message="who are you",
        ),
        Story(
            name="answers an error in a good answer when it is submitted",
            replies=_replies(
                (
                    f"POST {_MINIMAX}/video_generation",
                    Reply({"task_id": "", "base_resp": {"status_code": 1008, "status_msg": "no balance"}}),
                ),
            ),
            state=State.FAILED,
            code="1008",
            message="no balance",
            times=[],
        ),
    ],
)

PROVIDERS: dict[str, Provider] = {
    "flexura": FLEXURA,
    "bfl": BFL,
    "flora": FLORA,
    "fal": FAL,
    "replicate": REPLICATE,
    "runway": RUNWAY,
    "openai-videos": OPENAI_VIDEOS,
    "luma": LUMA,
    "stability": STABILITY,
    "azure": AZURE,
    "google": GOOGLE,
    "dashscope": DASHSCOPE,
    "minimax": MINIMAX,
}
