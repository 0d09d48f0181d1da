"""kcompactd: compaction in the background, so that others need not wait (mm/compaction.c, 6.18).

It is woken for an order (by kswapd, or by an allocation when kswapd can't help), and looks by itself
twice a second whether memory has become too fragmented. It makes free blocks and nothing else: it
allocates no huge page and maps none.
"""

from __future__ import annotations

from thplab.mm.compaction.compact import compact_node, compact_zone, count_daemon_scanned, kswapd_is_running
from thplab.mm.compaction.control import CompactControl, CompactResult, MigrateMode
from thplab.mm.compaction.suitable import (
    COMPACT_MAX_DEFER_SHIFT,
    compaction_defer_reset,
    compaction_deferred,
    compaction_suit_allocation_order,
    defer_compaction,
    fragmentation_score_node,
    fragmentation_score_wmark,
)
from thplab.mm.include.gfp import GFP_KERNEL, gfp_migratetype
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Node, Zone, default_migratetype
from thplab.mm.include.sched import NSEC_PER_MSEC, Sleeping, Wait
from thplab.mm.kthread import kthread_run
from thplab.mm.page_alloc.alloc import ALLOC_WMARK_MIN
from thplab.mm.page_alloc.pcp import drain_all_pages
from thplab.mm.trace import trace
from thplab.mm.vmstat import count_vm_event

#: Milliseconds between two looks at the score (HPAGE_FRAG_CHECK_INTERVAL_MSEC).
HPAGE_FRAG_CHECK_INTERVAL_MSEC = 500


def wakeup_kcompactd(kernel: Kernel, order: int, highest_zoneidx: int) -> None:
    """Ask kcompactd for a block of ``order`` (int) in the zones up to ``highest_zoneidx`` (int).

    The request is noted in any case; the thread is woken only if it sleeps and compaction could help now.
    Otherwise the request is served at the next wake-up, whatever that is for.
    Locks expected: none.
    """
    node = kernel.node
    if not order or node.kcompactd is None:
        return
    # Requests are merged: one run for the largest order serves the smaller ones too.
    node.kcompactd_max_order = max(node.kcompactd_max_order, order)
    node.kcompactd_highest_zoneidx = min(node.kcompactd_highest_zoneidx, highest_zoneidx)
    if node.kcompactd_woken or not kcompactd_node_suitable(kernel):
        return
    _trace_wake(kernel, "mm_compaction_wakeup_kcompactd", order, highest_zoneidx)
    node.kcompactd_woken = True


def kcompactd_node_suitable(kernel: Kernel) -> bool:
    """Is there a zone in which compaction for the noted order makes sense? Locks expected: none."""
    node = kernel.node
    zoneidx = node.kcompactd_highest_zoneidx
    for zone in node.zones[: zoneidx + 1]:
        result = compaction_suit_allocation_order(
            kernel, zone, node.kcompactd_max_order, zoneidx, ALLOC_WMARK_MIN
        )
        if result is CompactResult.CONTINUE:
            return True
    return False


def proactiveness_written(kernel: Kernel) -> None:
    """After a write to vm.compaction_proactiveness: a value above 0 lets kcompactd look at once.

    Up to 6.1 without the event mm_compaction_wakeup_kcompactd.
    Locks expected: none.
    """
    node = kernel.node
    if kernel.sysctl.compaction_proactiveness and node.kcompactd is not None:
        # A write before this one has not been served yet.
        if node.proactive_compact_trigger:
            return
        node.proactive_compact_trigger = True
        if kernel.profile.trace_proactive_wakeup:
            _trace_wake(kernel, "mm_compaction_wakeup_kcompactd", -1, len(node.zones) - 1)
        node.kcompactd_woken = True


def _trace_wake(kernel: Kernel, event: str, order: int, zoneidx: int) -> None:
    """The wake-up events have the same fields; the zone is printed by name."""
    names = [*(zone.name for zone in kernel.node.zones), "Movable"]
    trace(kernel, event, nid=Node.NODE_ID, order=order, classzone_idx=names[zoneidx])


def kcompactd_run(kernel: Kernel) -> None:
    """Create the thread (at boot)."""
    kernel.node.kcompactd = kthread_run(kernel, "kcompactd0", kcompactd(kernel))


