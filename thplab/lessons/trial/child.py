"""The process that runs one answer: what it may use, and what it leaves.

None of this keeps out whoever means harm: the code has the rights of the notebook that it was typed in. It
keeps mistakes inside.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

from thplab.lessons.trial import words
from thplab.lessons.trial.job import Checker, Job
from thplab.lessons.trial.perform import perform
from thplab.lessons.trial.printed import bounded

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

#: Files in the folder of a job.
JOB, PRINTED, VERDICT, WHERE, ROOM = "job", "printed", "verdict", "where", "room"
#: On this signal Python writes which line it is in; not on Windows.
TELL = getattr(signal, "SIGUSR1", None)

_LARGEST_FILE = 1 << 20  # bytes
_STANDARD = 3  # the first descriptor that is none of the standard ones

#: What a run may not do -> the words for it. Python tells of these before it does them.
_REFUSED = {
    **dict.fromkeys(
        ("os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "os.system", "os.startfile",
         "subprocess.Popen", "pty.spawn"),
        "an answer may start no other program",
    ),
    **dict.fromkeys(("os.kill", "os.killpg"), "an answer may send no signals"),
}  # fmt: skip


def run(job: Job, checker: Checker, folder: Path, keep: tuple[int, ...] = ()) -> None:
    """Run the job in this process, which is to end afterwards, and write the verdict into the folder.

    All descriptors are closed but the standard ones and ``keep``.
    """
    write = _Writer(folder / VERDICT)
    _streams(folder, job)
    where = os.open(folder / WHERE, os.O_WRONLY)
    _close_all_but(write.number, where, *keep)
    os.chdir(folder / ROOM)
    _tell_where(where)
    _speak_plainly(job)
    _refuse()
    let_go = _limit(job)
    outcome = perform(job, checker)
    let_go()
    write(outcome.to_json())


class _Writer:
    """Writes a file through functions that were looked up before the run."""

    def __init__(self, path: Path) -> None:
        self.number = os.open(path, os.O_WRONLY)
        self._write, self._seek, self._empty = os.write, os.lseek, os.ftruncate

    def __call__(self, text: str) -> None:
        self._empty(self.number, 0)  # the code may have written here by mistake
        self._seek(self.number, 0, 0)
        self._write(self.number, text.encode())


def _streams(folder: Path, job: Job) -> None:
    """Nothing to read, and one bounded place to print into, for Python and for what is written in C."""
    printed = os.open(folder / PRINTED, os.O_WRONLY | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for number, source in ((0, nothing), (1, printed), (2, printed)):
        os.dup2(source, number, inheritable=False)
    sys.stdin = sys.__stdin__ = os.fdopen(0, encoding="utf-8", closefd=False)  # type: ignore[misc]
    write = os.write
    text = bounded(lambda data: write(1, data), job.limits.printed)
    sys.stdout = sys.stderr = sys.__stdout__ = sys.__stderr__ = text  # type: ignore[misc]


def _close_all_but(*kept: int) -> None:
    begin = _STANDARD
    for number in sorted(kept):
        os.closerange(begin, number)
        begin = number + 1
    highest = os.sysconf("SC_OPEN_MAX") if hasattr(os, "sysconf") else 1024
    os.closerange(begin, min(highest, 1 << 16))


def _tell_where(number: int) -> None:
    """Python writes its place into a file when it crashes, or on a signal."""
    faulthandler.enable(number, all_threads=False)
    if TELL is not None:
        faulthandler.register(TELL, number, all_threads=False)


def _speak_plainly(job: Job) -> None:
    """Errors that nobody can catch are told as others are."""

    def say(error: BaseException | None) -> None:
        if error is not None and not isinstance(error, SystemExit):
            print(words.raised(job.source, error, None, job.limits), file=sys.stderr)

    threading.excepthook = lambda args: say(args.exc_value)
    sys.unraisablehook = lambda args: say(args.exc_value)


def _refuse() -> None:
    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in refused:
            raise error(refused[event])

    def end(*args: object) -> NoReturn:
        raise SystemExit

    refused, error = _REFUSED, PermissionError
    sys.addaudithook(hook)
    for module in filter(None, map(sys.modules.get, ("os", "posix", "nt"))):
        vars(module).update(_exit=end, abort=end)  # so that it has a line


def _limit(job: Job) -> Any:
    """Set limits; a function that gives the memory back, for the verdict."""
    if resource is None:
        return lambda: None
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = int(used.ru_utime + used.ru_stime + job.limits.seconds) + 2
    for kind, most in (("CPU", seconds), ("FSIZE", _LARGEST_FILE), ("CORE", 0)):
        _set(getattr(resource, f"RLIMIT_{kind}"), most)
    space = resource.RLIMIT_AS
    before = resource.getrlimit(space)
    if size := _size():
        _set(space, size + job.limits.memory)
    change = resource.setrlimit
    return lambda: change(space, before)


def _set(kind: int, most: int) -> None:
    soft, hard = resource.getrlimit(kind)
    bounds = [most, *(each for each in (soft, hard) if each != resource.RLIM_INFINITY)]
    with suppress(ValueError, OSError):  # a system that has no such limit
        resource.setrlimit(kind, (min(bounds), hard))


def _size() -> int:
    """Bytes of address space that this process has; 0 where the system does not tell."""
    with suppress(OSError):
        return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * resource.getpagesize()
    return 0
