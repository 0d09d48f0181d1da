"""Every mapping of a folio is taken away: for swap, for a file, or for a move (mm/rmap.c, 6.18)."""

from __future__ import annotations

from thplab.mm.filemap import folio_mapping, vma_interval_tree_foreach
from thplab.mm.huge_memory.pmd import __split_huge_pmd
from thplab.mm.huge_memory.split import unmap_folio
from thplab.mm.include.fs import AddressSpace
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.lock import down_read, down_write, up_read, up_write
from thplab.mm.include.mm_types import Vma, vma_address
from thplab.mm.include.page import (
    PG_anon_exclusive,
    PG_dirty,
    PG_swapbacked,
    folio_mapcount,
    folio_nr_pages,
    page_to_pfn,
    pfn_to_page,
)
from thplab.mm.include.pgtable import (
    _PAGE_DIRTY,
    _PAGE_UFFD_WP,
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_lock,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.include.swapops import make_migration_entry, swp_entry_to_pte
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_anon_vma_lock, folio_remove_rmap_ptes, rmap_walk
from thplab.mm.swapfile import swap_duplicate


def try_to_unmap(kernel: Kernel, folio: int) -> None:
    """Replace each mapping of the folio by a swap entry; of a lazyfree one, by none.

    Locks expected: the page lock. Takes the anon_vma, or i_mmap_rwsem, for reading; in the kernel the PTE
    lock of each table too.
    """
    mapping = folio_mapping(kernel, folio)
    if mapping is not None:
        for page in range(folio, folio + folio_nr_pages(kernel.mem_map, folio)):
            try_to_unmap_file(kernel, mapping, page)
        return
    lock = folio_anon_vma_lock(kernel, folio)
    # As long as it is held no VMA can join or leave, so the walk meets every mapping.
    down_read(lock)
    # Swap entries are PTEs: a leaf is split first.
    if kernel.mem_map.entire_mapcount[folio]:
        unmap_folio(kernel, folio)
    pages = range(folio, folio + folio_nr_pages(kernel.mem_map, folio))
    entries = (entry for page in pages for entry in rmap_walk(kernel, page))
    all(try_to_unmap_one(*entry) for entry in entries)  # the first refusal ends the walk
    up_read(lock)


def try_to_unmap_one(vma: Vma, table: Column, index: int) -> bool:
    """Clear one mapping of a page (bool); False: the folio must stay after all.

    ``table``, ``index``: the entry, C: pte_t *.
    Locks expected: the page lock, the anon_vma for reading, and the PTE lock in the kernel (its walk
    takes it). Drops the mapping's reference.
    """
    mm, kernel = vma.mm, vma.mm.kernel
    mem_map, pte = kernel.mem_map, table[index]
    page = pfn_to_page(mem_map, entry_pfn(pte))
    folio = mem_map.compound_head[page]
    # The entry will be gone: what it knows of the contents must be kept in the folio.
    if pte & _PAGE_DIRTY:
        mem_map.flags[folio] |= PG_dirty
    if mem_map.flags[folio] & PG_swapbacked:
        offset = mem_map.private[folio] + page - folio
        uffd_wp = bool(pte & _PAGE_UFFD_WP)
        # Kept in the swap entry, so that a write after swap-in need not copy the page.
        exclusive = bool(mem_map.flags[page] & PG_anon_exclusive)
        mem_map.flags[page] &= ~PG_anon_exclusive
        # Counted before an entry names the slot: an entry must never name a slot that is free.
        swap_duplicate(kernel, offset)
        set_pte_at(table, index, swp_entry_to_pte(offset, exclusive=exclusive, uffd_wp=uffd_wp))
    elif mem_map.flags[folio] & PG_dirty:
        mem_map.flags[folio] |= PG_swapbacked  # written again after MADV_FREE: keep it after all
        return False
    # Lazyfree: one reference is ours, the others are mappings. One more could still write to the page.
    elif mem_map.refcount[folio] != 1 + folio_mapcount(mem_map, folio):
        return False
    else:
        set_pte_at(table, index, 0)
    folio_remove_rmap_ptes(kernel, page, 1, mm)
    mm.rss -= 1
    folio_put(kernel, folio)
    return True


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


#: An entry that was taken away: VMA, table, index, and what stood there.
Unmapped = tuple[Vma, Column, int, int]


def try_to_migrate(kernel: Kernel, src: int) -> list[Unmapped]:
    """Replace every entry that maps the page by a migration entry; what was there.

    Locks expected: the page lock. (The kernel also takes the anon_vma lock for reading, and each PTE lock.)
    """
    taken: list[Unmapped] = []
    for vma, table, index in rmap_walk(kernel, src):
        pte: int = table[index]
        set_pte_at(table, index, make_migration_entry(pte))
        folio_remove_rmap_ptes(kernel, src, 1, vma.mm)
        # Each entry held a reference. The isolation's keeps the page.
        folio_put(kernel, src)
        taken.append((vma, table, index, pte))
    return taken
