"""Page tables are copied at fork: copy_page_range and what follows it (mm/memory.c, 6.18)."""

from __future__ import annotations

from thplab.mm.huge_memory.pmd import copy_huge_pmd
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import Vma, vma_is_anonymous
from thplab.mm.include.page import PG_anon, folio_get, pfn_to_page
from thplab.mm.include.pgtable import (
    _PAGE_ACCESSED,
    _PAGE_RW,
    _PAGE_SWP_EXCLUSIVE,
    _PAGE_SWP_UFFD_WP,
    _PAGE_UFFD_WP,
    entry_pfn,
    mm_find_pmd,
    pmd_populate,
    pmd_table_page,
    pmd_trans_huge,
    pte_lock,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import is_pte_marker, pte_to_swp_offset
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one
from thplab.mm.rmap.mapcount import folio_add_file_rmap_ptes, folio_dup_anon_rmap_ptes
from thplab.mm.swapfile import swap_duplicate


def vma_needs_copy(source: Vma) -> bool:
    """Without an anon_vma there are only zero pages and pages of files, which faults will bring back.

    Locks expected: the parent's mmap_lock for writing.
    """
    return source.anon_vma is not None


def copy_page_range(vma: Vma, source: Vma) -> None:
    """Give the child's VMA what the parent's maps. Raises MemoryError if there is no page for a table.

    Locks expected: the parent's mmap_lock for writing. Takes PTE and PMD locks.
    """
    size = vma.mm.kernel.geometry.HPAGE_PMD_SIZE
    address = source.vm_start
    while address < source.vm_end:
        following = min((address // size + 1) * size, source.vm_end)
        ref = mm_find_pmd(source.mm, address)
        # Where the parent has no table, the child needs none.
        if ref is not None:
            copy_pmd_range(vma, source, address, following)
        address = following


def copy_pmd_range(vma: Vma, source: Vma, start: int, end: int) -> None:
    """The part of :func:`copy_page_range` under one PMD entry; the child gets the tables above it.

    ``start``, ``end``: unsigned long. Raises MemoryError if there is no page for a table.
    Locks expected: the parent's mmap_lock for writing. Takes PTE and PMD locks.
    """
    # The tables above the entry are never shared: parent and child may map different things later.
    child = pmd_alloc(vma.mm, start)
    ref = mm_find_pmd(source.mm, start)
    assert ref is not None
    pmd = ref[0][ref[1]]
    if not pmd:
        return
    if pmd_trans_huge(pmd):
        if not vma_is_anonymous(vma):  # the child's faults will bring it back
            return
        if copy_huge_pmd(vma, source, child, ref, start):
            return
        # The leaf was split meanwhile: copy its PTEs instead.
        pmd = ref[0][ref[1]]
    kernel = vma.mm.kernel
    # A neighbouring VMA in the same 2 MiB may have made the table.
    if not child[0][child[1]]:
        pmd_populate(kernel, child, pte_alloc_one(vma.mm))
    copy_pte_range(
        vma, source, pmd_table_page(kernel, child[0][child[1]]), pmd_table_page(kernel, pmd), start, end
    )


def copy_pte_range(vma: Vma, source: Vma, to_table: int, from_table: int, start: int, end: int) -> None:
    """Copy the entries of ``start..end``, which one table maps.

    ``to_table``, ``from_table``: the pages of the two tables.
    Locks expected: the parent's mmap_lock for writing. Takes the PTE locks of both tables.
    """
    kernel = vma.mm.kernel
    geometry = kernel.geometry
    first = start // geometry.PAGE_SIZE & (geometry.PTRS_PER_PTE - 1)
    down_write(pte_lock(kernel, to_table), kernel.current.comm)
    down_write(pte_lock(kernel, from_table), kernel.current.comm)
    # Both locked: the parent's entries change, too, as they lose the right to write.
    ptes = kernel.tables[from_table]
    for index in range(first, first + (end - start) // kernel.geometry.PAGE_SIZE):
        if ptes[index]:
            copy = copy_present_pte if pte_present(ptes[index]) else copy_nonpresent_pte
            set_pte_at(kernel.tables[to_table], index, copy(vma, ptes, index))
    up_write(pte_lock(kernel, from_table))
    up_write(pte_lock(kernel, to_table))


def copy_nonpresent_pte(vma: Vma, ptes: Column, index: int) -> int:
    """The child's entry for one that names a swap slot, which both share now; or a guard marker.

    ``ptes``: the parent's pte_t[512].
    Locks expected: the PTE locks of both tables.
    """
    entry: int = ptes[index]
    if is_pte_marker(entry):
        return entry
    swap_duplicate(vma.mm.kernel, pte_to_swp_offset(entry))
    # The parent's too: after swap-in it must not take the page for its own.
    set_pte_at(ptes, index, entry & ~_PAGE_SWP_EXCLUSIVE)
    return entry & ~(_PAGE_SWP_EXCLUSIVE | _PAGE_SWP_UFFD_WP)


def copy_present_pte(vma: Vma, ptes: Column, index: int) -> int:
    """The child's entry for a present one of the parent, which loses the right to write.

    ``ptes``: the parent's pte_t[512].
    Locks expected: the PTE locks of both tables. (The kernel copies a page that may be pinned for I/O at
    once.)
    """
    kernel = vma.mm.kernel
    pte: int = ptes[index]
    # The zero page is shared by all, and not counted.
    if entry_pfn(pte) != kernel.zero_pfn:
        page = pfn_to_page(kernel.mem_map, entry_pfn(pte))
        folio_get(kernel.mem_map, kernel.mem_map.compound_head[page])
        anon = kernel.mem_map.flags[kernel.mem_map.compound_head[page]] & PG_anon
        (folio_dup_anon_rmap_ptes if anon else folio_add_file_rmap_ptes)(kernel, page, 1, vma)
        vma.mm.rss += 1
        # Only what changes is written. (The kernel flushes the parent's TLBs at the end.)
        if pte & _PAGE_RW:
            set_pte_at(ptes, index, pte & ~_PAGE_RW)
    # Old: the child has used nothing yet. That is why khugepaged finds no referenced page in it.
    return pte & ~(_PAGE_RW | _PAGE_ACCESSED | _PAGE_UFFD_WP)
