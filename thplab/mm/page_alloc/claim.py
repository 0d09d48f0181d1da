"""May a pageblock change its type: what all ways to fall back ask (mm/page_alloc.c, 6.18).

The rules are the same in 6.1 and 6.12.
"""

from __future__ import annotations

from thplab.mm.include.gfp import MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_empty
from thplab.mm.include.mmzone import (
    Zone,
    free_list,
    get_pageblock_migratetype,
    pageblock_end_pfn,
    pageblock_start_pfn,
    set_pageblock_migratetype,
)
from thplab.mm.include.page import PG_buddy, PG_lru
from thplab.mm.page_alloc.buddy import account_freepages, del_page_from_free_list, expand
from thplab.mm.page_alloc.flags import ALLOC_KSWAPD, ALLOC_NOFRAGMENT
from thplab.mm.page_alloc.watermark import boost_watermark
from thplab.mm.trace import scan_pfn, trace

#: From which types a request of each type may take, the first choice first.
FALLBACKS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}


def find_suitable_fallback(
    kernel: Kernel, zone: Zone, order: int, migratetype: int, *, claimable: bool
) -> int | None:
    """The type (int) whose list of this order could serve the request; None: none.

    ``claimable``: only if a whole pageblock may be claimed for it.
    Locks expected: zone->lock in the kernel; compaction asks without it.
    """
    if claimable and not should_try_claim_block(kernel, order, migratetype):
        return None
    links = kernel.mem_map.links
    for fallback in FALLBACKS[migratetype]:
        if not list_empty(links, free_list(zone, order, fallback)):
            return fallback
    return None


def should_try_claim_block(kernel: Kernel, order: int, migratetype: int) -> bool:
    """May a pageblock be claimed for the sake of a block of this order?

    Movable pages need not keep others out, so for them half a pageblock's order is asked for.
    """
    # A block of this size leaves few pages of the old type behind.
    half = order >= kernel.mem_map.pageblock_order // 2
    return half or migratetype in (MIGRATE_UNMOVABLE, MIGRATE_RECLAIMABLE)


def lowest_fallback_order(kernel: Kernel, order: int, alloc_flags: int) -> int:
    """The smallest order (int) of a block that a request may take from another type."""
    # Only whole pageblocks change hands then: nothing is mixed.
    return max(order, kernel.mem_map.pageblock_order) if alloc_flags & ALLOC_NOFRAGMENT else order


def take_pageblocks(
    kernel: Kernel, zone: Zone, page: int, order: int, current_order: int, migratetype: int
) -> int:
    """Take a block of whole pageblocks: they all get the wanted type, and the rest of them stays free.

    Returns struct page *.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    del_page_from_free_list(kernel, zone, page, current_order)
    for each in range(page, page + (1 << current_order), 1 << mem_map.pageblock_order):
        set_pageblock_migratetype(mem_map, each, migratetype)
    expand(kernel, zone, page, order, current_order, migratetype)
    account_freepages(kernel, zone, -(1 << order))
    return page


def boost_for_fallback(kernel: Kernel, zone: Zone, alloc_flags: int) -> None:
    """Types are about to mix: kswapd should make room, so that the next request finds a block of its own.

    Locks expected: zone->lock in the kernel.
    """
    # A request that may not wake kswapd leaves the raised marks for another one.
    if boost_watermark(kernel, zone) and alloc_flags & ALLOC_KSWAPD:
        zone.boosted = True


def block_in_zone(kernel: Kernel, zone: Zone, page: int) -> tuple[int, int] | None:
    """The pageblock of the page, its first page and the one behind it (indices in mem_map).

    None: the zone has only a part of it. Then it never changes its type (prep_move_freepages_block); only up
    to 6.1 one at the zone's start may, and it is counted from ``page`` on.
    """
    pfn = page + kernel.mem_map.start_pfn
    first, end = pageblock_start_pfn(kernel, pfn), pageblock_end_pfn(kernel, pfn)
    if end > zone.zone_end_pfn:
        return None
    if first < zone.zone_start_pfn:
        if not kernel.profile.fallback_moves_free_pages:
            return None
        first = pfn
    return first - kernel.mem_map.start_pfn, end - kernel.mem_map.start_pfn


def enough_fits(kernel: Kernel, block: tuple[int, int], migratetype: int, fallback: int) -> bool:
    """Would at least half of the pageblock fit the new type: is it free, or used by pages that are alike?

    Or the type would be wrong about most of its pages.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    each, end = block
    free = movable = 0
    while each < end:
        if mem_map.flags[each] & PG_buddy:
            free += 1 << mem_map.order[each]
            each += 1 << mem_map.order[each]
        else:
            # On the LRU means user memory, and that can be moved.
            movable += bool(mem_map.flags[mem_map.compound_head[each]] & PG_lru)
            each += 1
    if migratetype == MIGRATE_MOVABLE:
        alike = movable
    else:
        # What is not movable in a movable block has strayed there, as this request is about to. In a block of
        # the other kind nobody knows which of the two a page is: none counts.
        alike = (1 << mem_map.pageblock_order) - free - movable if fallback == MIGRATE_MOVABLE else 0
    return free + alike >= 1 << (mem_map.pageblock_order - 1)


def trace_extfrag(kernel: Kernel, page: int, order: int, found: int, wanted: int, fallback: int) -> None:
    """trace_mm_page_alloc_extfrag: a request got a page of another type."""
    trace(
        kernel,
        "mm_page_alloc_extfrag",
        pfn=scan_pfn(kernel, page),
        alloc_order=order,
        fallback_order=found,
        pageblock_order=kernel.mem_map.pageblock_order,
        alloc_migratetype=wanted,
        fallback_migratetype=fallback,
        fragmenting=found < kernel.mem_map.pageblock_order,
        change_ownership=get_pageblock_migratetype(kernel.mem_map, page) == wanted,
    )
