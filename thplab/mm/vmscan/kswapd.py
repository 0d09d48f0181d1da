"""Reclaim: take back pages that were not used lately (mm/vmscan.c, 6.18).

    kswapd            one thread for the node: sleeps until an allocation wakes it
     balance_pgdat    reclaim until every zone is above its high mark, or nothing comes
    try_to_free_pages the task that allocates reclaims by itself

Clean page cache is dropped, anonymous memory goes to swap (vmscan/shrink_anon.py). Without
swap space the kernel does not even look at anonymous pages, so their young marks stay as they are.
When kswapd goes to sleep it may wake kcompactd, and only then: that is how a ``defer`` fault comes to
its huge page.
"""

from __future__ import annotations

from thplab.mm.compaction.kcompactd import wakeup_kcompactd
from thplab.mm.compaction.suitable import compact_gap, compaction_suitable, reset_isolation_suitable
from thplab.mm.include.gfp import GFP_DIRECT_RECLAIM, gfp_text, gfp_zone
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Node
from thplab.mm.include.page import PG_active, PG_referenced
from thplab.mm.include.sched import NSEC_PER_MSEC, Kthread, Sleeping, Wait
from thplab.mm.kthread import kthread_run
from thplab.mm.page_alloc.alloc import zonelist
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER
from thplab.mm.page_alloc.watermark import zone_watermark_ok
from thplab.mm.readahead import drop_clean_page
from thplab.mm.shrinker import shrink_slab
from thplab.mm.swap import SWAP_CLUSTER_MAX, folio_change_lru, lru_oldest, lruvec_del_folio
from thplab.mm.trace import trace
from thplab.mm.vmscan.shrink_anon import shrink_anon_lists
from thplab.mm.vmstat import count_vm_event

#: After so many rounds without a page freed kswapd leaves the node to direct reclaim.
MAX_RECLAIM_RETRIES = 16
#: Reclaim begins by scanning 1 / 2^12 of each list, and doubles the share in each round.
DEF_PRIORITY = 12
#: kswapd sleeps for a tenth of a second (ns) first: more may be wanted at once.
_SHORT_SLEEP_NS = 100 * NSEC_PER_MSEC


def wakeup_kswapd(kernel: Kernel, gfp: int, order: int, highest_zoneidx: int) -> None:
    """An allocation found too little: note the request and wake kswapd.

    ``gfp``: gfp_t; ``order``, ``highest_zoneidx``: int. If the node is balanced for the order, or kswapd
    has given up, only compaction can help: then kcompactd is woken instead, unless the caller compacts by
    itself anyway.
    Locks expected: none; the request is noted without a lock.
    """
    node = kernel.node
    if node.kswapd is None:
        return
    # Requests are merged: the largest order and the highest zone win.
    node.kswapd_highest_zoneidx = max(node.kswapd_highest_zoneidx, highest_zoneidx)
    node.kswapd_order = max(node.kswapd_order, order)
    # It reads the request before it sleeps again.
    if kthread_is_running(node.kswapd):
        return
    hopeless = node.kswapd_failures >= MAX_RECLAIM_RETRIES
    boosted = any(zone.watermark_boost for zone in node.zones[: highest_zoneidx + 1])
    # Enough is free, in pieces that are too small; or reclaim frees nothing. More reclaim would not help.
    if hopeless or (pgdat_balanced(kernel, order, highest_zoneidx) and not boosted):
        if not gfp & GFP_DIRECT_RECLAIM:
            wakeup_kcompactd(kernel, order, highest_zoneidx)
        return
    trace(kernel, "mm_vmscan_wakeup_kswapd", nid=Node.NODE_ID, order=order, gfp_flags=gfp_text(gfp))
    node.kswapd_woken = True


def kthread_is_running(thread: Kthread) -> bool:
    """True unless the thread sleeps and its condition does not hold yet."""
    return thread.wait is None or thread.wait.condition()


def pgdat_balanced(kernel: Kernel, order: int, highest_zoneidx: int) -> bool:
    """Is there a zone that could serve the order and stay above its high mark? Locks expected: none."""
    return any(
        zone_watermark_ok(kernel, zone, order, zone.watermark_high, highest_zoneidx)
        for zone in kernel.node.zones[: highest_zoneidx + 1]
    )


def kswapd_run(kernel: Kernel) -> None:
    """Create the thread (at boot)."""
    kernel.node.kswapd = kthread_run(kernel, "kswapd0", kswapd(kernel))


