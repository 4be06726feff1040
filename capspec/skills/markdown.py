"""A skill to SKILL.md (Agent Skills): front matter, what it is for, its tools, and how to call them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from capspec.plan import Flow, Input, PathVariable
from capspec.plan.skills import Skill, SkillTool, ToolSource
from capspec.skills.commands import call_command
from capspec.values import MISSING, Json

_LONGEST_MCP_NAME = 64
_STATUS = "_status"
"""What the MCP adapter puts after a tool's name for the tool that asks about its jobs."""


_MCP_JOBS = """\
These start a job and wait for it. When it takes long, the answer says where the job stands (`state`) and
names it (`job`). Do not start it again, since each start makes another job. Ask about that `job` instead,
with `wait_seconds` of up to 45, until `state` is `succeeded`, `failed` or `canceled`. `result` is what it
gave, and `error` why it gave nothing.
"""

_REST_JOBS = """\
While the job of one of these is under way, the answer is 202, and its `Location` is the job. Do not send
it again, since each one makes another job. GET the job instead, with `Prefer: wait=30` to wait for its end,
until `state` is `succeeded`, `failed` or `canceled`. `result` is what it gave, and `error` why it gave
nothing.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How the tools can be reached. `server` is what the MCP server calls itself; `urls` are where listeners
    answer, by namespace; `file` is the capability file on the reader's own machine, "" when there is none."""

    server: str
    urls: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


def manual(skill: Skill, access: Access) -> str:
    """The text of SKILL.md."""
    parts = [_front_matter(skill), f"# {skill.name}", _prose(skill.description)]
    parts += _tools(skill, access)
    parts += _jobs(skill)
    parts += _guides(skill)
    return "\n\n".join(filter(None, parts)) + "\n"


# -- front matter -----------------------------------------------------------------------------------------


def _front_matter(skill: Skill) -> str:
    lines = [f"name: {skill.directory}", f"description: {_quoted(skill.description or skill.name)}"]
    texts = {
        "license": skill.license,
        "compatibility": skill.compatibility,
        "allowed-tools": skill.allowed_tools,
        "argument-hint": skill.argument_hint,
    }
    lines += [f"{key}: {_quoted(text)}" for key, text in texts.items() if text]
    if not skill.user_invocable:
        lines.append("user-invocable: false")
    if skill.disable_model_invocation:
        lines.append("disable-model-invocation: true")
    if skill.metadata:
        lines.append("metadata:")
        lines += [f"  {_quoted(key)}: {_quoted(text)}" for key, text in skill.metadata.items()]
    return "\n".join(["---", *lines, "---"])


def _quoted(text: str) -> str:
    """A double-quoted scalar (YAML 1.2, 7.3.1), which JSON's strings are when nothing in them needs an escape
    of its own."""
    return json.dumps(_line(text), ensure_ascii=False)


def _line(text: str) -> str:
    """A text on one line, without characters that cannot be seen."""
    return "".join(char for char in " ".join(text.split()) if char.isprintable())


def _prose(text: str) -> str:
    """A text with its own lines, without characters that cannot be seen."""
    return "\n".join("".join(filter(str.isprintable, line)) for line in text.strip().splitlines())


def _code(text: str) -> str:
    """A code span, whatever the text has in it (CommonMark 0.31, 6.1)."""
    runs = [len(run) for run in re.findall("`+", text)]
    fence = "`" * (max(runs, default=0) + 1)
    blank = " " if runs else ""
    return f"{fence}{blank}{_line(text)}{blank}{fence}"


# -- tools ------------------------------------------------------------------------------------------------


def _tools(skill: Skill, access: Access) -> Iterator[str]:
    groups: dict[tuple[str, str], list[tuple[SkillTool, ToolSource]]] = {}
    for tool in skill.tools:
        if tool.source is not None:
            groups.setdefault((tool.source.mode, tool.source.namespace), []).append((tool, tool.source))
    for (mode, namespace), tools in groups.items():
        yield "## Tools" if mode == "mcp" else "## Operations"
        yield _where(mode, namespace, access)
        for tool, source in tools:
            yield _tool(tool, source, access)


def _where(mode: str, namespace: str, access: Access) -> str:
    url = access.urls.get(namespace, "")
    if mode == "mcp":
        there = f", which is at <{url}>" if url else ""
        text = f"Call these as tools of the MCP server {_code(access.server)}{there}."
    else:
        there = f"below <{url}>" if url else f"that {_code(namespace)} serves"
        text = f"These are HTTP requests {there}. An error is a problem document (RFC 9457)."
    if not access.file:
        return text
    more = "If that is not connected, run" if mode == "mcp" else "If nothing is served, run"
    return f"{text} {more} each in a shell instead, as shown below it; write `KEY:=JSON` for what is no text."


