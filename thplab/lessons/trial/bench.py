"""Where answers are tried: one process, started ahead, for all questions of a notebook."""

from __future__ import annotations

import atexit
import threading
from contextlib import suppress

from thplab.lessons.trial.job import Job, Outcome
from thplab.lessons.trial.process import Process
from thplab.lessons.trial.run import NoProcess, Run
from thplab.lessons.trial.server import WARM


class Bench:
    """Tries one job after the other. All of it may be called from any thread."""

    def __init__(self, forks: bool = True) -> None:
        """``forks``: False for a process for each answer, as where there is no fork."""
        self._forks = forks
        self._turn = threading.Lock()
        self._starts = threading.Lock()
        self._process: Process | None = None
        self._examples: dict[str, Job] = {}

    def warm(self, example: Job) -> bool:
        """Have a process ready that has run this answer, without waiting for it. Can there be one?"""
        with self._starts:
            new = example.checker not in self._examples
            self._examples.setdefault(example.checker, example)
            try:
                if self._process is None or not self._process.alive:
                    self._start()
                elif new:
                    self._send_example(self._process, example)
            except OSError:
                return False
        return True

    def _start(self) -> Process:
        self._process = process = Process(self._forks)
        for example in self._examples.values():
            self._send_example(process, example)
        return process

    @staticmethod
    def _send_example(process: Process, example: Job) -> None:
        process.send(WARM, process.place(example))

    def _ready(self) -> Process:
        with self._starts:
            if self._process is not None and self._process.alive:
                return self._process
            try:
                return self._start()
            except OSError as error:
                raise NoProcess(str(error)) from None

    def run(self, run: Run) -> Outcome:
        """Try a job, and wait for what comes of it. NoProcess if that can't be done here."""
        with self._turn:
            try:
                return self._run(run)
            except NoProcess:  # it may have ended for a reason of its own just now
                return self._run(run)

    def _run(self, run: Run) -> Outcome:
        process = self._ready()
        done = False
        try:
            outcome = run.on(process)
            done = process.forks and process.alive
        finally:
            if not done:
                self._replace(process)
        return outcome

    def _replace(self, process: Process) -> None:
        process.end()
        with self._starts:
            if self._process is process:
                self._process = None
                with suppress(OSError):
                    self._start()

    def close(self) -> None:
        """End the process. The next answer starts another one."""
        with self._starts:
            process, self._process = self._process, None
        if process is not None:
            process.end()


#: That of this Python.
BENCH = Bench()
atexit.register(BENCH.close)
