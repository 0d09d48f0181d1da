"""Is compaction worth while: suitability, scores, skip hints and deferral (mm/compaction.c, 6.18)."""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING

from thplab.mm.compaction.control import CompactResult
from thplab.mm.include.mmzone import Node, Zone, pageblock_start_pfn
from thplab.mm.page_alloc.alloc import wmark_pages
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER
from thplab.mm.page_alloc.watermark import zone_watermark_ok
from thplab.mm.trace import trace
from thplab.mm.vmstat import extfrag_for_order, fragmentation_index

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = [
    "compact_gap",
    "compaction_defer_reset",
    "compaction_deferred",
    "compaction_restarting",
    "compaction_suit_allocation_order",
    "compaction_suitable",
    "defer_compaction",
    "fragmentation_score_node",
    "fragmentation_score_wmark",
    "fragmentation_score_zone",
    "reset_isolation_suitable",
]

#: At most 2^6 - 1 requests in a row are turned away after failures.
COMPACT_MAX_DEFER_SHIFT = 6


def compact_gap(order: int) -> int:
    """Free pages (unsigned long) that moving around for a block of ``order`` may need for a while."""
    return 2 << order


def compaction_suit_allocation_order(
    kernel: Kernel, zone: Zone, order: int, highest_zoneidx: int, alloc_flags: int
) -> CompactResult:
    """SUCCESS: such a block is there; SKIPPED: moving pages would not help; else CONTINUE."""
    mark = wmark_pages(zone, alloc_flags)
    if zone_watermark_ok(kernel, zone, order, mark, highest_zoneidx):
        return CompactResult.SUCCESS
    suitable = compaction_suitable(kernel, zone, order, mark, highest_zoneidx)
    return CompactResult.CONTINUE if suitable else CompactResult.SKIPPED


