"""Fallback as it was before claiming and stealing became two searches (mm/page_alloc.c, 6.1 and 6.12).

One search from the largest block down: what it finds is claimed if enough of its pageblock fits, and else
split where it is. So a page that may not change a pageblock's type is cut off the largest free block; only a
movable one, which could be moved again, takes the smallest.
"""

from __future__ import annotations

from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_add_tail, list_del
from thplab.mm.include.mmzone import Zone, free_list, set_pageblock_migratetype
from thplab.mm.page_alloc.buddy import (
    __rmqueue_smallest,
    account_freepages,
    del_page_from_free_list,
    expand,
    move_freepages,
    move_freepages_block,
)
from thplab.mm.page_alloc.claim import (
    block_in_zone,
    boost_for_fallback,
    enough_fits,
    find_suitable_fallback,
    lowest_fallback_order,
    should_try_claim_block,
    take_pageblocks,
    trace_extfrag,
)


def __rmqueue_fallback(
    kernel: Kernel, zone: Zone, order: int, migratetype: int, alloc_flags: int
) -> int | None:
    """Take a page from another type: from the largest block, or for movable pages from the smallest.

    ``order``: unsigned int; returns struct page *, None: NULL. (6.1 returns bool, and its caller searches
    again.)
    Locks expected: zone->lock in the kernel.
    """
    lowest = lowest_fallback_order(kernel, order, alloc_flags)
    for current_order in range(zone.max_order, lowest - 1, -1):
        fallback = find_suitable_fallback(kernel, zone, current_order, migratetype, claimable=False)
        if fallback is None:
            continue
        whole_block = should_try_claim_block(kernel, current_order, migratetype)
        if not whole_block and migratetype == MIGRATE_MOVABLE and current_order > order:
            # No pageblock will change hands. Another movable page may go elsewhere without lasting harm, so
            # the large blocks are spared.
            current_order, fallback = _find_smallest(kernel, zone, order, migratetype)
            whole_block = should_try_claim_block(kernel, current_order, migratetype)
        page: int = kernel.mem_map.lru_next[free_list(zone, current_order, fallback)]
        how = (order, current_order, migratetype, fallback)
        if kernel.profile.fallback_moves_free_pages:
            _move_suitable_fallback(kernel, zone, page, how, alloc_flags, whole_block)
            trace_extfrag(kernel, page, *how)
            # The lists of the wanted type have a block now.
            return __rmqueue_smallest(kernel, zone, order, migratetype)
        page = steal_suitable_fallback(kernel, zone, page, how, alloc_flags, whole_block)
        trace_extfrag(kernel, page, *how)
        return page
    return None


def _find_smallest(kernel: Kernel, zone: Zone, order: int, migratetype: int) -> tuple[int, int]:
    """The smallest order with a block of another type, and the type: there is one, it was just seen."""
    for current_order in range(order, zone.max_order + 1):
        fallback = find_suitable_fallback(kernel, zone, current_order, migratetype, claimable=False)
        if fallback is not None:
            return current_order, fallback
    raise AssertionError("a block of another type was there a moment ago")


def steal_suitable_fallback(
    kernel: Kernel, zone: Zone, page: int, how: tuple[int, int, int, int], alloc_flags: int, whole_block: bool
) -> int:
    """Claim the pageblock of a free block, or split the block; a page of it in any case (6.12).

    ``page``: struct page *, the first of a free block. ``how``: the order wanted and the block's, the type
    wanted and the block's. ``whole_block``: bool, a claim is allowed.
    Locks expected: zone->lock in the kernel.
    """
    order, current_order, migratetype, fallback = how
    if current_order >= kernel.mem_map.pageblock_order:
        return take_pageblocks(kernel, zone, page, order, current_order, migratetype)
    boost_for_fallback(kernel, zone, alloc_flags)
    block = block_in_zone(kernel, zone, page) if whole_block else None
    if block is not None and enough_fits(kernel, block, migratetype, fallback):
        move_freepages_block(kernel, zone, page, migratetype)
        # The block itself is on these lists now, so there is one.
        claimed = __rmqueue_smallest(kernel, zone, order, migratetype)
        if claimed is not None:
            return claimed
    # The rest goes back to the lists of its type: only the page itself is out of place.
    del_page_from_free_list(kernel, zone, page, current_order)
    expand(kernel, zone, page, order, current_order, fallback)
    account_freepages(kernel, zone, -(1 << order))
    return page


def _move_suitable_fallback(
    kernel: Kernel, zone: Zone, page: int, how: tuple[int, int, int, int], alloc_flags: int, whole_block: bool
) -> None:
    """Put free pages on the lists of the wanted type (steal_suitable_fallback of 6.1).

    All those of the pageblock, even if it keeps its type because too little of it fits: on the wrong lists
    until they are used and freed. Else the one block.
    Locks expected: zone->lock in the kernel.
    """
    mem_map = kernel.mem_map
    _, current_order, migratetype, fallback = how
    if current_order >= mem_map.pageblock_order:
        for each in range(page, page + (1 << current_order), 1 << mem_map.pageblock_order):
            set_pageblock_migratetype(mem_map, each, migratetype)
    else:
        boost_for_fallback(kernel, zone, alloc_flags)
        block = block_in_zone(kernel, zone, page) if whole_block else None
        if block is not None:
            move_freepages(kernel, zone, *block, migratetype)
            if enough_fits(kernel, block, migratetype, fallback):
                set_pageblock_migratetype(mem_map, page, migratetype)
            return
    list_del(mem_map.links, page)
    list_add_tail(mem_map.links, page, free_list(zone, current_order, migratetype))
