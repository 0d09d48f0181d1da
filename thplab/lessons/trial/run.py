"""One answer in another process: sent there, waited for, stopped if the reader wants it."""

from __future__ import annotations

import shutil
import time
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

from thplab.lessons.trial import child, words
from thplab.lessons.trial.job import LARGEST_VERDICT, Job, Outcome
from thplab.lessons.trial.printed import BYTES, readable
from thplab.lessons.trial.process import Process
from thplab.lessons.trial.server import BEGUN, ENDED, STOP, TIME, TRY

_START = 60.0  # seconds that a process gets to be ready: much, on a busy computer
_GRACE = 3.0  # seconds after which a run is ended from here, since the server has not done it
_LARGEST_DUMP = 1 << 16


class NoProcess(Exception):
    """The answer can't be tried in another process here."""


class Run:
    """A job, which :meth:`on` tries in a process; :meth:`stop` is for other threads."""

    def __init__(self, job: Job) -> None:
        """It has not begun."""
        self.job = job
        self.begun: float | None = None
        self._process: Process | None = None
        self._stopped = False

    def stop(self) -> None:
        """End it, also if it has not begun."""
        self._stopped = True
        if self._process is not None:
            self._process.wake()

    def on(self, process: Process) -> Outcome:
        """Try it; what came of it. NoProcess if the process ends before it has begun."""
        self._process = process
        name = process.place(self.job)
        folder = process.home / name
        try:
            with _Files(folder) as files:
                process.send(TRY, name)
                if not self._hear(process, BEGUN, name, _START):
                    return self._not_begun(process)
                self.begun = time.monotonic()
                grace = _GRACE if process.forks else 0.0
                said = self._hear(process, ENDED, name, self.job.limits.seconds + grace)
                return self._judge(process, said, files)
        finally:
            self._process = None
            shutil.rmtree(folder, ignore_errors=True)

    def _hear(self, process: Process, word: str, name: str, seconds: float) -> list[str]:
        """Wait for a line about the job; empty if none has come."""
        end = time.monotonic() + seconds
        told = False
        while True:
            if self._stopped and not told:
                if word == BEGUN or not process.forks:
                    return []
                process.send(STOP, name)
                told, end = True, min(end, time.monotonic() + _GRACE)
            line = process.hear(max(end - time.monotonic(), 0))
            if not line or line[:2] == [word, name]:
                return line

    def _not_begun(self, process: Process) -> Outcome:
        if not self._stopped and not process.alive:
            raise NoProcess("the process for answers has ended")
        process.halt()  # it may be about to begin
        if self._stopped:
            return Outcome("You stopped your code before it began.", valid=False, tried=False)
        said = f"Python has not started for your code within {_START:g} s. Check it again."
        return Outcome(said, valid=False, tried=False)

    def _judge(self, process: Process, said: list[str], files: _Files) -> Outcome:
        assert self.begun is not None
        seconds = time.monotonic() - self.begun
        late = not said and process.alive
        status = int(said[3]) if said else process.halt()
        outcome = Outcome.from_json(files.verdict())
        source, line = self.job.source, words.dumped_line(files.where())
        if outcome is None and self._stopped:
            outcome = Outcome(words.stopped(source, line, seconds), valid=False, tried=False)
        elif outcome is None and (late or said[2:3] == [TIME]):
            outcome = Outcome(words.too_long(source, line, self.job.limits))
        elif outcome is None:
            outcome = Outcome(words.ended(source, line, status))
        return outcome.printing(readable(files.printed(self.job), self.job.limits.printed))


class _Files:
    """What a run leaves. The files are opened before it, so that it can put nothing else in their place."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open = ExitStack()

    def __enter__(self) -> _Files:
        names = (child.PRINTED, child.VERDICT, child.WHERE)
        self._printed, self._verdict, self._where = map(self._opened, names)
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _opened(self, name: str) -> BinaryIO:
        return self._open.enter_context(open(self._folder / name, "rb", buffering=0))

    def printed(self, job: Job) -> bytes:
        """A little more than what is shown, so that one sees whether there is more."""
        return self._printed.read((job.limits.printed + 1) * BYTES)

    def verdict(self) -> bytes:
        """The verdict, as JSON; empty if there is none."""
        return self._verdict.read(LARGEST_VERDICT)

    def where(self) -> bytes:
        """Where Python says that it was."""
        return self._where.read(_LARGEST_DUMP)
