"""Boot: the zones are cut, all memory is free, the reserves are set (mm/mm_init.c, mm/page_alloc.c, 6.18)."""

from __future__ import annotations

from thplab.kernels import Profile
from thplab.mm.include.geometry import Geometry
from thplab.mm.include.gfp import MIGRATE_MOVABLE, MIGRATE_UNMOVABLE
from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import INIT_LIST_HEAD
from thplab.mm.include.mmzone import ZONE_LIMITS, Memory, Node, Zone, default_migratetype
from thplab.mm.include.page import MemMap, PG_reserved
from thplab.mm.khugepaged.start_stop import start_stop_khugepaged, wake_khugepaged
from thplab.mm.page_alloc.buddy import __rmqueue_smallest, memmap_init_zone
from thplab.mm.page_alloc.slowpath import __alloc_pages_slowpath
from thplab.mm.page_alloc.watermark import init_per_zone_wmark_min, set_pcp_high
from thplab.mm.sysfs import KNOBS
from thplab.mm.vmscan.kswapd import wakeup_kswapd


def boot(
    profile: Profile, geometry: Geometry, start_pfn: int, pages: int, swap_pages: int, memory: Memory
) -> Kernel:
    """A kernel with ``pages`` frames from ``start_pfn`` on; behind them one that the kernel image takes.

    ``start_pfn``: unsigned long; ``swap_pages``: slots of the swap device, 0: no swap. No thread runs
    yet, so no lock is needed.
    """
    layout = _zone_layout(memory, start_pfn, pages)
    kernel_zones = 1 if memory.kernel_pages else 0
    per_zone, order = Zone.nr_list_heads(geometry.MAX_PAGE_ORDER), geometry.MAX_PAGE_ORDER
    nr_heads = per_zone * (len(layout) + kernel_zones) + Node.nr_list_heads(order)
    # The kernel's own pages begin with a pageblock of their own.
    outside_pfn = -(-(start_pfn + pages + 1) // geometry.HPAGE_PMD_NR) * geometry.HPAGE_PMD_NR
    frames = outside_pfn - start_pfn + memory.kernel_pages if memory.kernel_pages else pages + 1
    mem_map = MemMap(start_pfn, frames, nr_heads, geometry.HPAGE_PMD_ORDER)
    zones, pfn = [], start_pfn
    for index, (name, size) in enumerate(layout):
        zones.append(Zone(name, index, pfn, size, order, frames + per_zone * index))
        pfn += size
    outside = None
    if memory.kernel_pages:
        first = frames + per_zone * len(zones)
        outside = Zone("kernel", len(zones), outside_pfn, memory.kernel_pages, order, first)
    node = Node(tuple(zones), outside, frames + per_zone * (len(zones) + kernel_zones))
    kernel = Kernel(profile, geometry, memory, mem_map, node, swap_pages)
    _set_hooks(kernel)
    kernel.zero_page = pages
    for page in range(pages, frames - memory.kernel_pages):
        mem_map.flags[page] = PG_reserved
    for head in range(node.lru, node.lru + Node.nr_list_heads(order)):
        INIT_LIST_HEAD(mem_map.links, head)
    for zone in zones:
        memmap_init_zone(kernel, zone, MIGRATE_MOVABLE)
    if outside is not None:
        memmap_init_zone(kernel, outside, default_migratetype(kernel, MIGRATE_UNMOVABLE))
    _reserve_zero_page(kernel)
    # The marks come last: they follow from the pages that the zones have now.
    set_pcp_high(kernel)
    init_per_zone_wmark_min(kernel)
    return kernel


def _set_hooks(kernel: Kernel) -> None:
    """What is called from below: see the fields of :class:`Kernel`."""
    kernel.slowpath = __alloc_pages_slowpath
    kernel.wakeup_kswapd = wakeup_kswapd
    kernel.after_store = {
        **{name: start_stop_khugepaged for name in KNOBS if name.endswith("enabled")},
        "khugepaged/scan_sleep_millisecs": wake_khugepaged,
        "khugepaged/alloc_sleep_millisecs": wake_khugepaged,
    }


def _reserve_zero_page(kernel: Kernel) -> None:
    """The page of zeros lies behind the zones, or is the first page of a very large machine.

    Of the latter not all frames are ready yet, those at its end least of all.
    """
    mem_map = kernel.mem_map
    if mem_map.nr_ready < mem_map.nr_frames:
        page = __rmqueue_smallest(kernel, kernel.node.zones[0], 0, MIGRATE_MOVABLE)
        assert page is not None
        kernel.zero_page = page
        kernel.node.zones[0].managed_pages -= 1
        mem_map.flags[page] = PG_reserved
    mem_map.refcount[kernel.zero_page] = 1


def _zone_layout(memory: Memory, start_pfn: int, pages: int) -> tuple[tuple[str, int], ...]:
    """(name, pages) of each zone that has pages: as asked for, else cut by address."""
    if memory.zones:
        return memory.zones
    layout, pfn, end = [], start_pfn, start_pfn + pages
    for name, limit in ZONE_LIMITS:
        size = min(limit, end) - pfn
        if size > 0:
            layout.append((name, size))
            pfn += size
    return tuple(layout)
