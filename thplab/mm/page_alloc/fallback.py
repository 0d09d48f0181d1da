"""What happens when the lists of the wanted type are empty (mm/page_alloc.c, 6.18).

First a whole pageblock is claimed for the wanted type, which keeps types apart; only then a single
block is stolen, which mixes them: the beginning of fragmentation that compaction can't undo. Before 6.15
both were one search (page_alloc/steal.py). The rules for a claim are in page_alloc/claim.py.
"""

from __future__ import annotations

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Zone, default_migratetype, free_list
from thplab.mm.page_alloc.buddy import (
    __rmqueue_smallest,
    account_freepages,
    del_page_from_free_list,
    expand,
    move_freepages_block,
)
from thplab.mm.page_alloc.claim import (
    block_in_zone,
    boost_for_fallback,
    enough_fits,
    find_suitable_fallback,
    lowest_fallback_order,
    take_pageblocks,
    trace_extfrag,
)
from thplab.mm.page_alloc.flags import ALLOC_NOFRAGMENT
from thplab.mm.page_alloc.steal import __rmqueue_fallback


def __rmqueue(kernel: Kernel, zone: Zone, order: int, migratetype: int, alloc_flags: int) -> int | None:
    """A block of the wanted type, else a claimed pageblock, else a stolen block.

    With ALLOC_NOFRAGMENT in ``alloc_flags`` (unsigned int) nothing is stolen. ``order``: unsigned int.
    Returns struct page *, None: NULL.
    Locks expected: zone->lock in the kernel.
    """
    migratetype = default_migratetype(kernel, migratetype)
    page = __rmqueue_smallest(kernel, zone, order, migratetype)
    if page is not None or not kernel.memory.group_by_mobility:
        return page
    if not kernel.profile.claims_before_stealing:
        return __rmqueue_fallback(kernel, zone, order, migratetype, alloc_flags)
    page = __rmqueue_claim(kernel, zone, order, migratetype, alloc_flags)
    # Only now: one stolen page in a movable block can keep a huge page from forming there for good.
    if page is None and not alloc_flags & ALLOC_NOFRAGMENT:
        page = __rmqueue_steal(kernel, zone, order, migratetype)
    return page


def __rmqueue_claim(kernel: Kernel, zone: Zone, order: int, migratetype: int, alloc_flags: int) -> int | None:
    """Claim the pageblock of the largest free block of another type, and take the page from it.

    Returns struct page *.
    Locks expected: zone->lock in the kernel.
    """
    # From above: the larger the block, the more of its pageblock is free, the less will be mixed.
    lowest = lowest_fallback_order(kernel, order, alloc_flags)
    for current_order in range(zone.max_order, lowest - 1, -1):
        fallback = find_suitable_fallback(kernel, zone, current_order, migratetype, claimable=True)
        if fallback is None:
            continue
        page = kernel.mem_map.lru_next[free_list(zone, current_order, fallback)]
        how = (order, current_order, migratetype, fallback)
        taken = try_to_claim_block(kernel, zone, page, how, alloc_flags)
        if taken is not None:
            # After the claim, so that the event can tell whether the pageblock has changed its type.
            trace_extfrag(kernel, taken, *how)
            return taken
    return None


def try_to_claim_block(
    kernel: Kernel, zone: Zone, page: int, how: tuple[int, int, int, int], alloc_flags: int
) -> int | None:
    """Make the block's pageblock one of the wanted type, if enough of it is free or fits; a page of it.

    ``page``: struct page *, the first of a free block; None: the block stays what it was. ``how``: the order
    wanted and the block's, the type wanted and the block's.
    Locks expected: zone->lock in the kernel.
    """
    order, current_order, migratetype, fallback = how
    if current_order >= kernel.mem_map.pageblock_order:
        return take_pageblocks(kernel, zone, page, order, current_order, migratetype)
    boost_for_fallback(kernel, zone, alloc_flags)
    block = block_in_zone(kernel, zone, page)
    if block is None or not enough_fits(kernel, block, migratetype, fallback):
        return None
    move_freepages_block(kernel, zone, page, migratetype)
    # The free blocks are on the lists of the wanted type now.
    return __rmqueue_smallest(kernel, zone, order, migratetype)


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
        trace_extfrag(kernel, page, order, current_order, migratetype, fallback)
        return page
    return None
