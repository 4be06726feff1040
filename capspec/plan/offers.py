"""What an MCP listener offers that calls nothing: prompts, and the files of a folder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from capspec.folders import Folder
from capspec.template import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class PromptArgument:
    """An argument of a prompt, as MCP lists it. `choices` are the values that its author knows of."""

    name: str
    title: str
    description: str
    required: bool
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """An MCP prompt: messages as (role, template) pairs, rendered once with the arguments.

    `unknown` are names that the messages read and that are no arguments, with how they are written: unless a
    caller gives them, they stay in the text.
    """

    name: str
    title: str
    description: str
    arguments: tuple[PromptArgument, ...]
    messages: tuple[tuple[str, Template], ...]
    unknown: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileResource:
    """Files as MCP resources: `file` of the folder at `uri`, or, when that is "", each at a path below `uri`.

    `media_type` "" means: by the extension.
    """

    name: str
    title: str
    description: str
    uri: str
    media_type: str
    folder: Folder
    file: str = ""
    tags: tuple[str, ...] = ()
