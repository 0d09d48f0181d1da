"""The buddy allocator: free blocks of 2^order pages that split and join (mm/page_alloc.c).

A free block is on the list of its order; its first page carries PG_buddy and the order. The
buddy of a block is found by flipping one bit of its pfn, which is why every block is aligned to
its own size: physically, too, a 2 MiB page begins at a multiple of 2 MiB.

Mirrors __rmqueue_smallest, expand and __free_one_page of 6.18 for one zone and one migrate type;
watermarks, fallback and the per-CPU lists are not modelled (docs/fidelity.md).
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from thplab.mm.errors import KernelBug
from thplab.mm.gfp import GFP_COMP, GFP_ZERO
from thplab.mm.list import INIT_LIST_HEAD, list_add, list_add_tail, list_del, list_empty, list_for_each
from thplab.mm.page import (
    PAGE_POISON,
    VMEMMAP_START,
    PG_buddy,
    PG_head,
    PG_large_rmappable,
    PG_reserved,
    PG_tail,
    page_to_pfn,
)
from thplab.mm.state import Column, Struct
from thplab.mm.vmstat import count_vm_event

if TYPE_CHECKING:
    from thplab.mm.page import MemMap
    from thplab.mm.system import Kernel

__all__ = [
    "Zone",
    "__alloc_pages",
    "__folio_alloc",
    "__free_pages",
    "folio_put",
    "free_blocks",
    "page_address",
]


class Zone(Struct):
    """One zone: pages ``0 .. spanned_pages-1``; ``nr_free[order]`` blocks are free (u64)."""

    __slots__ = ("max_order", "name", "nr_free", "spanned_pages")
    name: str
    spanned_pages: int
    max_order: int
    nr_free: Column

    def __init__(self, name: str, spanned_pages: int, max_order: int) -> None:
        """A zone none of whose pages is free yet."""
        self.name = name
        self.spanned_pages = spanned_pages
        self.max_order = max_order
        self.nr_free = Column("Q", max_order + 1, f"zone {name} nr_free")


def free_area(mem_map: MemMap, order: int) -> int:
    """The list head of the free blocks of ``order``."""
    return mem_map.nr_frames + order


def free_blocks(kernel: Kernel, order: int) -> list[int]:
    """First pages of the free blocks of ``order``, in list order: the next one to go is first."""
    return list(list_for_each(kernel.mem_map.links, free_area(kernel.mem_map, order)))


def memmap_init_zone(kernel: Kernel) -> None:
    """At boot: give all pages of the zone to the allocator, lowest first, in the largest blocks."""
    mem_map, zone = kernel.mem_map, kernel.zone
    for order in range(zone.max_order + 1):
        INIT_LIST_HEAD(mem_map.links, free_area(mem_map, order))
    page = 0
    while page < zone.spanned_pages:
        pfn = page_to_pfn(mem_map, page)
        order = zone.max_order
        while pfn & ((1 << order) - 1) or page + (1 << order) > zone.spanned_pages:
            order -= 1
        _add_to_free_list(kernel, page, order, tail=True)
        count_vm_event(kernel, "nr_free_pages", 1 << order)
        page += 1 << order


def _add_to_free_list(kernel: Kernel, page: int, order: int, *, tail: bool) -> None:
    mem_map = kernel.mem_map
    mem_map.order[page] = order
    mem_map.flags[page] |= PG_buddy
    (list_add_tail if tail else list_add)(mem_map.links, page, free_area(mem_map, order))
    kernel.zone.nr_free[order] += 1


def _del_page_from_free_list(kernel: Kernel, page: int, order: int) -> None:
    mem_map = kernel.mem_map
    list_del(mem_map.links, page)
    mem_map.flags[page] &= ~PG_buddy
    mem_map.order[page] = 0
    kernel.zone.nr_free[order] -= 1


def __rmqueue_smallest(kernel: Kernel, order: int) -> int | None:
    """Take the first block of the smallest order that is large enough; None if there is none."""
    mem_map = kernel.mem_map
    for current_order in range(order, kernel.zone.max_order + 1):
        head = free_area(mem_map, current_order)
        if list_empty(mem_map.links, head):
            continue
        page: int = mem_map.lru_next[head]
        _del_page_from_free_list(kernel, page, current_order)
        expand(kernel, page, order, current_order)
        return page
    return None


def expand(kernel: Kernel, page: int, low: int, high: int) -> None:
    """Halve a block of order ``high`` until it has order ``low``: each upper half goes back."""
    while high > low:
        high -= 1
        _add_to_free_list(kernel, page + (1 << high), high, tail=False)


def __alloc_pages(kernel: Kernel, gfp: int, order: int) -> int | None:
    """Allocate 2^``order`` pages with one reference; the first page, or None (C: NULL).

    Locks expected: none. No reclaim and no compaction are modelled: what is not on the free
    lists is not to be had, whatever ``gfp`` allows.
    """
    page = __rmqueue_smallest(kernel, order)
    if page is None:
        return None
    count_vm_event(kernel, "pgalloc", 1 << order)
    count_vm_event(kernel, "nr_free_pages", -(1 << order))
    prep_new_page(kernel, page, order, gfp)
    return page


def prep_new_page(kernel: Kernel, page: int, order: int, gfp: int) -> None:
    """First reference; zero the contents if asked to; make a compound page if asked to."""
    mem_map = kernel.mem_map
    mem_map.refcount[page] = 1
    if gfp & GFP_ZERO:
        mem_map.contents[page : page + (1 << order)] = array("I", bytes(4 << order))
    if order and gfp & GFP_COMP:
        mem_map.flags[page] |= PG_head
        mem_map.order[page] = order
        tails = (1 << order) - 1
        mem_map.flags[page + 1 : page + 1 + tails] = array("I", [PG_tail]) * tails
        mem_map.compound_head[page : page + (1 << order)] = array("I", [page]) * (1 << order)


def __folio_alloc(kernel: Kernel, gfp: int, order: int, node: int, nodemask: int) -> int | None:
    """Allocate a folio of 2^``order`` pages; its first page, or None.

    ``node`` and ``nodemask`` (nodes allowed, one bit each) are those of a machine with one node.
    """
    page = __alloc_pages(kernel, gfp | GFP_COMP, order)
    if page is None:
        return None
    return page_rmappable_folio(kernel, page)


def page_rmappable_folio(kernel: Kernel, page: int) -> int:
    """Make an allocated page a folio that can be mapped (before 6.6: prep_transhuge_page)."""
    if kernel.mem_map.flags[page] & PG_head:
        kernel.mem_map.flags[page] |= PG_large_rmappable
    return page


def page_address(kernel: Kernel, page: int) -> int:
    """The ``struct page *`` of a page, as gdb prints it (no address randomisation)."""
    return VMEMMAP_START + 64 * page_to_pfn(kernel.mem_map, page)


def folio_put(kernel: Kernel, folio: int, nr: int = 1) -> None:
    """Drop ``nr`` references; with the last one the folio is freed."""
    mem_map = kernel.mem_map
    refcount = mem_map.refcount[folio] - nr
    if refcount < 0:
        raise KernelBug(f"folio_put: page {folio} has {refcount + nr} references, dropping {nr}")
    mem_map.refcount[folio] = refcount
    if refcount == 0:
        __free_pages(kernel, folio, mem_map.order[folio])


def __free_pages(kernel: Kernel, page: int, order: int) -> None:
    """Give 2^``order`` unreferenced pages back: reset them, fill them with junk, join buddies."""
    mem_map = kernel.mem_map
    if mem_map.flags[page] & (PG_buddy | PG_reserved) or mem_map.refcount[page]:
        raise KernelBug(f"__free_pages: page {page} is free, reserved or still in use")
    _free_pages_prepare(mem_map, page, order)
    count_vm_event(kernel, "pgfree", 1 << order)
    count_vm_event(kernel, "nr_free_pages", 1 << order)
    __free_one_page(kernel, page, order)


def _free_pages_prepare(mem_map: MemMap, page: int, order: int) -> None:
    end = page + (1 << order)
    if any(mem_map.mapcount[page:end]) or mem_map.entire_mapcount[page]:
        raise KernelBug(f"free_pages_prepare: page {page} is still mapped")
    mem_map.flags[page:end] = array("I", bytes(4 << order))
    mem_map.mapping[page:end] = array("I", bytes(4 << order))
    mem_map.index[page:end] = array("Q", bytes(8 << order))
    mem_map.private[page:end] = array("Q", bytes(8 << order))
    mem_map.order[page] = 0
    mem_map.compound_head[page:end] = array("I", range(page, end))
    mem_map.contents[page:end] = array("I", [PAGE_POISON]) * (1 << order)


def __free_one_page(kernel: Kernel, page: int, order: int) -> None:
    """Join the block with its buddy as long as the buddy is free, then put it on a list."""
    while order < kernel.zone.max_order:
        buddy = _find_buddy(kernel, page, order)
        if buddy is None:
            break
        _del_page_from_free_list(kernel, buddy, order)
        page = min(page, buddy)
        order += 1
    _add_to_free_list(kernel, page, order, tail=_buddy_merge_likely(kernel, page, order))


def _find_buddy(kernel: Kernel, page: int, order: int) -> int | None:
    """The free block of the same order that ``page`` can join with (find_buddy_page_pfn)."""
    mem_map = kernel.mem_map
    buddy = ((page + mem_map.start_pfn) ^ (1 << order)) - mem_map.start_pfn
    if not 0 <= buddy < kernel.zone.spanned_pages:
        return None
    free = mem_map.flags[buddy] & PG_buddy and mem_map.order[buddy] == order
    return buddy if free else None


def _buddy_merge_likely(kernel: Kernel, page: int, order: int) -> bool:
    """True if the parent's buddy is free: kept at the tail, the block may soon join further."""
    if order >= kernel.zone.max_order - 1:
        return False
    start = kernel.mem_map.start_pfn
    parent = ((page + start) & ~(1 << order)) - start
    return parent >= 0 and _find_buddy(kernel, parent, order + 1) is not None
