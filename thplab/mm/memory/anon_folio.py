"""Sizes between 4 KiB and 2 MiB at a fault: mTHP (alloc_anon_folio of mm/memory.c, 6.18)."""

from __future__ import annotations

from thplab.mm.huge_memory.policy import thp_vma_allowable_mthp_orders, vma_thp_gfp_mask
from thplab.mm.include.gfp import GFP_ZERO
from thplab.mm.include.huge_mm import TvaType, highest_order
from thplab.mm.include.mm_types import VM_WRITE, Vma
from thplab.mm.include.page import folio_ref_add, page_to_pfn
from thplab.mm.include.pgtable import mk_pte, set_pte_at
from thplab.mm.include.state import Column
from thplab.mm.include.userfaultfd_k import userfaultfd_armed
from thplab.mm.memcontrol import mem_cgroup_charge
from thplab.mm.page_alloc.alloc import __folio_alloc, folio_put
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import folio_add_new_anon_rmap
from thplab.mm.swap import folio_add_lru_vma


def alloc_anon_folio(vma: Vma, table: Column, index: int, address: int) -> tuple[int, int] | None:
    """A zeroed, charged folio for a write fault and its order; None: let it be a base page.

    The largest enabled order whose aligned block lies in the VMA and has no entry yet; where memory
    or the cgroup does not allow it, the next smaller one. ``table``: pte_t[512]; ``index`` in it of
    ``address`` (unsigned long, page aligned). 6.1 has no such sizes.
    Locks expected: the PTE lock. (The kernel takes it only after the allocation, and then checks again.)
    """
    kernel = vma.mm.kernel
    # A handler is asked for each page that is missing: none may appear unasked.
    orders = 0 if userfaultfd_armed(vma) else thp_vma_allowable_mthp_orders(vma, TvaType.PAGEFAULT)
    while orders:
        order = highest_order(orders)
        first = index >> order << order
        start = address - (index - first) * kernel.geometry.PAGE_SIZE
        fits = vma.vm_start <= start and start + (kernel.geometry.PAGE_SIZE << order) <= vma.vm_end
        # One entry in use is enough to refuse the block: a folio is mapped at its own place or not at all.
        if fits and not any(table[first : first + (1 << order)]):
            folio = __folio_alloc(kernel, vma_thp_gfp_mask(vma) | GFP_ZERO, order, 0, 1)
            if folio is not None and mem_cgroup_charge(kernel, folio, vma.mm):
                return folio, order
            # No room in the cgroup for this many pages: perhaps for fewer.
            if folio is not None:
                folio_put(kernel, folio)
        orders &= ~(1 << order)
    return None


def map_anon_folio_ptes(vma: Vma, table: Column, index: int, address: int, folio: int, order: int) -> None:
    """Map a new folio by consecutive PTEs, all young, dirty and writable.

    ``table``: pte_t[512]; ``index`` in it of ``address``; ``order``: log2 of the folio's pages.
    Locks expected: the PTE lock.
    """
    mm = vma.mm
    kernel = mm.kernel
    first = index >> order << order
    anon_vma_prepare(vma)
    # One reference for each entry; the allocation's becomes that of the first.
    folio_ref_add(kernel.mem_map, folio, (1 << order) - 1)
    folio_add_new_anon_rmap(kernel, folio, vma, address - (index - first) * kernel.geometry.PAGE_SIZE)
    folio_add_lru_vma(kernel, folio, vma)
    mm.rss += 1 << order
    pfn, write = page_to_pfn(kernel.mem_map, folio), bool(vma.vm_flags & VM_WRITE)
    # After the counts: a page that can be reached always has its mapping counted.
    for each in range(1 << order):
        set_pte_at(table, first + each, mk_pte(pfn + each, write=write, dirty=True, young=True))
