"""The 512 pages of a collapse: isolate, copy, free, or put back (mm/khugepaged.c, 6.18).

Callers hold mmap_lock for writing, the PMD is clear, and the table in hand is reachable by nobody
else. Until the copy has ended no PTE has been changed.
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
from thplab.mm.swap import folio_isolate_lru, folio_putback_lru
from thplab.mm.swapfile import free_folio_and_swap_cache
from thplab.mm.trace import scan_pfn, trace
from thplab.mm.vmstat import count_vm_event

__all__ = ["__collapse_huge_page_copy", "__collapse_huge_page_isolate", "release_pte_pages"]


def __collapse_huge_page_isolate(
    vma: Vma, address: int, pte_table: Column, cc: CollapseControl
) -> ScanResult:
    """The strict test: lock every page and take it off the LRU. It frees nothing.

    At the first page that can't be had all are put back. Locks expected: the PTE lock besides the
    caller's.
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

    for index, pte in enumerate(pte_table):
        pfn = (pte & PTE_PFN_MASK) >> 12
        if not pte or (pfn == zero_pfn and pte_present(pte)):
            none_or_zero += 1
            within = not is_khugepaged or none_or_zero <= knobs.max_ptes_none
            if not userfaultfd_armed and within:
                continue
            result = ScanResult.EXCEED_NONE_PTE
            count_vm_event(kernel, "thp_scan_exceed_none_pte")
            break
        if not pte_present(pte):
            result = ScanResult.PTE_NON_PRESENT
            break
        if pte & _PAGE_UFFD_WP:
            result = ScanResult.PTE_UFFD_WP
            break
        page = pfn - start_pfn
        folio = compound_head[page]
        if is_khugepaged and not page_flags[folio] & PG_swapbacked and is_clean_lazyfree(kernel, folio, pte):
            result = ScanResult.PAGE_LAZYFREE
            break
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
    """A page that MADV_FREE gave up and nobody wrote again, for a kernel that minds."""
    if not kernel.profile.refuses_lazyfree:
        return False
    return not kernel.mem_map.flags[folio] & PG_swapbacked and not pte & _PAGE_DIRTY


def _isolate_folio(kernel: Kernel, folio: int) -> ScanResult:
    """Lock one folio, be sure that nobody else holds it, take it off the LRU; or leave it as it was."""
    mem_map = kernel.mem_map
    if not folio_trylock(mem_map, folio):
        return ScanResult.PAGE_LOCK
    if mem_map.refcount[folio] != folio_expected_ref_count(mem_map, folio):
        folio_unlock(mem_map, folio)
        return ScanResult.PAGE_COUNT
    if not folio_isolate_lru(kernel, folio):
        folio_unlock(mem_map, folio)
        return ScanResult.DEL_PAGE_LRU
    return ScanResult.SUCCEED


def release_pte_pages(kernel: Kernel, isolated: list[int]) -> None:
    """Rollback of isolate: unlock every folio and put it back on the LRU, the last one first."""
    for folio in reversed(isolated):
        release_pte_folio(kernel, folio)


def release_pte_folio(kernel: Kernel, folio: int) -> None:
    """Unlock one isolated folio and put it back on the LRU (folio_putback_lru)."""
    folio_unlock(kernel.mem_map, folio)
    folio_putback_lru(kernel, folio)


def __collapse_huge_page_copy(vma: Vma, address: int, pte_table: Column, folio: int, ptl: Lock) -> None:
    """Fill the huge page from the 512 entries, then let go of the old pages.

    Locks expected: mmap_lock for writing, every source page locked; takes the PTE lock.
    """
    kernel = vma.mm.kernel
    contents, start_pfn = kernel.mem_map.contents, kernel.mem_map.start_pfn
    zero_pfn = kernel.zero_pfn
    for index, pte in enumerate(pte_table):
        pfn = (pte & PTE_PFN_MASK) >> 12
        hole = not pte or pfn == zero_pfn
        contents[folio + index] = 0 if hole else contents[pfn - start_pfn]
    __collapse_huge_page_copy_succeeded(vma, address, pte_table, ptl)


def __collapse_huge_page_copy_succeeded(vma: Vma, address: int, pte_table: Column, ptl: Lock) -> None:
    """The data is safe: clear the PTEs and free the old pages. No way back from here.

    Holes are filled now, so the process uses more memory than before: RSS grows by one page for
    each. A page that somebody else maps too is not freed. Takes the PTE lock.
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
        nr = folio_pte_batch(kernel, pte_table, index, len(pte_table))
        if mem_map.flags[folio] & PG_head:
            if folio not in large:
                large.append(folio)
        else:
            release_pte_folio(kernel, folio)
        for each in range(index, index + nr):
            set_pte_at(pte_table, each, 0)
        folio_remove_rmap_ptes(kernel, page, nr, mm)
        free_folio_and_swap_cache(kernel, folio, nr)
        index += nr
    for folio in large:
        release_pte_folio(kernel, folio)
    up_write(ptl)
