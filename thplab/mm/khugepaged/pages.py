"""The 512 pages of a collapse: isolate, copy, free, or put back (mm/khugepaged.c, 6.18).

Callers hold mmap_lock for writing, the PMD is clear, and no other task can reach the table.
No PTE is changed until the copy has ended.
"""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.lock import Lock, down_write, up_write
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP, Vma
from thplab.mm.include.page import (
    PG_head,
    PG_referenced,
    PG_swapbacked,
    PG_young,
    folio_expected_ref_count,
    folio_trylock,
    folio_unlock,
)
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_DIRTY,
    _PAGE_RW,
    _PAGE_UFFD_WP,
    PTE_PFN_MASK,
    folio_pte_batch,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.rmap.mapcount import folio_maybe_mapped_shared, folio_remove_rmap_ptes
from thplab.mm.swapfile import free_folio_and_swap_cache
from thplab.mm.trace import scan_pfn, trace
from thplab.mm.vmscan.isolate import folio_isolate_lru, folio_putback_lru
from thplab.mm.vmstat import count_vm_event


def __collapse_huge_page_isolate(
    vma: Vma, address: int, pte_table: Column, cc: CollapseControl
) -> ScanResult:
    """The strict test: lock every page and take it off the LRU. It frees nothing.

    At the first page that refuses, all are put back. ``pte_table``: pte_t[512].
    Locks expected: mmap_lock, the VMA lock, the anon_vma lock and the PTE lock. Takes the page locks,
    which stay held after SUCCEED.
    """
    kernel = vma.mm.kernel
    knobs, mem_map = kernel.knobs, kernel.mem_map
    zero_pfn, start_pfn = kernel.zero_pfn, mem_map.start_pfn
    page_flags, compound_head = mem_map.flags, mem_map.compound_head
    is_khugepaged = cc.is_khugepaged
    userfaultfd_armed = bool(vma.vm_flags & (VM_UFFD_MISSING | VM_UFFD_WP))
    none_or_zero = referenced = shared = 0
    writable = False
    folio: int | None = None
    isolated: list[int] = []
    result = ScanResult.SUCCEED

    # All of the scan's tests again: it held its lock long ago, and any task may have run since.
    for index, pte in enumerate(pte_table):
        pfn = (pte & PTE_PFN_MASK) >> 12
        if not pte or (pfn == zero_pfn and pte_present(pte)):
            # The zero page counts as a hole: both become a page of their own, filled with zeros.
            none_or_zero += 1
            within = not is_khugepaged or none_or_zero <= knobs.max_ptes_none
            if not userfaultfd_armed and within:
                continue
            result = ScanResult.EXCEED_NONE_PTE
            count_vm_event(kernel, "thp_scan_exceed_none_pte")
            break
        # Swapped-out pages were read in before; one that is out again ends the attempt.
        if not pte_present(pte):
            result = ScanResult.PTE_NON_PRESENT
            break
        # The mark would be lost: a huge PMD can't be write-protected for one of its 512 pages.
        if pte & _PAGE_UFFD_WP:
            result = ScanResult.PTE_UFFD_WP
            break
        page = pfn - start_pfn
        folio = compound_head[page]
        if is_khugepaged and not page_flags[folio] & PG_swapbacked and is_clean_lazyfree(kernel, folio, pte):
            result = ScanResult.PAGE_LAZYFREE
            break
        # The copy of a shared page frees nothing, as the other process keeps the old one.
        if folio_maybe_mapped_shared(kernel, page):
            shared += 1
            if is_khugepaged and shared > knobs.max_ptes_shared:
                result = ScanResult.EXCEED_SHARED_PTE
                count_vm_event(kernel, "thp_scan_exceed_share_pte")
                break
        # A large folio met again through its next page is isolated already.
        if not (page_flags[folio] & PG_head and folio in isolated):
            result = _isolate_folio(kernel, folio)
            if result is not ScanResult.SUCCEED:
                break
            isolated.append(folio)
        # One referenced page is enough here: the scan's rule for windows with swapped-out pages is not
        # repeated.
        young = pte & _PAGE_ACCESSED or page_flags[folio] & (PG_referenced | PG_young)
        if is_khugepaged and young:
            referenced += 1
        if pte & _PAGE_RW:
            writable = True
    else:
        if kernel.profile.needs_writable_pte and not writable:
            result = ScanResult.PAGE_RO
        elif is_khugepaged and not referenced:
            result = ScanResult.LACK_REFERENCED_PAGE
    # All or nothing: a window with one page missing can't become one huge page.
    if result is not ScanResult.SUCCEED:
        release_pte_pages(kernel, isolated)
    trace(
        kernel,
        "mm_collapse_huge_page_isolate",
        mm=vma.mm,
        address=address,
        scan_pfn=scan_pfn(kernel, folio),
        none_or_zero=none_or_zero,
        referenced=referenced,
        writable=writable,
        status=result,
        order=kernel.geometry.HPAGE_PMD_ORDER,
    )
    return result


