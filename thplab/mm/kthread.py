"""Tasks, kernel threads and the virtual clock (kernel/kthread.c, kernel/sched/).

Only what sleeps is a generator: it yields a :class:`Wait` and is resumed when that is over. So
there is nothing to preempt, and all that happens between two waits happens in one go.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import GEN_RUNNING, getgeneratorstate

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.sched import Kthread, Sleeping, Task


@contextmanager
def running(kernel: Kernel, task: Task) -> Iterator[None]:
    """Make ``task`` the one that runs (``current``) for as long as the block lasts."""
    before = kernel.current
    kernel.current = task
    try:
        yield
    finally:
        # Also after an error: the next step must not run in the name of this task.
        kernel.current = before


def kthread_run(kernel: Kernel, comm: str, body: Sleeping) -> Kthread:
    """Create a kernel thread (struct task_struct *); it begins to run when it is first resumed.

    Locks expected: none.
    """
    thread = Kthread(Task(comm, kernel.next_kthread_pid, kthread=True), body)
    kernel.next_kthread_pid += 1
    return thread


def kthread_resume(kernel: Kernel, thread: Kthread) -> bool:
    """Let the thread run to its next wait; False if it has ended. Locks expected: none that it may want."""
    with running(kernel, thread.task):
        thread.wait = next(thread.body, None)
    return thread.wait is not None


def kthread_stop(kernel: Kernel, thread: Kthread) -> None:
    """Ask the thread to stop and let it run until it has. Locks expected: none that it may want.

    A thread that runs now (another task acts in one of its gaps) ends when it next asks whether it should.
    """
    thread.should_stop = True
    # It may have to finish its present work: the kernel waits for it too.
    while getgeneratorstate(thread.body) != GEN_RUNNING and kthread_resume(kernel, thread):
        pass
