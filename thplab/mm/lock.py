"""Sleeping and spinning locks, as far as the lessons need them.

One task runs at a time in the model, so a lock is a record of who holds it. Taking a lock
that somebody else holds would sleep: whoever may meet that asks with a trylock, as khugepaged
does, and a blocking request that could never be granted is a :class:`KernelBug`.
"""

from __future__ import annotations

from thplab.mm.errors import KernelBug
from thplab.mm.state import Struct

__all__ = ["Lock", "down_read", "down_read_trylock", "down_write", "up_read", "up_write"]


class Lock(Struct):
    """A lock of any kind: ``readers`` (int) holders for reading, ``writer`` (str) or None.

    A spinlock is only ever taken for writing.
    """

    __slots__ = ("name", "readers", "writer")
    name: str
    readers: int
    writer: str | None

    def __init__(self, name: str) -> None:
        """A free lock."""
        self.name = name
        self.readers = 0
        self.writer = None


def down_read(lock: Lock) -> None:
    """Take ``lock`` for reading."""
    if lock.writer is not None:
        raise KernelBug(f"down_read: {lock.name} is held for writing by {lock.writer}")
    lock.readers += 1


def down_read_trylock(lock: Lock) -> bool:
    """Take ``lock`` for reading unless somebody holds it for writing; True if taken."""
    if lock.writer is not None:
        return False
    lock.readers += 1
    return True


def up_read(lock: Lock) -> None:
    """Release a read hold."""
    if lock.readers == 0:
        raise KernelBug(f"up_read: {lock.name} is not held for reading")
    lock.readers -= 1


def down_write(lock: Lock, who: str) -> None:
    """Take ``lock`` for writing (or take a spinlock) in the name of task ``who``."""
    if lock.writer is not None or lock.readers:
        holder = lock.writer or f"{lock.readers} reader(s)"
        raise KernelBug(f"down_write: {lock.name} is held by {holder}, wanted by {who}")
    lock.writer = who


def up_write(lock: Lock) -> None:
    """Release a write hold or a spinlock."""
    if lock.writer is None:
        raise KernelBug(f"up_write: {lock.name} is not held for writing")
    lock.writer = None
