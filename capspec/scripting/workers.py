"""Evaluations to what came of them: warm processes of one language, ended when they take too long."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import BinaryIO

from capspec.scripting.evaluation import (
    Evaluated,
    Evaluation,
    Failed,
    parse_answer,
    read_frame,
    request_frame,
)
from capspec.scripting.language import Language
from capspec.scripting.worker import READY, REQUEST_LIMIT

_START = (
    "import sys; sys.path.extend(sys.argv[2:]); from capspec.scripting.worker import main; main(sys.argv[1])"
)
_TO_START = 60.0
"""Seconds that a process has to become ready."""

_GRACE = 1.0
"""Seconds between the time limit, which the sandbox itself observes, and the end of its process."""

_RECYCLED = 500
"""Evaluations after which a process is replaced."""

_SPOILING = ("memory", "depth", "broken")
"""Reasons after which a sandbox may not be what it was, and its process is replaced."""

_AROUND = 64 * 1024
"""Bytes that an answer has besides its result."""

_SPAWNING = threading.Lock()


class Workers:
    """At most `size` processes, started when they are needed; further evaluations wait for their turn."""

    def __init__(self, language: Language, size: int) -> None:
        self._language = language
        self._threads = ThreadPoolExecutor(size, thread_name_prefix=f"capspec-{language.name}")
        self._lock = threading.Lock()
        self._idle: list[_Worker] = []
        self._closed = False

    async def evaluate(self, evaluation: Evaluation) -> Evaluated:
        """Raises Failed. When the caller gives up, the process ends."""
        ticket = _Ticket()
        try:
            return await asyncio.get_running_loop().run_in_executor(
                self._threads, self._evaluate, evaluation, ticket
            )
        finally:
            ticket.give_up()

    async def close(self) -> None:
        """End all processes, and what runs in them."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        await asyncio.to_thread(self._end, idle)

    # -- in a thread ----------------------------------------------------------------------------------

    def _evaluate(self, evaluation: Evaluation, ticket: _Ticket) -> Evaluated:
        worker = self._take()
        if not ticket.accept(worker):
            self._put(worker)
            raise Failed("time")
        try:
            return worker.evaluate(evaluation)
        finally:
            ticket.done()
            self._put(worker)

    def _take(self) -> _Worker:
        with self._lock:
            while self._idle:
                worker = self._idle.pop()
                if worker.is_usable:
                    return worker
                worker.end()
        return _Worker(self._language)

    def _put(self, worker: _Worker) -> None:
        with self._lock:
            if worker.is_usable and not self._closed:
                self._idle.append(worker)
                return
        worker.end()

    def _end(self, workers: list[_Worker]) -> None:
        for worker in workers:
            worker.end()
        self._threads.shutdown(wait=True, cancel_futures=True)


class _Ticket:
    """Lets a caller that gives up end the process that works for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._worker: _Worker | None = None
        self._given_up = False

    def accept(self, worker: _Worker) -> bool:
        with self._lock:
            if not self._given_up:
                self._worker = worker
            return not self._given_up

    def done(self) -> None:
        with self._lock:
            self._worker = None

    def give_up(self) -> None:
        with self._lock:
            self._given_up = True
            if self._worker is not None:
                self._worker.kill()


class _Worker:
    """One process. It knows nothing of this one: not its environment, not its folder, no open file."""

    def __init__(self, language: Language) -> None:
        self._evaluations = 0
        self._killed = False
        command = [sys.executable, "-I", "-B", "-X", "utf8", "-c", _START, language.sandbox, *language.roots]
        with _SPAWNING:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter, no shell, no argument of others
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd=os.path.abspath(os.sep),
                start_new_session=True,
            )
        with _Deadline(self, _TO_START):
            ready = self._answers.read(len(READY))
        if ready != READY:
            self.end()
            raise Failed("broken", f"the engine for {language.title} did not start")

    @property
    def is_usable(self) -> bool:
        return not self._killed and self._evaluations < _RECYCLED and self._process.poll() is None

    def evaluate(self, evaluation: Evaluation) -> Evaluated:
        self._evaluations += 1
        request = request_frame(evaluation)
        if len(request) > REQUEST_LIMIT:
            raise Failed("memory")
        content = None
        with _Deadline(self, evaluation.seconds + _GRACE) as deadline:
            try:
                self._requests.write(request)
                self._requests.flush()
                content = read_frame(self._answers, evaluation.largest + _AROUND)
            except OSError:
                content = None
        if content is None:
            self.kill()
            raise Failed("time" if deadline.passed else "broken", "its process ended")
        try:
            return parse_answer(content)
        except Failed as failed:
            if failed.reason in _SPOILING:
                self.kill()
            raise

    def kill(self) -> None:
        """End the process now, and whatever it started."""
        self._killed = True
        if self._process.poll() is not None:
            return
        try:
            if os.name == "posix":
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()
        except OSError:
            self._process.kill()

    def end(self) -> None:
        self.kill()
        self._process.wait()
        for stream in (self._answers, self._requests):
            try:
                stream.close()
            except OSError:
                continue

    @property
    def _requests(self) -> BinaryIO:
        assert self._process.stdin is not None
        return self._process.stdin  # type: ignore[return-value]

    @property
    def _answers(self) -> BinaryIO:
        assert self._process.stdout is not None
        return self._process.stdout  # type: ignore[return-value]


class _Deadline:
    """A block that the process does not survive when it takes longer; `passed` says that it did."""

    def __init__(self, worker: _Worker, seconds: float) -> None:
        self.passed = False
        self._worker = worker
        self._timer = threading.Timer(seconds, self._pass)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _pass(self) -> None:
        self.passed = True
        self._worker.kill()


def _environment() -> dict[str, str]:
    """Nothing; Windows starts no process without the name of its own folder."""
    root = os.environ.get("SYSTEMROOT")
    return {"SYSTEMROOT": root} if os.name == "nt" and root else {}
