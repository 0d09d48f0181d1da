"""A huge folio of a file that a page table maps piecemeal: mapping it whole (mm/khugepaged.c, 6.18)."""

from __future__ import annotations

from thplab.kernels import ScanResult
from thplab.mm.filemap import filemap_get_folio
from thplab.mm.huge_memory.policy import thp_vma_allowable_order
from thplab.mm.include.huge_mm import TvaType
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import VM_UFFD_WP, Mm, Vma, linear_page_index, vma_is_anonymous, vma_lookup
from thplab.mm.include.page import folio_get, folio_nr_pages, folio_trylock, folio_unlock, page_to_pfn
from thplab.mm.include.pgtable import (
    entry_pfn,
    mm_find_pmd,
    pmd_lock,
    pmd_table_page,
    pte_lock,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.khugepaged.collapse import find_pmd_or_thp_or_none
from thplab.mm.memory.fault_file import do_set_pmd
from thplab.mm.memory.tables import pmd_alloc, pte_free
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_remove_rmap_ptes


def collapse_pte_mapped_thp(mm: Mm, addr: int, *, install_pmd: bool) -> ScanResult:
    """Remove the table that maps a huge folio of a file page by page; map it by a PMD if asked.

    Every present PTE must map its own page of the folio: a private copy among them ends it. SUCCEED,
    PMD_MAPPED (it was mapped by a PMD already), or why not; nothing has changed then.
    ``addr``: unsigned long, 2 MiB aligned; ``install_pmd``: True for MADV_COLLAPSE.
    Locks expected: mmap_lock for reading. Takes the page lock, the PTE and PMD locks.
    """
    # mmap_lock was dropped for the collapse: any mapping, or none, may be here now.
    vma = vma_lookup(mm, addr)
    if vma is None or vma_is_anonymous(vma) or not _in_vma(vma, addr):
        return ScanResult.VMA_CHECK
    result, _ = find_pmd_or_thp_or_none(mm, addr)
    # A fault mapped it meanwhile.
    if result is ScanResult.PMD_MAPPED:
        return result
    # The folio is huge already: sysfs is not asked, whoever collapses.
    if not thp_vma_allowable_order(vma, vma.vm_flags, TvaType.FORCED_COLLAPSE):
        return ScanResult.VMA_CHECK
    # The table may hold marks of pages that are not there, which would be lost with it.
    if vma.vm_flags & VM_UFFD_WP:
        return ScanResult.PTE_UFFD_WP
    assert vma.vm_file is not None
    folio = filemap_get_folio(vma.vm_file, linear_page_index(vma, addr))
    if folio is None or not folio_trylock(mm.kernel.mem_map, folio):
        return ScanResult.PAGE_NULL
    folio_get(mm.kernel.mem_map, folio)
    result = _remap(vma, addr, folio, install_pmd=install_pmd)
    folio_unlock(mm.kernel.mem_map, folio)
    folio_put(mm.kernel, folio)
    return result


def _in_vma(vma: Vma, addr: int) -> bool:
    """Do all 2 MiB lie in the VMA? Else a part of the table belongs to another one."""
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    return vma.vm_start <= addr and addr + size <= vma.vm_end


def _remap(vma: Vma, addr: int, folio: int, *, install_pmd: bool) -> ScanResult:
    """The part under the page lock: no new mapping of the folio can appear meanwhile.

    Locks expected: mmap_lock for reading, the page lock. Takes the PTE and PMD locks.
    """
    mm = vma.mm
    # Split since the cache was scanned: asked again under the page lock.
    if folio_nr_pages(mm.kernel.mem_map, folio) != mm.kernel.geometry.HPAGE_PMD_NR:
        return ScanResult.PAGE_COMPOUND
    result, pmd = find_pmd_or_thp_or_none(mm, addr)
    if pmd is not None:
        result = _clear_ptes(vma, folio, pmd_table_page(mm.kernel, pmd[0][pmd[1]]))
        if result is not ScanResult.SUCCEED:
            return result
        pmd_remove_table(mm, addr)
    # No table is fine: there is nothing to remove, and a leaf can be set at once.
    elif result not in (mm.kernel.profile.without_pmd_table, mm.kernel.profile.without_pte_table):
        return result
    return set_huge_pmd(vma, addr, folio) if install_pmd else ScanResult.SUCCEED


def _clear_ptes(vma: Vma, folio: int, table_page: int) -> ScanResult:
    """Check all entries, then clear them; ``table_page``: the page of the table.

    Locks expected: mmap_lock for reading, the page lock. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
    down_write(ptl, kernel.current.comm)
    result = ScanResult.SUCCEED
    first = page_to_pfn(kernel.mem_map, folio)
    for index, pte in enumerate(table):
        # A swap entry or a marker says something that the file does not know.
        if pte and not pte_present(pte):
            result = ScanResult.PTE_NON_PRESENT
            break
        # A private copy, which is not in the file: the folio must not take its place.
        if pte and entry_pfn(pte) != first + index:
            result = ScanResult.FAIL
            break
    # Only when all are known to fit: a refusal must leave the mappings as they were.
    else:
        for index, pte in enumerate(table):
            if pte:
                set_pte_at(table, index, 0)
                folio_remove_rmap_ptes(kernel, folio + index, 1, vma.mm)
                folio_put(kernel, folio)
                vma.mm.rss -= 1
    up_write(ptl)
    return result


def pmd_remove_table(mm: Mm, addr: int) -> None:
    """Take an empty PTE table out of the tree and free it (pmdp_collapse_flush, pte_free_defer).

    Locks expected: mmap_lock or i_mmap_rwsem for reading. Takes the PMD lock. (The kernel also takes the
    PTE lock, and frees the table only when no lockless walker can be in it any more.)
    """
    ref = mm_find_pmd(mm, addr)
    assert ref is not None
    ptl = pmd_lock(mm, addr)
    down_write(ptl, mm.kernel.current.comm)
    # Noted before the entry is cleared, which is the only place that names the table.
    table_page = pmd_table_page(mm.kernel, ref[0][ref[1]])
    set_pmd_at(*ref, 0)
    pte_free(mm, table_page)
    up_write(ptl)


def set_huge_pmd(vma: Vma, addr: int, folio: int) -> ScanResult:
    """Map the folio by a PMD, as a fault would; FAIL if the entry is taken.

    Locks expected: mmap_lock for reading, the page lock. Takes the PMD lock.
    """
    ref = pmd_alloc(vma.mm, addr)
    return ScanResult.SUCCEED if do_set_pmd(vma, ref, addr, folio, write=False) else ScanResult.FAIL
