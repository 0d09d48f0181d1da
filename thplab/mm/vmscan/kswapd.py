"""Reclaim: take back pages that were not used lately (mm/vmscan.c, 6.18).

    kswapd            one thread for the node: sleeps until an allocation wakes it
     balance_pgdat    reclaim until every zone is above its high mark, or nothing comes
      shrink_node     (vmscan/shrink_node.py) one round
    try_to_free_pages (vmscan/direct.py) the task that allocates reclaims by itself

When kswapd goes to sleep it may wake kcompactd, and only then: that is how a ``defer`` fault comes to
its huge page.
"""

from __future__ import annotations

from thplab.mm.compaction.kcompactd import wakeup_kcompactd
from thplab.mm.compaction.suitable import compact_gap, reset_isolation_suitable
from thplab.mm.include.gfp import GFP_DIRECT_RECLAIM, gfp_text
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Node
from thplab.mm.include.sched import NSEC_PER_MSEC, Kthread, Sleeping, Wait
from thplab.mm.kthread import kthread_run
from thplab.mm.page_alloc.watermark import high_wmark_pages, zone_watermark_ok
from thplab.mm.swap import SWAP_CLUSTER_MAX
from thplab.mm.trace import trace
from thplab.mm.vmscan.shrink_node import DEF_PRIORITY, shrink_node
from thplab.mm.vmstat import count_vm_event, vm_event

#: After so many rounds without a page freed kswapd leaves the node to direct reclaim.
MAX_RECLAIM_RETRIES = 16
#: No request is noted (MAX_NR_ZONES in the kernel; smaller than any zone here, so that the highest wins).
NO_ZONE = -1
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
    """Is there a zone that could serve the order and stay above its high mark, with what was added to it?

    Locks expected: none.
    """
    return any(
        zone_watermark_ok(kernel, zone, order, high_wmark_pages(zone), highest_zoneidx)
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
        alloc_order, zoneidx = node.kswapd_order, _kswapd_highest_zoneidx(node, zoneidx)
        # Cleared before the work: what is asked for from now on is a new request.
        node.kswapd_order, node.kswapd_highest_zoneidx = 0, NO_ZONE
        node.kswapd_woken = False
        trace(kernel, "mm_vmscan_kswapd_wake", nid=Node.NODE_ID, order=alloc_order)
        reclaim_order = balance_pgdat(kernel, alloc_order, zoneidx)
        # If reclaim fell back to order 0, alloc_order stays: it is what kcompactd is woken for.
        if reclaim_order == alloc_order:
            # What was asked for meanwhile comes next; an order that got nothing is forgotten, and so
            # kcompactd is not woken for it.
            alloc_order = reclaim_order = node.kswapd_order
            zoneidx = _kswapd_highest_zoneidx(node, zoneidx)


def _kswapd_highest_zoneidx(node: Node, before: int) -> int:
    """The best zone that a request since the last round could have used; none since: as ``before``."""
    return before if node.kswapd_highest_zoneidx == NO_ZONE else node.kswapd_highest_zoneidx


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
    if node.kswapd_woken:
        # Woken early, for something else perhaps: what was asked for before is noted again.
        node.kswapd_order = max(node.kswapd_order, reclaim_order)
        node.kswapd_highest_zoneidx = _kswapd_highest_zoneidx(node, zoneidx)
        return
    # The balance did not last for the short sleep: no long one, and the next round is for order 0.
    if not _prepare_kswapd_sleep(kernel, reclaim_order, zoneidx):
        return
    trace(kernel, "mm_vmscan_kswapd_sleep", nid=Node.NODE_ID)
    yield Wait("kswapd_wait", lambda: node.kswapd_woken)


def _prepare_kswapd_sleep(kernel: Kernel, order: int, zoneidx: int) -> bool:
    """May kswapd sleep: the node is balanced for the order, or hopeless?"""
    return kernel.node.kswapd_failures >= MAX_RECLAIM_RETRIES or pgdat_balanced(kernel, order, zoneidx)


def balance_pgdat(kernel: Kernel, order: int, zoneidx: int) -> int:
    """Reclaim with rising effort until the node is balanced; the order it stopped at (0: it fell back).

    Raised marks are a debt: as many pages are reclaimed even if the node is balanced, but without swapping.
    If nothing comes at all that counts as a failure. ``order``: int; ``boost`` and totals are pages.
    Locks expected: none.
    """
    count_vm_event(kernel, "pageoutrun")
    # As they are now: what is added meanwhile is the next round's.
    boosts = [zone.watermark_boost for zone in kernel.node.zones[: zoneidx + 1]]
    boost, total, priority = sum(boosts), 0, DEF_PRIORITY
    while priority >= 1:
        balanced = pgdat_balanced(kernel, order, zoneidx)
        if not balanced and boost:
            # Memory is really short: the debt is forgotten, and the round begins anew with all means.
            boost, priority = 0, DEF_PRIORITY
            continue
        if balanced and not boost:
            break
        reclaimed, scanned_all = kswapd_shrink_node(kernel, zoneidx, priority, may_swap=not boost)
        total += reclaimed
        if order and total >= compact_gap(order):
            # Twice the block is free: enough for compaction to work with. To go on for the order itself
            # could empty the page cache, since fragmentation is not cured by reclaim.
            order = 0
        # For the sake of the debt alone the effort does not rise beyond the third step.
        keep = scanned_all or (boost and priority == DEF_PRIORITY - 2)
        boost = max(0, boost - reclaimed)
        if boost and not reclaimed:
            # Nor does it go on without progress.
            _note_failure(kernel, total, boosts)
            break
        if not keep or not reclaimed:
            priority -= 1
    else:
        _note_failure(kernel, total, boosts)
    if any(boosts):
        _end_boost(kernel, boosts, zoneidx)
    return order


def kswapd_shrink_node(kernel: Kernel, zoneidx: int, priority: int, *, may_swap: bool) -> tuple[int, bool]:
    """One round: pages freed, and whether so many were scanned that more effort is not needed.

    ``priority``: int; ``may_swap``: also anonymous memory.
    Locks expected: none.
    """
    zones = kernel.node.zones[: zoneidx + 1]
    wanted = sum(max(high_wmark_pages(zone), SWAP_CLUSTER_MAX) for zone in zones)
    before = vm_event(kernel, "pgscan_kswapd")
    reclaimed = shrink_node(kernel, wanted, priority, "kswapd", may_swap=may_swap)
    return reclaimed, vm_event(kernel, "pgscan_kswapd") - before >= wanted


def _note_failure(kernel: Kernel, total: int, boosts: list[int]) -> None:
    """All effort for nothing? A task that frees a page sets the count back to 0.

    From 7.0 on a round for raised marks does not count: it was not allowed all means.
    """
    if not total and (kernel.profile.boosted_round_may_fail or not any(boosts)):
        kernel.node.kswapd_failures += 1


def _end_boost(kernel: Kernel, boosts: list[int], zoneidx: int) -> None:
    """The marks fall by what the round has worked off, and kcompactd is asked to clean a pageblock.

    In the kernel zone->lock protects each boost.
    Locks expected: none.
    """
    for zone, boost in zip(kernel.node.zones, boosts, strict=False):
        zone.watermark_boost -= min(zone.watermark_boost, boost)
    # Free pages are there now; kcompactd can gather them before types mix further.
    wakeup_kcompactd(kernel, kernel.mem_map.pageblock_order, zoneidx)
