"""`capspec lsp`: an editor's questions about capability files, answered over standard input and output."""

from __future__ import annotations

import click

from capspec.errors import CapspecError

_LIBRARIES = ("pygls", "lsprotocol", "cattrs", "attrs")


@click.command("lsp")
@click.option("--stdio", is_flag=True, help="Over standard input and output. There is no other way.")
def command(stdio: bool) -> None:
    """Answer an editor: problems as you type, what a name stands for, and what may be written.

    Editors start it themselves. It speaks the Language Server Protocol, and needs the extra 'lsp'.
    """
    try:
        from capspec.language_server.server import serve  # noqa: PLC0415 - its library is an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in _LIBRARIES:
            raise
        message = f"'capspec lsp' needs the library '{error.name}', which is not installed"
        raise CapspecError(message, hint="pip install 'capspec[lsp]'") from None
    serve()
