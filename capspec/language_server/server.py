"""The Language Server Protocol (3.17) over standard input and output, on pygls."""

from __future__ import annotations

import logging
from pathlib import Path

from lsprotocol import types
from pygls.lsp.server import LanguageServer

from capspec import __version__
from capspec.language_server import completion, cursor, definition, hover, symbols
from capspec.language_server.files import Files
from capspec.language_server.protocol import (
    Text,
    completion_item,
    diagnostics,
    document_symbol,
    location,
    path_of,
    uri_of,
)
from capspec.language_server.reading import Reading

_TRIGGERS = [".", "$", "{", ":", " "]


class CapabilityServer(LanguageServer):
    """The files that one editor has open."""

    def __init__(self) -> None:
        # Whole texts: how the lines of a change are counted, editors and libraries do not agree on.
        super().__init__("capspec", __version__, text_document_sync_kind=types.TextDocumentSyncKind.Full)
        self.files = Files(self.publish, self.source, self.root)

    def source(self, uri: str) -> str:
        return self.workspace.get_text_document(uri).source

    def text(self, uri: str) -> Text:
        return Text(self.source(uri), self.workspace.position_encoding or "utf-16")

    def root(self, path: Path) -> Path | None:
        """The innermost folder of the editor that a file is in."""
        folders = (path_of(uri) for uri in self.workspace.folders)
        around = [folder for folder in folders if folder is not None and path.is_relative_to(folder)]
        return max(around, key=lambda folder: len(folder.parts), default=None)

    def publish(self, uri: str, reading: Reading) -> None:
        found = diagnostics(reading, self.text(uri), lambda path: self.text(uri_of(path)))
        version = self.workspace.get_text_document(uri).version
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=found)
        )

    async def spot(
        self, params: types.HoverParams | types.DefinitionParams
    ) -> tuple[Reading, cursor.Spot] | None:
        """What is known of the file, and where the cursor is; None where the text is broken too much."""
        reading = await self.files.now(params.text_document.uri)
        if reading is None or reading.document is None:
            return None
        line, column = self.text(params.text_document.uri).place(params.position)
        spot = cursor.spot(reading.document, line, column)
        # The document may be of an earlier text: then only lines count that are still there.
        return (reading, spot) if spot.line == self.text(params.text_document.uri).line(line) else None


def make_server() -> CapabilityServer:
    """A server with everything that it answers."""
    server = CapabilityServer()
    _follow_files(server)
    _answer_places(server)
    return server


def serve() -> None:
    """Answer one editor until it leaves. What is logged goes to standard error."""
    logging.getLogger("pygls").setLevel(logging.ERROR)
    make_server().start_io()


def _follow_files(server: CapabilityServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(params: types.DidOpenTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is not None:
            server.files.changed(params.text_document.uri, path, pause=0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(params: types.DidChangeTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path is not None:
            server.files.changed(params.text_document.uri, path)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(params: types.DidSaveTextDocumentParams) -> None:
        server.files.saved()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(params: types.DidCloseTextDocumentParams) -> None:
        uri = params.text_document.uri
        server.files.closed(uri)
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri=uri, diagnostics=[]))


def _answer_places(server: CapabilityServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def hovered(params: types.HoverParams) -> types.Hover | None:
        found = await server.spot(params)
        if found is None or found[0].document is None:
            return None
        said = hover.hover(found[0], found[0].document, found[1])
        content = types.MarkupContent(kind=types.MarkupKind.Markdown, value=said)
        return types.Hover(contents=content) if said else None

    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(params: types.DefinitionParams) -> types.Location | None:
        found = await server.spot(params)
        if found is None or found[0].document is None:
            return None
        place = definition.definition(found[0], found[0].document, found[1])
        return None if place is None else location(place, server.text(uri_of(place.source)))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=_TRIGGERS))
    async def completed(params: types.CompletionParams) -> list[types.CompletionItem]:
        uri = params.text_document.uri
        reading = server.files.known(uri) or await server.files.now(uri)
        text = server.text(uri)
        line, column = text.place(params.position)
        gap = cursor.gap(server.source(uri), line, column)
        if reading is None or gap is None:
            return []
        return [completion_item(offer, text, line, column) for offer in completion.completions(reading, gap)]

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
        reading = await server.files.now(params.text_document.uri)
        if reading is None or reading.document is None:
            return []
        text = server.text(params.text_document.uri)
        return [document_symbol(symbol, text) for symbol in symbols.symbols(reading.document)]