def _tool(tool: SkillTool, source: ToolSource, access: Access) -> str:
    flow = source.flow
    name = flow.published if source.mode == "mcp" else f"{flow.method} {_route(flow)}"
    lines = [f"### {_code(name)}", "", _prose(tool.description)]
    arguments = list(_arguments(flow, source.mode))
    if arguments:
        lines += ["", "Arguments:", "", *arguments]
    given = _given(flow)
    if given:
        lines += ["", "Gives:", "", *given]
    if flow.unavailable:
        lines += ["", "It does not work at present."]
    if access.file:
        command = call_command(access.file, source)
        lines += ["", "```sh", command, "```"]
    return "\n".join(lines)


def _route(flow: Flow) -> str:
    return "".join(part if isinstance(part, str) else _placeholder(part) for part in flow.path)


def _placeholder(part: PathVariable) -> str:
    return f"{{{part.name}}}"


def _arguments(flow: Flow, mode: str) -> Iterator[str]:
    for item in flow.inputs:
        if item.constant is not MISSING:
            continue
        name = item.argument if mode == "mcp" else item.wire or item.name
        traits = [_type(item.schema)]
        if mode != "mcp":
            traits.append("the body" if item.whole else f"in the {item.location}")
        if item.required:
            traits.append("required")
        yield f"- {_code(name)} ({', '.join(filter(None, traits))}){_about(item)}"


def _about(item: Input) -> str:
    parts = [_line(str(item.schema.get("description", "")))]
    choices = item.schema.get("enum")
    if isinstance(choices, list):
        parts.append(f"One of {', '.join(_code(_json(choice)) for choice in choices)}.")
    if "default" in item.schema:
        parts.append(f"{_code(_json(item.schema['default']))} when left out.")
    text = " ".join(filter(None, parts))
    return f": {text}" if text else ""


def _json(value: Json) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _type(schema: Mapping[str, Json]) -> str:
    kind = schema.get("type", "")
    kinds = [str(one) for one in kind if one != "null"] if isinstance(kind, list) else [str(kind)]
    return " or ".join(kinds)


def _given(flow: Flow) -> list[str]:
    """The members of what it gives, when it declares them."""
    properties = (flow.output_schema or {}).get("properties")
    if not isinstance(properties, dict):
        return []
    return [_member(name, schema) for name, schema in properties.items() if isinstance(schema, dict)]


def _member(name: str, schema: Mapping[str, Json]) -> str:
    kind = _type(schema)
    about = _line(str(schema.get("description", "")))
    return f"- {_code(name)}{f' ({kind})' if kind else ''}{f': {about}' if about else ''}"


# -- jobs and files ---------------------------------------------------------------------------------------


def _jobs(skill: Skill) -> Iterator[str]:
    sources = [tool.source for tool in skill.tools if tool.source is not None]
    starting = [source for source in sources if source.flow.job is not None]
    if not starting:
        return
    yield "## Jobs"
    mcp = [source.flow.published for source in starting if source.mode == "mcp"]
    if mcp:
        yield _mcp_jobs(mcp)
    routes = [f"{source.flow.method} {_route(source.flow)}" for source in starting if source.mode == "rest"]
    if routes:
        yield _rest_jobs(routes)


def _mcp_jobs(names: Iterable[str]) -> str:
    return "\n".join([_MCP_JOBS, *(f"- {_code(name)}: ask with {_code(_status_of(name))}" for name in names)])


def _status_of(name: str) -> str:
    return name[: _LONGEST_MCP_NAME - len(_STATUS)] + _STATUS


def _rest_jobs(routes: Iterable[str]) -> str:
    return "\n".join([_REST_JOBS, *(f"- {_code(route)}" for route in routes)])


def _guides(skill: Skill) -> Iterator[str]:
    guides = [tool for tool in skill.tools if tool.instruction]
    if not guides:
        return
    yield "## Guides"
    yield "\n".join(
        f"- [{_link_text(tool.name)}](<{_link_target(tool.instruction)}>): {_line(tool.description)}"
        for tool in guides
    )


def _link_text(text: str) -> str:
    return re.sub(r"([\\\[\]])", r"\\\1", _line(text))


def _link_target(path: str) -> str:
    return re.sub(r"([\\<>])", r"\\\1", _line(path))
