"""What happens when the lists of the wanted type are empty (mm/page_alloc.c, 6.18).

First a whole pageblock is claimed for the wanted type, which keeps types apart; only then a single
block is stolen, which mixes them: the beginning of fragmentation that compaction can't undo.
"""

from __future__ import annotations

from thplab.mm.include.gfp import MIGRATE_MOVABLE, MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_empty
from thplab.mm.include.mmzone import (
    Zone,
    default_migratetype,
    free_list,
    get_pageblock_migratetype,
    pageblock_end_pfn,
    pageblock_start_pfn,
    set_pageblock_migratetype,
)
from thplab.mm.include.page import PG_buddy, PG_lru
from thplab.mm.page_alloc.buddy import (
    __rmqueue_smallest,
    account_freepages,
    del_page_from_free_list,
    expand,
    move_freepages_block,
)
from thplab.mm.page_alloc.watermark import boost_watermark
from thplab.mm.trace import scan_pfn, trace

#: From which types a request of each type may take, the first choice first.
FALLBACKS = {
    MIGRATE_UNMOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_MOVABLE),
    MIGRATE_MOVABLE: (MIGRATE_RECLAIMABLE, MIGRATE_UNMOVABLE),
    MIGRATE_RECLAIMABLE: (MIGRATE_UNMOVABLE, MIGRATE_MOVABLE),
}


def __rmqueue(kernel: Kernel, zone: Zone, order: int, migratetype: int, *, nofragment: bool) -> int | None:
    """A block of the wanted type, else a claimed pageblock, else (unless ``nofragment``) a stolen block.

    ``order``: unsigned int; returns struct page *, None: NULL.
    Locks expected: zone->lock in the kernel.
    """
    migratetype = default_migratetype(kernel, migratetype)
    page = __rmqueue_smallest(kernel, zone, order, migratetype)
    if page is None and kernel.memory.group_by_mobility:
        page = __rmqueue_claim(kernel, zone, order, migratetype, nofragment=nofragment)
        # Only now: one stolen page in a movable block can keep a huge page from forming there for good.
        if page is None and not nofragment:
            page = __rmqueue_steal(kernel, zone, order, migratetype)
    return page


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


def __rmqueue_claim(
    kernel: Kernel, zone: Zone, order: int, migratetype: int, *, nofragment: bool
) -> int | None:
    """Claim the pageblock of the largest free block of another type, and take the page from it.

    Returns struct page *.
    Locks expected: zone->lock in the kernel.
    """
    lowest = order
    if nofragment and order < kernel.mem_map.pageblock_order:
        # Only whole pageblocks change hands then: nothing is mixed.
        lowest = kernel.mem_map.pageblock_order
    # From above: the larger the block, the more of its pageblock is free, the less will be mixed.
    for current_order in range(zone.max_order, lowest - 1, -1):
        fallback = find_suitable_fallback(kernel, zone, current_order, migratetype, claimable=True)
        if fallback is None:
            continue
        page = kernel.mem_map.lru_next[free_list(zone, current_order, fallback)]
        taken = try_to_claim_block(kernel, zone, page, current_order, order, migratetype, fallback)
        if taken is not None:
            # After the claim, so that the event can tell whether the pageblock has changed its type.
            _trace_extfrag(kernel, page, order, current_order, migratetype, fallback)
            return taken
    return None


def try_to_claim_block(
    kernel: Kernel, zone: Zone, page: int, current_order: int, order: int, migratetype: int, fallback: int
) -> int | None:
    """Make the block's pageblock one of the wanted type, if enough of it is free or fits; a page of it.

    ``page``: struct page *, the first of a free block; None: the block stays what it was.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    if current_order >= mem_map.pageblock_order:
        del_page_from_free_list(kernel, zone, page, current_order)
        for each in range(page, page + (1 << current_order), 1 << mem_map.pageblock_order):
            set_pageblock_migratetype(mem_map, each, migratetype)
        expand(kernel, zone, page, order, current_order, migratetype)
        account_freepages(kernel, zone, -(1 << order))
        return page
    # Types are about to mix: kswapd should make room, so that the next request finds a block of its own.
    boost_watermark(kernel, zone)
    # A pageblock that the zone has only a part of keeps its type.
    if not _zone_spans_block(kernel, zone, page):
        return None
    free, alike = _count_pageblock(kernel, zone, page, migratetype, fallback)
    # At least half of the pageblock must fit the new type, or it would be wrong about most of its pages.
    if free + alike >= 1 << (mem_map.pageblock_order - 1):
        move_freepages_block(kernel, zone, page, migratetype)
        # The free blocks are on the lists of the wanted type now.
        return __rmqueue_smallest(kernel, zone, order, migratetype)
    return None


def _zone_spans_block(kernel: Kernel, zone: Zone, page: int) -> bool:
    """Does the whole pageblock of the page lie in the zone (prep_move_freepages_block)?"""
    pfn = page + kernel.mem_map.start_pfn
    first, end = pageblock_start_pfn(kernel, pfn), pageblock_end_pfn(kernel, pfn)
    return zone.zone_start_pfn <= first and end <= zone.zone_end_pfn


def _count_pageblock(
    kernel: Kernel, zone: Zone, page: int, migratetype: int, fallback: int
) -> tuple[int, int]:
    """Free pages of the pageblock, and used ones that would not be out of place after the change.

    The zone has the whole pageblock.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    pfn = page + mem_map.start_pfn
    each, end = (
        border(kernel, pfn) - mem_map.start_pfn for border in (pageblock_start_pfn, pageblock_end_pfn)
    )
    size, free, movable = end - each, 0, 0
    while each < end:
        if mem_map.flags[each] & PG_buddy:
            free += 1 << mem_map.order[each]
            each += 1 << mem_map.order[each]
        else:
            # On the LRU means user memory, and that can be moved.
            movable += bool(mem_map.flags[mem_map.compound_head[each]] & PG_lru)
            each += 1
    if migratetype == MIGRATE_MOVABLE:
        return free, movable
    # What is not movable in a movable block has strayed there, as this request is about to. In a block of the
    # other kind nobody knows which of the two a page is: none counts.
    return free, size - free - movable if fallback == MIGRATE_MOVABLE else 0


def __rmqueue_steal(kernel: Kernel, zone: Zone, order: int, migratetype: int) -> int | None:
    """Take one block (struct page *), the smallest that will do, from another type's lists.

    The rest goes back there.
    Locks expected: zone->lock in the kernel.
    """
    # From below here: the pageblock keeps its type, so the less is taken the better.
    for current_order in range(order, zone.max_order + 1):
        fallback = find_suitable_fallback(kernel, zone, current_order, migratetype, claimable=False)
        if fallback is None:
            continue
        page: int = kernel.mem_map.lru_next[free_list(zone, current_order, fallback)]
        del_page_from_free_list(kernel, zone, page, current_order)
        # On the lists of the old type: only the page itself is out of place.
        expand(kernel, zone, page, order, current_order, fallback)
        account_freepages(kernel, zone, -(1 << order))
        _trace_extfrag(kernel, page, order, current_order, migratetype, fallback)
        return page
    return None


def _trace_extfrag(kernel: Kernel, page: int, order: int, found: int, wanted: int, fallback: int) -> None:
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
