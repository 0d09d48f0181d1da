"""Locks as records of who holds them."""

from __future__ import annotations

import pytest

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.lock import (
    Lock,
    Waiter,
    down_read,
    down_read_trylock,
    down_write,
    up_read,
    up_write,
    wait_for,
    would_wait,
)


@pytest.mark.parametrize("write", [False, True])
def test_who_waits_keeps_others_out(write):
    """Held for reading, with a task in the queue: must another reader wait, and does its trylock fail?"""
    lock = Lock("x")
    down_read(lock)
    wait_for(lock, Waiter("w", "mmap", lambda: None, write=write))
    assert not down_read_trylock(lock)
    assert would_wait(lock, write=False)
    up_read(lock)
    assert down_read_trylock(lock)


def test_many_readers_or_one_writer():
    """Who may hold a lock together?"""
    lock = Lock("mmap_lock app")
    down_read(lock)
    assert down_read_trylock(lock)
    assert lock.readers == 2
    with pytest.raises(KernelBug, match=r"2 reader\(s\).*wanted by khugepaged"):
        down_write(lock, "khugepaged")
    up_read(lock)
    up_read(lock)
    down_write(lock, "khugepaged")
    assert (lock.readers, lock.writer) == (0, "khugepaged")


def test_trylock_fails_without_a_trace():
    """What does a failed trylock change?"""
    lock = Lock("mmap_lock app")
    down_write(lock, "app")
    assert not down_read_trylock(lock)
    assert (lock.readers, lock.writer) == (0, "app")
    with pytest.raises(KernelBug, match="held for writing by app"):
        down_read(lock)
    with pytest.raises(KernelBug, match="held by app"):
        down_write(lock, "khugepaged")
    assert lock.writer == "app"


@pytest.mark.parametrize("release", [up_read, up_write])
def test_releasing_what_is_not_held(release):
    """Is releasing a free lock noticed?"""
    with pytest.raises(KernelBug, match="not held"):
        release(Lock("x"))


def test_who_waits_goes_on_in_the_order_of_the_queue():
    """Who goes on when a lock is released, and when?"""
    lock = Lock("mmap_lock app")
    log = []

    def job(who, write):
        def run():
            down_write(lock, who) if write else down_read(lock)
            log.append(who)
            up_write(lock) if write else up_read(lock)

        return Waiter(who, "write", run, write=write)

    down_read(lock)
    for who, write in (("munmap", True), ("fault", False), ("fork", True)):
        wait_for(lock, job(who, write))
    assert [waiter.who for waiter in lock.waiters] == ["munmap", "fault", "fork"]
    assert not log
    up_read(lock)
    assert log == ["munmap", "fault", "fork"]
    assert not lock.waiters
    assert (lock.readers, lock.writer) == (0, None)


def test_a_writer_waits_for_all_readers():
    """Is a writer woken while somebody still reads?"""
    lock = Lock("mmap_lock app")
    log = []
    down_read(lock)
    down_read(lock)
    wait_for(lock, Waiter("a", "munmap", lambda: log.append("munmap"), write=True))
    up_read(lock)
    assert not log
    up_read(lock)
    assert log == ["munmap"]


@pytest.mark.parametrize(
    ("readers", "writer", "for_reading", "for_writing"),
    [(0, None, False, False), (1, None, False, True), (0, "khugepaged", True, True)],
)
def test_who_would_wait(readers, writer, for_reading, for_writing):
    """Does a reader wait for writers only, and a writer for all?"""
    lock = Lock("x")
    lock.readers, lock.writer = readers, writer
    assert would_wait(lock, write=False) is for_reading
    assert would_wait(lock, write=True) is for_writing


def test_free_again():
    """Is a lock free for everybody after its writer released it?"""
    lock = Lock("x")
    down_write(lock, "app")
    up_write(lock)
    down_write(lock, "khugepaged")
    assert lock.writer == "khugepaged"
