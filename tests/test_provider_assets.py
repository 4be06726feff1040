"""The two kinds of link that this is for, with the imitations of their providers: short-lived, and locked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.capability_world import Studio, studio

pytestmark = pytest.mark.anyio

FLUX = """
capspec: "1"
binds: [{namespace: env, keys: {FLUX_TOKEN: FLUX_TOKEN}}]
capability:
  consumes:
  - type: http
    namespace: flux
    baseUri: https://api.bfl.ai/v1
    authentication: {type: apikey, in: header, name: X-Key, value: "{{FLUX_TOKEN}}"}
    resources:
    - path: /flux-kontext-pro
      operations:
      - name: edit
        method: POST
        inputParameters: {prompt: {in: body, type: string}}
        assets: ASSETS
        poll:
          id: $.id
          request: {uriFrom: {body: $.polling_url}, allowHosts: ["*.bfl.ai"]}
          status: {path: $.status, success: [Ready], failure: [Error]}
          result: {path: $.result.sample, expires: 10m}
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources: [{path: /edits, operations: [{name: edit, method: POST, call: flux.edit}]}]
"""
NEUROFLASH = """
capspec: "1"
binds:
- namespace: env
  keys: {NEUROFLASH_ACCESS_TOKEN: NEUROFLASH_ACCESS_TOKEN, NEUROFLASH_WORKSPACE_ID: NEUROFLASH_WORKSPACE_ID}
capability:
  consumes:
  - type: http
    namespace: neuroflash
    baseUri: https://app.neuroflash.com/api/image-service
    authentication: {type: bearer, token: "{{NEUROFLASH_ACCESS_TOKEN}}"}
    resources:
    - path: /v1/workspaces/{workspaceId}/image-generation-tasks
      operations:
      - name: generate
        method: POST
        inputParameters:
          workspaceId: {in: path, value: "{{NEUROFLASH_WORKSPACE_ID}}"}
          prompt: {in: body, type: string}
        assets: {mode: proxy, url: "$.images[*]._links.content", types: ["image/*"]}
  exposes:
  - type: rest
    namespace: web
    port: 8080
    resources:
    - path: /images
      operations:
      - name: generate
        method: POST
        call: neuroflash.generate
        outputParameters: [{name: link, type: string, mapping: "$.images[0]._links.content"}]
"""
PNG = b"\x89PNG"
HOUR = 3600.0


@asynccontextmanager
async def served(text: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Studio]:
    monkeypatch.setattr("capspec.app.default_folder", lambda: folder / "assets")
    file = folder / "capability.yaml"
    file.write_text(text, encoding="utf-8")
    async with studio(file, "rest", folder) as running:
        yield running


@pytest.mark.parametrize("mode", ["proxy", "save"])
async def test_a_picture_of_bfl(mode: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with served(FLUX.replace("ASSETS", mode), tmp_path, monkeypatch) as running:
        ended = await running.call("edit", prompt="a lighthouse")
        assert (await running.fetch(ended["result"])).startswith(PNG)
        await running.later(HOUR)
        answer = await running.web.get(ended["result"])
        assert answer.status_code == (410 if mode == "proxy" else 200)


async def test_a_picture_of_neuroflash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    async with served(NEUROFLASH, tmp_path, monkeypatch) as running:
        made = await running.call("generate", prompt="a lighthouse")
        assert "/-/assets/" in made["link"]
        assert (await running.fetch(made["link"]))[:4] in (PNG, b"\xff\xd8\xff\xe0")
