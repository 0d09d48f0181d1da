"""Why a lock is taken or given back: by the lock's kind, and by who asks."""

from __future__ import annotations

from dataclasses import dataclass

from thplab import points
from thplab.mm.include.lock import ANON_VMA, KHUGEPAGED_MM_LOCK, MMAP_LOCK, PAGE_TABLE_LOCK, VMA_LOCK
from thplab.points import Point


@dataclass(frozen=True, slots=True)
class LockKind:
    """``name``: with which those of all locks of the kind begin; ``short``: what tables call it.

    ``reading``, ``writing``: what holding it so is good for.
    """

    name: str
    short: str
    reading: str
    writing: str


#: In the order in which they are taken.
LOCK_KINDS = (
    LockKind(KHUGEPAGED_MM_LOCK, "list", "", "khugepaged's list and its cursor must hold still"),
    LockKind(MMAP_LOCK, "mmap", "no VMA may change while they are looked at",
             "nobody may fault, map or unmap here now"),
    LockKind(VMA_LOCK, "VMA", "a fault needs this VMA only",
             "faults that take no mmap_lock must stay out too"),
    LockKind(ANON_VMA, "anon_vma", "the list of who maps these pages is read",
             "nobody may find these pages by the reverse map"),
    LockKind(PAGE_TABLE_LOCK, "page table", "", "the entries of this table must not change under our hands"),
)  # fmt: skip

#: (who asks, kind of lock) -> a better reason to take it
_BY_CALLER: dict[tuple[Point | None, str], str] = {
    (points.FENCE, PAGE_TABLE_LOCK): "the PMD entry is about to be cleared",
    (points.PUBLISH, PAGE_TABLE_LOCK): "the huge PMD is about to be set",
    (points.REPOPULATE, PAGE_TABLE_LOCK): "the old table is about to be put back",
}

#: The same for giving back.
_RELEASED: dict[tuple[Point | None, str], str] = {
    (points.COLLAPSE, MMAP_LOCK): "an allocation may take long, and nobody should wait for it",
    (points.RECHECK, MMAP_LOCK): "the look for reading is over; it is taken for writing next",
    (points.MOVE, ANON_VMA): "all pages are locked or back in place: no walker can do harm",
    (points.SCAN_MM, KHUGEPAGED_MM_LOCK): "others may register while one address space is read",
}


def kind_of(name: str) -> LockKind:
    """The kind of the lock called ``name``; of one of no kind nothing is known but that."""
    return next((kind for kind in LOCK_KINDS if name.startswith(kind.name)), LockKind("", "", "", ""))


def lock_sentence(point: Point, name: str, caller: Point | None) -> str:
    """What ``point`` (of down_read, up_write, ...) on the lock ``name``, called by ``caller``, is for."""
    kind = kind_of(name)
    who = (caller, kind.name)
    if point in (points.UP_READ, points.UP_WRITE):
        return f"Release {name}: {_RELEASED.get(who, 'what it guarded is done')}."
    reads = point is points.DOWN_READ
    why = _BY_CALLER.get(who) or (kind.reading if reads else kind.writing)
    mode = "for reading" if reads else "for writing"
    if kind.name == PAGE_TABLE_LOCK:
        mode = "(a spinlock)"
    return f"Take {name} {mode}" + (f": {why}." if why else ".")
