"""Same-page merging: pages with equal contents become one (mm/ksm.c, 6.18), without its trees.

A merged page is read-only and counts as shared, also when all its mappings lie in one process.
"""

from __future__ import annotations

from collections.abc import Iterator

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mm_types import VM_MERGEABLE, Vma
from thplab.mm.include.page import (
    PG_anon,
    PG_anon_exclusive,
    PG_head,
    PG_ksm,
    folio_get,
    page_to_pfn,
    pfn_to_page,
)
from thplab.mm.include.pgtable import (
    _PAGE_DIRTY,
    _PAGE_RW,
    PTE_PFN_MASK,
    entry_pfn,
    mm_find_pmd,
    pmd_table_page,
    pmd_trans_huge,
    pte_index,
    pte_present,
    set_pte_at,
)
from thplab.mm.include.state import Column
from thplab.mm.page_alloc.alloc import folio_put
from thplab.mm.rmap.mapcount import folio_add_anon_rmap_ptes, folio_remove_rmap_ptes

#: Mappings of one merged page (ksm/max_page_sharing); then the next page of that content is begun.
MAX_PAGE_SHARING = 256


def ksm_scan(kernel: Kernel) -> int:
    """ksmd goes through all mergeable memory until nothing is left to merge; how many PTEs it changed.

    Locks expected: none. (The kernel takes mmap_lock for reading, page and PTE locks; here no task runs
    in between.)
    """
    first: dict[int, tuple[Vma, Column, int]] = {}
    stable: dict[int, int] = {}
    merged = 0
    for vma, table, index in _mergeable_ptes(kernel):
        contents = kernel.mem_map.contents[pfn_to_page(kernel.mem_map, entry_pfn(table[index]))]
        # The unstable tree: a page that may still change, remembered until another one equals it.
        if contents not in first:
            first[contents] = vma, table, index
            continue
        # The first of two equal pages is kept, the second is given up.
        if contents not in stable:
            stable[contents] = _make_ksm_page(kernel, *first[contents])
        # The reverse map of one page must not become too long to walk.
        elif kernel.mem_map.mapcount[stable[contents]] >= MAX_PAGE_SHARING:
            stable[contents] = _make_ksm_page(kernel, vma, table, index)
            continue
        replace_page(vma, table, index, stable[contents])
        merged += 1
    return merged


def _mergeable_ptes(kernel: Kernel) -> Iterator[tuple[Vma, Column, int]]:
    """The PTEs of small anonymous pages in memory under MADV_MERGEABLE."""
    page_size = kernel.geometry.PAGE_SIZE
    for vma in (vma for mm in kernel.mms for vma in mm.vmas if vma.vm_flags & VM_MERGEABLE):
        for address in range(vma.vm_start, vma.vm_end, page_size):
            ref = mm_find_pmd(vma.mm, address)
            # The kernel's ksmd splits a huge page for an equal base page; the model's passes it over.
            if ref is None or not ref[0][ref[1]] or pmd_trans_huge(ref[0][ref[1]]):
                continue
            table, index = kernel.tables[pmd_table_page(kernel, ref[0][ref[1]])], pte_index(kernel, address)
            if pte_present(table[index]) and _can_merge(kernel, table[index]):
                yield vma, table, index


def _can_merge(kernel: Kernel, pte: int) -> bool:
    """A small anonymous page that only this entry maps and nothing else holds."""
    mem_map = kernel.mem_map
    page = pfn_to_page(mem_map, entry_pfn(pte))
    small = mem_map.flags[page] & PG_anon and not mem_map.flags[mem_map.compound_head[page]] & PG_head
    # With a pin the page may be changed by a device, without any entry being writable.
    return bool(small) and mem_map.mapcount[page] == 1 == mem_map.refcount[page]


def _make_ksm_page(kernel: Kernel, vma: Vma, table: Column, index: int) -> int:
    """The page behind an entry becomes a merged page with one mapping (write_protect_page).

    Locks expected: none. (The kernel takes mmap_lock for reading, the page lock and the PTE lock.)
    """
    mem_map = kernel.mem_map
    page = pfn_to_page(mem_map, entry_pfn(table[index]))
    # Read-only before it is shared: a write from now on faults, and copies.
    set_pte_at(table, index, table[index] & ~(_PAGE_RW | _PAGE_DIRTY))
    mem_map.flags[page] = mem_map.flags[page] & ~PG_anon_exclusive | PG_ksm
    # It belongs to no anon_vma any more: its mappings can be in any process.
    mem_map.mapping[page] = 0
    return page


def replace_page(vma: Vma, table: Column, index: int, ksm_page: int) -> None:
    """Let an entry map the merged page, read-only, and free its own.

    ``table``: pte_t[512]; ``ksm_page``: struct page *.
    Locks expected: none. (The kernel takes mmap_lock for reading, the page lock and the PTE lock.)
    """
    kernel = vma.mm.kernel
    mem_map, pte = kernel.mem_map, table[index]
    old = pfn_to_page(mem_map, entry_pfn(pte))
    # The new page's reference first: it must not go while the entry is changed.
    folio_get(mem_map, ksm_page)
    folio_add_anon_rmap_ptes(kernel, ksm_page, 1, vma)
    pfn = page_to_pfn(mem_map, ksm_page)
    set_pte_at(table, index, pte & ~(PTE_PFN_MASK | _PAGE_RW | _PAGE_DIRTY) | pfn << 12)
    folio_remove_rmap_ptes(kernel, old, 1, vma.mm)
    # The entry was its only user: the page is freed, which is what all this is for.
    folio_put(kernel, old)
