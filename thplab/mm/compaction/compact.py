"""Compaction: move used pages to one end of a zone, so that the other comes free (mm/compaction.c, 6.18).

try_to_compact_pages   direct compaction: the task that asks for a block does the work itself
compact_node           all zones: a write to compact_memory, and kcompactd on its own account
compact_zone          one zone: two scanners walk towards each other
isolate_migratepages  (compaction/migrate_scanner.py) from below: used pages that can move, in batches
compaction_alloc      (compaction/free_scanner.py) from above: free pages as targets
compact_finished      after each batch: is the goal reached?
"""

from __future__ import annotations

from typing import Any

from thplab.mm.compaction.control import (
    CaptureControl,
    CompactControl,
    CompactResult,
    MigrateMode,
    compact_scanners_met,
    trace_result,
)
from thplab.mm.compaction.free_scanner import compaction_alloc, compaction_free, release_free_list
from thplab.mm.compaction.migrate_scanner import isolate_migratepages
from thplab.mm.compaction.suitable import (
    compaction_defer_reset,
    compaction_deferred,
    compaction_restarting,
    compaction_suit_allocation_order,
    defer_compaction,
    fragmentation_score_wmark,
    fragmentation_score_zone,
    reset_cached_positions,
    reset_isolation_suitable_zone,
)
from thplab.mm.include.gfp import GFP_IO, GFP_KERNEL, gfp_migratetype, gfp_text
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_empty
from thplab.mm.include.mmzone import Zone, default_migratetype, free_list, pageblock_start_pfn
from thplab.mm.migrate import migrate_pages, putback_movable_pages
from thplab.mm.page_alloc.alloc import ALLOC_WMARK_MIN, zonelist
from thplab.mm.page_alloc.claim import find_suitable_fallback
from thplab.mm.page_alloc.pcp import drain_pages_zone
from thplab.mm.trace import trace
from thplab.mm.vmstat import count_vm_event

__all__ = ["compact_node", "compact_zone", "compaction_defer_reset", "try_to_compact_pages"]

#: enum compact_priority: how hard a direct compactor tries.
SYNC_FULL, SYNC_LIGHT, ASYNC = 0, 1, 2


def try_to_compact_pages(
    kernel: Kernel, gfp: int, order: int, priority: int
) -> tuple[CompactResult, int | None]:
    """Direct compaction: zone by zone, until one run succeeds; the result, and the block if one was captured.

    ``gfp``: gfp_t; ``order``: unsigned int; ``priority``: enum compact_priority, SYNC_FULL tries hardest.
    The page is struct page * (None: NULL).
    Locks expected: none; the task may sleep.
    """
    # Moving a page can need input and output, which this request may not wait for.
    if not gfp & GFP_IO:
        return CompactResult.SKIPPED, None
    event = "mm_compaction_try_to_compact_pages"
    trace(kernel, event, order=order, gfp_mask=gfp_text(gfp), priority=priority)
    result = CompactResult.SKIPPED
    zones = zonelist(kernel, gfp)
    for zone in zones:
        # At the highest priority nothing is deferred: it is the last try before the request fails.
        if priority > SYNC_FULL and compaction_deferred(kernel, zone, order):
            result = max(result, CompactResult.DEFERRED)
            continue
        status, page = _compact_zone_order(kernel, zone, gfp, order, priority, zones[0].index)
        # The caller wants the best that happened in any zone, not the last.
        result = max(result, status)
        if status is CompactResult.SUCCESS:
            # The block is free, but not allocated: failures are forgotten only when the caller gets it.
            compaction_defer_reset(kernel, zone, order, alloc_success=False)
            return result, page
        # An async run skips whatever is busy, so its failure does not say that the zone is hopeless.
        if priority != ASYNC and status in (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED):
            defer_compaction(kernel, zone, order)
    return result, None


