"""Fields of skills, and of control adapters."""

from __future__ import annotations

from typing import Any

from capspec.node import Node
from capspec.scripting.governance import rules_of
from tests.dialects.rows import CONTROL, SAIL, SKILL, Row, control, listener, skill

FOLDER = {"skills": {"sail": {"SKILL.md": "---\nname: sail\ndescription: Sails.\n---\n", "how.md": "How."}}}


def sailing(**fields: Any) -> dict[str, Any]:
    """A skill adapter with one skill."""
    one = {"description": "Sails.", **fields}
    return {
        "since": "0.5",
        "around": {SKILL: {"type": "skill", "port": 8082, "namespace": "crew", "skills": {"sail": one}}},
        "files": FOLDER,
    }


HOW = {"description": "How.", "instruction": "how.md"}
GET = {"description": "Gets one.", "from": {"sourceNamespace": "agent", "action": "get-thing"}}
LOCATION = "file:///./skills/sail"


def with_tool(**fields: Any) -> dict[str, Any]:
    return sailing(location=LOCATION, tools={"how": fields})


TOOL = f"{SAIL}/tools/how"


def first_tool(name: str) -> Any:
    return lambda loaded: getattr(loaded.listener("skill").skills[0].tools[0], name)


SKILLS = [
    Row(object="skill adapter", name="port", at=SKILL, value=9000, other=9001, view=listener("skill", "port"), gives=9000, **sailing()),
    Row(object="skill adapter", name="namespace", at=SKILL, value="deck", other="x", view=listener("skill", "namespace"), gives="deck", **sailing()),
    Row(object="skill adapter", name="address", at=SKILL, value="0.0.0.0", view=listener("skill", "address"), gives="0.0.0.0", **sailing()),
    Row(object="skill adapter", name="description", at=SKILL, value="All skills.", view=listener("skill", "description"), gives="All skills.", **sailing()),
    Row(object="skill adapter", name="authentication", at=SKILL, value={"type": "bearer", "token": "{{TOKEN}}"}, view=lambda loaded: loaded.listener("skill").guard is not None, gives=True, **sailing()),
    Row(object="skill adapter", name="skills", at=SKILL, value={"row": {"description": "Rows."}}, other={"sail": {"description": "Sails."}}, view=skill("name"), gives="row", **sailing()),
    *(
        Row(object="skill", name=name, at=SAIL, value=value, other=other, view=skill(attribute), gives=gives, **sailing())
        for name, value, other, attribute, gives in [
            ("description", "Sails well.", "x", "description", "Sails well."),
            ("license", "MIT", "x", "license", "MIT"),
            ("compatibility", "wind", "x", "compatibility", "wind"),
            ("metadata", {"author": "ada"}, {}, "metadata", {"author": "ada"}),
            ("allowed-tools", "get-thing", "x", "allowed_tools", "get-thing"),
            ("argument-hint", "[where]", "x", "argument_hint", "[where]"),
            ("user-invocable", False, True, "user_invocable", False),
            ("disable-model-invocation", True, False, "disable_model_invocation", True),
        ]
    ),
    Row(object="skill", name="location", at=SAIL, value=LOCATION, view=lambda loaded: loaded.listener("skill").skills[0].folder is not None, gives=True, **sailing()),
    Row(object="skill", name="tools", at=SAIL, value={"get": GET}, view=lambda loaded: [item.name for item in loaded.listener("skill").skills[0].tools], gives=["get"], **sailing()),
    Row(object="skill tool", name="description", at=TOOL, value="How it is done.", other="x", view=first_tool("description"), gives="How it is done.", **with_tool(**HOW)),
    Row(object="skill tool", name="instruction", at=TOOL, value="how.md", other="SKILL.md", view=first_tool("instruction"), gives="how.md", **with_tool(**HOW)),
    Row(object="skill tool", name="from", at=TOOL, value=GET["from"], other={"sourceNamespace": "app", "action": "get-thing"}, view=lambda loaded: first_tool("source")(loaded).mode, gives="mcp", **with_tool(**GET)),
    Row(object="skill tool source", name="sourceNamespace", at=f"{TOOL}/from", value="app", other="agent", view=lambda loaded: first_tool("source")(loaded).mode, gives="rest", **with_tool(**GET)),
    Row(object="skill tool source", name="action", at=f"{TOOL}/from", value="get-thing", other="nothing", view=lambda loaded: len(loaded.listener("skill").skills[0].tools), gives=1, **with_tool(**GET)),
]  # fmt: skip


