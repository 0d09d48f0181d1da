"""Reserves of free memory: min, low and high of each zone, and who may go below (mm/page_alloc.c, 6.18)."""

from __future__ import annotations

from math import isqrt

from thplab.mm.include.kernel import Kernel
from thplab.mm.include.list import list_empty
from thplab.mm.include.mmzone import MIGRATE_PCPTYPES, Zone, free_list

#: vm.lowmem_reserve_ratio by zone name.
_RESERVE_RATIO = {"DMA": 256, "DMA32": 256, "Normal": 32}
#: Pages that go to or from a per-CPU list at a time.
_PCP_BATCH = 63
_LEAST_KBYTES, _MOST_KBYTES = 128, 262144


def calculate_min_free_kbytes(kernel: Kernel) -> int:
    """The reserve at boot (int, kB): the square root of 16 times the memory in kB."""
    lowmem_kbytes = sum(zone.managed_pages for zone in kernel.node.zones) * 4
    # A root: large machines need more in all, but not in proportion.
    return max(_LEAST_KBYTES, min(isqrt(16 * lowmem_kbytes), _MOST_KBYTES))


def init_per_zone_wmark_min(kernel: Kernel) -> None:
    """The reserve as after boot: the ordinary value, without what THP added to it."""
    if kernel.memory.watermarks:
        kernel.sysctl.min_free_kbytes = calculate_min_free_kbytes(kernel)
        setup_per_zone_wmarks(kernel)


def setup_per_zone_wmarks(kernel: Kernel) -> None:
    """Compute the marks (pages) of all zones from vm.min_free_kbytes, and what lower zones keep back.

    Locks expected: none. Takes zone->lock of each zone in the kernel.
    """
    zones = kernel.node.zones
    pages_min = kernel.sysctl.min_free_kbytes // 4
    lowmem = sum(zone.managed_pages for zone in zones)
    for zone in zones:
        share = pages_min * zone.managed_pages // lowmem
        # Room between the marks: kswapd wakes at low and works up to high, and should not do so for every
        # page.
        distance = max(share // 4, zone.managed_pages * kernel.sysctl.watermark_scale_factor // 10000)
        # A boost is relative to the old marks.
        zone.watermark_boost = 0
        zone.watermark_min = share
        zone.watermark_low = share + distance
        zone.watermark_high = share + 2 * distance
        zone.lowmem_reserve = _lowmem_reserve(zones, zone)
    set_pcp_high(kernel)


def set_pcp_high(kernel: Kernel) -> None:
    """How many pages the lists may hold: what the scenario says, else the zone's low mark."""
    for zone in kernel.node.zones:
        limit = kernel.memory.pcp
        zone.pcp.high = max(zone.watermark_low, 4 * _PCP_BATCH) if limit is None else limit
        zone.pcp.batch = min(_PCP_BATCH, max(1, zone.pcp.high // 4))


def _lowmem_reserve(zones: tuple[Zone, ...], zone: Zone) -> tuple[int, ...]:
    """For a request that could have had zone number i: how many pages of ``zone`` are kept from it."""
    ratio = _RESERVE_RATIO.get(zone.name, 32)
    numbers = range(len(zones) + 1)  # the last one is zone Movable, which has no pages
    # The more memory lies above, the more requests could fill this zone, which is the only choice of some.
    above = [sum(z.managed_pages for z in zones[zone.index + 1 : i + 1]) for i in numbers]
    return tuple(pages // ratio for pages in above)


def min_wmark_pages(zone: Zone) -> int:
    """The min mark (unsigned long, pages) with what a fallback has added to it."""
    return zone.watermark_min + zone.watermark_boost


def low_wmark_pages(zone: Zone) -> int:
    """The low mark (unsigned long, pages) with what a fallback has added to it."""
    return zone.watermark_low + zone.watermark_boost


def high_wmark_pages(zone: Zone) -> int:
    """The high mark (unsigned long, pages) with what a fallback has added to it."""
    return zone.watermark_high + zone.watermark_boost


def boost_watermark(kernel: Kernel, zone: Zone) -> bool:
    """Types begin to mix: raise the marks by a pageblock, so that kswapd makes room for clean ones.

    False: boosts are off, or the zone is too small for one.

    Locks expected: zone->lock in the kernel.
    """
    factor = kernel.sysctl.watermark_boost_factor
    if not kernel.memory.watermarks or not factor:
        return False
    size = kernel.geometry.HPAGE_PMD_NR
    # On a small zone a boost could never be met.
    if zone.managed_pages < 4 * size:
        return False
    # Not without end: kswapd would have to reclaim all of it.
    most = max(zone.watermark_high * factor // 10000, size)
    zone.watermark_boost = min(zone.watermark_boost + size, most)
    return True


def zone_watermark_ok(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    """Would the zone still have ``mark`` free pages after the request, and is a block there at all?

    ``order``: unsigned int; ``mark``: unsigned long, pages. ``highest_zoneidx``: the best zone that the
    request could have used. An order-9 request can fail in two ways: too little memory, or enough of it
    in too small pieces. Locks expected: none; the counts may change at any moment.
    """
    reserve = zone.lowmem_reserve[highest_zoneidx] if zone.lowmem_reserve else 0
    # The comparison accounts for the last page: at least the mark must be left.
    if zone.free_pages - ((1 << order) - 1) <= mark + reserve:
        return False
    if not order:
        return True
    links = kernel.mem_map.links
    return any(
        # Only the three ordinary types count: the reserve for atomic requests is not for this one.
        zone.nr_free[each] and not list_empty(links, free_list(zone, each, migratetype))
        for each in range(order, zone.max_order + 1)
        for migratetype in range(MIGRATE_PCPTYPES)
    )
