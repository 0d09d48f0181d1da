"""Direct reclaim: the task that allocates frees pages by itself (mm/vmscan.c, 6.18)."""

from __future__ import annotations

from thplab.mm.compaction.suitable import compaction_suitable
from thplab.mm.include.gfp import gfp_zone
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.mmzone import Zone
from thplab.mm.page_alloc.alloc import zonelist
from thplab.mm.page_alloc.pcp import PAGE_ALLOC_COSTLY_ORDER
from thplab.mm.page_alloc.watermark import high_wmark_pages, min_wmark_pages, zone_watermark_ok
from thplab.mm.swap import SWAP_CLUSTER_MAX
from thplab.mm.vmscan.shrink_node import DEF_PRIORITY, shrink_node
from thplab.mm.vmstat import count_vm_event


def try_to_free_pages(kernel: Kernel, gfp: int, order: int) -> int:
    """Direct reclaim; the pages freed (unsigned long), or 1 if it is compaction's turn instead.

    Where nothing was freed 6.12 and later reclaim a second time: they walk through only a part of the memory
    cgroups at first.
    Locks expected: none; the task may sleep.
    """
    rounds = 2 if kernel.profile.reclaim_walks_again else 1
    return next((freed for _ in range(rounds) if (freed := do_try_to_free_pages(kernel, gfp, order))), 0)


def do_try_to_free_pages(kernel: Kernel, gfp: int, order: int) -> int:
    """Rounds with rising effort until 32 pages are free, or compaction can begin; pages (unsigned long).

    Locks expected: none; the task may sleep.
    """
    zones = zonelist(kernel, gfp)
    count_vm_event(kernel, f"allocstall_{gfp_zone(gfp).lower()}")
    reclaimed = 0
    for priority in range(DEF_PRIORITY, -1, -1):
        freed, ready = shrink_zones(kernel, zones, order, priority)
        reclaimed += freed
        # Whoever needs one page frees a batch: the next tasks need not stop.
        if reclaimed >= SWAP_CLUSTER_MAX:
            break
        if ready:
            # 1 is not a count: it tells the allocator that trying again is worth while.
            return reclaimed or 1
    return reclaimed


def shrink_zones(kernel: Kernel, zones: tuple[Zone, ...], order: int, priority: int) -> tuple[int, bool]:
    """Reclaim for those of the zones that need it; pages freed, and whether compaction can begin in one.

    A zone in which it can is passed over. All zones are of one node, which is scanned once. ``zones``: the
    zonelist (struct zonelist *).
    Locks expected: none.
    """
    # Reclaim frees pages where they happen to be: it does not make a large block. Compaction does.
    ready = [order > PAGE_ALLOC_COSTLY_ORDER and compaction_ready(kernel, z, order, zones) for z in zones]
    freed = 0 if all(ready) else shrink_node(kernel, SWAP_CLUSTER_MAX, priority, "direct")
    return freed, any(ready)


def compaction_ready(kernel: Kernel, zone: Zone, order: int, zones: tuple[Zone, ...]) -> bool:
    """Is a block free already, or are there enough free pages in the zone to make one?

    Locks expected: none.
    """
    return zone_watermark_ok(
        kernel, zone, order, min_wmark_pages(zone), zones[0].index
    ) or compaction_suitable(kernel, zone, order, high_wmark_pages(zone), zones[0].index)
