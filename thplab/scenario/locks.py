"""Which locks an op needs when another task does it: an intruder queues for the first one that is taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from thplab.mm.include.lock import Lock, is_held, would_wait
from thplab.mm.include.mm_types import Mm, Vma, vma_lookup
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_RW, walk
from thplab.mm.madvise.syscall import dontneed_lock
from thplab.mm.memory.fault import fault_lock
from thplab.scenario.actor import Actor

#: Locks, each with whether it is needed for writing.
Locks = list[tuple[Lock, bool]]


@dataclass(frozen=True)
class Need:
    """``says``: for the documentation; ``locks_of``: all locks that the op would have to wait for."""

    says: str
    locks_of: Callable[[Actor, Mapping[str, Any]], Locks]


def _addresses(actor: Actor, op: Mapping[str, Any]) -> list[int]:
    return [actor.address(page) for page in actor.pages(op)]


def _vmas(actor: Actor, op: Mapping[str, Any]) -> list[Vma]:
    vmas = (vma_lookup(actor.process.mm, at) for at in _addresses(actor, op))
    return list({id(vma): vma for vma in vmas if vma is not None}.values())


def _mmap(actor: Actor, *, write: bool) -> Locks:
    return [(actor.process.mm.mmap_lock, write)]


def _anon_vmas(actor: Actor, op: Mapping[str, Any], *, write: bool) -> Locks:
    return [(vma.anon_vma.lock, write) for vma in _vmas(actor, op) if vma.anon_vma is not None]


def _of_fault(actor: Actor, op: Mapping[str, Any]) -> Locks:
    mm, write = actor.process.mm, op["op"] != "read"
    faulting = (at for at in _addresses(actor, op) if _faults(mm, at, write=write))
    return [(fault_lock(mm, at), False) for at in faulting]


def _of_gup(actor: Actor, op: Mapping[str, Any]) -> Locks:
    mm = actor.process.mm
    walks_by_itself = not any(_faults(mm, at, write=False) for at in _addresses(actor, op))
    return [] if walks_by_itself else _mmap(actor, write=False)


def _of_advice(actor: Actor, op: Mapping[str, Any]) -> Locks:
    advice, vmas = op["advice"], _vmas(actor, op)
    if advice in _CHANGES_VMAS:
        return _mmap(actor, write=True)
    if advice == "dontneed" and len(vmas) == 1:
        return [(dontneed_lock(*vmas), False)]
    by_the_reverse_map = _anon_vmas(actor, op, write=False) if advice == "pageout" else []
    return [*_mmap(actor, write=False), *by_the_reverse_map]


#: madvise_need_mmap_write
_CHANGES_VMAS = ("hugepage", "nohugepage", "normal", "mergeable")

NO_LOCK = Need("no lock", lambda actor, op: [])
MMAP_READ = Need("mmap_lock for reading", lambda actor, op: _mmap(actor, write=False))
MMAP_WRITE = Need("mmap_lock for writing", lambda actor, op: _mmap(actor, write=True))
FAULT = Need("where it faults: the VMA's lock, or mmap_lock, for reading", _of_fault)
GUP = Need("no lock while page tables lead to the page, else mmap_lock for reading", _of_gup)
ANON_VMA = Need(
    "the anon_vma for reading; page locks are only tried",
    lambda actor, op: _anon_vmas(actor, op, write=False),
)
ADVISE = Need(
    f"{', '.join(_CHANGES_VMAS)}: mmap_lock for writing; dontneed: the VMA's lock, or mmap_lock, for "
    "reading; pageout: mmap_lock and the anon_vma for reading; others: mmap_lock for reading",
    _of_advice,
)
COLLAPSE = Need(
    "mmap_lock and the anon_vma for writing: what it takes in the end, since it does all of it at one time",
    lambda actor, op: [*_mmap(actor, write=True), *_anon_vmas(actor, op, write=True)],
)


def first_to_wait_for(
    actor: Actor, need: Need, op: Mapping[str, Any], woken_by: Lock | None = None
) -> tuple[Lock, bool] | None:
    """The first lock that is not free for the op, and whether it is needed for writing.

    ``woken_by``: the lock for which the task was first in the queue: those behind it do not keep it away.
    """

    def is_free(lock: Lock, write: bool) -> bool:
        return not (is_held if lock is woken_by else would_wait)(lock, write=write)

    return next(((lock, write) for lock, write in need.locks_of(actor, op) if not is_free(lock, write)), None)


def _faults(mm: Mm, address: int, *, write: bool) -> bool:
    """Would the processor fault here? (Looked up without a trace, unlike a real access.)"""
    entry = walk(mm, address)[-1][2]
    bits = _PAGE_PRESENT | (_PAGE_RW if write else 0)
    return entry & bits != bits
