"""`capspec lsp` as an editor uses it: a real client, a real process, files that are good, broken and mended."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from lsprotocol import types
from pygls.lsp.client import LanguageClient

PATIENCE = 30
pytestmark = pytest.mark.anyio

GOOD = """\
capspec: "1"
capability:
  binds:
  - namespace: env
    keys: {TOKEN: SHIP_TOKEN, OTHER: OTHER_TOKEN}
  consumes:
  - namespace: registry
    baseUri: https://registry.example/v1
    authentication: {type: bearer, token: "{{TOKEN}}"}
    resources:
    - path: /ships/{imo}
      operations:
      - name: get-ship
        method: GET
        description: One ship of the register.
        inputParameters:
        - {name: lang, in: query, type: string, description: The language.}
    - path: /ships
      operations:
      - {name: list-ships, method: GET}
  - {import: ports, from: ./shared/ports.yaml}
  aggregates:
  - namespace: fleet
    functions:
    - name: find-ship
      description: Finds a ship.
      call: registry.get-ship
  exposes:
  - type: mcp
    port: 9090
    namespace: tools-of-ships
    tools:
    - name: get-ship
      description: A ship by its number.
      inputParameters:
      - {name: number, type: string, required: true, description: Its IMO number.}
      call: registry.get-ship
      with:
        imo: tools.number
      outputParameters:
      - {name: first, type: string, mapping: "$.items[0].name"}
    - name: fleet-ship
      description: A ship of the fleet.
      ref: fleet.find-ship
    - name: where-is
      description: The port of a ship.
      inputParameters:
      - {name: imo, type: string, description: Which ship.}
      steps:
      - {name: find-one, type: call, call: registry.get-ship, with: {imo: "{{imo}}"}}
      - {name: find-port, type: call, call: ports.get-port, with: {code: $.find-one.port}}
    prompts:
    - name: plan
      description: Plans a trip.
      arguments:
      - {name: city, description: Where to.}
      template: "Plan a trip to {{city}}."
"""

PORTS = """\
capspec: "1"
consumes:
- namespace: ports
  baseUri: https://ports.example
  resources:
  - path: /ports/{code}
    operations:
    - {name: get-port, method: GET}