def kcompactd(kernel: Kernel) -> Sleeping:
    """The thread's body: wait for a request, or for the next look at the score. Locks expected: none."""
    node = kernel.node
    interval = HPAGE_FRAG_CHECK_INTERVAL_MSEC * NSEC_PER_MSEC
    timeout: int | None = interval
    while True:
        if not kernel.sysctl.compaction_proactiveness:
            # Proactive compaction is off: no timer, the thread sleeps until it is asked.
            timeout = None
        trace(kernel, "mm_compaction_kcompactd_sleep", nid=Node.NODE_ID)
        # A request may have come while the thread was at work: no wake-up announces it again.
        if not kcompactd_work_requested(kernel):
            yield _kcompactd_wait(kernel, timeout)
        node.kcompactd_woken = False
        timeout = interval
        # A request comes first: a task may be waiting for it. The score has time.
        if kcompactd_work_requested(kernel) and not node.proactive_compact_trigger:
            kcompactd_do_work(kernel)
            continue
        if should_proactive_compact_node(kernel):
            before = fragmentation_score_node(kernel)
            compact_node(kernel, proactive=True)
            if fragmentation_score_node(kernel) >= before:
                # Nothing gained: look again only after 32 seconds.
                # A long pause ends with any wake-up, also with one for a request.
                timeout = interval << COMPACT_MAX_DEFER_SHIFT
        node.proactive_compact_trigger = False


def kcompactd_work_requested(kernel: Kernel) -> bool:
    """Is an order noted, or was the knob written? Asked before sleeping and when the time is up, too.

    Locks expected: none.
    """
    return kernel.node.kcompactd_max_order > 0 or kernel.node.proactive_compact_trigger


def _kcompactd_wait(kernel: Kernel, timeout: int | None) -> Wait:
    """What the thread sleeps for; ``timeout`` in ns, None: until it is woken."""
    node = kernel.node
    if timeout is None:
        return Wait("kcompactd_wait", lambda: node.kcompactd_woken)
    deadline = kernel.clock.now + timeout
    return Wait("kcompactd_wait", lambda: node.kcompactd_woken or kernel.clock.now >= deadline, deadline)


def should_proactive_compact_node(kernel: Kernel) -> bool:
    """Is proactive compaction on, kswapd idle, and the node's score above the high mark?

    Two marks, so that the thread does not start and stop at every page freed.
    Locks expected: none.
    """
    if not kernel.sysctl.compaction_proactiveness or kswapd_is_running(kernel):
        return False
    return fragmentation_score_node(kernel) > fragmentation_score_wmark(kernel, low=False)


def kcompactd_do_work(kernel: Kernel) -> None:
    """Serve the noted request in every zone that it concerns; then it is done, whatever came out.

    Locks expected: none.
    """
    node = kernel.node
    order, zoneidx = node.kcompactd_max_order, node.kcompactd_highest_zoneidx
    _trace_wake(kernel, "mm_compaction_kcompactd_wake", order, zoneidx)
    count_vm_event(kernel, "compact_daemon_wake")
    for zone in node.zones[: zoneidx + 1]:
        _work_on_zone(kernel, zone, order, zoneidx)
    # A larger request that came meanwhile stays noted.
    if node.kcompactd_max_order <= order:
        node.kcompactd_max_order = 0
    if node.kcompactd_highest_zoneidx >= zoneidx:
        node.kcompactd_highest_zoneidx = len(node.zones) - 1


def _work_on_zone(kernel: Kernel, zone: Zone, order: int, zoneidx: int) -> None:
    """One zone: unless it is deferred or compaction is no use, compact it and note the result."""
    if compaction_deferred(kernel, zone, order):
        return
    # Asked as for a request that can only have this zone; compact_zone asks again for the real one.
    suits = compaction_suit_allocation_order(kernel, zone, order, zone.index, ALLOC_WMARK_MIN)
    if suits is not CompactResult.CONTINUE:
        return
    migratetype = default_migratetype(kernel, gfp_migratetype(GFP_KERNEL))
    cc = CompactControl(kernel, zone, order, migratetype, MigrateMode.SYNC_LIGHT)
    cc.alloc_flags, cc.highest_zoneidx = ALLOC_WMARK_MIN, zoneidx
    status = compact_zone(kernel, cc)
    # Nobody has allocated the block yet, so the failure counters are only set to expect success.
    if status is CompactResult.SUCCESS:
        compaction_defer_reset(kernel, zone, order, alloc_success=False)
    elif status in (CompactResult.COMPLETE, CompactResult.PARTIAL_SKIPPED):
        # Free blocks may be missing only because their pages are in the per-CPU lists. Emptying these
        # disturbs every processor; the deferral below keeps it rare.
        drain_all_pages(kernel)
        defer_compaction(kernel, zone, order)
    count_daemon_scanned(kernel, cc)
