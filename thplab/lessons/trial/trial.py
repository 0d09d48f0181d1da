"""A student's code on trial: what a question asks of this room."""

from __future__ import annotations

from time import monotonic

from thplab.lessons.trial import inside
from thplab.lessons.trial.bench import BENCH
from thplab.lessons.trial.job import Job, Outcome
from thplab.lessons.trial.run import NoProcess, Run


class Trial:
    """One run of some code. It begins with :meth:`result`, which waits; the other methods do not."""

    def __init__(self, job: Job) -> None:
        """For this code."""
        self._run = Run(job)

    @property
    def seconds(self) -> float | None:
        """How long it has been running; None before it begins."""
        return None if self._run.begun is None else monotonic() - self._run.begun

    def stop(self) -> None:
        """End it. ``result`` then says so."""
        self._run.stop()

    def result(self) -> Outcome:
        """What came of it, within the limits of the job. An interrupt ends the run, too."""
        try:
            return BENCH.run(self._run)
        except NoProcess:
            return inside.run(self._run.job)


def warm(example: Job) -> bool:
    """Get ready for answers like this one, without waiting. Is there a process for them?"""
    return BENCH.warm(example)
