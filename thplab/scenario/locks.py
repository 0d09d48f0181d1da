"""Which lock an op needs when another task does it: an intruder queues for it where it is taken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from thplab.mm.include.lock import Lock, would_wait
from thplab.mm.include.mm_types import Mm, Vma, vma_lookup
from thplab.mm.include.pgtable import _PAGE_PRESENT, _PAGE_RW, walk
from thplab.mm.madvise.syscall import dontneed_lock
from thplab.mm.memory.fault import fault_lock
from thplab.scenario.actor import Actor


@dataclass(frozen=True)
class Need:
    """``says``: for the documentation; ``lock_of``: the lock, and whether for writing (None: no lock)."""

    says: str
    lock_of: Callable[[Actor, Mapping[str, Any]], tuple[Lock | None, bool]]


def _addresses(actor: Actor, op: Mapping[str, Any]) -> list[int]:
    return [actor.address(page) for page in actor.pages(op)]


def _vmas(actor: Actor, op: Mapping[str, Any]) -> list[Vma]:
    vmas = (vma_lookup(actor.process.mm, at) for at in _addresses(actor, op))
    return list({id(vma): vma for vma in vmas if vma is not None}.values())


def _of_fault(actor: Actor, op: Mapping[str, Any]) -> tuple[Lock | None, bool]:
    mm, write = actor.process.mm, op["op"] != "read"
    faulting = (at for at in _addresses(actor, op) if _faults(mm, at, write=write))
    return _the_busiest(fault_lock(mm, at) for at in faulting), False


def _of_gup(actor: Actor, op: Mapping[str, Any]) -> tuple[Lock | None, bool]:
    mm = actor.process.mm
    walks_by_itself = not any(_faults(mm, at, write=False) for at in _addresses(actor, op))
    return None if walks_by_itself else mm.mmap_lock, False


def _of_anon_vma(actor: Actor, op: Mapping[str, Any]) -> tuple[Lock | None, bool]:
    return _the_busiest(vma.anon_vma.lock for vma in _vmas(actor, op) if vma.anon_vma is not None), False


def _of_advice(actor: Actor, op: Mapping[str, Any]) -> tuple[Lock | None, bool]:
    if op["advice"] in ("hugepage", "nohugepage", "normal"):
        return actor.process.mm.mmap_lock, True
    vmas = _vmas(actor, op)
    if op["advice"] == "dontneed" and len(vmas) == 1:
        return dontneed_lock(*vmas), False
    return actor.process.mm.mmap_lock, False


NO_LOCK = Need("no lock", lambda actor, op: (None, False))
MMAP_READ = Need("mmap_lock for reading", lambda actor, op: (actor.process.mm.mmap_lock, False))
MMAP_WRITE = Need("mmap_lock for writing", lambda actor, op: (actor.process.mm.mmap_lock, True))
FAULT = Need("where it faults: the VMA's lock, or mmap_lock, for reading", _of_fault)
GUP = Need("no lock while page tables lead to the page, else mmap_lock for reading", _of_gup)
ANON_VMA = Need("the anon_vma for reading; page locks are only tried", _of_anon_vma)
ADVISE = Need(
    "hugepage, nohugepage, normal: mmap_lock for writing; dontneed: the VMA's lock, or mmap_lock, for "
    "reading; others: mmap_lock for reading",
    _of_advice,
)


def _the_busiest(locks: Iterable[Lock]) -> Lock | None:
    """Of several locks needed for reading in turn, one that would have to be waited for, if any would."""
    lock = None
    for lock in locks:
        if would_wait(lock, write=False):
            break
    return lock


def _faults(mm: Mm, address: int, *, write: bool) -> bool:
    """Would the processor fault here? (Looked up without a trace, unlike a real access.)"""
    entry = walk(mm, address)[-1][2]
    bits = _PAGE_PRESENT | (_PAGE_RW if write else 0)
    return entry & bits != bits