"""


class Editor:
    """One file in an editor. Lines and columns are found by the text that stands there."""

    def __init__(self, client: LanguageClient, path: Path) -> None:
        self.client = client
        self.uri = path.as_uri()
        self.text = ""
        self.version = 0
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()

    @property
    def document(self) -> types.TextDocumentIdentifier:
        return types.TextDocumentIdentifier(uri=self.uri)

    async def open(self, text: str) -> list[types.Diagnostic]:
        self.text, self.version = text, 1
        item = types.TextDocumentItem(uri=self.uri, language_id="yaml", version=1, text=text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        return await self.told()

    def type(self, text: str) -> None:
        self.text = text
        self.version += 1
        self.client.text_document_did_change(
            types.DidChangeTextDocumentParams(
                text_document=types.VersionedTextDocumentIdentifier(uri=self.uri, version=self.version),
                content_changes=[types.TextDocumentContentChangeWholeDocument(text=text)],
            )
        )

    async def change(self, text: str) -> list[types.Diagnostic]:
        self.type(text)
        return await self.told()

    async def told(self) -> list[types.Diagnostic]:
        """What is said of the version that is there now."""
        async with asyncio.timeout(PATIENCE):
            while True:
                params = await self.published.get()
                if params.uri == self.uri and params.version == self.version:
                    return list(params.diagnostics)

    def position(self, line: str, word: str) -> types.Position:
        """In the middle of a word, in the first line that has a text in it."""
        number = next(at for at, text in enumerate(self.text.split("\n")) if line in text)
        own = self.text.split("\n")[number]
        begin = own.index(word, own.index(line) if word in line else 0)
        column = begin + min(2, len(word) - 1)
        return types.Position(line=number, character=len(own[:column].encode("utf-16-le")) // 2)

    async def hover(self, line: str, word: str) -> str:
        params = types.HoverParams(text_document=self.document, position=self.position(line, word))
        found = await self.client.text_document_hover_async(params)
        return "" if found is None else str(found.contents.value)

    async def definition(self, line: str, word: str) -> tuple[str, int] | None:
        """The name of the file, and the line from 1."""
        params = types.DefinitionParams(text_document=self.document, position=self.position(line, word))
        found = await self.client.text_document_definition_async(params)
        return None if found is None else (found.uri.rpartition("/")[2], found.range.start.line + 1)

    async def completions(self, text: str) -> dict[str, types.CompletionItem]:
        """What is offered at the bar in a text, which is typed first."""
        before, after = text.split("|", 1) if text.count("|") == 1 else (text, "")
        self.type(before + after)
        position = types.Position(line=before.count("\n"), character=len(before.rpartition("\n")[2]))
        found = await self.client.text_document_completion_async(
            types.CompletionParams(text_document=self.document, position=position)
        )
        return {item.label: item for item in found}

    def line_of(self, text: str) -> int:
        return next(at for at, line in enumerate(self.text.split("\n"), start=1) if text in line)


@asynccontextmanager
async def editor(folder: Path, name: str = "ships.yaml") -> AsyncIterator[Editor]:
    (folder / "shared").mkdir(exist_ok=True)
    (folder / "shared" / "ports.yaml").write_text(PORTS)
    client = LanguageClient("tests", "1")
    found = Editor(client, folder / name)

    @client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)  # type: ignore[untyped-decorator]
    def published(params: types.PublishDiagnosticsParams) -> None:
        found.published.put_nowait(params)

    await client.start_io(
        sys.executable, "-m", "capspec", "lsp", "--stdio", env={"TOKEN_IS": "", "SHIP_TOKEN": "s3cret"}
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await client.initialize_async(
                types.InitializeParams(
                    capabilities=types.ClientCapabilities(),
                    workspace_folders=[types.WorkspaceFolder(uri=folder.as_uri(), name="w")],
                )
            )
        client.initialized(types.InitializedParams())
        yield found
        async with asyncio.timeout(PATIENCE):
            await client.shutdown_async(None)
        client.exit(None)
    finally:
        await client.stop()


def spanned(item: types.Diagnostic, text: str) -> str:
    """What a diagnostic underlines."""
    assert item.range.start.line == item.range.end.line
    return text.split("\n")[item.range.start.line][item.range.start.character : item.range.end.character]


async def test_problems_are_shown_where_they_are_and_go_when_they_are_mended(tmp_path: Path) -> None:
    broken = GOOD.replace("hints", "hintz").replace("      ref: fleet", "      hintz: {}\n      ref: fleet")
    broken = broken.replace("call: ports.get-port", "call: ports.get-prot")
    async with editor(tmp_path) as ed:
        assert await ed.open(GOOD) == []
        found = await ed.change(broken)
        assert {spanned(item, broken) for item in found} >= {"hintz", "ports.get-prot"}
        (typo,) = (item for item in found if spanned(item, broken) == "hintz")
        assert (typo.code, typo.source, typo.severity) == (
            "CAP110",
            "capspec",
            types.DiagnosticSeverity.Warning,
        )
        assert "did you mean 'hints'?" in typo.message
        assert await ed.change(GOOD) == []


async def test_broken_yaml_is_told_of_and_the_rest_still_works(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        found = await ed.change(GOOD.replace("arguments:", "arguments: ["))
        assert [item.severity for item in found] == [types.DiagnosticSeverity.Error]
        assert "https://registry.example/v1/ships/{imo}" in await ed.hover(
            "call: registry.get-ship", "registry"
        )
        assert await ed.definition("call: registry.get-ship", "registry") == ("ships.yaml", 13)


async def test_hover_says_what_a_call_resolves_to(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        said = await ed.hover("call: registry.get-ship", "get-ship")
        assert "**GET** `https://registry.example/v1/ships/{imo}`" in said
        assert "- `imo` (path, string, required)" in said
        assert "- `lang` (query, string): The language." in said
        assert "Authentication: bearer" in said


async def test_hover_tells_where_a_variable_comes_from_but_never_its_value(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        used = await ed.hover("token:", "TOKEN}}")
        declared = await ed.hover("keys:", "TOKEN: SHIP")
        without = await ed.hover("keys:", "OTHER: ")
    assert used == declared
    assert "`SHIP_TOKEN` in the environment. It has a value here." in used
    assert "It has no value here." in without
    assert "s3cret" not in used + without


SAID = [
    ("imo: tools.number", "tools", "The input `number` (string, required): Its IMO number."),
    ("mapping:", "$.items", "Gives one value: `items`, then element 0, counted from 0, then `name`."),
    ("ref: fleet", "fleet", "The function `fleet.find-ship`"),
    ("code: $.find-one", "$.find-one", "The output of the step `find-one`"),
    ("template:", "city", "The argument `city` (string): Where to."),
    ("import: ports", "ports", "- `ports`: 1 operations of `https://ports.example`"),
    ("baseUri:", "baseUri", "Its address, which paths follow."),
]


async def test_hover_explains_what_else_there_is(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        for line, word, said in SAID:
            assert said in await ed.hover(line, word), line


DECLARED = [
    ("call: registry.get-ship", "registry", "ships.yaml", "- name: get-ship"),
    ("call: ports.get-port", "ports.get", "ports.yaml", "{name: get-port"),
    ("ref: fleet", "fleet", "ships.yaml", "- name: find-ship"),
    ("from: ./shared", "./shared", "ports.yaml", "- namespace: ports"),
    ("import: ports", "ports", "ports.yaml", "- namespace: ports"),
    ("imo: tools.number", "tools", "ships.yaml", "{name: number"),
    ("code: $.find-one", "$.find-one", "ships.yaml", "{name: find-one"),
    ("token:", "TOKEN}}", "ships.yaml", "keys: {TOKEN"),
    ("template:", "city", "ships.yaml", "{name: city"),
]


async def test_definition_leads_to_where_a_name_is_declared(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        for line, word, file, declared in DECLARED:
            lines = (PORTS if file == "ports.yaml" else GOOD).split("\n")
            expected = next(at for at, text in enumerate(lines, start=1) if declared in text)
            assert await ed.definition(line, word) == (file, expected), line


TOOL = "    tools:\n    - name: x\n"
LISTING = "      steps:\n      - {name: one, type: call, call: registry.list-ships}\n"
OFFERED: list[tuple[str, set[str], set[str]]] = [
    ("    tools:\n    - {name: x, call: |}\n", {"registry.get-ship", "ports.get-port"}, set()),
    (TOOL + "      call: reg|\n", {"registry.get-ship"}, {"fleet.find-ship"}),
    (TOOL + "      call: |\n      description: more\n", {"registry.get-ship"}, set()),
    (TOOL + "      ref: |\n", {"fleet.find-ship"}, {"registry.get-ship"}),
    (TOOL + "      hi|\n", {"hints", "call", "outputParameters"}, {"name", "baseUri"}),
    (TOOL + "      hints: {re|\n", {"readOnly", "destructive"}, {"name"}),
    (TOOL + "      hints: {readOnly: |}\n", {"true", "false"}, set()),
    (TOOL + "      call: registry.get-ship\n      with:\n        |\n", {"lang", "imo"}, {"name"}),
    (
        TOOL
        + "      inputParameters: [{name: a}]\n      call: registry.get-ship\n      with:\n        imo: tools.|\n",
        {"a", "lang"},
        {"number"},
    ),
    (TOOL + LISTING + "      - {name: two, type: lookup, index: |}\n", {"one"}, {"two", "find-one"}),
    (TOOL + LISTING + "      - {name: two, call: registry.get-ship, with: {imo: $.|}}\n", {"one"}, {"two"}),
    (TOOL + '      inputParameters: [{name: a}]\n      with: {x: "{{|}}"}\n', {"a", "TOKEN"}, set()),
    ("  - type: |\n", {"rest", "mcp", "skill", "control"}, set()),
    ("    authentication: {type: |}\n", {"bearer", "apikey", "oauth2"}, set()),
    (TOOL + "      method: [\n    - name: y\n      call: |\n", {"registry.get-ship"}, set()),
]


async def test_completion_offers_what_fits(tmp_path: Path) -> None:
    head = GOOD[: GOOD.index("    tools:")]
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        for typed, offered, not_offered in OFFERED:
            found = await ed.completions(head + typed)
            assert offered <= set(found), typed
            assert not not_offered & set(found), typed


async def test_what_is_taken_stands_for_what_was_typed(tmp_path: Path) -> None:
    head = GOOD[: GOOD.index("    tools:")]
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        found = await ed.completions(head + "    tools:\n    - name: x\n      call: registry.ge|\n")
    edit = found["registry.get-ship"].text_edit
    assert edit.new_text == "registry.get-ship"
    assert (edit.range.start.character, edit.range.end.character) == (12, 23)


async def test_the_outline_has_apis_with_operations_and_adapters_with_tools(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        found = await ed.client.text_document_document_symbol_async(
            types.DocumentSymbolParams(text_document=ed.document)
        )
    outline = {item.name: [child.name for child in item.children or ()] for item in found}
    assert outline["registry"] == ["get-ship", "list-ships"]
    assert outline["tools-of-ships"] == ["get-ship", "fleet-ship", "where-is", "plan"]


async def test_columns_count_as_the_editor_counts_them(tmp_path: Path) -> None:
    text = GOOD.replace("{name: first, type: string, ", '{description: "🚢🚢 ship", hintz: 1, name: first, ')
    async with editor(tmp_path) as ed:
        (found,) = await ed.open(text)
    line = text.split("\n")[found.range.start.line]
    assert found.range.start.character == len(line[: line.index("hintz")].encode("utf-16-le")) // 2


async def test_what_is_wrong_in_an_imported_file_is_shown_at_the_import(tmp_path: Path) -> None:
    async with editor(tmp_path) as ed:
        await ed.open(GOOD)
        (tmp_path / "shared" / "ports.yaml").write_text(
            PORTS.replace("name: get-port", "hintz: 1, name: get-port")
        )
        ed.client.text_document_did_save(types.DidSaveTextDocumentParams(text_document=ed.document))
        found = await ed.told()
    (problem,) = found
    assert spanned(problem, GOOD) == "./shared/ports.yaml"
    (related,) = problem.related_information or ()
    assert related.location.uri.endswith("/shared/ports.yaml")


async def test_other_yaml_is_left_alone(tmp_path: Path) -> None:
    async with editor(tmp_path, "other.yaml") as ed:
        ed.uri = (tmp_path / "compose.yaml").as_uri()
        ed.text, ed.version = "services: [\n", 1
        item = types.TextDocumentItem(uri=ed.uri, language_id="yaml", version=1, text=ed.text)
        ed.client.text_document_did_open(types.DidOpenTextDocumentParams(text_document=item))
        assert await ed.completions("services:\n  |\n") == {}
        ed.uri = (tmp_path / "ships.yaml").as_uri()
        assert await ed.open(GOOD) == []
        assert ed.published.empty()


async def test_without_its_library_it_says_what_to_install() -> None:
    code = "import sys; sys.modules['lsprotocol'] = None; from capspec.cli import main; sys.argv = ['capspec', 'lsp']; main()"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdin=DEVNULL, stdout=PIPE, stderr=PIPE
    )
    async with asyncio.timeout(PATIENCE):
        out, errors = await process.communicate()
    assert (process.returncode, out) == (1, b"")
    assert "needs the library 'lsprotocol', which is not installed" in errors.decode()
    assert "pip install 'capspec[lsp]'" in errors.decode()
