"""A skill listener to an ASGI application: a request finds its skill, and what of it is asked for.

GET /skills                             the catalogue
GET /skills/<name>                      one skill
GET /skills/<name>/SKILL.md             what an agent reads first
GET /skills/<name>/contents             its files
GET /skills/<name>/contents/<path>      one of them
GET /skills/<name>/download             all of them as a zip archive
GET /skills/<name>/install              a script that puts it where an agent finds it
GET /install                            the same for all skills
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from http import HTTPStatus

from capspec.adapters.skill import replies
from capspec.adapters.skill.addresses import Addresses
from capspec.adapters.skill.answer import Answer, Reply, of_bytes, of_file, of_json, of_stream
from capspec.admission import Gate
from capspec.arrivals import Arrivals, carrier_of, noting
from capspec.assets.serving import base_of
from capspec.edge import ASGIScope, Edge, EdgeOptions, Receive, SendMessage
from capspec.errors import CallError, InputError, UnknownPathError
from capspec.events import UnexpectedError
from capspec.plan import Engine, Listener
from capspec.plan.skills import Skill
from capspec.refusal import refuse
from capspec.skills.archive import zipped
from capspec.skills.contents import MANUAL, SkillFiles, is_offered, media_type_of
from capspec.skills.markdown import Access, manual
from capspec.skills.script import install_script

CATALOGUE = "/skills"
INSTALL = "/install"
_METHODS = (b"allow", b"GET, HEAD, OPTIONS")
_SCRIPT = "text/x-shellscript; charset=utf-8"


def build(listener: Listener, engine: Engine, options: EdgeOptions) -> Edge:
    """The edge of a skill listener."""
    del options
    app = SkillApp(listener, engine)
    return Edge(app=app, endpoint=CATALOGUE, paths=(CATALOGUE, INSTALL), well_known=app.gate.well_known)


class SkillApp:
    """One listener as a bare ASGI application (ASGI 3, HTTP scope)."""

    def __init__(self, listener: Listener, engine: Engine) -> None:
        self.gate = Gate(listener, engine)
        self._listener = listener
        self._engine = engine
        self._skills = {skill.name: skill for skill in listener.skills}
        self._addresses = Addresses()
        self._arrivals = Arrivals("skill", listener.namespace, engine)
        engine.events.observers.append(self._addresses.hear)

    async def __call__(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["type"] != "http":
            raise NotImplementedError(f"no {scope['type']} here")
        with self._arrivals.one(carrier_of(scope), str(scope["method"])) as arrival:
            await self._one(scope, receive, noting(arrival, send))

    async def _one(self, scope: ASGIScope, receive: Receive, send: SendMessage) -> None:
        answer = Answer(scope, receive, send)
        try:
            if await self.gate.enter(scope, send) is not None:
                await self._answered(answer)
        except CallError as error:
            await self._refuse(answer, HTTPStatus(error.status), "; ".join(map(str, error.problems)))
        except Exception as error:  # noqa: BLE001 - this is the edge: nothing may get past it
            where = f"skill {self._listener.namespace}"
            self._engine.events.emit(UnexpectedError(where=where, error=error))
            detail = "Something went wrong on this side."
            await self._refuse(answer, HTTPStatus.INTERNAL_SERVER_ERROR, detail)

    async def _answered(self, answer: Answer) -> None:
        find = self._route(answer.path)
        if answer.method == "OPTIONS":
            await answer.give(Reply(status=204, headers=[_METHODS]))
        elif answer.method not in ("GET", "HEAD"):
            status = HTTPStatus.METHOD_NOT_ALLOWED
            await self._refuse(answer, status, f"{answer.method} is not offered here.", _METHODS)
        else:
            await answer.give(await asyncio.to_thread(find, answer.scope))

    async def _refuse(
        self, answer: Answer, status: HTTPStatus, detail: str, *headers: tuple[bytes, bytes]
    ) -> None:
        if not answer.begun:
            await refuse(answer.send, status, detail, headers)

    # -- which of them --------------------------------------------------------------------------------

    def _route(self, path: str) -> Callable[[ASGIScope], Reply]:
        """What answers a path. Raises UnknownPathError, and InputError for one that leads out of a folder."""
        if path.rstrip("/") == CATALOGUE:
            return lambda scope: of_json(replies.catalogue(self._listener.skills))
        if path == INSTALL:
            return partial(self._script, self._listener.skills)
        parts = path.split("/")
        if len(parts) < 3 or parts[1] != CATALOGUE[1:]:
            raise UnknownPathError("nothing has this path", hint=f"{CATALOGUE} lists all skills")
        skill = self._skills.get(parts[2])
        if skill is None:
            raise UnknownPathError("there is no such skill", hint=f"{CATALOGUE} lists them all")
        return self._part(skill, parts[3:])

    def _part(self, skill: Skill, parts: list[str]) -> Callable[[ASGIScope], Reply]:
        own: Mapping[str, Callable[[Skill, ASGIScope], Reply]] = {
            "": lambda skill, scope: of_json(replies.detail(skill)),
            MANUAL: self._manual,
            "contents": self._contents,
            "download": self._download,
            "install": lambda skill, scope: self._script((skill,), scope),
        }
        what, *rest = parts or [""]
        if what in own and rest in ([], [""]):
            return partial(own[what], skill)
        if what == "contents":
            return partial(self._file, skill, _checked("/".join(rest)))
        raise UnknownPathError("a skill has no such part")

    # -- what is given --------------------------------------------------------------------------------

    def _files(self, skill: Skill, scope: ASGIScope) -> SkillFiles:
        access = Access(server=self._engine.plan.name, urls=self._addresses.seen_from(base_of(scope)))
        return SkillFiles(skill, manual(skill, access).encode())

    def _manual(self, skill: Skill, scope: ASGIScope) -> Reply:
        return of_file(self._files(skill, scope).open(MANUAL), media_type_of(MANUAL), scope)

    def _contents(self, skill: Skill, scope: ASGIScope) -> Reply:
        return of_json(replies.contents(skill, self._folder(skill, scope).list()))

    def _file(self, skill: Skill, name: str, scope: ASGIScope) -> Reply:
        files = self._folder(skill, scope)
        try:
            return of_file(files.open(name), media_type_of(name), scope)
        except OSError:
            raise UnknownPathError(f"skill '{skill.name}' has no such file") from None

    def _download(self, skill: Skill, scope: ASGIScope) -> Reply:
        files = self._folder(skill, scope)
        return of_stream(zipped(files, files.list()), "application/zip", f"{skill.directory}.zip")

    def _script(self, skills: tuple[Skill, ...], scope: ASGIScope) -> Reply:
        return of_bytes(install_script(skills, base_of(scope)).encode(), _SCRIPT)

    def _folder(self, skill: Skill, scope: ASGIScope) -> SkillFiles:
        """The files of a skill that has a folder. Raises UnknownPathError for another."""
        if skill.folder is None or not skill.folder.root.is_dir():
            raise UnknownPathError(f"skill '{skill.name}' has no files; its {MANUAL} is all there is")
        return self._files(skill, scope)


def _checked(name: str) -> str:
    if "\\" in name or "\0" in name or any(part in (".", "..") for part in name.split("/")):
        raise InputError("this is no path of a file in a skill's folder")
    if not is_offered(name):
        raise UnknownPathError("a skill has no such file")
    return name
