"""The notebook's end of a server: start it, send it lines, hear what it says, end it."""

from __future__ import annotations

import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from itertools import count
from pathlib import Path

from thplab.lessons.trial import child
from thplab.lessons.trial.job import Job
from thplab.lessons.trial.server import BEGUN, ENDED

_BOOT = (
    "import sys; sys.path[:] = sys.argv[3:]; "
    "from thplab.lessons.trial import server; server.main(*sys.argv[1:3])"
)
_SLICE = 0.25  # seconds; between them an interrupt is heard on every system
_POLITE = 0.5  # seconds that it gets to end by itself
#: A line that no server says.
WAKE = "wake"


class Process:
    """A running server, and the folder of its jobs. OSError if there can be none."""

    def __init__(self, forks: bool) -> None:
        """Start it; it is ready some time later. ``forks``: may it fork, where there is such a thing?"""
        if not sys.executable or sys.platform in ("emscripten", "wasi"):
            raise OSError("no other process can be started here")
        self.forks = forks and hasattr(os, "fork")
        self.home = Path(tempfile.mkdtemp(prefix="thplab-answers-"))
        self._numbers = count(1)
        self._runs = 0  # the process of the run, if it is known
        self._heard: queue.SimpleQueue[list[str]] = queue.SimpleQueue()
        how = [str(self.home), "forks" if self.forks else "once", *map(str, sys.path)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this Python, with a program of ours
                [sys.executable, "-c", _BOOT, *how],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            self._clean()
            raise
        threading.Thread(target=self._listen, daemon=True, name="thplab answers").start()

    @property
    def alive(self) -> bool:
        """Does it run?"""
        return self._process.poll() is None

    def place(self, job: Job) -> str:
        """Put a job into a folder of its own; its name."""
        name = str(next(self._numbers))
        folder = self.home / name
        (folder / child.ROOM).mkdir(parents=True)
        for file in (child.PRINTED, child.VERDICT, child.WHERE):
            (folder / file).touch()
        (folder / child.JOB).write_text(job.to_json(), "utf-8")
        return name

    def send(self, word: str, name: str) -> None:
        """Send a line. If nobody reads it any more, that is heard, too."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.write(f"{word} {name}\n".encode())
            self._process.stdin.flush()

    def hear(self, seconds: float) -> list[str]:
        """The words of its next line; none if it has ended, or has said nothing for so long."""
        end = time.monotonic() + seconds
        while True:
            left = end - time.monotonic()
            with suppress(queue.Empty):
                return self._heard.get(timeout=max(min(left, _SLICE), 0))
            if left <= 0:
                return []

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            words = line.decode("utf-8", "replace").split()
            if words[:1] == [BEGUN]:
                self._runs = int(words[2])
            elif words[:1] == [ENDED]:
                self._runs = 0
            self._heard.put(words)
        self._process.wait()
        self._heard.put([])

    def wake(self) -> None:
        """Let whoever waits for a line look again."""
        self._heard.put([WAKE])

    def end(self) -> None:
        """End it, all that runs there, and its folder."""
        self.halt()
        self._clean()

    def halt(self) -> int:
        """End it and all that runs there; its status."""
        assert self._process.stdin is not None
        with suppress(OSError, ValueError):
            self._process.stdin.close()
        try:
            self._process.wait(_POLITE)
        except subprocess.TimeoutExpired:
            self._kill()
        if self.forks and self._runs:  # the server has died before it could end its run
            self._kill()
        return self._process.wait()

    def _kill(self) -> None:
        if not hasattr(os, "killpg"):
            self._process.kill()
            return
        for group in filter(None, (self._process.pid, self._runs)):
            with suppress(OSError):
                os.killpg(group, signal.SIGKILL)

    def _clean(self) -> None:
        shutil.rmtree(self.home, ignore_errors=True)
