"""Tasks, kernel threads and the virtual clock (kernel/kthread.c, kernel/sched/).

Only what sleeps is a generator: it yields a :class:`Wait` and is resumed when that is over. So
there is nothing to preempt, and all that happens between two waits happens in one go.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from thplab.mm.include.state import Struct

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = ["Clock", "Kthread", "Sleeping", "Task", "Wait", "kthread_resume", "kthread_run", "kthread_stop"]

NSEC_PER_MSEC = 1_000_000


@dataclass(frozen=True, slots=True)
class Wait:
    """What a sleeping task waits for: ``condition`` to hold, or the clock to reach ``deadline`` (ns).

    ``queue`` is the name of the kernel's wait queue, for people.
    """

    queue: str
    condition: Callable[[], bool]
    deadline: int | None = None


Sleeping = Generator[Wait, None, None]
"""Body of a task: it runs until it yields a Wait, and goes on when that is over."""


class Clock(Struct):
    """``now``: virtual time in nanoseconds since boot (int). Only sleeping makes it advance."""

    __slots__ = ("now",)
    now: int

    def __init__(self) -> None:
        """Time zero."""
        self.now = 0


class Task(Struct):
    """``comm`` (up to 15 characters) and ``pid``, as a trace line prints them; is it a kernel thread?"""

    __slots__ = ("comm", "kthread", "pid")
    comm: str
    pid: int
    kthread: bool

    def __init__(self, comm: str, pid: int, *, kthread: bool = False) -> None:
        """A task of that name."""
        self.comm = comm
        self.pid = pid
        self.kthread = kthread


class Kthread(Struct):
    """A kernel thread: its task, whether it should stop, and what it waits for (None: nothing yet)."""

    __slots__ = ("body", "should_stop", "task", "wait")
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"body", "wait"})
    task: Task
    should_stop: bool
    body: Sleeping
    wait: Wait | None

    def __init__(self, task: Task, body: Sleeping) -> None:
        """A thread that has not run yet."""
        self.task = task
        self.body = body
        self.should_stop = False
        self.wait = None


@contextmanager
def running(kernel: Kernel, task: Task) -> Iterator[None]:
    """Make ``task`` the one that runs (``current``) for as long as the block lasts."""
    before = kernel.current
    kernel.current = task
    try:
        yield
    finally:
        kernel.current = before


def kthread_run(kernel: Kernel, comm: str, body: Sleeping) -> Kthread:
    """Create a kernel thread; it begins to run when it is first resumed."""
    thread = Kthread(Task(comm, kernel.next_kthread_pid, kthread=True), body)
    kernel.next_kthread_pid += 1
    return thread


def kthread_resume(kernel: Kernel, thread: Kthread) -> bool:
    """Let the thread run to its next wait; False if it has ended."""
    with running(kernel, thread.task):
        thread.wait = next(thread.body, None)
    return thread.wait is not None


def kthread_stop(kernel: Kernel, thread: Kthread) -> None:
    """Tell the thread to stop and let it run until it has."""
    thread.should_stop = True
    while kthread_resume(kernel, thread):
        pass
