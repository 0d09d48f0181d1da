"""Tasks that sleep, and who runs."""

from __future__ import annotations

import pytest

from thplab.machine import Machine
from thplab.mm.include.sched import Task, Wait
from thplab.mm.kthread import kthread_resume, kthread_run, kthread_stop, running


def test_a_thread_runs_from_wait_to_wait():
    """When does a thread run, and in whose name?"""
    kernel = Machine().kernel
    log = []

    def body():
        log.append(kernel.current.comm)
        yield Wait("first", lambda: True)
        log.append("woken")
        yield Wait("second", lambda: True, deadline=7)

    thread = kthread_run(kernel, "kswapd", body())
    assert log == []
    assert kthread_resume(kernel, thread)
    assert (log, thread.wait.queue) == (["kswapd"], "first")
    assert kernel.current.comm == "swapper"
    assert kthread_resume(kernel, thread)
    assert (thread.wait.queue, thread.wait.deadline) == ("second", 7)
    assert not kthread_resume(kernel, thread)
    assert log == ["kswapd", "woken"]


def test_stop_lets_the_thread_finish():
    """What does a thread see that is told to stop while it sleeps?"""
    kernel = Machine().kernel
    log = []

    def body():
        while not thread.should_stop:
            yield Wait("nap", lambda: False)
        log.append("ended")

    thread = kthread_run(kernel, "kswapd", body())
    kthread_resume(kernel, thread)
    kthread_stop(kernel, thread)
    assert log == ["ended"]


def test_current_is_given_back_after_an_error():
    """Who is current in a system call, and after it failed?"""
    kernel = Machine().kernel
    with pytest.raises(KeyError, match="app"), running(kernel, Task("app", 1)):
        {}[kernel.current.comm]
    assert kernel.current.comm == "swapper"


def test_pids_differ():
    """Has each process and each kernel thread a pid of its own, and a comm of at most 15 characters?"""
    machine = Machine()
    first, second = machine.process("a"), machine.process("a-very-long-process-name")
    assert first.mm.task.pid != second.mm.task.pid
    assert second.mm.task.comm == "a-very-long-pro"
    assert machine.kernel.khugepaged.thread.task.pid not in (first.mm.task.pid, second.mm.task.pid)
