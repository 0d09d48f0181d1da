"""madvise(2), as far as khugepaged's world goes (mm/madvise.c, 6.18)."""

from __future__ import annotations

import errno
from collections.abc import Callable

from thplab.mm.gup import populate_vma_page_range
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import Lock, down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import (
    VM_HUGEPAGE,
    VM_LOCKED,
    VM_MERGEABLE,
    VM_NOHUGEPAGE,
    VM_READ,
    VM_WRITE,
    Mm,
    Vma,
    find_vma,
    vma_lookup,
)
from thplab.mm.khugepaged.enter import khugepaged_enter_vma
from thplab.mm.khugepaged.madvise_collapse import madvise_collapse
from thplab.mm.madvise.guard import madvise_guard_install, madvise_guard_remove
from thplab.mm.madvise.pages import madvise_cold, madvise_free, madvise_pageout
from thplab.mm.memory.zap import try_to_free_pte, unmap_page_range
from thplab.mm.vma import modify_vma_flags


def do_madvise(mm: Mm, start: int, length: int, advice: str) -> None:
    """madvise(start, length, advice); ``advice``: a word of the table at the end of this file (C: int).

    ``start``: unsigned long, page aligned; ``length``: size_t, bytes. Raises KernelError: EINVAL (unknown
    advice, unaligned start, the advice refused), ENOMEM (holes in the range; the mapped parts are treated
    all the same), and for ``collapse`` EAGAIN, EBUSY.
    Locks expected: none. Takes what the advice says.
    """
    act = _ADVICE.get(advice)
    if act is None and advice not in _POPULATE:
        raise KernelError(errno.EINVAL, "madvise: advice", advice, " | ".join((*_ADVICE, *_POPULATE)))
    end = madvise_range(mm, start, length)
    # No walk of the VMAs, as all others are: it faults as the process would, and ends at the first failure.
    if advice in _POPULATE:
        madvise_populate(mm, start, end, write=_POPULATE[advice])
        return
    hole = False
    address = start
    while address < end:
        vma = find_vma(mm, address)
        # A hole does not end the call: it is reported when all else is done.
        hole = hole or vma is None or vma.vm_start > address
        if vma is None or vma.vm_start >= end:
            break
        stop = min(end, vma.vm_end)
        assert act is not None
        act(vma, max(address, vma.vm_start), stop)
        # The advice may have split or merged the VMA, so the next one is looked up by address.
        address = stop
    if hole:
        raise KernelError(errno.ENOMEM, f"madvise {advice}: part of {start:#x}-{end:#x} is not mapped")