def is_clean_lazyfree(kernel: Kernel, folio: int, pte: int) -> bool:
    """A page given up by MADV_FREE and not written since, for a kernel that refuses those (7.3).

    ``pte``: pte_t value.
    Locks expected: the PTE lock.
    """
    if not kernel.profile.refuses_lazyfree:
        return False
    return not kernel.mem_map.flags[folio] & PG_swapbacked and not pte & _PAGE_DIRTY


def _isolate_folio(kernel: Kernel, folio: int) -> ScanResult:
    """Lock one folio, be sure that no other task uses it, take it off the LRU; or leave it as it was.

    Locks expected: the PTE lock, and the PMD clear. Takes the page lock, which stays held after SUCCEED.
    """
    mem_map = kernel.mem_map
    # Never wait here: the PTE lock is a spinlock, and the owner of the page lock may wait for it.
    if not folio_trylock(mem_map, folio):
        return ScanResult.PAGE_LOCK
    # The PMD is clear, so no new user can come by address; those that came before are counted.
    if mem_map.refcount[folio] != folio_expected_ref_count(mem_map, folio):
        folio_unlock(mem_map, folio)
        return ScanResult.PAGE_COUNT
    # Off the LRU, reclaim and compaction can't find the page during the copy.
    if not folio_isolate_lru(kernel, folio):
        folio_unlock(mem_map, folio)
        return ScanResult.DEL_PAGE_LRU
    return ScanResult.SUCCEED


def release_pte_pages(kernel: Kernel, isolated: list[int]) -> None:
    """Rollback of isolate: unlock every folio and put it back on the LRU, the last one first.

    Locks expected: the page locks. Drops them.
    """
    for folio in reversed(isolated):
        release_pte_folio(kernel, folio)


def release_pte_folio(kernel: Kernel, folio: int) -> None:
    """Unlock one isolated folio and put it back on the LRU (folio_putback_lru).

    Locks expected: the page lock. Drops it.
    """
    folio_unlock(kernel.mem_map, folio)
    folio_putback_lru(kernel, folio)


def __collapse_huge_page_copy(vma: Vma, address: int, pte_table: Column, folio: int, ptl: Lock) -> None:
    """Fill the huge page from the 512 entries, then let go of the old pages.

    ``folio``: the new one, first of its 512 pages; ``ptl``: the lock of the old table (spinlock_t *).
    From 6.4 on the kernel survives a memory error in a source page (SCAN_COPY_MC) and puts all pages
    back; the model has no such errors.
    Locks expected: mmap_lock and the VMA lock for writing, the page lock of every source. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    # No lock on the table is needed to read it: it is out of the tree.
    contents, start_pfn = kernel.mem_map.contents, kernel.mem_map.start_pfn
    zero_pfn = kernel.zero_pfn
    for index, pte in enumerate(pte_table):
        pfn = (pte & PTE_PFN_MASK) >> 12
        hole = not pte or pfn == zero_pfn
        # A hole becomes a page of zeros: that is what a read of it would have shown.
        contents[folio + index] = 0 if hole else contents[pfn - start_pfn]
    __collapse_huge_page_copy_succeeded(vma, address, pte_table, ptl)


def __collapse_huge_page_copy_succeeded(vma: Vma, address: int, pte_table: Column, ptl: Lock) -> None:
    """The data is safe: clear the PTEs and free the old pages. There is no way back from here.

    Holes are filled now, so the process uses more memory than before: RSS grows by one page for each. A
    page that another process also maps is not freed.
    Locks expected: mmap_lock and the VMA lock for writing, the page locks. Takes the PTE lock. Drops the
    page locks.
    """
    mm = vma.mm
    kernel = mm.kernel
    mem_map, zero_pfn = kernel.mem_map, kernel.zero_pfn
    large: list[int] = []
    down_write(ptl, kernel.current.comm)
    index = 0
    while index < len(pte_table):
        pte = pte_table[index]
        pfn = (pte & PTE_PFN_MASK) >> 12
        if not pte or pfn == zero_pfn:
            mm.rss += 1
            if pte:
                set_pte_at(pte_table, index, 0)
            index += 1
            continue
        page = pfn - mem_map.start_pfn
        folio = mem_map.compound_head[page]
        # Entries that map one folio are removed together, so that it is never partially mapped in between.
        nr = folio_pte_batch(kernel, pte_table, index, len(pte_table))
        # More entries of a large folio may follow: it stays locked and isolated until all are gone.
        if mem_map.flags[folio] & PG_head:
            if folio not in large:
                large.append(folio)
        else:
            release_pte_folio(kernel, folio)
        # The entry goes before the map count, which never says less than the entries that exist.
        for each in range(index, index + nr):
            set_pte_at(pte_table, each, 0)
        folio_remove_rmap_ptes(kernel, page, nr, mm)
        # The mapping's reference; unless a fork or a pin has another, the page is freed here.
        free_folio_and_swap_cache(kernel, folio, nr)
        index += nr
    for folio in large:
        release_pte_folio(kernel, folio)
    up_write(ptl)
