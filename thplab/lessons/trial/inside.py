"""An answer on trial in the notebook's own Python, where no other process can be started: in a browser."""

from __future__ import annotations

import builtins
import gc
import io
import os
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from types import ModuleType
from typing import NoReturn

from thplab.lessons.trial.guard import guarded
from thplab.lessons.trial.job import Job, Outcome, find
from thplab.lessons.trial.perform import perform
from thplab.lessons.trial.printed import bounded, readable

#: What the reader learns of it.
NOTE = (
    "Here your code runs in the notebook's own Python. These can't be stopped: what waits (time.sleep), and "
    "loops inside a single call of Python's own functions"
    f"{'' if sys.version_info >= (3, 12) else '; also what catches every error'}. Restart the kernel then."
)

#: What an expression may be nested with; so much of it that even a browser's small stack can hold it.
_NESTING = re.compile(r"[-+~*/%@&|^<>=(\[{.:]|\b(?:not|lambda|if|else|and|or)\b")
_MOST_NESTING = 500

_STANDARD = (builtins, sys, os, time)


def run(job: Job) -> Outcome:
    """What comes of the job. The notebook's Python is as before afterwards, as far as that can be seen to."""
    if len(_NESTING.findall(job.source)) > _MOST_NESTING:
        return Outcome("it has too many operators for Python in a browser", valid=False)
    checker = find(job.checker)
    printed = bytearray()
    with _as_before():
        sys.stdin = io.StringIO()
        sys.stdout = sys.stderr = bounded(printed.extend, job.limits.printed)
        os._exit = os.abort = _end  # type: ignore[assignment]
        outcome = perform(job, checker, guarded(job.limits.seconds))
    return outcome.printing(readable(bytes(printed), job.limits.printed))


def _end(*args: object) -> NoReturn:
    raise SystemExit


@contextmanager
def _as_before() -> Iterator[None]:
    with ExitStack() as stack:
        stack.enter_context(_same_names())
        stack.enter_context(_same_place())
        stack.callback(gc.enable if gc.isenabled() else gc.disable)
        stack.callback(sys.setrecursionlimit, sys.getrecursionlimit())
        yield


@contextmanager
def _same_names() -> Iterator[None]:
    """What Python's own modules and ours are made of, the list of modules, where they are looked for."""
    modules, path, environment = dict(sys.modules), list(sys.path), dict(os.environ)
    where, known, around = sys.path, sys.modules, os.environ
    kept = [(vars(each), dict(vars(each))) for each in _modules(modules)]
    try:
        yield
    finally:
        for names, before in kept:
            names.update(before)
        where[:] = path
        known.update(modules)
        around.clear()
        around.update(environment)


def _modules(modules: dict[str, ModuleType]) -> list[ModuleType]:
    ours = [each for name, each in modules.items() if name.partition(".")[0] == __name__.partition(".")[0]]
    return [*_STANDARD, *ours]


@contextmanager
def _same_place() -> Iterator[None]:
    """A folder that is there for the run only."""
    before = None
    with suppress(OSError):
        before = os.getcwd()
    with tempfile.TemporaryDirectory(prefix="thplab-answers-", ignore_cleanup_errors=True) as room:
        os.chdir(room)
        try:
            yield
        finally:
            with suppress(OSError):
                os.chdir(before or os.path.dirname(room))
