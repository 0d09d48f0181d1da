"""Is compaction worth while: suitability, scores, skip hints and deferral (mm/compaction.c, 6.18)."""

from __future__ import annotations

from thplab.mm.compaction.control import CompactResult, get_pageblock_skip, set_pageblock_skip, trace_result
from thplab.mm.include.gfp import MIGRATE_MOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import (
    Node,
    Zone,
    get_pageblock_migratetype,
    pageblock_end_pfn,
    pageblock_start_pfn,
)
from thplab.mm.include.page import PG_buddy, PG_head, PG_lru, PG_tail
from thplab.mm.page_alloc.alloc import wmark_pages
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER
from thplab.mm.page_alloc.watermark import zone_watermark_ok
from thplab.mm.trace import trace
from thplab.mm.vmstat import extfrag_for_order, fragmentation_index

#: After failures at most 2^6 - 1 requests in a row are deferred.
COMPACT_MAX_DEFER_SHIFT = 6


def compact_gap(order: int) -> int:
    """Free pages (unsigned long) that compaction for a block of ``order`` may need for a while."""
    # Isolated targets are not free while pages are being moved: up to one block may be in hand while
    # another one of the same size is split, hence twice.
    return 2 << order


def compaction_suit_allocation_order(
    kernel: Kernel, zone: Zone, order: int, highest_zoneidx: int, alloc_flags: int
) -> CompactResult:
    """Is compaction of the zone useful for this request (enum compact_result)?

    SUCCESS: such a block is free already; SKIPPED: moving pages would not help; else CONTINUE.
    ``alloc_flags``: unsigned int, ALLOC_WMARK_*, names the mark. ``highest_zoneidx``: the best zone that
    the request could have used.
    Locks expected: none.
    """
    mark = wmark_pages(zone, alloc_flags)
    # Asked first: the block may have come free since the allocation failed.
    if zone_watermark_ok(kernel, zone, order, mark, highest_zoneidx):
        return CompactResult.SUCCESS
    suitable = compaction_suitable(kernel, zone, order, mark, highest_zoneidx)
    return CompactResult.CONTINUE if suitable else CompactResult.SKIPPED


