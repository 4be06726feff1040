"""What a script may try to get out of its sandbox: nothing of the machine is ever in its result."""

from __future__ import annotations

import json

import pytest

from capspec.scripting.evaluation import Failed
from capspec.values import MISSING
from tests.steps.script_world import evaluation, pool

pytestmark = pytest.mark.anyio

JAVASCRIPT = {
    "node's require": "result = require('fs').readFileSync('/etc/passwd', 'utf8')",
    "node's process": "result = process.env",
    "process through a constructor": "result = this.constructor.constructor('return process')().env",
    "the host through a function's constructor": "result = (() => {}).constructor('return this')().process.env",
    "the host through context": "result = context.constructor.constructor('return process')().mainModule",
    "the host through an error": "try { null.x } catch (e) { result = e.constructor.constructor('return process')() }",
    "the host through a generator": "result = (function*(){}).constructor('return process')().next().value.env",
    "the host through print": "result = console.log.constructor('return process')().env",
    "a static import": "import fs from 'fs'; result = fs",
    "a dynamic import": "import('fs').then((fs) => { result = fs.readFileSync('/etc/passwd') })",
    "the std module": "import('std').then((std) => { result = std.getenv('HOME') })",
    "the engine's std": "result = std.loadFile('/etc/passwd')",
    "the engine's os": "result = os.exec(['id'])",
    "the engine's loader": "result = load('/etc/passwd')",
    "the engine's script arguments": "result = scriptArgs",
    "deno": "result = Deno.readTextFileSync('/etc/passwd')",
    "bun": "result = Bun.env",
    "java": "result = Java.type('java.lang.System').getenv()",
    "polyglot": "result = Polyglot.eval('python', '1')",
    "packages": "result = Packages.java.lang.System.getenv()",
    "fetch": "result = fetch('http://127.0.0.1/')",
    "a request": "result = new XMLHttpRequest()",
    "a socket": "result = new WebSocket('ws://127.0.0.1/')",
    "a worker": "result = new Worker('x.js')",
    "web assembly": "result = new WebAssembly.Memory({initial: 1})",
    "python's class": "result = context.__class__.__base__.__subclasses__()",
    "a host function": "result = __capspec_host_call('x')",
    "wasi": "result = wasi_snapshot_preview1.fd_write(1, 0, 0, 0)",
}

PYTHON = {
    "import os": "import os\nresult = os.system('id')",
    "the environment": "import os\nresult = dict(os.environ)",
    "getenv": "import os\nresult = os.getenv('SECRET_OF_THE_HOST') or nothing",
    "popen": "import os\nresult = os.popen('id').read()",
    "subprocess": "import subprocess\nresult = subprocess.check_output('id')",
    "socket": "import socket\nresult = socket.gethostname()",
    "urllib": "import urllib.request\nresult = urllib.request.urlopen('http://127.0.0.1/').read()",
    "ctypes": "import ctypes\nresult = ctypes.CDLL(None).getpid()",
    "open": "result = open('/etc/passwd').read()",
    "open for writing": "open('/tmp/escaped', 'w').write('x')\nresult = 'written'",
    "pathlib": "from pathlib import Path\nresult = Path('/etc/passwd').read_text()",
    "listing a folder": "import os\nresult = os.listdir('/')",
    "__import__": "result = __import__('os').environ",
    "importlib": "import importlib\nresult = importlib.import_module('os').environ",
    "subclasses": "result = ().__class__.__bases__[0].__subclasses__()",
    "the method resolution order": "result = str.__mro__[-1].__subclasses__()",
    "a class of a class": "class A: pass\nresult = A.__class__.__subclasses__(A.__class__)",
    "globals of a function": "def f(): pass\nresult = f.__globals__",
    "builtins": "result = __builtins__",
    "globals": "result = list(globals()['__builtins__'])",
    "code objects": "def f(): pass\nresult = f.__code__.co_consts",
    "frames": "import sys\nresult = sys._getframe().f_globals",
    "tracebacks": "try:\n    1 / 0\nexcept Exception as e:\n    result = e.__traceback__.tb_frame.f_globals",
    "modules": "import sys\nresult = list(sys.modules)",
    "a format string": "result = '{0.__class__.__init__.__globals__}'.format(context)",
    "an f-string": "result = f'{context.__class__.__subclasses__()}'",
    "eval": "result = eval('__import__(\"os\").environ')",
    "exec": "exec('import subprocess')\nresult = subprocess",
    "compile": "result = eval(compile('open(\"/etc/passwd\").read()', 'x', 'eval'))",
    "pickle": "import pickle\nresult = pickle.loads(b'cos\\nsystem\\n(S\"id\"\\ntR.')",
    "input": "result = input()",
    "a debugger": "breakpoint()\nresult = 'stopped'",
    "a getter": "result = getattr((), '__cl' + 'ass__')",
    "the interpreter's own parts": "import gc\nresult = gc.get_objects()",
    "threads": "import threading\nresult = threading.get_ident()",
}


