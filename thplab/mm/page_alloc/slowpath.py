"""When the free lists do not have it: wake, compact, reclaim, try again, fail (mm/page_alloc.c, 6.18).

Who waits for a huge page is decided here, by three bits of the mask: KSWAPD_RECLAIM wakes the
daemons, DIRECT_RECLAIM makes the caller compact and reclaim by itself, NORETRY lets it give up early.
"""

from __future__ import annotations

from thplab.mm.compaction.compact import (
    ASYNC,
    SYNC_FULL,
    SYNC_LIGHT,
    compaction_defer_reset,
    try_to_compact_pages,
)
from thplab.mm.compaction.control import DEFERRED, SKIPPED
from thplab.mm.include.gfp import (
    GFP_DIRECT_RECLAIM,
    GFP_KSWAPD_RECLAIM,
    GFP_NORETRY,
    GFP_RETRY_MAYFAIL,
    GFP_THISNODE,
    MIGRATE_MOVABLE,
    gfp_migratetype,
)
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import page_zone
from thplab.mm.page_alloc.alloc import ALLOC_WMARK_MIN, get_page_from_freelist, highest_zoneidx, zonelist
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER, drain_all_pages
from thplab.mm.page_alloc.watermark import min_wmark_pages, zone_watermark_ok
from thplab.mm.vmscan.direct import try_to_free_pages
from thplab.mm.vmscan.kswapd import wakeup_kswapd
from thplab.mm.vmstat import count_vm_event

#: How many rounds without progress until the caller gives up (MAX_RECLAIM_RETRIES).
MAX_RECLAIM_RETRIES = 16


def costly_order(kernel: Kernel, order: int) -> bool:
    """Is the request so large that the allocator fails rather than try for long?"""
    return order > min(PAGE_ALLOC_COSTLY_ORDER, kernel.geometry.HPAGE_PMD_ORDER - 1)


def __alloc_pages_slowpath(kernel: Kernel, gfp: int, order: int) -> int | None:
    """Everything that ``gfp`` (gfp_t) allows; the page, not yet prepared, or None (C: NULL).

    A huge page is costly: at most two attempts to compact, first async, then sync light.
    Locks expected: none; with DIRECT_RECLAIM the task may sleep.
    """
    if zonelist(kernel, gfp)[0] is kernel.node.kernel_zone:
        # Reclaim and compaction do not work for the pages outside the zones.
        return None
    direct, costly = bool(gfp & GFP_DIRECT_RECLAIM), costly_order(kernel, order)
    # First: kswapd can work while this task compacts, or after it has failed.
    wake_all_kswapds(kernel, gfp, order)
    # Down to the min mark now, and pages may have come free since the fast path.
    page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_MIN)
    if page is not None or not direct:
        # Without direct reclaim the kernel searches the lists once more at once and finds the same.
        return page
    priority = SYNC_LIGHT
    # Compaction before reclaim: enough pages are probably free, only scattered.
    if costly or (order and gfp_migratetype(gfp) != MIGRATE_MOVABLE):
        page, result = __alloc_pages_direct_compact(kernel, gfp, order, ASYNC)
        if page is not None:
            return page
        if costly and gfp & GFP_NORETRY:
            # The light attempt on this node (THISNODE) is followed by another one: it ends here.
            if result in (SKIPPED, DEFERRED) or gfp & GFP_THISNODE:
                return None
            priority = ASYNC
    return _reclaim_and_retry(kernel, gfp, order, priority)


def _reclaim_and_retry(kernel: Kernel, gfp: int, order: int, priority: int) -> int | None:
    """The retry loop: reclaim, compact, and again for as long as small requests make progress."""
    for _ in range(MAX_RECLAIM_RETRIES):
        # kswapd may have gone back to sleep meanwhile.
        wake_all_kswapds(kernel, gfp, order)
        page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_MIN)
        if page is not None:
            return page
        page, progress = __alloc_pages_direct_reclaim(kernel, gfp, order)
        if page is None:
            page, _ = __alloc_pages_direct_compact(kernel, gfp, order, priority)
        if page is not None:
            return page
        # A huge page is a convenience: the fallback to base pages is better than a long wait.
        stop = gfp & GFP_NORETRY or (costly_order(kernel, order) and not gfp & GFP_RETRY_MAYFAIL)
        if stop or not (progress or order or should_reclaim_retry(kernel, gfp, order)):
            return None
        # Each round compacts harder.
        priority = max(priority - 1, SYNC_FULL)
    return None


def should_reclaim_retry(kernel: Kernel, gfp: int, order: int) -> bool:
    """Reclaim counts nothing as freed: are there enough free pages all the same, from the shrinkers?"""
    zones = zonelist(kernel, gfp)
    return any(zone_watermark_ok(kernel, z, order, min_wmark_pages(z), zones[0].index) for z in zones)


def wake_all_kswapds(kernel: Kernel, gfp: int, order: int) -> None:
    """Wake kswapd, if the mask asks for it; kswapd in turn may wake kcompactd. Locks expected: none."""
    if gfp & GFP_KSWAPD_RECLAIM:
        wakeup_kswapd(kernel, gfp, order, highest_zoneidx(kernel, gfp))


def __alloc_pages_direct_reclaim(kernel: Kernel, gfp: int, order: int) -> tuple[int | None, int]:
    """The caller frees pages by itself; the page if there is one now, and how many were freed.

    ``progress``: unsigned long, pages.
    Locks expected: none; the task may sleep.
    """
    progress = try_to_free_pages(kernel, gfp, order)
    if not progress:
        return None, 0
    page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_MIN)
    if page is None:
        # What was freed may be in the per-CPU lists, where it is no use for others and merges with nothing.
        drain_all_pages(kernel)
        page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_MIN)
    return page, progress


def __alloc_pages_direct_compact(
    kernel: Kernel, gfp: int, order: int, priority: int
) -> tuple[int | None, int]:
    """The caller moves pages until a block is free; the block if it got one, and compaction's result.

    Counts compact_stall unless there was too little memory to try, then compact_success or _fail.
    ``priority``: enum compact_priority.
    Locks expected: none; the task may sleep.
    """
    # One page is never too scattered.
    if not order:
        return None, SKIPPED
    result, page = try_to_compact_pages(kernel, gfp, order, priority)
    if result == SKIPPED:
        return None, result
    count_vm_event(kernel, "compact_stall")
    if page is None:
        # The block was not captured: it is on the lists, where another task may be faster.
        page = get_page_from_freelist(kernel, gfp, order, ALLOC_WMARK_MIN)
    if page is None:
        count_vm_event(kernel, "compact_fail")
        return None, result
    zone = page_zone(kernel, page)
    # It worked here, so the skip hints are good and stay.
    zone.compact_blockskip_flush = False
    compaction_defer_reset(kernel, zone, order, alloc_success=True)
    count_vm_event(kernel, "compact_success")
    return page, result
