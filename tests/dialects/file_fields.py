"""Fields of the file itself: what it says of itself, its variables, imports, and who may call what it exposes."""

from __future__ import annotations

from typing import Any

from tests.dialects.rows import (
    BASE,
    COMMENT,
    READ,
    TOKEN_BIND,
    UP,
    Row,
    binding,
    described,
    sent,
    shown,
)

OWNER = {"role": "owner", "fullName": "Ada Lovelace", "email": "ada@example.com"}
BEARER = {"type": "bearer", "token": "{{TOKEN}}"}
API = BASE["capability"]["consumes"]["up"]
SHARED = {"consumes": {"up": API, "shared": {**API, "baseUri": "http://shared.test"}}}
IMPORTING: dict[str, Any] = {
    "around": {"capability/consumes/up": {"from": "./shared.yaml", "import": "shared", "as": "up"}},
    "files": {"shared.yaml": SHARED, "other.yaml": {"consumes": {"shared": API}}},
}

FIELDS = [
    # -- info ---------------------------------------------------------------------------------------------
    Row(object="info", name="display", at="info", value="The World", other="Another", view=described("info", "title"), gives="The World"),
    Row(object="info", name="description", at="info", value="All of it.", other="x", view=described("info", "description"), gives="All of it."),
    Row(object="info", name="tags", at="info", value=["sea", "ships"], view=shown("tags"), claim=READ, gives=["sea", "ships"]),
    Row(object="info", name="created", at="info", value="2026-01-02", view=shown("created"), claim=READ, gives="2026-01-02"),
    Row(object="info", name="modified", at="info", value="2026-02-03", view=shown("modified"), claim=READ, gives="2026-02-03"),
    Row(object="info", name="stakeholders", at="info", value=[OWNER], view=described("info", "contact"), claim=READ,
        gives={"name": "Ada Lovelace", "email": "ada@example.com"}),
    Row(object="stakeholder", name="role", key="stakeholders", at="info", value=[OWNER], other=[{**OWNER, "role": "x"}], view=shown("stakeholders", "0", "role"), claim=READ, gives="owner"),
    Row(object="stakeholder", name="fullName", key="stakeholders", at="info", value=[OWNER], other=[{**OWNER, "fullName": "x"}], view=shown("stakeholders", "0", "name"), claim=READ, gives="Ada Lovelace"),
    Row(object="stakeholder", name="email", key="stakeholders", at="info", value=[OWNER], other=[{**OWNER, "email": "x@example.com"}], view=shown("stakeholders", "0", "email"), claim=READ, gives="ada@example.com"),
    Row(object="info", name="version", at="info", value="2.1.0", since="beta4", view=lambda loaded: loaded.server.version, gives="2.1.0"),
    Row(object="info", name="labels", at="info", value={"team": "blue"}, view=shown("labels"), claim=READ, gives={"team": "blue"}),
    # -- variables ----------------------------------------------------------------------------------------
    Row(object="bind", name="keys", at="binds/vault", value={"TOKEN": "OTHER"}, view=binding, gives="Bearer 0ther",
        other={"TOKEN": "TOKEN"}, around={f"{UP}/authentication": BEARER}),
    Row(object="bind", name="namespace", key="binds", at="", value={"vault": {"keys": {"TOKEN": "OTHER"}}}, view=binding, gives="Bearer 0ther",
        other={"other": {"keys": {"TOKEN": "OTHER"}}, "vault": {"keys": {"TOKEN": "TOKEN"}}},
        around={f"{UP}/authentication": {"type": "bearer", "token": "{{vault.TOKEN}}"}}),
    Row(object="bind", name="description", at="binds/vault", value="What opens it.", view=shown("binds", "0", "description"), claim=READ,
        gives="What opens it.", around={**TOKEN_BIND, f"{UP}/authentication": BEARER}),
    Row(object="bind", name="location", at="binds/vault", value="file:///./secrets.json", view=binding, gives="Bearer from-file",
        around={**TOKEN_BIND, f"{UP}/authentication": BEARER}, files={"secrets.json": {"TOKEN": "from-file"}}),
    Row(object="capability", name="binds", at="capability", value={"vault": {"keys": {"TOKEN": "OTHER"}}}, since="alpha1",
        view=binding, gives="Bearer 0ther", around={f"{UP}/authentication": BEARER}),
    # -- imports ------------------------------------------------------------------------------------------
    Row(object="import", name="from", at="capability/consumes/up", value="./shared.yaml", other="./other.yaml", since="0.5",
        view=sent("url"), gives="http://shared.test/things/7", **IMPORTING),
    Row(object="import", name="import", at="capability/consumes/up", value="shared", other="up", since="0.5",
        view=sent("url"), gives="http://shared.test/things/7", **IMPORTING),
    Row(object="import", name="as", at="capability/consumes/up", value="up", since="0.5",
        view=lambda loaded: sorted(loaded.plan.operations), gives=["up.get", "up.put"], **IMPORTING),
    Row(object="import", name="description", at="capability/consumes/up", value="Shared.", since="alpha2", claim=COMMENT, **IMPORTING),
]