async def outcome(workers, text):
    try:
        return (await workers.evaluate(evaluation(text, context={"a": 1}))).value
    except Failed as failed:
        return failed


@pytest.mark.parametrize(("language", "attempts"), [("javascript", JAVASCRIPT), ("python", PYTHON)])
async def test_no_way_leads_out_of_the_sandbox(language, attempts, monkeypatch):
    monkeypatch.setenv("SECRET_OF_THE_HOST", "hunter2")
    assert len(attempts) >= 20
    async with pool(language) as workers:
        for attempt, text in attempts.items():
            found = await outcome(workers, text)
            assert found is MISSING or isinstance(found, Failed), f"{attempt}: {json.dumps(found)}"
            if isinstance(found, Failed):
                assert found.reason in ("script", "syntax", "result"), f"{attempt}: {found.reason}"
                assert "hunter2" not in found.message
                assert "site-packages" not in found.message


async def test_what_a_script_leaves_behind_is_not_seen_by_the_next_one():
    spoil = """
        globalThis.left = 1; Object.prototype.left = 2; Array.prototype.map = () => 'mine';
        JSON.stringify = () => '"forged"'; JSON.parse = null; result = 1"""
    async with pool("javascript", 1) as workers:
        await workers.evaluate(evaluation(spoil))
        text = "result = [typeof left, typeof ({}).left, [1].map((x) => x + 1)]"
        assert (await workers.evaluate(evaluation(text))).value == ["undefined", "undefined", [2]]
    async with pool("python", 1) as workers:
        await workers.evaluate(evaluation("left = 1\nresult = 1"))
        with pytest.raises(Failed, match="left"):
            await workers.evaluate(evaluation("result = left"))


async def test_a_script_that_changes_what_everything_is_made_of_changes_only_itself():
    tampering = """
        Object.prototype.toJSON = () => 'x'; Object.defineProperty(Object.prototype, '__proto__', {get: () => 7});
        JSON.stringify = null; Promise = null; String = null; result = {a: [1, {b: 2}]}"""
    async with pool("javascript") as workers:
        assert (await workers.evaluate(evaluation(tampering))).value == "x"


async def test_keys_that_mean_something_to_an_engine_are_plain_keys():
    context = {"__proto__": {"admin": True}, "constructor": 1, "hasOwnProperty": 2}
    async with pool("javascript") as workers:
        text = "result = [context.admin === undefined, Object.keys(context), context.constructor]"
        found = (await workers.evaluate(evaluation(text, context=context))).value
        assert found == [True, ["__proto__", "constructor", "hasOwnProperty"], 1]
    async with pool("python") as workers:
        text = "result = [context['__proto__'], context['constructor']]"
        assert (await workers.evaluate(evaluation(text, context=context))).value == [{"admin": True}, 1]