def madvise_range(mm: Mm, start: int, length: int) -> int:
    """End of the range (unsigned long), rounded up to pages.

    Raises KernelError (EINVAL) for a range that can't be one.
    """
    page = mm.kernel.geometry.PAGE_SIZE
    if start % page:
        raise KernelError(errno.EINVAL, "madvise: address", hex(start), f"a multiple of {page}")
    if length < 0:
        raise KernelError(errno.EINVAL, "madvise: length", length, "0 or more bytes")
    return start + -(-length // page) * page


def _advise_hugepage(vma: Vma, start: int, end: int) -> None:
    """MADV_HUGEPAGE. Locks expected: none. Takes mmap_lock for writing."""
    _change_advice(vma, start, end, VM_HUGEPAGE, VM_NOHUGEPAGE)


def _advise_normal(vma: Vma, start: int, end: int) -> None:
    """MADV_NORMAL: read ahead as usual; advice about huge pages is kept.

    Locks expected: none. Takes mmap_lock for writing.
    """
    down_write(vma.mm.mmap_lock, vma.mm.task.comm)
    up_write(vma.mm.mmap_lock)


def _advise_nohugepage(vma: Vma, start: int, end: int) -> None:
    """MADV_NOHUGEPAGE; huge pages that are there stay. Locks expected: none. Takes mmap_lock for writing."""
    _change_advice(vma, start, end, VM_NOHUGEPAGE, VM_HUGEPAGE)


def _change_advice(vma: Vma, start: int, end: int, on: int, off: int) -> None:
    """hugepage_madvise: register the mm if it can be scanned with the new flags, then change them.

    ``on``, ``off``: VM_* bits. Shared memory is asked for the flags that the VMA has: up to 6.18 its
    first advice comes too late to register the mm, the second does; 7.3 changes the flags first. The VMA
    is not split where the flags are set already.
    Locks expected: none. Takes mmap_lock for writing.
    """
    mm = vma.mm
    vm_flags = vma.vm_flags & ~off | on
    # For writing: the VMA may be split or merged.
    down_write(mm.mmap_lock, mm.task.comm)
    late = mm.kernel.profile.advice_is_set_before_registration
    if on == VM_HUGEPAGE and not late:
        khugepaged_enter_vma(vma, vm_flags)
    # The range may be a part of the VMA: then the VMA is split at its ends.
    if vm_flags != vma.vm_flags:
        vma = modify_vma_flags(vma, start, end, vm_flags)
    if on == VM_HUGEPAGE and late:
        khugepaged_enter_vma(vma, vm_flags)
    up_write(mm.mmap_lock)


def _dontneed(vma: Vma, start: int, end: int) -> None:
    """MADV_DONTNEED: drop the pages; the next touch begins anew.

    Raises KernelError (EINVAL) on locked memory. Frees pages.
    Locks expected: none. Takes for reading what :func:`dontneed_lock` says, and each PTE lock.
    """
    if vma.vm_flags & VM_LOCKED:
        raise KernelError(errno.EINVAL, "madvise dontneed: the memory is locked")
    lock = dontneed_lock(vma)
    down_read(lock)
    # Guard markers stay: the advice drops contents, and a guard is none.
    unmap_page_range(vma, start, end, drop_markers=False)
    # Since 6.14: without its empty table the PMD entry is none again, so the next fault can be huge.
    if vma.mm.kernel.profile.frees_empty_table:
        try_to_free_pte(vma, start, end)
    up_read(lock)


def dontneed_lock(vma: Vma) -> Lock:
    """The lock of the VMA alone (since 6.17), or mmap_lock if that is held for writing. Takes nothing."""
    alone = vma.mm.kernel.profile.dontneed_takes_vma_lock and vma.vm_lock.writer is None
    return vma.vm_lock if alone else vma.mm.mmap_lock


def _mergeable(vma: Vma, start: int, end: int) -> None:
    """MADV_MERGEABLE: ksmd may merge equal pages here. Locks expected: none. Takes mmap_lock for writing."""
    down_write(vma.mm.mmap_lock, vma.mm.task.comm)
    if not vma.vm_flags & VM_MERGEABLE:
        modify_vma_flags(vma, start, end, vma.vm_flags | VM_MERGEABLE)
    up_write(vma.mm.mmap_lock)


def madvise_populate(mm: Mm, start: int, end: int, *, write: bool) -> None:
    """MADV_POPULATE_READ and MADV_POPULATE_WRITE: fault in what is missing, up to the first failure.

    ``start``, ``end``: unsigned long, page aligned. What was faulted in before it stays. Raises KernelError:
    ENOMEM at a hole, EINVAL where the protection does not allow it, EFAULT at a guard page; MemoryError.
    Locks expected: none; a fault takes the VMA lock or mmap_lock. (The kernel holds mmap_lock for reading.)
    """
    address = start
    while address < end:
        vma = vma_lookup(mm, address)
        if vma is None:
            raise KernelError(errno.ENOMEM, f"madvise populate: {address:#x} is not mapped")
        # Refused at once: otherwise each page would fault and fail.
        if not vma.vm_flags & (VM_WRITE if write else VM_READ):
            raise KernelError(errno.EINVAL, "madvise populate: the protection does not allow it")
        stop = min(end, vma.vm_end)
        populate_vma_page_range(vma, address, stop, write=write)
        address = stop


def _collapse(vma: Vma, start: int, end: int) -> None:
    """MADV_COLLAPSE; an errno becomes a KernelError (EINVAL, EAGAIN, EBUSY, ENOMEM). Locks expected: none."""
    number = madvise_collapse(vma, start, end)
    if number:
        raise KernelError(number, f"madvise collapse {start:#x}-{end:#x}: not every window is huge now")


_ADVICE: dict[str, Callable[[Vma, int, int], None]] = {
    "normal": _advise_normal,
    "hugepage": _advise_hugepage,
    "nohugepage": _advise_nohugepage,
    "dontneed": _dontneed,
    "cold": madvise_cold,
    "pageout": madvise_pageout,
    "free": madvise_free,
    "guard_install": madvise_guard_install,
    "guard_remove": madvise_guard_remove,
    "mergeable": _mergeable,
    "collapse": _collapse,
}

#: Advice that does not go VMA by VMA -> does it write?
_POPULATE = {"populate_read": False, "populate_write": True}
