"""mlock, munlock: memory that stays, and no longer (mm/mlock.c, 6.18)."""

from __future__ import annotations

import errno

from thplab.mm.gup import mm_populate
from thplab.mm.huge_memory.pmd import is_huge_zero_pmd
from thplab.mm.include.errors import KernelError
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_LOCKED, Mm, Vma
from thplab.mm.include.page import PG_lru, PG_unevictable, pfn_to_page
from thplab.mm.include.pgtable import entry_pfn, mm_find_pmd, pmd_trans_huge, pte_of, pte_present
from thplab.mm.swap import folio_change_lru
from thplab.mm.vma import modify_vma_flags, vmas_of_range


def do_mlock(mm: Mm, start: int, length: int) -> None:
    """mlock(start, length): fault the range in and keep it in memory. ``length``: bytes.

    The range is rounded outwards to pages. Raises KernelError (ENOMEM) if there is a hole: the VMAs before it
    are locked then, but nothing is faulted in; and if a page may not be read (PROT_NONE, a guard page): all
    VMAs are locked then, and the pages before it faulted in.
    Locks expected: none. Takes mmap_lock for writing.
    """
    start, end = _apply_vma_lock_flags(mm, "mlock", start, length, VM_LOCKED)
    # Without the lock, since each page may have to be read from disk.
    try:
        mm_populate(mm, start, end, ignore_errors=False)
    except KernelError as error:
        # POSIX has no EFAULT for mlock (__mlock_posix_error_return).
        raise KernelError(errno.ENOMEM, f"mlock: not all of {start:#x}-{end:#x} can be read") from error


def do_munlock(mm: Mm, start: int, length: int) -> None:
    """munlock(start, length): the pages may be reclaimed again.

    ``length``: bytes. The range is rounded outwards to pages. Raises KernelError (ENOMEM) if there is a
    hole; the VMAs before it are unlocked then.
    Locks expected: none. Takes mmap_lock for writing.
    """
    _apply_vma_lock_flags(mm, "munlock", start, length, 0)


def _apply_vma_lock_flags(mm: Mm, call: str, start: int, length: int, flags: int) -> tuple[int, int]:
    """Give the VMAs of the range VM_LOCKED, or take it away (``flags``); the range in whole pages.

    Raises KernelError (ENOMEM) if there is a hole.
    Locks expected: none. Takes mmap_lock for writing.
    """
    page = mm.kernel.geometry.PAGE_SIZE
    end = -(-(start + length) // page) * page
    start -= start % page
    down_write(mm.mmap_lock, mm.task.comm)
    try:
        address = start
        for vma in vmas_of_range(mm, start, end):
            # A hole: the call ends here, and does not undo what it has done.
            if vma.vm_start > address:
                break
            address = min(end, vma.vm_end)
            if vma.vm_flags & VM_LOCKED != flags:
                changed = modify_vma_flags(vma, start, end, vma.vm_flags ^ VM_LOCKED)
                if not flags:
                    _munlock_vma_pages(changed, max(start, vma.vm_start), address)
    finally:
        up_write(mm.mmap_lock)
    if address < end:
        raise KernelError(errno.ENOMEM, f"{call}: part of {start:#x}-{end:#x} is not mapped")
    return start, end


def _munlock_vma_pages(vma: Vma, start: int, end: int) -> None:
    """munlock_folio for each page that is mapped: back from the unevictable list to the one of its kind.

    Locks expected: mmap_lock for writing. (The kernel also takes the PTE lock and lruvec->lru_lock.)
    """
    kernel = vma.mm.kernel
    mem_map = kernel.mem_map
    for address in range(start, end, kernel.geometry.PAGE_SIZE):
        ref = mm_find_pmd(vma.mm, address)
        if ref is None or not ref[0][ref[1]]:
            continue
        entry = ref[0][ref[1]] if pmd_trans_huge(ref[0][ref[1]]) else pte_of(kernel, ref, address)
        if not pte_present(entry) or entry_pfn(entry) == kernel.zero_pfn or is_huge_zero_pmd(kernel, entry):
            continue
        folio = mem_map.compound_head[pfn_to_page(mem_map, entry_pfn(entry))]
        flags = mem_map.flags[folio]
        if flags & PG_unevictable and flags & PG_lru:
            folio_change_lru(kernel, folio, flags & ~PG_unevictable)
        # Isolated by another task: it will be put back on the list that its flags name.
        elif flags & PG_unevictable:
            mem_map.flags[folio] = flags & ~PG_unevictable
