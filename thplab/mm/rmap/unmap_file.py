"""Who maps a page of a file, and taking those mappings away (mm/rmap.c, 6.18)."""

from __future__ import annotations

from thplab.mm.filemap import vma_interval_tree_foreach
from thplab.mm.huge_memory.fault import __split_huge_pmd
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import Vma, vma_address
from thplab.mm.include.page import page_to_pfn
from thplab.mm.include.pgtable import (
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_present,
    set_pte_at,
)
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_remove_rmap_ptes

__all__ = ["try_to_unmap_file"]


def try_to_unmap_file(kernel: Kernel, mapping: AddressSpace, page: int) -> None:
    """Clear every PTE that maps a page of the file (try_to_unmap): faults will bring it back.

    A PMD leaf that maps the page among others is split, which for a file means that it goes.
    The VMAs that map that part of the file are the only ones to search; private copies stay.
    Locks expected: the page lock. Takes i_mmap_rwsem for reading, PTE and PMD locks.
    """
    index = kernel.mem_map.index[page]
    down_read(mapping.i_mmap_rwsem)
    # All of them, whatever the process: a page of a file has no owner.
    for vma in vma_interval_tree_foreach(mapping, index, index):
        _unmap_one(vma, vma_address(vma, index), page)
    up_read(mapping.i_mmap_rwsem)


def _unmap_one(vma: Vma, address: int, page: int) -> None:
    """Clear the one entry by which ``vma`` maps the page at ``address``, if it does.

    Locks expected: the page lock, i_mmap_rwsem for reading. Takes the PTE or the PMD lock.
    """
    kernel = vma.mm.kernel
    ref = mm_find_pmd(vma.mm, address)
    pmd = ref[0][ref[1]] if ref else 0
    if ref is not None and pmd_trans_huge(pmd):
        # The leaf may map another folio: one that took the place of this page in the file.
        if entry_pfn(pmd) == page_to_pfn(kernel.mem_map, kernel.mem_map.compound_head[page]):
            __split_huge_pmd(vma, ref, address)
        return
    if not pmd:
        return
    table_page = pmd_table_page(kernel, pmd)
    table, index = kernel.tables[table_page], pte_index(kernel, address)
    # A private copy, or nothing: this VMA could map the page, but does not.
    if not pte_present(table[index]) or entry_pfn(table[index]) != page_to_pfn(kernel.mem_map, page):
        return
    ptl = pte_lock(kernel, table_page)
    down_write(ptl, kernel.current.comm)
    set_pte_at(table, index, 0)
    up_write(ptl)
    # The entry is gone, so the count and the reference of the mapping go with it.
    folio_remove_rmap_ptes(kernel, page, 1, vma.mm)
    vma.mm.rss -= 1
    folio_put(kernel, kernel.mem_map.compound_head[page])