def _compact_zone_order(
    kernel: Kernel, zone: Zone, gfp: int, order: int, priority: int, highest_zoneidx: int
) -> tuple[CompactResult, int | None]:
    """compact_zone_order: one zone for one request; the task captures the block when it becomes whole.

    Locks expected: none.
    """
    mode = MigrateMode.ASYNC if priority == ASYNC else MigrateMode.SYNC_LIGHT
    cc = CompactControl(kernel, zone, order, default_migratetype(kernel, gfp_migratetype(gfp)), mode)
    cc.alloc_flags, cc.highest_zoneidx = ALLOC_WMARK_MIN, highest_zoneidx
    cc.direct_compaction = True
    # The highest priority ignores all memory of earlier runs: positions, hints, types of pageblocks.
    cc.whole_zone = cc.ignore_skip_hint = cc.ignore_block_suitable = priority == SYNC_FULL
    capture = CaptureControl(zone, order, cc.migratetype)
    kernel.capture_control = capture
    result = compact_zone(kernel, cc)
    # Hidden before it is read: what is freed from now on must not be captured, it would be lost.
    kernel.capture_control = None
    # A captured block was never on a free list, so the scan itself may have reported a failure.
    if capture.page is not None:
        result = CompactResult.SUCCESS
    return result, capture.page


def compact_node(kernel: Kernel, *, proactive: bool) -> None:
    """Compact every zone of the node: whole (compact_memory), or until its score is low (``proactive``).

    Up to 6.1 proactive runs do not count as work of kcompactd.
    Locks expected: none.
    """
    mode = MigrateMode.SYNC_LIGHT if proactive else MigrateMode.SYNC
    for zone in kernel.node.zones:
        cc = CompactControl(kernel, zone, -1, default_migratetype(kernel, gfp_migratetype(GFP_KERNEL)), mode)
        # Hints come from runs that wanted a single block; this run wants all that can be made.
        cc.ignore_skip_hint = cc.whole_zone = True
        cc.proactive_compaction = proactive
        compact_zone(kernel, cc)
        if proactive and kernel.profile.proactive_counts_as_daemon:
            count_daemon_scanned(kernel, cc)


def count_daemon_scanned(kernel: Kernel, cc: CompactControl) -> None:
    """kcompactd's share (pages) of what the scanners examined."""
    count_vm_event(kernel, "compact_daemon_migrate_scanned", cc.total_migrate_scanned)
    count_vm_event(kernel, "compact_daemon_free_scanned", cc.total_free_scanned)


def compact_zone(kernel: Kernel, cc: CompactControl) -> CompactResult:
    """Let the scanners walk until the goal is reached or they meet (enum compact_result).

    Targets left over go back to the free lists at the end.
    Locks expected: none. Takes zone->lock and lruvec->lru_lock in the scanners (not modelled); page and
    PTE locks in migrate_pages().
    """
    zone = cc.zone
    if not cc.via_compact_memory:
        suits = compaction_suit_allocation_order(kernel, zone, cc.order, cc.highest_zoneidx, cc.alloc_flags)
        if suits is not CompactResult.CONTINUE:
            return suits
    # Before the scanners are placed: this resets the positions that they start from.
    if compaction_restarting(zone, cc.order):
        reset_isolation_suitable_zone(kernel, zone)
    _place_scanners(kernel, cc)
    kernel.compact_control = cc
    _trace_begin_end(kernel, cc, None)
    result = _compact_batches(kernel, cc)
    if cc.nr_freepages:
        # These targets lie above the position that was reached: the next run must find them again, so the
        # position moves back up to the highest of them, never down.
        free_pfn = pageblock_start_pfn(kernel, release_free_list(kernel, cc))
        zone.compact_cached_free_pfn = max(zone.compact_cached_free_pfn, free_pfn)
    count_vm_event(kernel, "compact_migrate_scanned", cc.total_migrate_scanned)
    count_vm_event(kernel, "compact_free_scanned", cc.total_free_scanned)
    _trace_begin_end(kernel, cc, result)
    kernel.compact_control = None
    return result


