"""The process that is kept ready: it has imported what answers need, and forks for each of them.

It never runs a student's code itself, unless there is no fork (Windows); then it serves one answer and ends.
It reads lines from standard input, and writes lines to standard output. When the input ends, because the
notebook's Python has ended or wants it so, all that runs here ends with it.
"""

from __future__ import annotations

import gc
import os
import select
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from os import _exit
from pathlib import Path

from thplab.lessons.trial import child
from thplab.lessons.trial.job import Job, find
from thplab.lessons.trial.perform import perform
from thplab.lessons.trial.words import told_where

#: Words of the lines; each may be followed by the name of a job, which is that of its folder.
WARM, TRY, STOP = "warm", "try", "stop"
READY, BEGUN, ENDED = "ready", "begun", "ended"
#: Why a run ended: of itself, its time was over, the reader stopped it, or nobody waits for it any more.
ITSELF, TIME, STOPPED, GONE = "itself", "time", "stopped", "gone"

_IDLE = 900.0  # seconds; then it ends, and is started again when a reader types
_TELLS = 1.0  # seconds that a run gets to say where it is
_LOOKS = 2.0  # seconds between two looks whether the notebook's Python is still there


class Lines:
    """Lines that come through a pipe."""

    def __init__(self, number: int) -> None:
        """``number``: the descriptor."""
        self.number = number
        self._rest = b""

    def next(self) -> str | None:
        """The next line; None at the end. Waits for it."""
        while b"\n" not in self._rest:
            data = os.read(self.number, 4096)
            if not data:
                return None
            self._rest += data
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode()

    def ready(self, also: int, seconds: float) -> bool:
        """Has something come? Waits so long, or until there is something in ``also``."""
        return b"\n" in self._rest or self.number in select.select([self.number, also], [], [], seconds)[0]


class Server:
    """Serves the jobs in the folders below ``home``."""

    def __init__(self, home: Path, forks: bool) -> None:
        """Take the standard streams away from whatever else might use them."""
        self._home, self._forks = home, forks
        self._lines, self._out = Lines(os.dup(0)), os.dup(1)
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in range(3):
            os.dup2(nothing, number)
        self._parent = os.getppid()
        self._later: list[str] = []
        if forks:
            self._ended, wake = os.pipe()
            os.set_blocking(self._ended, False)
            os.set_blocking(wake, False)
            signal.signal(signal.SIGCHLD, lambda *_: None)
            signal.set_wakeup_fd(wake)

    def serve(self) -> None:
        """Until the input ends."""
        self._say(READY)
        while line := self._wait():
            word, _, name = line.partition(" ")
            if word == WARM:
                self._warm(self._home / name)
            elif word == TRY:
                self._try(name)
        shutil.rmtree(self._home, ignore_errors=True)

    def _wait(self) -> str | None:
        if self._later:
            return self._later.pop(0)
        if self._forks:
            since = time.monotonic()
            while not self._lines.ready(self._ended, _LOOKS):
                self._drain()
                if os.getppid() != self._parent or time.monotonic() - since > _IDLE:
                    return None
        return self._lines.next()

    def _say(self, *words: object) -> None:
        with suppress(OSError):  # nobody listens any more: the input says so, too
            os.write(self._out, (" ".join(map(str, words)) + "\n").encode())

    def _warm(self, folder: Path) -> None:
        """Run an answer of our own: what the check imports and computes is there from then on."""
        with suppress(Exception):
            job = Job.from_json((folder / child.JOB).read_text("utf-8"))
            perform(job, find(job.checker))
            gc.collect()
            gc.freeze()

    def _try(self, name: str) -> None:
        folder = self._home / name
        job = Job.from_json((folder / child.JOB).read_text("utf-8"))
        checker = find(job.checker)
        forked = self._fork()
        if forked is None:
            threading.Thread(target=self._end_with_input, daemon=True).start()
            self._say(BEGUN, name, os.getpid())
            child.run(job, checker, folder, (self._lines.number, self._out))
            _exit(0)
        if forked == 0:
            status = 1
            try:
                child.run(job, checker, folder)
                status = 0
            finally:
                _exit(status)
        self._say(BEGUN, name, forked)
        why = self._watch(name, forked, job.limits.seconds)
        if why in (TIME, STOPPED):
            _tell(forked, folder / child.WHERE)
        self._say(ENDED, name, why, _reap(forked))

    def _end_with_input(self) -> None:
        while self._lines.next() is not None:
            pass
        shutil.rmtree(self._home, ignore_errors=True)
        _exit(1)

    def _fork(self) -> int | None:
        """As os.fork; None where no process can be made."""
        if not self._forks:
            return None
        try:
            forked = os.fork()
        except OSError:
            return None
        if forked:
            with suppress(OSError):
                os.setpgid(forked, forked)
            return forked
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        return 0

    def _watch(self, name: str, forked: int, seconds: float) -> str:
        """Wait until the run has ended, or must; why."""
        end = time.monotonic() + seconds
        while not os.waitid(os.P_PID, forked, os.WEXITED | os.WNOHANG | os.WNOWAIT):
            left = end - time.monotonic()
            if left <= 0:
                return TIME
            if self._lines.ready(self._ended, min(left, _LOOKS)):
                line = self._lines.next()
                if line is None:
                    return GONE
                if line == f"{STOP} {name}":
                    return STOPPED
                self._later.append(line)
            elif os.getppid() != self._parent:
                return GONE
            self._drain()
        return ITSELF

    def _drain(self) -> None:
        with suppress(BlockingIOError):
            os.read(self._ended, 4096)


def _tell(forked: int, where: Path) -> None:
    """Let the run write the line in which it is, and wait until it has."""
    assert child.TELL is not None
    os.kill(forked, child.TELL)
    end = time.monotonic() + _TELLS
    while not told_where(where.read_bytes()) and time.monotonic() < end:
        time.sleep(0.005)


def _reap(forked: int) -> int:
    """End all of the run's group; the status of its first process, or minus the signal that ended it."""
    for kill in (os.killpg, os.kill):
        with suppress(OSError):
            kill(forked, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])


def main(home: str, forks: str) -> None:
    """What the started Python calls."""
    Server(Path(home), forks == "forks" and hasattr(os, "fork")).serve()


if __name__ == "__main__":
    main(*sys.argv[1:])
