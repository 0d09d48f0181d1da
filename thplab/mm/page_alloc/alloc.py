"""Getting pages and giving them back (mm/page_alloc.c, 6.18).

    __alloc_pages            fast path: the free lists of the allowed zones, down to the low mark
     get_page_from_freelist  zone by zone: enough left? then a block from the lists
    __alloc_pages_slowpath   (page_alloc/slowpath.py) wake kswapd, compact, reclaim, try again
    __free_pages             back to the per-CPU or the buddy lists

The lists themselves are in page_alloc/buddy.py, what happens when those of the wanted kind are empty in
page_alloc/fallback.py, the reserves in page_alloc/watermark.py, the per-CPU lists in page_alloc/pcp.py.
"""

from __future__ import annotations

from array import array

from thplab.mm.huge_memory.deferred import folio_unqueue_deferred_split
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.gfp import (
    GFP_COMP,
    GFP_KSWAPD_RECLAIM,
    GFP_ZERO,
    MIGRATE_UNMOVABLE,
    gfp_migratetype,
    gfp_zone,
)
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_del
from thplab.mm.include.mmzone import ZONE_NAMES, Zone, get_pageblock_migratetype, page_zone
from thplab.mm.include.page import (
    PAGE_POISON,
    VMEMMAP_START,
    MemMap,
    PG_buddy,
    PG_head,
    PG_large_rmappable,
    PG_reserved,
    PG_tail,
    page_to_pfn,
)
from thplab.mm.memcontrol import mem_cgroup_uncharge
from thplab.mm.page_alloc.buddy import __free_one_page, free_blocks
from thplab.mm.page_alloc.fallback import __rmqueue
from thplab.mm.page_alloc.flags import ALLOC_KSWAPD, ALLOC_NOFRAGMENT, ALLOC_WMARK_LOW, ALLOC_WMARK_MIN
from thplab.mm.page_alloc.pcp import free_frozen_page_commit, pcp_allowed_order, rmqueue_pcplist
from thplab.mm.page_alloc.watermark import low_wmark_pages, min_wmark_pages, zone_watermark_ok
from thplab.mm.vmstat import count_vm_event

__all__ = [
    "ALLOC_NOFRAGMENT",
    "ALLOC_WMARK_LOW",
    "ALLOC_WMARK_MIN",
    "__alloc_pages",
    "__folio_alloc",
    "__free_pages",
    "folio_put",
    "free_blocks",
    "get_page_from_freelist",
    "highest_zoneidx",
    "page_address",
    "prep_new_page",
    "zonelist",
]

_ZONE_RANK = {name: rank for rank, name in enumerate(ZONE_NAMES)}


def zonelist(kernel: Kernel, gfp: int) -> tuple[Zone, ...]:
    """The zones (struct zonelist *) that a request may use, the preferred (highest) one first."""
    node = kernel.node
    # A machine of the model may keep page tables outside the zones, so that they do not disturb an
    # exercise.
    if node.kernel_zone is not None and gfp_migratetype(gfp) == MIGRATE_UNMOVABLE and not gfp & GFP_COMP:
        return (node.kernel_zone,)
    return node.zonelists[_ZONE_RANK[gfp_zone(gfp)]]


def highest_zoneidx(kernel: Kernel, gfp: int) -> int:
    """Number (enum zone_type) of the highest zone that a request may use.

    Zone Movable, which is empty, comes behind all.
    """
    return len(kernel.node.zones) if gfp_zone(gfp) == "Movable" else zonelist(kernel, gfp)[0].index


def wmark_pages(zone: Zone, alloc_flags: int) -> int:
    """The mark (unsigned long, pages) that ``alloc_flags`` name, with what fragmentation adds to it."""
    return low_wmark_pages(zone) if alloc_flags & ALLOC_WMARK_LOW else min_wmark_pages(zone)