def _place_scanners(kernel: Kernel, cc: CompactControl) -> None:
    """At the zone's two ends, or where the last run left off."""
    zone = cc.zone
    last = pageblock_start_pfn(kernel, zone.zone_end_pfn - 1)
    if cc.whole_zone:
        cc.migrate_pfn, cc.free_pfn = zone.zone_start_pfn, last
        return
    # A position outside the zone means that there is none yet.
    if not zone.zone_start_pfn <= zone.compact_cached_free_pfn < zone.zone_end_pfn:
        zone.compact_cached_free_pfn = last
    # Async runs have a position of their own: what they had to skip is worth a visit by a sync run.
    sync = cc.mode is not MigrateMode.ASYNC
    cc.free_pfn = zone.compact_cached_free_pfn
    cc.migrate_pfn = zone.compact_cached_migrate_pfn_sync if sync else zone.compact_cached_migrate_pfn_async
    if not zone.zone_start_pfn <= cc.migrate_pfn < zone.zone_end_pfn:
        cc.migrate_pfn = zone.zone_start_pfn
        zone.compact_cached_migrate_pfn_async = zone.compact_cached_migrate_pfn_sync = cc.migrate_pfn
    # A run that happens to begin at the first useful block sees the whole zone as well.
    cc.whole_zone = cc.migrate_pfn <= zone.compact_init_migrate_pfn


def _compact_batches(kernel: Kernel, cc: CompactControl) -> CompactResult:
    """Isolate a batch, move it, test whether it is enough; again."""
    zone = cc.zone
    # While an async run finds blocks without any candidate, a sync run would find nothing there either: the
    # two positions advance together until the first candidate.
    together = zone.compact_cached_migrate_pfn_async == zone.compact_cached_migrate_pfn_sync
    update_cached = cc.mode is MigrateMode.ASYNC and together
    last_migrated_pfn = -1
    while (result := compact_finished(kernel, cc)) is CompactResult.CONTINUE:
        # The last batch came from this pageblock too: isolate all that is left of it in one go, or the
        # scanner could rescan it again and again without emptying it.
        cc.finish_pageblock = last_migrated_pfn == pageblock_start_pfn(kernel, cc.migrate_pfn)
        if not isolate_migratepages(kernel, cc):
            if update_cached:
                zone.compact_cached_migrate_pfn_sync = zone.compact_cached_migrate_pfn_async
            continue
        update_cached = False
        last_migrated_pfn = max(zone.zone_start_pfn, pageblock_start_pfn(kernel, cc.migrate_pfn - 1))
        if not _migrate_batch(kernel, cc):
            return CompactResult.CONTENDED
        if cc.order > 0 and last_migrated_pfn < cc.migrate_pfn & -(1 << cc.order):
            # The aligned block is left behind. Freed pages wait in the per-CPU lists, where they do not
            # merge: drain them, or compact_finished() cannot see the block.
            drain_pages_zone(kernel, zone)
        # The goal is in hand already; more moves would only cost.
        if kernel.capture_control is not None and kernel.capture_control.page is not None:
            return CompactResult.SUCCESS
    return result


def _migrate_batch(kernel: Kernel, cc: CompactControl) -> bool:
    """Move the isolated pages; False: targets ran out although the scanners have not met.

    Frees the source pages that were moved; puts the others back on the LRU.
    Locks expected: none. Takes page locks, the anon_vma and PTE locks in migrate_pages().
    """
    taken = cc.nr_migratepages
    failed, no_memory, moved = migrate_pages(kernel, cc, compaction_alloc, compaction_free)
    trace(kernel, "mm_compaction_migratepages", nr_migrated=moved, nr_failed=taken - moved)
    cc.nr_migratepages = 0
    if not failed:
        return True
    putback_movable_pages(kernel, cc.migratepages)
    # Scanners that have met are no failure: compact_finished() reports them.
    if no_memory and not compact_scanners_met(kernel, cc):
        return False
    retry = cc.migrate_pfn != pageblock_start_pfn(kernel, cc.migrate_pfn) and not cc.finish_pageblock
    if retry and not cc.ignore_skip_hint and cc.mode is not MigrateMode.SYNC:
        # The block will not come free: go through the rest of it now, so that it gets its skip hint.
        cc.finish_pageblock = True
        return not isolate_migratepages(kernel, cc) or _migrate_batch(kernel, cc)
    return True


