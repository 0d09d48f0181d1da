"""Taking mappings away: what munmap, MADV_DONTNEED and exit do to page tables (mm/memory.c, 6.18)."""

from __future__ import annotations

from collections.abc import Iterable

from thplab.mm.huge_memory.pmd import __split_huge_pmd, zap_huge_pmd
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Mm, Vma
from thplab.mm.include.page import pfn_to_page
from thplab.mm.include.pgtable import (
    EntryRef,
    entry_pfn,
    folio_pte_batch,
    level_shifts,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_present,
    set_pmd_at,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import is_pte_marker, pte_to_swp_offset
from thplab.mm.memory.tables import pte_free
from thplab.mm.rmap.mapcount import folio_remove_rmap_ptes
from thplab.mm.swapfile import free_folio_and_swap_cache, free_swap_and_cache


def unmap_page_range(vma: Vma, start: int, end: int, *, drop_markers: bool) -> None:
    """Remove every mapping of ``start..end`` (unsigned long, inside the VMA); the tables stay.

    Pages that have no other user are freed, and swap slots. A huge PMD that is only partly inside is
    split first. ``drop_markers``: the memory itself goes, so guard pages do too.
    Locks expected: mmap_lock or the VMA lock at least for reading. Takes PMD and PTE locks.
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    address = start
    while address < end:
        following = min((address // size + 1) * size, end)
        zap_pmd_range(vma, address, following, drop_markers=drop_markers)
        address = following


def zap_pmd_range(vma: Vma, start: int, end: int, *, drop_markers: bool) -> None:
    """The part of :func:`unmap_page_range` that lies under one PMD entry.

    Locks expected: mmap_lock or the VMA lock at least for reading. Takes PMD and PTE locks.
    """
    mm = vma.mm
    ref = mm_find_pmd(mm, start)
    if ref is None:
        return
    if pmd_trans_huge(ref[0][ref[1]]):
        if end - start == mm.kernel.geometry.HPAGE_PMD_SIZE:
            zap_huge_pmd(vma, ref, start)
            return
        # Only a part goes: one PMD entry can't map a part. The folio stays whole, and is queued for a
        # split.
        __split_huge_pmd(vma, ref, start)
    # Asked again: of a file the split has removed the mapping.
    if ref[0][ref[1]]:
        zap_pte_range(vma, ref, start, end, drop_markers=drop_markers)


def zap_pte_range(vma: Vma, ref: EntryRef, start: int, end: int, *, drop_markers: bool) -> None:
    """Clear the PTEs of ``start..end``, which one table maps; ``ref``: pmd_t *.

    Locks expected: mmap_lock or the VMA lock at least for reading. Takes the PTE lock.
    """
    kernel = vma.mm.kernel
    table_page = pmd_table_page(kernel, ref[0][ref[1]])
    table, ptl = kernel.tables[table_page], pte_lock(kernel, table_page)
    index = pte_index(kernel, start)
    last = index + (end - start) // kernel.geometry.PAGE_SIZE
    down_write(ptl, kernel.current.comm)
    while index < last:
        if pte_present(table[index]):
            index += zap_present_ptes(vma, table, index, last)
            continue
        if table[index]:
            zap_nonpresent_pte(kernel, table, index, drop_markers=drop_markers)
        index += 1
    up_write(ptl)


def zap_present_ptes(vma: Vma, table: Column, index: int, last: int) -> int:
    """Clear the entries from ``index`` on that map one folio, together; how many.

    A folio whose pages all go at once is thus never partially mapped. The zero page was never counted.
    Locks expected: the PTE lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    if entry_pfn(table[index]) == kernel.zero_pfn:
        set_pte_at(table, index, 0)
        return 1
    nr = folio_pte_batch(kernel, table, index, last)
    page = pfn_to_page(kernel.mem_map, entry_pfn(table[index]))
    # Entries first, then counts, then references: a page is never freed while an entry maps it. The kernel
    # also flushes the TLBs before the pages are freed (tlb_gather).
    for each in range(index, index + nr):
        set_pte_at(table, each, 0)
    folio_remove_rmap_ptes(kernel, page, nr, mm)
    mm.rss -= nr
    free_folio_and_swap_cache(kernel, kernel.mem_map.compound_head[page], nr)
    return nr


def zap_nonpresent_pte(kernel: Kernel, table: Column, index: int, *, drop_markers: bool) -> None:
    """Clear an entry that maps no page: give its slot back. Markers stay if the memory stays.

    Locks expected: the PTE lock.
    """
    entry = table[index]
    if is_pte_marker(entry):
        if drop_markers:
            set_pte_at(table, index, 0)
        return
    set_pte_at(table, index, 0)
    free_swap_and_cache(kernel, pte_to_swp_offset(entry))


def try_to_free_pte(vma: Vma, start: int, end: int) -> None:
    """Free the tables that ``start..end`` covers whole and that are empty now (CONFIG_PT_RECLAIM, 6.14).

    Locks expected: mmap_lock or the VMA lock at least for reading. (The kernel takes the PMD and PTE locks.)
    """
    mm = vma.mm
    size = mm.kernel.geometry.HPAGE_PMD_SIZE
    for address in range(-(-start // size) * size, end // size * size, size):
        ref = mm_find_pmd(mm, address)
        if ref is None or not ref[0][ref[1]] or pmd_trans_huge(ref[0][ref[1]]):
            continue
        page = pmd_table_page(mm.kernel, ref[0][ref[1]])
        # Only then the next fault finds an empty PMD, and may map a huge page.
        if not any(mm.kernel.tables[page]):
            set_pmd_at(*ref, 0)
            pte_free(mm, page)


def free_pgtables(mm: Mm, ranges: Iterable[tuple[int, int]]) -> None:
    """Free the tables of ``ranges`` (unsigned long) that no VMA needs any more, level by level from below.

    Locks expected: mmap_lock for writing, nothing mapped in the ranges.
    """
    pgdir, pud, pmd = level_shifts(mm.kernel)
    for shift, above in ((pmd, (pgdir, pud)), (pud, (pgdir,)), (pgdir, ())):
        for start, end in ranges:
            for base in range(start >> shift << shift, end, 1 << shift):
                # A table covers more than the range: a neighbour in the same 2 MiB (or GiB) still needs it.
                if not any(vma.vm_start < base + (1 << shift) and base < vma.vm_end for vma in mm.vmas):
                    _free_table(mm, base, shift, above)


def _free_table(mm: Mm, address: int, shift: int, above: tuple[int, ...]) -> None:
    """Free the table that an entry at level ``shift`` points at, if the path to it exists.

    Locks expected: mmap_lock for writing, nothing mapped below.
    """
    kernel = mm.kernel
    mask = kernel.geometry.PTRS_PER_PTE - 1
    table = kernel.tables[mm.pgd]
    for upper in above:
        entry = table[address >> upper & mask]
        if not entry:
            return
        table = kernel.tables[pfn_to_page(kernel.mem_map, entry_pfn(entry))]
    index = address >> shift & mask
    if table[index]:
        # Out of the tree before it is freed: its frame may belong to another process a moment later.
        page = pfn_to_page(kernel.mem_map, entry_pfn(table[index]))
        set_pmd_at(table, index, 0)
        pte_free(mm, page)
