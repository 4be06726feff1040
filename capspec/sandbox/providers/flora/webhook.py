"""A finished FLORA run to the webhook that announces it, signed over its time and body."""

from __future__ import annotations

import hmac
import json

from capspec.sandbox.clock import Clock
from capspec.sandbox.jobs import Job, State
from capspec.sandbox.webhooks import Webhook

_RETRIES = (10.0, 60.0, 300.0)
_TIMEOUT = 10.0


def webhook(job: Job, *, url: str, secret: str, clock: Clock) -> Webhook:
    """What to send to ``url`` once ``job`` is done; the body carries no outputs."""

    def compose(done: Job) -> tuple[bytes, dict[str, str]]:
        now = clock.now()
        event = "run.completed" if done.at(now).state is State.SUCCEEDED else "run.failed"
        status = event.removeprefix("run.")
        body = {"id": f"evt_{done.id[4:]}", "event": event, "created_at": int(now * 1000)}
        data = json.dumps({**body, "data": {"run_id": done.id, "status": status}}).encode()
        signature = hmac.digest(secret.encode(), f"{int(now)}.".encode() + data, "sha256").hex()
        return data, {
            "content-type": "application/json",
            "flora-signature": f"t={int(now)},v1={signature}",
            "flora-webhook-id": f"evt_{done.id[4:]}",
            "flora-event": event,
        }

    return Webhook(provider="flora", job=job.id, url=url, compose=compose, retries=_RETRIES, timeout=_TIMEOUT)
