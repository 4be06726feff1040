"""A finished BFL job to the webhook that announces it, signed over its body."""

from __future__ import annotations

import hmac
import json

from capspec.sandbox.clock import Clock, iso
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.links import LinkSigner
from capspec.sandbox.providers.bfl.result import result_body
from capspec.sandbox.webhooks import Webhook

_RETRIES = (1.0, 5.0, 30.0)
_TIMEOUT = 30.0


def webhook(
    job: Job, *, url: str, secret: str | None, clock: Clock, links: LinkSigner, delivery: str
) -> Webhook:
    """What to send to ``url`` once ``job`` is done."""

    def compose(done: Job) -> tuple[bytes, dict[str, str]]:
        now = clock.now()
        result = result_body(done, now=now, links=links, delivery=delivery)
        body = _message(done, done.at(now).state, result) | {"timestamp": iso(now)}
        data = json.dumps(body).encode()
        headers = {"content-type": "application/json"}
        if secret:
            headers["x-bfl-signature"] = f"sha256={hmac.digest(secret.encode(), data, 'sha256').hex()}"
        return data, headers

    return Webhook(provider="bfl", job=job.id, url=url, compose=compose, retries=_RETRIES, timeout=_TIMEOUT)


def _message(job: Job, state: State, result: dict[str, object]) -> dict[str, object]:
    if state is State.SUCCEEDED:
        return {"id": job.id, "status": result["status"], "result": result["result"]}
    return {"id": job.id, "status": "Error", "error": state.value, "message": str(result["status"])}
