"""The tutorial's README to its steps, and a terminal to type their commands into.

A fenced `sh` block is a command; a `json` or `text` block right below it is what the terminal shows then, in
which `…` stands for what is different each time. `capspec serve` runs until the next one. A `yaml` block is a
part of the step's file.
"""

from __future__ import annotations

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "tutorial"
README = FOLDER / "README.md"
PORTS = ("8080", "9090", "9091", "9092")
PATIENCE = 30
"""Seconds until a command that does not end fails the test."""

_STEP = re.compile(r"^## (?P<number>\d+)\. (?P<title>.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```\n", re.DOTALL | re.MULTILINE)
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
_READY = "Stop with Ctrl-C."


@dataclass
class Command:
    """What is typed, and what is shown then; None where the tutorial does not say."""

    text: str
    line: int
    answer: str | None = None

    @property
    def serves(self) -> bool:
        return "capspec serve" in self.text


@dataclass
class Step:
    """A numbered section: what is read, what is typed, and the parts of files that are shown."""

    number: int
    title: str
    prose: str
    commands: list[Command] = field(default_factory=list)
    fragments: list[str] = field(default_factory=list)

    @property
    def file(self) -> Path:
        (found,) = FOLDER.glob(f"step-{self.number:02}-*.yaml")
        return found

    def __str__(self) -> str:
        return f"{self.number}. {self.title}"


def steps() -> list[Step]:
    text = README.read_text(encoding="utf-8")
    heads = [*_STEP.finditer(text)]
    ends = [head.start() for head in heads[1:]] + [text.index("\n## Where to go")]
    return [_step(head, text, end) for head, end in zip(heads, ends, strict=True)]


def _step(head: re.Match[str], text: str, end: int) -> Step:
    body = text[head.end() : end]
    step = Step(int(head["number"]), head["title"], _FENCE.sub("", body))
    below = -1
    for block in _FENCE.finditer(body):
        if block["language"] == "sh":
            step.commands.append(Command(block["text"], text.count("\n", 0, head.end() + block.start()) + 1))
        elif block["language"] == "yaml":
            step.fragments.append(block["text"])
        else:
            assert block.start() == below, f"an answer without a command: {block['text']}"
            step.commands[-1].answer = block["text"]
        below = block.end()
    return step


def matches(shown: str, seen: str) -> bool:
    """Whether the terminal shows what the tutorial shows."""
    pattern = re.escape(shown.rstrip()).replace("…", r"(?:[^\s\"]+|…)")
    return re.fullmatch(pattern, seen.rstrip()) is not None


# -- the folder and the terminal --------------------------------------------------------------------------


def copied(folder: Path, ports: Mapping[str, str]) -> Path:
    """The tutorial in another place, at other ports, with `capspec` and `python` to be found beside it."""
    found = folder / "tutorial"
    shutil.copytree(FOLDER, found, ignore=shutil.ignore_patterns("__pycache__", "README.md"))
    for path in [*found.rglob("*.yaml"), *found.glob("*.py")]:
        path.write_text(moved(path.read_text(encoding="utf-8"), ports), encoding="utf-8")
    (folder / "bin").mkdir()
    for name, words in {"capspec": f"{sys.executable} -m capspec", "python": sys.executable}.items():
        script = folder / "bin" / name
        script.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
        script.chmod(0o755)
    return found


def moved(text: str, ports: Mapping[str, str]) -> str:
    for port, other in ports.items():
        text = re.sub(rf"\b{port}\b", other, text)
    return text


class Terminal:
    """A program in a terminal of 100 columns, as a reader sees it."""

    def __init__(self, command: str, folder: Path) -> None:
        ours, theirs = pty.openpty()
        termios.tcsetwinsize(theirs, (50, 100))
        self._ours = ours
        self._seen = bytearray()
        self._more = threading.Condition()
        self.process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True,
            env={
                "PATH": f"{folder.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(folder.parent), "PYTHONPATH": str(ROOT), "TERM": "xterm", "LANG": "C.UTF-8",
            },
        )  # fmt: skip
        os.close(theirs)
        self._reading = threading.Thread(target=self._read)
        self._reading.start()

    @property
    def seen(self) -> str:
        """Everything so far, without colours and without the blanks at the ends of lines."""
        text = _STYLE.sub("", self._seen.decode(errors="replace")).replace("\r\n", "\n")
        return "\n".join(line.rstrip() for line in text.split("\n")).strip("\n")

    def shows(self, text: str) -> bool:
        """Wait for a text; False when it does not come."""
        with self._more:
            self._more.wait_for(lambda: text in self.seen or not self._reading.is_alive(), PATIENCE)
            return text in self.seen

    def ended(self) -> str:
        """Everything, once the program has come to its end by itself."""
        self.process.wait(PATIENCE)
        self._reading.join(PATIENCE)
        return self.seen

    def close(self) -> None:
        """End what is still there."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self._reading.join()
        os.close(self._ours)

    def interrupt(self) -> int:
        """Press Ctrl-C; the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(PATIENCE)

    def _read(self) -> None:
        while True:
            try:
                chunk = os.read(self._ours, 4096)
            except OSError:  # how a terminal says that nobody is there any more
                chunk = b""
            with self._more:
                self._seen += chunk
                self._more.notify_all()
            if not chunk:
                return


@contextmanager
def typed(command: str, folder: Path) -> Iterator[Terminal]:
    """A command in a terminal; whatever it started is gone at the end of the block."""
    terminal = Terminal(command, folder)
    try:
        yield terminal
    finally:
        terminal.close()


@contextmanager
def served(command: str, folder: Path) -> Iterator[str]:
    """A server that is ready: what its terminal shows. It must stop at Ctrl-C."""
    with typed(command, folder) as terminal:
        assert terminal.shows(_READY), terminal.seen
        yield terminal.seen
        assert terminal.interrupt() == 0, terminal.seen