def kswapd(kernel: Kernel) -> Sleeping:
    """The thread's body: sleep, balance, and again with order 0 where the larger order is hopeless.

    Locks expected: none.
    """
    node = kernel.node
    alloc_order = reclaim_order = 0
    zoneidx = len(node.zones) - 1
    while True:
        yield from kswapd_try_to_sleep(kernel, alloc_order, reclaim_order, zoneidx)
        alloc_order, zoneidx = node.kswapd_order, node.kswapd_highest_zoneidx
        # Cleared before the work: what is asked for from now on is a new request.
        node.kswapd_order = 0
        node.kswapd_woken = False
        trace(kernel, "mm_vmscan_kswapd_wake", nid=Node.NODE_ID, order=alloc_order)
        reclaim_order = balance_pgdat(kernel, alloc_order, zoneidx)
        # If reclaim fell back to order 0, alloc_order stays: it is what kcompactd is woken for.
        if reclaim_order == alloc_order:
            # What was asked for meanwhile comes next; an order that got nothing is forgotten, and so
            # kcompactd is not woken for it.
            alloc_order = reclaim_order = node.kswapd_order


def kswapd_try_to_sleep(kernel: Kernel, alloc_order: int, reclaim_order: int, zoneidx: int) -> Sleeping:
    """Sleep if there is nothing to do: briefly, then for good. Before it sleeps it wakes kcompactd.

    ``alloc_order``: the order asked for; ``reclaim_order``: the one that reclaim ended with.
    Locks expected: none.
    """
    node = kernel.node
    if not _prepare_kswapd_sleep(kernel, reclaim_order, zoneidx):
        return
    # Pages were freed: pageblocks that compaction could not use may be usable now.
    reset_isolation_suitable(kernel)
    # Memory is free again; to make one block of it is not kswapd's business.
    wakeup_kcompactd(kernel, alloc_order, zoneidx)
    deadline = kernel.clock.now + _SHORT_SLEEP_NS
    yield Wait("kswapd_wait", lambda: node.kswapd_woken or kernel.clock.now >= deadline, deadline)
    # The balance did not last for the short sleep: the request is noted again, and no long sleep.
    if node.kswapd_woken or not _prepare_kswapd_sleep(kernel, reclaim_order, zoneidx):
        node.kswapd_order = max(node.kswapd_order, reclaim_order)
        return
    trace(kernel, "mm_vmscan_kswapd_sleep", nid=Node.NODE_ID)
    yield Wait("kswapd_wait", lambda: node.kswapd_woken)


def _prepare_kswapd_sleep(kernel: Kernel, order: int, zoneidx: int) -> bool:
    """May kswapd sleep: the node is balanced for the order, or hopeless?"""
    return kernel.node.kswapd_failures >= MAX_RECLAIM_RETRIES or pgdat_balanced(kernel, order, zoneidx)


def balance_pgdat(kernel: Kernel, order: int, zoneidx: int) -> int:
    """Reclaim with rising effort until the node is balanced; the order it stopped at (0: it fell back).

    A round in which nothing came counts as a failure. ``order``: int; ``boost`` and totals are pages.
    Locks expected: none.
    """
    count_vm_event(kernel, "pageoutrun")
    # Raised marks are a debt: as many pages are reclaimed even if the node is balanced.
    boost = sum(zone.watermark_boost for zone in kernel.node.zones[: zoneidx + 1])
    boosted, total = boost > 0, 0
    for priority in range(DEF_PRIORITY, 0, -1):
        balanced = pgdat_balanced(kernel, order, zoneidx)
        if balanced and not boost:
            break
        wanted = sum(max(zone.watermark_high, SWAP_CLUSTER_MAX) for zone in kernel.node.zones)
        reclaimed = shrink_node(kernel, wanted, priority, "kswapd")
        total += reclaimed
        if order and total >= compact_gap(order):
            # Twice the block is free: enough for compaction to work with. To go on for the order itself
            # could empty the page cache, since fragmentation is not cured by reclaim.
            order = 0
        boost = max(0, boost - reclaimed)
        # For the sake of the boost alone nothing is forced: without progress it ends.
        if boost and not reclaimed:
            break
    else:
        # All rounds, nothing freed. Any task that frees a page sets the count back to 0.
        if not total:
            kernel.node.kswapd_failures += 1
    if boosted:
        _end_boost(kernel, zoneidx)
    return order


def _end_boost(kernel: Kernel, zoneidx: int) -> None:
    """The marks fall again, and kcompactd is asked to clean a pageblock.

    In the kernel zone->lock protects each boost.
    Locks expected: none.
    """
    for zone in kernel.node.zones[: zoneidx + 1]:
        zone.watermark_boost = 0
    # Free pages are there now; kcompactd can gather them before types mix further.
    wakeup_kcompactd(kernel, kernel.mem_map.pageblock_order, zoneidx)