def get_page_from_freelist(kernel: Kernel, gfp: int, order: int, alloc_flags: int) -> int | None:
    """A block from the first allowed zone that stays above its mark; not yet prepared. None (C: NULL): none.

    ``order``: unsigned int; ``alloc_flags``: ALLOC_*.
    Locks expected: none. Takes zone->lock or the lock of the per-CPU lists in the kernel.
    """
    zones = zonelist(kernel, gfp)
    for zone in zones:
        # Without the lock: the answer may be out of date a moment later, the reserve is not exact.
        if zone_watermark_ok(kernel, zone, order, wmark_pages(zone, alloc_flags), zones[0].index):
            page = rmqueue(kernel, zone, gfp, order, alloc_flags)
            if page is not None:
                return page
    # Better a mixed pageblock than no page: all zones once more, without the restriction.
    if alloc_flags & ALLOC_NOFRAGMENT:
        return get_page_from_freelist(kernel, gfp, order, alloc_flags & ~ALLOC_NOFRAGMENT)
    return None


def rmqueue(kernel: Kernel, zone: Zone, gfp: int, order: int, alloc_flags: int) -> int | None:
    """Take a block from the per-CPU list of its order, if there is one, else from the buddy lists.

    Locks expected: none. Takes the lock of the per-CPU lists, or zone->lock, in the kernel.
    """
    migratetype = gfp_migratetype(gfp)
    if gfp & GFP_KSWAPD_RECLAIM:
        alloc_flags |= ALLOC_KSWAPD
    from_pcp = zone.pcp.high and pcp_allowed_order(kernel, order)
    take = rmqueue_pcplist if from_pcp else __rmqueue
    page = take(kernel, zone, order, migratetype, alloc_flags)
    # A fallback has raised the marks under zone->lock; kswapd is woken after the release.
    if zone.boosted and alloc_flags & ALLOC_KSWAPD:
        zone.boosted = False
        kernel.wakeup_kswapd(kernel, 0, 0, zone.index)
    return page


def __alloc_pages(kernel: Kernel, gfp: int, order: int) -> int | None:
    """Allocate 2^``order`` pages with one reference; the first page, or None (C: NULL).

    ``gfp`` (gfp_t) says where the pages may come from, how hard to try and which daemons may be woken.
    Returns struct page *.
    Kernel name: __alloc_pages_noprof (6.18).
    Locks expected: none; with DIRECT_RECLAIM the task may sleep.
    """
    zones = zonelist(kernel, gfp)
    # A machine with more than one zone rather takes from another zone than mix types in this one.
    nofragment = ALLOC_NOFRAGMENT if zones[0].index and zones[0].name == "Normal" else 0
    # Down to the low mark only: what is between low and min is for requests that have woken kswapd first.
    page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_LOW | nofragment)
    if page is None:
        page = kernel.slowpath(kernel, gfp, order)
        if page is None:
            return None
    count_vm_event(kernel, "pgalloc", 1 << order)
    prep_new_page(kernel, page, order, gfp)
    return page


def prep_new_page(kernel: Kernel, page: int, order: int, gfp: int) -> None:
    """First reference; zero the contents if asked to; make a compound page if asked to.

    ``page``: struct page *, off all lists.
    Locks expected: none; nobody else knows the page.
    """
    mem_map = kernel.mem_map
    # One count for the whole block: the tail pages of a compound page have none of their own.
    mem_map.refcount[page] = 1
    if gfp & GFP_ZERO:
        mem_map.contents[page : page + (1 << order)] = array("I", bytes(4 << order))
    # Otherwise these are 2^order single pages, which only their owner knows to belong together.
    if order and gfp & GFP_COMP:
        mem_map.flags[page] |= PG_head
        mem_map.order[page] = order
        tails = (1 << order) - 1
        mem_map.flags[page + 1 : page + 1 + tails] = array("I", [PG_tail]) * tails
        mem_map.compound_head[page : page + (1 << order)] = array("I", [page]) * (1 << order)