def managed(**fields: Any) -> dict[str, Any]:
    return {
        "since": "alpha2",
        "around": {
            CONTROL: {"type": "control", "port": 9090, "management": {}, "observability": {}, **fields}
        },
    }


MANAGEMENT = f"{CONTROL}/management"
OBSERVABILITY = f"{CONTROL}/observability"


def rules(name: str) -> Any:
    return lambda loaded: getattr(rules_of(Node.root(loaded.plan.document)), name)


CONTROLS = [
    Row(object="control adapter", name="port", at=CONTROL, value=9000, other=9001, view=listener("control", "port"), gives=9000, **managed()),
    Row(object="control adapter", name="address", at=CONTROL, value="0.0.0.0", view=listener("control", "address"), gives="0.0.0.0", **managed()),
    Row(object="control adapter", name="authentication", at=CONTROL, value={"type": "bearer", "token": "{{TOKEN}}"}, view=lambda loaded: loaded.listener("control").guard is not None, gives=True, **managed()),
    Row(object="management", name="health", at=MANAGEMENT, value=False, view=control("health"), gives=False, **managed()),
    Row(object="management", name="info", at=MANAGEMENT, value=True, view=control("info"), gives=True, **managed()),
    Row(object="management", name="reload", at=MANAGEMENT, value=True, view=control("reload"), gives=True, **managed()),
    Row(object="management", name="validate", at=MANAGEMENT, value=True, view=control("validate"), gives=True, **managed()),
    Row(object="management", name="logs", at=MANAGEMENT, value=True, view=lambda loaded: control("logs")(loaded) is not None, gives=True, **managed()),
    Row(object="logs", name="level-control", at=f"{MANAGEMENT}/logs", value=False, view=control("logs", "level_control"), gives=False, **managed(management={"logs": {}})),
    Row(object="logs", name="stream", at=f"{MANAGEMENT}/logs", value=True, view=control("logs", "stream"), gives=True, **managed(management={"logs": {}})),
    Row(object="logs", name="max-subscribers", at=f"{MANAGEMENT}/logs", value=9, view=control("logs", "subscribers"), gives=9, **managed(management={"logs": {}})),
    Row(object="management", name="scripting", at=MANAGEMENT, value={"enabled": True}, view=control("scripting"), gives=True, **managed()),
    *(
        Row(object="scripting", name=name, at=f"{MANAGEMENT}/scripting", value=value, view=rules(attribute), gives=gives, **managed(management={"scripting": {}}))
        for name, value, attribute, gives in [
            ("enabled", False, "enabled", False),
            ("defaultLocation", "file:///srv/scripts", "default_location", "file:///srv/scripts"),
            ("defaultLanguage", "python", "default_language", "python"),
            ("timeout", 500, "timeout", 500),
            ("statementLimit", 500, "statement_limit", 500),
            ("allowedLanguages", ["python"], "allowed_languages", ("python",)),
        ]
    ),
    Row(object="observability", name="enabled", at=OBSERVABILITY, value=False, view=control("telemetry"), gives=None, **managed()),
    Row(object="observability", name="metrics", at=OBSERVABILITY, value={"local": {"enabled": False}}, view=control("telemetry", "metrics"), gives=False, **managed()),
    Row(object="traces", name="sampling", at=f"{OBSERVABILITY}/traces", value=0.5, view=control("telemetry", "tracing", "sampling"), gives=0.5, **managed(observability={"traces": {}})),
    Row(object="traces", name="propagation", at=f"{OBSERVABILITY}/traces", value="b3", view=control("telemetry", "tracing", "propagation"), gives="b3", **managed(observability={"traces": {}})),
    Row(object="traces", name="local", at=f"{OBSERVABILITY}/traces", value={"enabled": False}, view=control("telemetry", "traces"), gives=False, **managed(observability={"traces": {}})),
    Row(object="traces local", name="buffer-size", at=f"{OBSERVABILITY}/traces/local", value=20, view=control("telemetry", "buffer_size"), gives=20, **managed(observability={"traces": {"local": {}}})),
    Row(object="otlp", name="endpoint", at=f"{OBSERVABILITY}/exporters/otlp", value="http://otel.test:4318", other="http://other.test:4318",
        view=control("telemetry", "otlp"), gives="http://otel.test:4318", **managed(observability={"exporters": {"otlp": {}}})),
]  # fmt: skip

FIELDS = [*SKILLS, *CONTROLS]
