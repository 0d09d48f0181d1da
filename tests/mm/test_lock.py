"""Locks as records of who holds them."""

from __future__ import annotations

import pytest

from thplab.mm.errors import KernelBug
from thplab.mm.lock import Lock, down_read, down_read_trylock, down_write, up_read, up_write


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


def test_free_again():
    """Is a lock free for everybody after its writer released it?"""
    lock = Lock("x")
    down_write(lock, "app")
    up_write(lock)
    down_write(lock, "khugepaged")
    assert lock.writer == "khugepaged"