def try_to_free_pages(kernel: Kernel, gfp: int, order: int) -> int:
    """Direct reclaim; the pages freed (unsigned long), or 1 if it is compaction's turn instead.

    For a costly order it stops at once where a zone has enough free pages for compaction to work. Where
    nothing was freed 6.12 and later reclaim a second time: they walk through only a part of the memory
    cgroups at first.
    Locks expected: none; the task may sleep.
    """
    rounds = 2 if kernel.profile.reclaim_walks_again else 1
    return next((freed for _ in range(rounds) if (freed := do_try_to_free_pages(kernel, gfp, order))), 0)


def do_try_to_free_pages(kernel: Kernel, gfp: int, order: int) -> int:
    """One round of direct reclaim with rising effort; pages freed (unsigned long)."""
    zones = zonelist(kernel, gfp)
    count_vm_event(kernel, f"allocstall_{gfp_zone(gfp).lower()}")
    for priority in range(DEF_PRIORITY, -1, -1):
        # Reclaim frees pages where they happen to be: it does not make a large block. Compaction does.
        if order > PAGE_ALLOC_COSTLY_ORDER and any(
            zone_watermark_ok(kernel, zone, order, zone.watermark_min, zones[0].index)
            or compaction_suitable(kernel, zone, order, zone.watermark_high, zones[0].index)
            for zone in zones
        ):
            # Not a count: it tells the allocator that trying again is worth while.
            return 1
        reclaimed = shrink_node(kernel, SWAP_CLUSTER_MAX, priority, "direct")
        if reclaimed:
            return reclaimed
    return 0


def shrink_node(kernel: Kernel, wanted: int, priority: int, who: str) -> int:
    """Scan a share (1 / 2^priority) of the LRU lists, oldest first; the pages freed.

    ``wanted``: pages, enough to stop; ``priority``: int, 12 to 0. The shrinkers scan theirs too, which
    does not count. ``who``: ``kswapd`` or ``direct``, for the counters.
    Locks expected: none.
    """
    shrink_active_list(kernel, priority)
    freed = shrink_inactive_list(kernel, wanted, priority, who)
    freed += shrink_anon_lists(kernel, wanted - freed, priority, who)
    shrink_slab(kernel, priority)
    if freed:
        # Something can be freed again: a kswapd that had given up gets another chance.
        kernel.node.kswapd_failures = 0
    return freed


def shrink_active_list(kernel: Kernel, priority: int) -> None:
    """Folios at the old end of the active list become inactive.

    Locks expected: none. Takes lruvec->lru_lock in the kernel.
    """
    mem_map = kernel.mem_map
    for folio in lru_oldest(kernel, "active_file", priority):
        # The mark is cleared, not asked: the inactive list is where a page must prove that it is used.
        folio_test_clear_referenced(kernel, folio)
        folio_change_lru(kernel, folio, mem_map.flags[folio] & ~PG_active)
        count_vm_event(kernel, "pgdeactivate")


def shrink_inactive_list(kernel: Kernel, wanted: int, priority: int, who: str) -> int:
    """Free what was not used since the last scan; what was used becomes active. The pages freed.

    Locks expected: none. Takes lruvec->lru_lock for the isolation, and the page lock of each folio, in
    the kernel.
    """
    mem_map = kernel.mem_map
    freed = 0
    for folio in lru_oldest(kernel, "inactive_file", priority):
        if freed >= wanted:
            break
        count_vm_event(kernel, f"pgscan_{who}")
        if folio_test_clear_referenced(kernel, folio):
            folio_change_lru(kernel, folio, mem_map.flags[folio] | PG_active)
            count_vm_event(kernel, "pgactivate")
        elif mem_map.refcount[folio] != 1 or mem_map.mapping[folio]:
            # One reference is the page cache's. Another holder, or shared memory: to the young end of the
            # list.
            folio_change_lru(kernel, folio, mem_map.flags[folio])
        else:
            # Clean page cache: the file has the same bytes, so nothing must be written.
            lruvec_del_folio(kernel, folio)
            drop_clean_page(kernel, folio)
            count_vm_event(kernel, f"pgsteal_{who}")
            freed += 1
    return freed


def folio_test_clear_referenced(kernel: Kernel, folio: int) -> bool:
    """Was the page of the file read since the last scan? Clears PG_referenced, which says so.

    Locks expected: the page lock in the kernel.
    """
    mem_map = kernel.mem_map
    used = bool(mem_map.flags[folio] & PG_referenced)
    mem_map.flags[folio] &= ~PG_referenced
    return used