def compaction_suitable(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    """Enough free pages as targets, and is it fragmentation rather than shortage that hurts?"""
    result = CompactResult.CONTINUE
    if not _enough_targets(kernel, zone, order, mark, highest_zoneidx):
        result = CompactResult.SKIPPED
    elif order > PAGE_ALLOC_COSTLY_ORDER:
        index = fragmentation_index(zone, order)
        if 0 <= index <= kernel.sysctl.extfrag_threshold:
            result = CompactResult.NOT_SUITABLE_ZONE
    trace(
        kernel,
        "mm_compaction_suitable",
        ("node", Node.NODE_ID),
        ("zone", zone.name),
        ("order", order),
        ("ret", result.name.lower()),
    )
    return result is CompactResult.CONTINUE


def _enough_targets(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    mark += compact_gap(order)
    if order > PAGE_ALLOC_COSTLY_ORDER:
        mark += zone.watermark_low - zone.watermark_min
    return zone_watermark_ok(kernel, zone, 0, mark, highest_zoneidx)


def compaction_zonelist_suitable(kernel: Kernel, zones: tuple[Zone, ...], order: int) -> bool:
    """Could compaction help in one of the zones? Asked without a trace line (compaction_ready)."""
    return any(_enough_targets(kernel, zone, order, zone.watermark_high, zones[0].index) for zone in zones)


def fragmentation_score_zone(kernel: Kernel, zone: Zone) -> int:
    """0 to 100: how much of the zone's free memory is no use for a huge page."""
    return extfrag_for_order(zone, kernel.geometry.HPAGE_PMD_ORDER)


def fragmentation_score_node(kernel: Kernel) -> int:
    """The zones' scores, weighted by size; the + 1 in the divisor keeps it at 99 at most."""
    zones = kernel.node.zones
    present = sum(zone.present_pages for zone in zones) + 1
    return sum(fragmentation_score_zone(kernel, zone) * zone.present_pages // present for zone in zones)


def fragmentation_score_wmark(kernel: Kernel, *, low: bool) -> int:
    """Proactive compaction starts above the high mark and ends at the low one."""
    least, narrows = kernel.profile.least_score_mark, kernel.profile.score_marks_narrow
    wmark_low = max(100 - kernel.sysctl.compaction_proactiveness, least)
    if low:
        return wmark_low
    return min(wmark_low + (min(10, wmark_low // 2) if narrows else 10), 100)


def reset_cached_positions(kernel: Kernel, zone: Zone) -> None:
    """The next run begins at the zone's ends again."""
    zone.compact_cached_migrate_pfn_async = zone.compact_cached_migrate_pfn_sync = zone.zone_start_pfn
    zone.compact_cached_free_pfn = pageblock_start_pfn(kernel, zone.zone_end_pfn - 1)


def reset_isolation_suitable_zone(kernel: Kernel, zone: Zone) -> None:
    """Forget all skip hints of the zone (__reset_isolation_suitable)."""
    mem_map = kernel.mem_map
    first = (zone.zone_start_pfn >> mem_map.pageblock_order) - (mem_map.start_pfn >> mem_map.pageblock_order)
    last = pageblock_start_pfn(kernel, zone.zone_end_pfn - 1)
    end = (last >> mem_map.pageblock_order) - (mem_map.start_pfn >> mem_map.pageblock_order) + 1
    mem_map.pageblock_skip[first:end] = array("B", bytes(end - first))
    zone.compact_blockskip_flush = False
    zone.compact_init_migrate_pfn, zone.compact_init_free_pfn = zone.zone_start_pfn, last
    reset_cached_positions(kernel, zone)


def reset_isolation_suitable(kernel: Kernel) -> None:
    """kswapd goes to sleep: forget the hints where a direct compactor has been all through a zone."""
    for zone in kernel.node.zones:
        if zone.compact_blockskip_flush:
            reset_isolation_suitable_zone(kernel, zone)


def defer_compaction(kernel: Kernel, zone: Zone, order: int) -> None:
    """It failed: turn away twice as many requests as last time before the next one is tried."""
    zone.compact_considered = 0
    zone.compact_defer_shift = min(zone.compact_defer_shift + 1, COMPACT_MAX_DEFER_SHIFT)
    zone.compact_order_failed = min(zone.compact_order_failed, order)
    _trace_defer(kernel, "mm_compaction_defer_compaction", zone, order)


def compaction_deferred(kernel: Kernel, zone: Zone, order: int) -> bool:
    """Count a request; True if it is to be turned away without trying."""
    if order < zone.compact_order_failed:
        return False
    limit = 1 << zone.compact_defer_shift
    zone.compact_considered += 1
    if zone.compact_considered >= limit:
        zone.compact_considered = limit
        return False
    _trace_defer(kernel, "mm_compaction_deferred", zone, order)
    return True


def compaction_defer_reset(kernel: Kernel, zone: Zone, order: int, *, alloc_success: bool) -> None:
    """It worked: larger orders only are suspect now; if the page was really had, nothing is."""
    if alloc_success:
        zone.compact_considered = zone.compact_defer_shift = 0
    if order >= zone.compact_order_failed:
        zone.compact_order_failed = order + 1
    _trace_defer(kernel, "mm_compaction_defer_reset", zone, order)


def compaction_restarting(zone: Zone, order: int) -> bool:
    """True for the first try after as many refusals as there can be."""
    if order < zone.compact_order_failed:
        return False
    shift = zone.compact_defer_shift
    return shift == COMPACT_MAX_DEFER_SHIFT and zone.compact_considered >= 1 << shift


def _trace_defer(kernel: Kernel, event: str, zone: Zone, order: int) -> None:
    trace(
        kernel,
        event,
        ("node", Node.NODE_ID),
        ("zone", zone.name),
        ("order", order),
        ("order_failed", zone.compact_order_failed),
        ("consider", zone.compact_considered),
        ("limit", 1 << zone.compact_defer_shift),
    )