def __folio_alloc(kernel: Kernel, gfp: int, order: int, node: int, nodemask: int) -> int | None:
    """Allocate a folio of 2^``order`` pages; its first page (struct folio *), or None (C: NULL).

    ``node`` (int) and ``nodemask`` (nodemask_t *, nodes allowed, one bit each) are those of a machine
    with one node.
    Locks expected: none.
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
    """Drop ``nr`` references; with the last one the folio leaves its LRU list and is freed.

    ``folio``: struct folio *. Raises KernelBug if there are fewer references.
    Locks expected: neither zone->lock nor lruvec->lru_lock: the last reference takes both in the kernel.
    """
    mem_map = kernel.mem_map
    refcount = mem_map.refcount[folio] - nr
    if refcount < 0:
        raise KernelBug(f"folio_put: page {folio} has {refcount + nr} references, dropping {nr}")
    mem_map.refcount[folio] = refcount
    if refcount == 0:
        # Before the pages can be reused: the queue is a list through the folio itself.
        folio_unqueue_deferred_split(kernel, folio)
        # On a list: a folio that is mapped no more may still be on the LRU.
        if mem_map.lru_next[folio] != folio:
            list_del(mem_map.links, folio)
        __free_pages(kernel, folio, mem_map.order[folio])


def __free_pages(kernel: Kernel, page: int, order: int) -> None:
    """Give 2^``order`` unreferenced pages back: reset them, fill them with junk, join buddies.

    ``page``: struct page *. Raises KernelBug for pages that are free, reserved, mapped or referenced. The
    junk is what a kernel with page_poison=1 writes, so that a use after free shows.
    Locks expected: none. Takes the lock of the per-CPU lists, or zone->lock, in the kernel.
    """
    mem_map = kernel.mem_map
    if mem_map.flags[page] & (PG_buddy | PG_reserved) or mem_map.refcount[page]:
        raise KernelBug(f"__free_pages: page {page} is free, reserved or still in use")
    # The group that was charged, not that of the task that frees.
    if mem_map.memcg_data[page]:
        mem_cgroup_uncharge(kernel, page, 1 << order)
    _free_pages_prepare(mem_map, page, order)
    count_vm_event(kernel, "pgfree", 1 << order)
    zone = page_zone(kernel, page)
    if zone.pcp.high and pcp_allowed_order(kernel, order):
        free_frozen_page_commit(kernel, zone, page, order)
    else:
        # By the type of the pageblock, not of the request that once took the page.
        __free_one_page(kernel, zone, page, order, get_pageblock_migratetype(mem_map, page))


def _free_pages_prepare(mem_map: MemMap, page: int, order: int) -> None:
    """free_pages_prepare: no trace of the last owner stays. Raises KernelBug if the pages are mapped."""
    end = page + (1 << order)
    if not order and not mem_map.mapcount[page] and not mem_map.entire_mapcount[page]:
        # By far the most frequent case.
        mem_map.flags[page] = mem_map.mapping[page] = mem_map.index[page] = mem_map.private[page] = 0
        mem_map.order[page] = 0
        mem_map.compound_head[page] = page
        mem_map.contents[page] = PAGE_POISON
        return
    if any(mem_map.mapcount[page:end]) or mem_map.entire_mapcount[page]:
        raise KernelBug(f"free_pages_prepare: page {page} is still mapped")
    mem_map.flags[page:end] = array("I", bytes(4 << order))
    mem_map.mapping[page:end] = array("I", bytes(4 << order))
    mem_map.index[page:end] = array("Q", bytes(8 << order))
    mem_map.private[page:end] = array("Q", bytes(8 << order))
    mem_map.order[page] = 0
    mem_map.compound_head[page:end] = array("I", range(page, end))
    mem_map.contents[page:end] = array("I", [PAGE_POISON]) * (1 << order)
