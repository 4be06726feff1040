"""Every field of every object of every dialect."""

from __future__ import annotations

from tests.dialects import agent_fields, consumed_fields, exposed_fields, file_fields, flow_fields

FIELDS = [
    *file_fields.FIELDS,
    *consumed_fields.FIELDS,
    *exposed_fields.FIELDS,
    *flow_fields.FIELDS,
    *agent_fields.FIELDS,
]
