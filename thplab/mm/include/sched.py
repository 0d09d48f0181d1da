"""Tasks, kernel threads and the virtual clock (include/linux/sched.h, 6.18)."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import ClassVar

from thplab.mm.include.state import Struct

NSEC_PER_MSEC = 1_000_000


@dataclass(frozen=True, slots=True)
class Wait:
    """What a sleeping task waits for: ``condition`` to hold, or the clock to reach ``deadline`` (ns).

    ``queue`` is the name of the kernel's wait queue, for people.
    """

    queue: str  # wait_queue_head_t, by name
    condition: Callable[[], bool]
    deadline: int | None = None  # ns since boot


Sleeping = Generator[Wait, None, None]
"""Body of a task: it runs until it yields a Wait, and continues when that is over."""


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
    comm: str  # char[16]
    pid: int  # pid_t
    kthread: bool  # PF_KTHREAD: has no memory of its own

    def __init__(self, comm: str, pid: int, *, kthread: bool = False) -> None:
        """A task of that name."""
        self.comm = comm
        self.pid = pid
        self.kthread = kthread


class Kthread(Struct):
    """A kernel thread: its task, whether it should stop, and what it waits for (None: nothing yet)."""

    __slots__ = ("body", "should_stop", "task", "wait")
    # A generator can't be put back to an earlier moment; the recorder must not try.
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"body", "wait"})
    task: Task  # struct task_struct *
    should_stop: bool  # KTHREAD_SHOULD_STOP
    body: Sleeping  # int (*threadfn)(void *)
    wait: Wait | None

    def __init__(self, task: Task, body: Sleeping) -> None:
        """A thread that has not run yet."""
        self.task = task
        self.body = body
        self.should_stop = False
        self.wait = None
