"""Splitting a large folio into base pages (__folio_split of mm/huge_memory.c, 6.18).

Splitting a PMD (huge_memory/pmd.py) changes one address space's mapping and can't fail. Splitting the
folio changes physical memory and fails if somebody besides the page tables holds it.
"""

from __future__ import annotations

from thplab.mm.huge_memory.deferred import folio_unqueue_deferred_split
from thplab.mm.huge_memory.pmd import __split_huge_pmd, zero_pte
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import VM_LOCKED, vma_address
from thplab.mm.include.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_head,
    PG_isolated,
    PG_large_rmappable,
    PG_locked,
    PG_lru,
    PG_mapped_shared,
    PG_partially_mapped,
    PG_tail,
    folio_expected_ref_count,
    folio_nr_pages,
)
from thplab.mm.include.pgtable import _PAGE_UFFD_WP, set_pte_at
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_remove_rmap_ptes, rmap_walk, rmap_walk_pmd
from thplab.mm.swap import folio_add_lru
from thplab.mm.vmstat import count_vm_event

#: Flags that the base pages of a split folio do not take over.
_OF_THE_FOLIO_ONLY = PG_head | PG_large_rmappable | PG_mapped_shared | PG_partially_mapped


#: Flags of the first page that say who has it in hand, and who uses just this page alone.
_NOT_INHERITED = PG_locked | PG_isolated | PG_lru | PG_anon_exclusive


def split_folio(kernel: Kernel, folio: int) -> bool:
    """Split an anonymous folio into base pages, each with its mappings; False if it is in use otherwise.

    A folio of a file stays whole (False). Pages that no entry maps are freed. A page of zeros is replaced
    by the shared zero page (from 6.12 on), and freed.
    Locks expected: the page lock and one reference, both of which stay with the first page. Takes PMD locks.
    """
    mem_map = kernel.mem_map
    whole = 1 << mem_map.order[folio] == kernel.geometry.HPAGE_PMD_NR
    if not mem_map.flags[folio] & PG_anon:
        return False
    # A pin from outside knows the page by its frame: after a split it could not say which page it holds.
    if mem_map.refcount[folio] != folio_expected_ref_count(mem_map, folio) + 1:
        if whole:
            count_vm_event(kernel, "thp_split_page_failed")
        return False
    if whole:
        unmap_folio(kernel, folio)
    # Before the folio's second tail page, whose links the queue uses, becomes a page of its own.
    folio_unqueue_deferred_split(kernel, folio)
    nr = folio_nr_pages(mem_map, folio)
    # The first page last: until then the others ask it what kind of folio they belong to.
    for page in range(folio + nr - 1, folio - 1, -1):
        __split_folio_to_order_0(kernel, folio, page)
    if whole:
        count_vm_event(kernel, "thp_split_page")
    for page in range(folio, folio + nr):
        if kernel.profile.split_maps_zero_page and not mem_map.contents[page]:
            try_to_map_unused_to_zeropage(kernel, page)
        if page != folio:
            folio_put(kernel, page)
    return True


def unmap_folio(kernel: Kernel, folio: int) -> None:
    """Let every address space map the folio by PTEs.

    Locks expected: the page lock. Takes PMD locks. (The kernel's puts migration entries in their place.)
    """
    for vma, table, index in rmap_walk_pmd(kernel, folio):
        __split_huge_pmd(vma, (table, index), vma_address(vma, kernel.mem_map.index[folio]))


def __split_folio_to_order_0(kernel: Kernel, folio: int, page: int) -> None:
    """Make one page of a folio, the last ones first, a folio of its own with one reference too many.

    Locks expected: the page lock.
    """
    mem_map = kernel.mem_map
    mapcount = mem_map.mapcount[page]
    if page == folio:
        mem_map.flags[folio] &= ~_OF_THE_FOLIO_ONLY
        mem_map.order[folio] = 0
        mem_map.large_mapcount[folio] = 0
        mem_map.nr_pages_mapped[folio] = 0
    else:
        own = mem_map.flags[page] & ~PG_tail
        mem_map.flags[page] = own | mem_map.flags[folio] & ~(_OF_THE_FOLIO_ONLY | _NOT_INHERITED)
        mem_map.private[page] = 0
        mem_map.memcg_data[page] = mem_map.memcg_data[folio]
        mem_map.compound_head[page] = page
        folio_add_lru(kernel, page)
    # One for each entry that maps it, and one of ours: a page that no entry maps is freed with that one.
    mem_map.refcount[page] = mapcount + 1


def try_to_map_unused_to_zeropage(kernel: Kernel, page: int) -> None:
    """Map the zero page in place of a page of zeros: RSS falls. Locked memory keeps its pages.

    Locks expected: the page lock. (The kernel also holds the PTE lock.)
    """
    for vma, table, index in rmap_walk(kernel, page):
        # mlock() promises that the memory is there: a write must not have to wait for a page.
        if vma.vm_flags & VM_LOCKED:
            continue
        # The mark of userfaultfd stays: only contents are replaced, by equal ones.
        set_pte_at(table, index, zero_pte(vma) | table[index] & _PAGE_UFFD_WP)
        folio_remove_rmap_ptes(kernel, page, 1, vma.mm)
        vma.mm.rss -= 1
        folio_put(kernel, page)