def compaction_suitable(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    """Are there enough free pages as targets, and is fragmentation rather than shortage the problem?

    ``mark``: pages (unsigned long), the watermark of the request.
    Locks expected: none; the free counts are read while they may change.
    """
    result = CompactResult.CONTINUE
    # Order 0: targets are base pages, so they may lie anywhere.
    if not _enough_targets(kernel, zone, order, mark, highest_zoneidx):
        result = CompactResult.SKIPPED
    # Small orders are compacted whatever the index says: for them the alternative is the OOM killer.
    elif order > PAGE_ALLOC_COSTLY_ORDER:
        index = fragmentation_index(zone, order)
        # -1000 (a block is there) passes: the watermark test has failed before, for other reasons.
        if 0 <= index <= kernel.sysctl.extfrag_threshold:
            result = CompactResult.NOT_SUITABLE_ZONE
    trace_result(kernel, "mm_compaction_suitable", zone, order, result)
    return result is CompactResult.CONTINUE


def _enough_targets(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    """Is the zone above ``mark`` (pages) plus what compaction needs for itself?"""
    mark += compact_gap(order)
    # A costly request leaves the distance from min to low to others as well.
    if order > PAGE_ALLOC_COSTLY_ORDER:
        mark += zone.watermark_low - zone.watermark_min
    return zone_watermark_ok(kernel, zone, 0, mark, highest_zoneidx)


def fragmentation_score_zone(kernel: Kernel, zone: Zone) -> int:
    """0 to 100 (unsigned int, per cent): free memory of the zone that is no use for a huge page."""
    return extfrag_for_order(zone, kernel.geometry.HPAGE_PMD_ORDER)


def fragmentation_score_node(kernel: Kernel) -> int:
    """The zones' scores, weighted by size (unsigned int, per cent)."""
    zones = kernel.node.zones
    # The + 1 in the divisor avoids a division by zero; with it the score is 99 at most.
    present = sum(zone.present_pages for zone in zones) + 1
    return sum(fragmentation_score_zone(kernel, zone) * zone.present_pages // present for zone in zones)


def fragmentation_score_wmark(kernel: Kernel, *, low: bool) -> int:
    """The score (unsigned int, per cent) at which proactive compaction starts, or ends (``low``).

    Up to 6.12 the low mark is at least 5 and the high one 10 above it; 6.18 has no lower limit for the
    low mark and narrows the distance for small values.
    """
    least, narrows = kernel.profile.least_score_mark, kernel.profile.score_marks_narrow
    wmark_low = max(100 - kernel.sysctl.compaction_proactiveness, least)
    if low:
        return wmark_low
    return min(wmark_low + (min(10, wmark_low // 2) if narrows else 10), 100)


def reset_cached_positions(kernel: Kernel, zone: Zone) -> None:
    """The next run begins at the ends of the zone again. Locks expected: none."""
    zone.compact_cached_migrate_pfn_async = zone.compact_cached_migrate_pfn_sync = zone.zone_start_pfn
    zone.compact_cached_free_pfn = pageblock_start_pfn(kernel, zone.zone_end_pfn - 1)


def reset_isolation_suitable_zone(kernel: Kernel, zone: Zone) -> None:
    """Forget skip hints where there may be something to do (__reset_isolation_suitable).

    Only if a direct compactor has scanned the zone to its end. From both ends to the middle: the first block
    reset at each end is where the scanners begin next time.
    Locks expected: none.
    """
    if not zone.compact_blockskip_flush:
        return
    zone.compact_blockskip_flush = False
    migrate_pfn, free_pfn = zone.zone_start_pfn, zone.zone_end_pfn - 1
    source: int | None = None
    target: int | None = None
    while migrate_pfn < free_pfn:
        cleared = _reset_isolation_pfn(kernel, zone, migrate_pfn, source=True, target=source is not None)
        if cleared and source is None:
            source = zone.compact_init_migrate_pfn = migrate_pfn
            zone.compact_cached_migrate_pfn_async = zone.compact_cached_migrate_pfn_sync = migrate_pfn
        cleared = _reset_isolation_pfn(kernel, zone, free_pfn, source=target is not None, target=True)
        if cleared and target is None:
            target = zone.compact_init_free_pfn = zone.compact_cached_free_pfn = free_pfn
        migrate_pfn += kernel.geometry.HPAGE_PMD_NR
        free_pfn -= kernel.geometry.HPAGE_PMD_NR
    # With nothing to find at one end the scanners begin where they meet: the next run is over at once.
    if source is None or target is None or source >= target:
        zone.compact_cached_migrate_pfn_async = zone.compact_cached_migrate_pfn_sync = migrate_pfn
        zone.compact_cached_free_pfn = free_pfn


def _reset_isolation_pfn(kernel: Kernel, zone: Zone, pfn: int, *, source: bool, target: bool) -> bool:
    """Clear the hint of a pageblock if a sample of its pages promises something; False: it is no use.

    ``source``: a page on the LRU will do; ``target``: a free block. Once the first block at that end is known
    both are asked for, and a block without hint needs no sample.
    Locks expected: none.
    """
    mem_map = kernel.mem_map
    page = pfn - mem_map.start_pfn
    # A huge page is no source, and it leaves no room for targets.
    compound = mem_map.flags[page] & (PG_head | PG_tail)
    if compound and mem_map.order[mem_map.compound_head[page]] >= mem_map.pageblock_order:
        return False
    if source and target and not get_pageblock_skip(kernel, pfn):
        return True
    # The free scanner must not begin where it may take nothing.
    if target and not source and get_pageblock_migratetype(mem_map, page) != MIGRATE_MOVABLE:
        return False
    first = max(pageblock_start_pfn(kernel, pfn), zone.zone_start_pfn) - mem_map.start_pfn
    end = min(pageblock_end_pfn(kernel, pfn), zone.zone_end_pfn) - mem_map.start_pfn
    wanted = (PG_lru if source else 0) | (PG_buddy if target else 0)
    # Every eighth page: to ask all would cost as much as the scan that the hint saves.
    if not any(flags & wanted for flags in mem_map.flags[first : end : 1 << PAGE_ALLOC_COSTLY_ORDER]):
        return False
    set_pageblock_skip(kernel, pfn, skip=False)
    return True


def reset_isolation_suitable(kernel: Kernel) -> None:
    """kswapd goes to sleep: forget the hints where a direct compactor has scanned a zone to its end.

    Pages came free meanwhile, so what was hopeless may be worth a look again.
    Locks expected: none.
    """
    for zone in kernel.node.zones:
        reset_isolation_suitable_zone(kernel, zone)


def defer_compaction(kernel: Kernel, zone: Zone, order: int) -> None:
    """It failed: defer twice as many requests as last time before the next one is tried.

    ``order``: int.
    Locks expected: none; the counters are read and written without one, as approximations.
    """
    zone.compact_considered = 0
    zone.compact_defer_shift = min(zone.compact_defer_shift + 1, COMPACT_MAX_DEFER_SHIFT)
    # Larger blocks are harder to get, so an order that failed speaks for all above it.
    zone.compact_order_failed = min(zone.compact_order_failed, order)
    _trace_defer(kernel, "mm_compaction_defer_compaction", zone, order)


def compaction_deferred(kernel: Kernel, zone: Zone, order: int) -> bool:
    """Count a request; True if it is to be refused without trying. Locks expected: none."""
    if order < zone.compact_order_failed:
        return False
    limit = 1 << zone.compact_defer_shift
    zone.compact_considered += 1
    if zone.compact_considered >= limit:
        # Kept at the limit, so that the counter cannot overflow and compaction_restarting() sees it.
        zone.compact_considered = limit
        return False
    _trace_defer(kernel, "mm_compaction_deferred", zone, order)
    return True


def compaction_defer_reset(kernel: Kernel, zone: Zone, order: int, *, alloc_success: bool) -> None:
    """It worked: only larger orders are suspect now; if the page was allocated (``alloc_success``), none is.

    Locks expected: none.
    """
    # A free block was only seen: another task may take it, so the counters stay until it is ours.
    if alloc_success:
        zone.compact_considered = zone.compact_defer_shift = 0
    if order >= zone.compact_order_failed:
        zone.compact_order_failed = order + 1
    _trace_defer(kernel, "mm_compaction_defer_reset", zone, order)


def compaction_restarting(zone: Zone, order: int) -> bool:
    """True for the first try after the largest number of deferred requests.

    Then the skip hints are forgotten too: they may be older than 63 requests.
    Locks expected: none.
    """
    if order < zone.compact_order_failed:
        return False
    shift = zone.compact_defer_shift
    return shift == COMPACT_MAX_DEFER_SHIFT and zone.compact_considered >= 1 << shift


def _trace_defer(kernel: Kernel, event: str, zone: Zone, order: int) -> None:
    """The events mm_compaction_defer_compaction, _deferred and _defer_reset have the same fields."""
    trace(
        kernel,
        event,
        node=Node.NODE_ID,
        zone=zone.name,
        order=order,
        order_failed=zone.compact_order_failed,
        consider=zone.compact_considered,
        limit=1 << zone.compact_defer_shift,
    )
