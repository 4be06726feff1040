"""BodySpec to Body: the codec of its type, and its content as templates, parts and files."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from capspec import registry
from capspec.compiler.formats import read_beside, writing_codec
from capspec.compiler.texts import Texts
from capspec.egress import HOST_RULE, origin_of, own_names, pattern_of
from capspec.model import BodySpec
from capspec.node import Node, Report
from capspec.plan import Body, Codec, Upstream
from capspec.plan.bodies import Part, Parts
from capspec.request.inline import MAX_SIZE
from capspec.sizes import parse_size
from capspec.template import JsonText, Template, TemplateError, Tree
from capspec.template.binding import literal_template
from capspec.values import MISSING, Json, Missing

_SOURCES = ("value", "base64", "url", "file")
_ADDRESS = re.compile(r"(https?://[^/?#{}]+)(?=[/?#]|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledBody:
    """A body; or only the codec of one that callers give; or why the operation cannot be called without it.

    `names` are the arguments that it reads.
    """

    body: Body | None = None
    codec: Codec | None = None
    names: tuple[str, ...] = ()
    problem: str = ""


@dataclass(slots=True, kw_only=True)
class BodyCompiler:
    """Compiles bodies. `contacts` are the origins that the files in them may come from."""

    report: Report
    rewrite: Callable[[str], str]
    contacts: list[str] = field(default_factory=list)

    def body(self, spec: BodySpec | None, upstream: Upstream, texts: Texts) -> CompiledBody:
        if spec is None:
            return CompiledBody()
        try:
            name, codec = writing_codec(spec.type or "json")
        except registry.UnknownExtension as error:
            empty = spec.data is MISSING or spec.data in (None, {}, "")
            message = f"the body's type: {error.message}"
            self.report.add("CAP324", message, place=spec.place, hint=error.hint, severity="warning")
            return CompiledBody(problem="" if empty else str(error))
        if spec.data is MISSING or spec.data in (None, {}, ""):
            # A content type among the headers may say more than the word for what is sent anyway.
            return CompiledBody(codec=None if codec is registry.find("codec", "json") else codec)
        try:
            codec, content = self._content(spec, name, codec, upstream, texts)
        except TemplateError as error:
            place = self.report.spot(spec.place, error.text, error.offset)
            message = f"the body is not a template: {error.reason}"
            self.report.add("CAP331", message, place=place, hint=error.hint)
            return CompiledBody()
        names = tuple(texts.arguments_in(content.names))
        takes_fields = name in ("json", "form") and _is_object(spec.data)
        return CompiledBody(body=Body(codec=codec, content=content, takes_fields=takes_fields), names=names)

    def _content(
        self, spec: BodySpec, name: str, codec: Codec, upstream: Upstream, texts: Texts
    ) -> tuple[Codec, Tree | JsonText | Template | Parts]:
        """The content, and what writes it. Raises TemplateError."""
        data = spec.data
        if isinstance(data, str) and name == "json":
            return self._json(spec, data, codec, texts)
        if isinstance(data, str):
            return codec, texts.template(data, spec.place)
        if name == "multipart" and isinstance(data, list) and spec.node is not None:
            return codec, self._parts(spec.node, upstream, texts)
        if name == "multipart" and spec.node is not None and _has_parts(data):
            return codec, self._fields(spec.node, upstream, texts)
        if name == "binary" and spec.node is not None and _is_file(data):
            return codec, self._file(spec.node, upstream, texts)
        return codec, texts.tree(data, spec.place)

    def _json(
        self, spec: BodySpec, text: str, codec: Codec, texts: Texts
    ) -> tuple[Codec, JsonText | Template]:
        """JSON text; a body of which nothing is said but its text may be another text."""
        try:
            return codec, texts.json_text(text, spec.place)
        except TemplateError:
            if spec.type or text.lstrip()[:1] in ("{", "["):
                raise
        plain: Codec = registry.find("codec", "text")
        return plain, texts.template(text, spec.place)

    # -- parts ----------------------------------------------------------------------------------------

    def _parts(self, node: Node, upstream: Upstream, texts: Texts) -> Parts:
        """Raises TemplateError."""
        found = []
        for item in node.items():
            if not isinstance(item.value, dict):
                self.report.add("CAP328", "a part should be a mapping", place=item.place)
                continue
            part = self._part(item, upstream, texts)
            if not item.text("name"):
                self.report.add("CAP328", "a part has no 'name'", place=item.place)
            item.finish("a part of a body")
            if part is not None:
                found.append(part)
        return Parts(parts=tuple(found), names=_names(found))

    def _fields(self, node: Node, upstream: Upstream, texts: Texts) -> Parts:
        """An object of fields some of which are files. Raises TemplateError."""
        found = []
        for item in node.items():
            name = literal_template(str(item.pointer[-1]))
            if not _is_part(item.value):
                found.append(
                    Part(name=name, value=_content(item.value, item, texts), is_field=True, max_size=MAX_SIZE)
                )
                continue
            part = self._part(item, upstream, texts)
            if part is not None:
                found.append(replace(part, name=name))
        return Parts(parts=tuple(found), names=_names(found))

    def _file(self, node: Node, upstream: Upstream, texts: Texts) -> Parts:
        """The one file that a body is. Raises TemplateError."""
        part = self._part(node, upstream, texts)
        node.finish("a file")
        found = [] if part is None else [part]
        return Parts(parts=tuple(found), names=_names(found), single=True)

    def _part(self, node: Node, upstream: Upstream, texts: Texts) -> Part | None:
        given = [name for name in _SOURCES if node.raw(name) not in (MISSING, None)]
        if len(given) != 1:
            hint = "give it one of: value, base64, url, file"
            self.report.add("CAP328", "a part has no content, or two", place=node.place, hint=hint)
            return None
        max_size = self._max_size(node)
        content = self._beside(node, max_size) if given == ["file"] else None
        url, allowed = self._url(node, upstream, texts) if given == ["url"] else (None, ())
        hosts = self._hosts(node, upstream)
        return Part(
            name=self._text(node, "name", texts) or literal_template(""),
            value=_content(node.raw("value"), node, texts) if given == ["value"] else None,
            base64=self._text(node, "base64", texts),
            url=url,
            content=content,
            filename=self._filename(node, texts, content),
            media_type=self._text(node, "contentType", texts),
            allowed=(*allowed, *hosts),
            max_size=max_size,
        )

    @staticmethod
    def _text(node: Node, name: str, texts: Texts) -> Template | None:
        child = node.get(name)
        return None if child is None else texts.template(child.as_text(), child.place)

    def _filename(self, node: Node, texts: Texts, content: bytes | None) -> Template | None:
        given = self._text(node, "filename", texts)
        if given is None and content is not None:
            return literal_template(node.text("file").rpartition("/")[2])
        return given

    def _max_size(self, node: Node) -> int:
        text = node.text("maxSize")
        try:
            return parse_size(text) if text else MAX_SIZE
        except ValueError as error:
            self.report.add("CAP328", f"maxSize: {error}", place=node.place)
            return MAX_SIZE

    def _beside(self, node: Node, max_size: int) -> bytes:
        path = node.text("file")
        if "{{" in path:
            hint = "for what a caller gives, use 'base64'"
            message = "'file' is a path beside the capability file, and takes no values"
            self.report.add("CAP328", message, place=node.place, hint=hint)
            return b""
        try:
            return read_beside(path, node.document, max_size)
        except ValueError as error:
            self.report.add("CAP328", f"file: {error}", place=node.place)
            return b""

    # -- where files may come from --------------------------------------------------------------------

    def _url(self, node: Node, upstream: Upstream, texts: Texts) -> tuple[Template, tuple[str, ...]]:
        """The template, and the origins that it names itself or that the API has. Raises TemplateError."""
        text = node.text("url")
        allowed = own_names(origin_of(upstream.base_url)) if upstream.base_url else []
        written = _ADDRESS.match(text)
        if written is not None:
            called = self.rewrite(written[1]).rstrip("/")
            if called:
                text = called + text[written.end() :]
                allowed.append(called)
                self.contacts.append(called)
        return texts.template(text, node.place), tuple(dict.fromkeys(allowed))

    def _hosts(self, node: Node, upstream: Upstream) -> tuple[str, ...]:
        """Hosts that the author allows: over https, and where the API is not encrypted, as that one is."""
        base = origin_of(upstream.base_url) if upstream.base_url else None
        found: list[str] = []
        for host in node.texts("allowHosts"):
            match = HOST_RULE.fullmatch(host)
            patterns = [f"https://{host}"]
            if base is not None and base.scheme == "http":
                port = "" if match is None or match[3] else f":{base.port}"
                patterns.append(f"http://{host}{port}")
            try:
                if match is None:
                    raise ValueError("it is not a host name, nor '*.' before one")
                for pattern in patterns:
                    pattern_of(pattern)
            except ValueError as error:
                self.report.add("CAP328", f"'{host}' cannot be allowed: {error}", place=node.place)
            else:
                found += patterns
        self.contacts += found
        return tuple(found)


def _is_object(data: Json) -> bool:
    return isinstance(data, dict) or (isinstance(data, str) and re.match(r"\s*\{(?!\{)", data) is not None)


def _is_file(data: Json) -> bool:
    """Whether a binary body says where its bytes are; `file: {{name}}` is what a caller gives."""
    if not isinstance(data, dict) or sum(name in data for name in ("base64", "url", "file")) != 1:
        return False
    known = {"base64", "url", "file", "maxSize", "allowHosts", "contentType"}
    return set(data) <= known and "{{" not in str(data.get("file", ""))


def _is_part(value: Json) -> bool:
    """Whether a field of a form says where its file is; any other object is sent as JSON."""
    return isinstance(value, dict) and _is_file({name: value[name] for name in value if name != "filename"})


def _has_parts(data: Json) -> bool:
    return isinstance(data, dict) and any(_is_part(value) for value in data.values())


def _content(value: Json | Missing, node: Node, texts: Texts) -> Template | Tree:
    """Raises TemplateError."""
    if isinstance(value, str):
        return texts.template(value, node.place)
    return texts.tree(None if isinstance(value, Missing) else value, node.place)


def _names(parts: list[Part]) -> tuple[str, ...]:
    found: list[str] = []
    for part in parts:
        for template in (part.name, part.value, part.base64, part.url, part.filename, part.media_type):
            found += template.names if template is not None else ()
    return tuple(found)
