"""How a command ends when it can't go on: a signal, an output that is closed or full, a defect of the model.

The status is the one that shells expect, and there is no traceback. What a command had begun is undone on the
way out, since a signal is an exception here.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType

from thplab.cli_errors import unusable

_ENDED_BY = 128  # plus the number of the signal: a shell's status of a program that it ended


class _Signal(BaseException):
    """A signal that ends the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def run(command: Callable[[], int]) -> int:
    """The command's status; if something ends it, that of what did, and a line on what was wrong."""
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115 - for as long as the program runs
    if sys.stdout is None:
        return _failed("standard output is closed")
    try:
        with _signals():
            try:
                return command()
            finally:
                sys.stdout.flush()  # what --help has printed, too
    except _Signal as end:
        _drop_output()
        return _ENDED_BY + end.number
    except KeyboardInterrupt:
        _drop_output()
        return _ENDED_BY + signal.SIGINT
    except BrokenPipeError:
        _drop_output()
        return _ENDED_BY + 13  # SIGPIPE, which not every system has
    except MemoryError:
        return _failed("there is not enough memory for this")
    except OSError as error:
        return _unwritable(error)
    except AssertionError as error:
        return _broken(error)


def _unwritable(error: OSError) -> int:
    """A file that has a name was the user's choice; what has none is the output."""
    from thplab.mm.include.errors import KernelError

    if isinstance(error, KernelError):
        return unusable(str(error))
    if error.filename is not None:
        return unusable(f"{error.filename}: {error.strerror or error}")
    _drop_output()
    return _failed(f"standard output: {error.strerror or error}")


def _broken(error: AssertionError) -> int:
    from thplab.mm.include.errors import KernelBug

    if not isinstance(error, KernelBug):
        raise error
    return _failed(f"the model failed, which is a defect of thplab: {error}. Please report it.")


def _failed(message: str) -> int:
    unusable(message)
    return 1


def _drop_output() -> None:
    """What is still waiting to be printed has nowhere to go."""
    with suppress(OSError, ValueError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@contextmanager
def _signals() -> Iterator[None]:
    """SIGTERM and SIGHUP as exceptions, in the thread that gets them."""
    names = ("SIGTERM", "SIGHUP") if threading.current_thread() is threading.main_thread() else ()
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]

    def end(number: int, frame: FrameType | None) -> None:
        raise _Signal(number)

    # A signal that is ignored (nohup) stays so.
    before = {n: signal.signal(n, end) for n in numbers if signal.getsignal(n) is signal.SIG_DFL}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
