"""What others build on: base URIs, demo credentials, the fidelity table; and what the sandbox imports."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import capspec.sandbox
from capspec.sandbox import PROVIDERS, authorities, demo_secret, demo_secrets, rewrite, rewrites
from capspec.sandbox.app import build_providers
from capspec.sandbox.config import SandboxConfig
from capspec.sandbox.faults.fault import ANSWER_KINDS, KINDS
from capspec.sandbox.faults.play import PLAYS
from capspec.sandbox.fidelity_table import PATH, table
from capspec.sandbox.world import World
from tests.sandbox.sandbox_world import in_memory

ORIGIN = "http://127.0.0.1:4010"


@pytest.mark.parametrize(
    ("uri", "path"),
    [
        ("https://api.bfl.ai/v1", "/bfl/v1"),
        ("https://api.bfl.ai/v1/flux-kontext-pro", "/bfl/v1/flux-kontext-pro"),
        ("https://api.bfl.ai", "/bfl"),
        ("https://api.eu.bfl.ai/v1", "/bfl/v1"),
        ("https://api.us.bfl.ai/v1/", "/bfl/v1/"),
        ("https://www.flexura.site", "/flexura"),
        ("https://www.flexura.site/api", "/flexura/api"),
        ("http://localhost:3000", "/flexura"),
        ("https://app.flora.ai/api/v1", "/flora/api/v1"),
        ("https://app.neuroflash.com/api/image-service", "/neuroflash/api/image-service"),
        ("https://id.neuroflash.com/oauth/v2/token", "/neuroflash-id/oauth/v2/token"),
        ("https://catalogue.larchwood.example/v1/books", "/library-catalogue/v1/books"),
        ("https://loans.larchwood.example", "/library-loans"),
        ("https://scans.larchwood.example/scans", "/library-scans/scans"),
    ],
)
def test_documented_base_uris_lead_into_the_sandbox(uri: str, path: str) -> None:
    assert rewrite(uri, ORIGIN) == ORIGIN + path


def test_hosts_that_only_answers_name_lead_to_the_other_name() -> None:
    assert rewrite("https://api.eu4.bfl.ai/v1/get_result?id=1", f"{ORIGIN}/") == (
        "http://localhost:4010/bfl-eu4/v1/get_result?id=1"
    )


@pytest.mark.parametrize(
    "uri",
    [
        "https://api.bfl.ai.evil.example/v1",
        "http://api.bfl.ai/v1",
        "https://example.com",
        "http://localhost:30001",
        "",
    ],
)
def test_other_uris_are_left_alone(uri: str) -> None:
    assert rewrite(uri, ORIGIN) is None
    assert demo_secret(uri) is None


def test_the_table_and_the_function_agree() -> None:
    shown = rewrites(ORIGIN)
    assert set(PROVIDERS) < set(shown)
    assert all(rewrite(base, ORIGIN) == target for base, target in shown.items())
    assert authorities(ORIGIN) == ("127.0.0.1:4010", "localhost:4010")
    assert authorities("https://sandbox.test") == ("sandbox.test",)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("base", "path", "header", "scheme"),
    [
        ("https://api.bfl.ai/v1", "/credits", "x-key", ""),
        ("https://app.flora.ai/api/v1", "/workspaces", "authorization", "Bearer "),
        ("https://www.flexura.site", "/api/jobs/x", "authorization", "Bearer "),
        (
            "https://app.neuroflash.com/api/image-service",
            f"/v1/workspaces/{demo_secrets()['NEUROFLASH_WORKSPACE_ID']}/images",
            "authorization",
            "Bearer ",
        ),
    ],
)
async def test_each_providers_demo_secret_works_there(base: str, path: str, header: str, scheme: str) -> None:
    async with in_memory() as box:
        secret = demo_secret(base)
        url = rewrite(base + path, ORIGIN)
        assert url is not None
        assert secret in demo_secrets().values()
        answer = await box.http.get(url, headers={header: f"{scheme}{secret}"})
        assert answer.status_code == (404 if "jobs" in path else 200)


def test_the_sign_in_has_a_demo_secret_too() -> None:
    assert (
        demo_secret("https://id.neuroflash.com/oauth/v2/token") == demo_secrets()["NEUROFLASH_CLIENT_SECRET"]
    )


def test_demo_secrets_cover_the_usual_names() -> None:
    assert set(demo_secrets()) == {
        "FLUX_TOKEN",
        "BFL_API_KEY",
        "FLUX_API_KEY",
        "MEDIA_GATEWAY_API_KEY",
        "FLORA_API_KEY",
        "NEUROFLASH_ACCESS_TOKEN",
        "NEUROFLASH_CLIENT_ID",
        "NEUROFLASH_CLIENT_SECRET",
        "NEUROFLASH_WORKSPACE_ID",
        "CATALOGUE_TOKEN",
        "LOANS_KEY",
        "SCANS_KEY",
    }


def test_the_fidelity_table_is_current() -> None:
    assert PATH.read_text(encoding="utf-8") == table()


def test_every_endpoint_says_what_it_answers() -> None:
    endpoints = [e for provider in build_providers(World(SandboxConfig())) for e in provider.endpoints()]
    assert len(endpoints) > 40
    assert all(any(status < 300 for status in endpoint.answers) for endpoint in endpoints)


def test_every_answer_fault_can_be_played_and_every_fault_is_named_once() -> None:
    assert set(PLAYS) == set(ANSWER_KINDS)
    assert len(KINDS) == 27


def test_the_sandbox_stands_on_nothing_else_of_this_project() -> None:
    folder = Path(capspec.sandbox.__file__).parent
    for path in folder.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            for name in names:
                assert not name.startswith("capspec") or name.startswith("capspec.sandbox"), f"{path}: {name}"
                assert (name != "uvicorn" and not name.startswith("uvicorn.")) or path.name == "server.py"
