"""Sleeping and spinning locks, as far as the lessons need them.

One task runs at a time in the model, so a lock is a record of who holds it. Taking a lock
that somebody else holds would sleep: whoever may meet that asks with a trylock, as khugepaged
does, or queues (:func:`wait_for`) and goes on when the lock is released, in the order of the queue. A
blocking request that could never be granted is a :class:`KernelBug`, :class:`WouldSleep`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from thplab.mm.include.errors import KernelBug
from thplab.mm.include.state import Struct

__all__ = [
    "ANON_VMA",
    "I_MMAP_RWSEM",
    "KHUGEPAGED_MM_LOCK",
    "MMAP_LOCK",
    "PAGE_TABLE_LOCK",
    "VMA_LOCK",
    "Lock",
    "Waiter",
    "WouldSleep",
    "down_read",
    "down_read_trylock",
    "down_write",
    "is_held",
    "up_read",
    "up_write",
    "wait_for",
    "would_wait",
]

#: What each kind of lock is called; which one it is follows.
KHUGEPAGED_MM_LOCK, MMAP_LOCK, VMA_LOCK = "khugepaged_mm_lock", "mmap_lock", "vma lock"
ANON_VMA, I_MMAP_RWSEM, PAGE_TABLE_LOCK = "anon_vma", "i_mmap_rwsem", "page table lock"


class WouldSleep(KernelBug):
    """A task would sleep for a lock in the middle of what it does: no other task could release it."""


class Waiter(Struct):
    """struct rwsem_waiter: ``who`` (str) sleeps until the lock is free for writing, or for reading.

    ``op`` (str): what it wants to do; ``wake``: does it, taking and releasing the lock itself.
    """

    __slots__ = ("op", "wake", "who", "write")
    NOT_STATE: ClassVar[frozenset[str]] = frozenset({"wake"})
    who: str  # struct task_struct *
    op: str
    write: int  # enum rwsem_waiter_type: 1 waits for writing
    wake: Callable[[], None]

    def __init__(self, who: str, op: str, wake: Callable[[], None], *, write: bool) -> None:
        """A task that is not in the queue yet."""
        self.who, self.op = who, op
        self.write = int(write)
        self.wake = wake


class Lock(Struct):
    """A lock of any kind: ``readers`` (int) holders for reading, ``writer`` (str) or None.

    ``waiters``: the tasks that sleep for it, the first one first. A spinlock is only ever taken for
    writing. C: struct rw_semaphore, spinlock_t, or the reference count of a VMA lock.
    """

    __slots__ = ("name", "readers", "waiters", "writer")
    name: str
    readers: int  # part of atomic_long_t count
    writer: str | None  # owner: who may release it
    waiters: tuple[Waiter, ...]  # wait_list

    def __init__(self, name: str) -> None:
        """A free lock."""
        self.name = name
        self.readers = 0
        self.writer = None
        self.waiters = ()


def would_wait(lock: Lock, *, write: bool) -> bool:
    """True if a task that wants the lock now would have to sleep: it is held, or others were there first."""
    return bool(lock.waiters) or is_held(lock, write=write)


def is_held(lock: Lock, *, write: bool) -> bool:
    """Does a holder keep out who asks for reading, or for writing?"""
    return lock.writer is not None or bool(write and lock.readers)


def wait_for(lock: Lock, waiter: Waiter) -> None:
    """Queue; at the release that makes the lock free for it, the waiter continues."""
    lock.waiters = (*lock.waiters, waiter)


def _rwsem_wake(lock: Lock) -> None:
    """The lock was released: those at the head of the queue that can have it continue, in turn."""
    # Readers that follow one another wake together; a writer in between keeps its turn.
    while lock.waiters and not is_held(lock, write=bool(lock.waiters[0].write)):
        # Out of the queue first: what it does may release the lock again and get here.
        waiter, lock.waiters = lock.waiters[0], lock.waiters[1:]
        waiter.wake()


def down_read(lock: Lock) -> None:
    """Take ``lock`` for reading. WouldSleep if it is held for writing: nothing would release it."""
    if lock.writer is not None:
        raise WouldSleep(f"down_read: {lock.name} is held for writing by {lock.writer}")
    lock.readers += 1


def down_read_trylock(lock: Lock) -> bool:
    """Take ``lock`` for reading unless a task holds it for writing or waits; True if taken (C: int, 1)."""
    # A writer that waits is enough: a reader must not overtake it (RWSEM_FLAG_WAITERS).
    if would_wait(lock, write=False):
        return False
    lock.readers += 1
    return True


def up_read(lock: Lock) -> None:
    """Release a read hold. KernelBug if there is none."""
    if lock.readers == 0:
        raise KernelBug(f"up_read: {lock.name} is not held for reading")
    lock.readers -= 1
    if lock.waiters:
        _rwsem_wake(lock)


def down_write(lock: Lock, who: str) -> None:
    """Take ``lock`` for writing (or a spinlock) in the name of task ``who``. WouldSleep if it is held."""
    if lock.writer is not None or lock.readers:
        holder = lock.writer or f"{lock.readers} reader(s)"
        raise WouldSleep(f"down_write: {lock.name} is held by {holder}, wanted by {who}")
    lock.writer = who


def up_write(lock: Lock) -> None:
    """Release a write hold or a spinlock. KernelBug if it is not held."""
    if lock.writer is None:
        raise KernelBug(f"up_write: {lock.name} is not held for writing")
    # Free before the waiters run: the first thing they do is to take it.
    lock.writer = None
    if lock.waiters:
        _rwsem_wake(lock)
