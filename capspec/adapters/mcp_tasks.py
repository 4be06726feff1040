"""Jobs as tasks: the extension to MCP 2026-07-28 (SEP-2663), and what MCP 2025-11-25 has itself (SEP-1686).

A tool that starts jobs answers a client that declares the extension with a task, and one that asks for a task
with what 2025-11-25 calls so. No task is kept: every replica with the same key for handles serves all of them.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import mcp.types as types
from mcp import MCPError
from mcp.server import Server
from mcp.server.context import CallNext, HandlerResult
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp.types.version import MODERN_PROTOCOL_VERSIONS

from capspec.adapters.mcp_callers import Callers, RequestContext, links_of, visible_to
from capspec.adapters.mcp_errors import call_failed
from capspec.adapters.mcp_jobs import CANCEL_SECONDS, JobCalls, job_engine
from capspec.adapters.mcp_task_shapes import (
    EXTENSION,
    LEGACY,
    RELATED,
    declares_tasks,
    legacy_task,
    parts_of,
    status_of,
    task,
    task_id,
)
from capspec.adapters.mcp_tools import Catalog, Entry
from capspec.desk import Standing
from capspec.errors import CallError, InputError, JobExpired, JobNotFound, Unavailable
from capspec.plan import ANONYMOUS, Call, Result
from capspec.values import Json
