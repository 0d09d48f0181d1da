"""Locks: which is taken or given back, and why, by the lock's kind and by who asks."""

from __future__ import annotations

from dataclasses import dataclass

from thplab import points
from thplab.mm.include.lock import ANON_VMA, KHUGEPAGED_MM_LOCK, MMAP_LOCK, PAGE_TABLE_LOCK, VMA_LOCK, Lock
from thplab.points import Locals, Point
from thplab.recording.story.tellers import At, at_change, lock_words
from thplab.recording.story.template import Told, detail, story


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
    LockKind(MMAP_LOCK, "mmap", "no mapping may change while this task looks",
             "no other task may map or unmap anything here now"),
    LockKind(VMA_LOCK, "VMA", "a fault needs this mapping only",
             "faults that take no mmap_lock must stay out, too"),
    LockKind(ANON_VMA, "anon_vma", "the list of who maps these pages is read",
             "no other task may find these pages by the reverse map"),
    LockKind(PAGE_TABLE_LOCK, "page table", "", "the entries of this table must not change meanwhile"),
)  # fmt: skip

TAKES = detail("takes", "{who} takes {lock} for {how}, because {why}.")
RELEASES = detail("releases", "{who} releases {lock}, because {why}.")
STEPS_ASIDE = story(
    "steps_aside",
    "{who} releases {lock} before it looks for memory, because that may take long and process {mm} must not wait for it.",
)
LOCKS_OUT = story(
    "locks_out",
    "{who} takes {lock} for writing, so no other task can change a mapping of process {mm} from now on.",
)
LETS_IN = story("lets_in", "{who} releases {lock}, so process {mm} can map, unmap and fault again.")
WAITS = story("waits", "{waiter} calls {op}, but it must wait, because {lock} is held by {holder} for {how}.")

#: (who asks, kind of lock) -> a better reason to take it
_BY_CALLER: dict[tuple[Point | None, str], str] = {
    (points.FENCE, PAGE_TABLE_LOCK): "the PMD entry is about to be cleared",
    (points.PUBLISH, PAGE_TABLE_LOCK): "the huge PMD is about to be set",
    (points.REPOPULATE, PAGE_TABLE_LOCK): "the old table is about to be put back",
}

#: The same for giving back.
_RELEASED: dict[tuple[Point | None, str], str] = {
    (points.RECHECK, MMAP_LOCK): "the look for reading is over; it takes it for writing next",
    (
        points.MOVE,
        ANON_VMA,
    ): "all pages are locked or back in place: no walker of the reverse map can do harm",
    (points.SCAN_MM, KHUGEPAGED_MM_LOCK): "others may register while one address space is read",
}


_TAKING = (points.DOWN_READ, points.DOWN_READ_TRYLOCK, points.DOWN_WRITE)
_GIVING_BACK = (points.UP_READ, points.UP_WRITE)


def kind_of(name: str) -> LockKind:
    """The kind of the lock called ``name``; of one of no kind nothing is known but that."""
    return next((kind for kind in LOCK_KINDS if name.startswith(kind.name)), LockKind("", "", "", ""))


@at_change(Lock, "writer")
def _writer(lock: Lock, at: At) -> Told | None:
    return _changed(lock, at, "writing")


@at_change(Lock, "readers")
def _readers(lock: Lock, at: At) -> Told | None:
    at.note_reader(lock)
    return _changed(lock, at, "reading")


def _changed(lock: Lock, at: At, how: str) -> Told | None:
    """Nothing is told of a lock that is made, or where no functions are recorded."""
    if at.point in _TAKING:
        return _taken(lock, at, how)
    return _released(lock, at) if at.point in _GIVING_BACK else None


def _taken(lock: Lock, at: At, how: str) -> Told:
    """Told as the lock is taken: ``at`` is in the function that takes it."""
    kind = kind_of(lock.name)
    if (collapse := _of_collapse(kind, at)) is not None:
        return LOCKS_OUT.tell(who=at.who, lock=lock_words(lock), mm=collapse["mm"].name)
    why = _BY_CALLER.get((at.caller, kind.name)) or (kind.reading if how == "reading" else kind.writing)
    return TAKES.tell(who=at.who, lock=lock_words(lock), how=how, why=why or "it uses what the lock guards")


def _released(lock: Lock, at: At) -> Told:
    """Told before the tasks that wait for the lock go on."""
    kind = kind_of(lock.name)
    if (collapse := _of_collapse(kind, at)) is not None:
        values = {"who": at.who, "lock": lock_words(lock), "mm": collapse["mm"].name}
        if at.point is not points.UP_READ:
            return LETS_IN.tell(**values)
        address = collapse["address"]
        table = at.table_page(collapse["mm"], address)
        return STEPS_ASIDE.tell(
            **values, window=at.window(address), table_frame=table, free=at.free_frames(), entries=at.entries
        )
    why = _RELEASED.get((at.caller, kind.name), "what it guarded is done")
    return RELEASES.tell(who=at.who, lock=lock_words(lock), why=why)


def _of_collapse(kind: LockKind, at: At) -> Locals | None:
    """The collapse that itself takes or gives back the mmap_lock; None for another lock or another task."""
    mine = kind.name == MMAP_LOCK and at.caller is points.COLLAPSE
    return at.within(points.COLLAPSE) if mine else None


@at_change(Lock, "waiters")
def _waits(lock: Lock, at: At) -> Told | None:
    if not lock.waiters:
        return None
    last = lock.waiters[-1]
    return WAITS.tell(
        waiter=last.who,
        op=last.op,
        lock=lock_words(lock),
        holder=" and ".join(at.holders(lock)),
        how="reading" if lock.writer is None else "writing",
    )