def compact_finished(kernel: Kernel, cc: CompactControl) -> CompactResult:
    """CONTINUE, or the reason to stop (enum compact_result).

    NO_SUITABLE_PAGE is for the trace only: it means CONTINUE, too.
    Locks expected: none.
    """
    result = __compact_finished(kernel, cc)
    trace_result(kernel, "mm_compaction_finished", cc.zone, cc.order, result)
    return CompactResult.CONTINUE if result is CompactResult.NO_SUITABLE_PAGE else result


def __compact_finished(kernel: Kernel, cc: CompactControl) -> CompactResult:
    """The test itself: scanners met, score low enough, or a block that serves the request."""
    zone = cc.zone
    if compact_scanners_met(kernel, cc):
        # The zone has been scanned: the next run starts at its ends.
        reset_cached_positions(kernel, zone)
        if cc.direct_compaction:
            # kswapd clears the skip hints when it goes to sleep. Only an allocation that needs them cleared
            # may ask for it, so kcompactd does not.
            zone.compact_blockskip_flush = True
        return CompactResult.COMPLETE if cc.whole_zone else CompactResult.PARTIAL_SKIPPED
    if cc.proactive_compaction:
        # Reclaim changes the score and competes for the same pages: it goes first.
        if kswapd_is_running(kernel):
            return CompactResult.PARTIAL_SKIPPED
        low = fragmentation_score_wmark(kernel, low=True)
        return (
            CompactResult.CONTINUE if fragmentation_score_zone(kernel, zone) > low else CompactResult.SUCCESS
        )
    # Only at the border of a pageblock: to finish a block that was begun costs little and keeps types
    # apart.
    if cc.via_compact_memory or cc.migrate_pfn != pageblock_start_pfn(kernel, cc.migrate_pfn):
        return CompactResult.CONTINUE
    for order in range(cc.order, zone.max_order + 1):
        if not zone.nr_free[order]:
            continue
        if not list_empty(kernel.mem_map.links, free_list(zone, order, cc.migratetype)):
            return CompactResult.SUCCESS
        # A block of another type counts only if its whole pageblock may be claimed: stealing pages would
        # spread the fragmentation that compaction removes.
        if find_suitable_fallback(kernel, zone, order, cc.migratetype, claimable=True) is not None:
            return CompactResult.SUCCESS
    return CompactResult.NO_SUITABLE_PAGE


def kswapd_is_running(kernel: Kernel) -> bool:
    """True while kswapd runs: proactive compaction stays out of its way. Locks expected: none."""
    thread = kernel.node.kswapd
    return thread is not None and (thread.wait is None or thread.wait.condition())


def _trace_begin_end(kernel: Kernel, cc: CompactControl, result: CompactResult | None) -> None:
    """trace_mm_compaction_begin (no result yet) and _end."""
    fields: dict[str, Any] = {
        "zone_start": f"{cc.zone.zone_start_pfn:#x}",
        "migrate_pfn": f"{cc.migrate_pfn:#x}",
        "free_pfn": f"{cc.free_pfn:#x}",
        "zone_end": f"{cc.zone.zone_end_pfn:#x}",
        "mode": "async" if cc.mode is MigrateMode.ASYNC else "sync",
    }
    if result is None:
        trace(kernel, "mm_compaction_begin", **fields)
    else:
        trace(kernel, "mm_compaction_end", **fields, status=result.name.lower())
