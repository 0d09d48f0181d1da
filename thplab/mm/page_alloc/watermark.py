"""Reserves of free memory: min, low and high of each zone, and who may go below (mm/page_alloc.c, 6.18)."""

from __future__ import annotations

from math import isqrt
from typing import TYPE_CHECKING

from thplab.mm.include.list import list_empty
from thplab.mm.include.mmzone import MIGRATE_PCPTYPES, Zone, free_list

if TYPE_CHECKING:
    from thplab.mm.system import Kernel

__all__ = [
    "boost_watermark",
    "calculate_min_free_kbytes",
    "set_pcp_high",
    "set_recommended_min_free_kbytes",
    "setup_per_zone_wmarks",
    "zone_watermark_ok",
]

#: vm.lowmem_reserve_ratio by zone name.
_RESERVE_RATIO = {"DMA": 256, "DMA32": 256, "Normal": 32}
#: Pages that go to or from a per-CPU list at a time.
_PCP_BATCH = 63
_LEAST_KBYTES, _MOST_KBYTES = 128, 262144


def calculate_min_free_kbytes(kernel: Kernel) -> int:
    """The reserve at boot in kB: the square root of 16 times the memory in kB."""
    lowmem_kbytes = sum(zone.managed_pages for zone in kernel.node.zones) * 4
    return max(_LEAST_KBYTES, min(isqrt(16 * lowmem_kbytes), _MOST_KBYTES))


def set_recommended_min_free_kbytes(kernel: Kernel, *, enabled: bool) -> None:
    """With THP on: enough for each migrate type to have pageblocks of its own, but not above 5 %.

    mm/khugepaged.c. Raises vm.min_free_kbytes, never lowers it; with THP off (``enabled`` false) the
    ordinary value comes back.
    """
    if not kernel.memory.watermarks:
        return
    if not enabled:
        init_per_zone_wmark_min(kernel)
        return
    zones = [zone for zone in kernel.node.zones if zone.managed_pages]
    per_zone = kernel.geometry.HPAGE_PMD_NR * (2 + MIGRATE_PCPTYPES * MIGRATE_PCPTYPES)
    five_percent = sum(zone.managed_pages for zone in zones) // 20
    kbytes = min(per_zone * len(zones), five_percent) * 4
    if kbytes > kernel.sysctl.min_free_kbytes:
        kernel.sysctl.min_free_kbytes = kbytes
        setup_per_zone_wmarks(kernel)


def init_per_zone_wmark_min(kernel: Kernel) -> None:
    """The reserve as after boot: the ordinary value, nothing that THP added to it."""
    if kernel.memory.watermarks:
        kernel.sysctl.min_free_kbytes = calculate_min_free_kbytes(kernel)
        setup_per_zone_wmarks(kernel)


def setup_per_zone_wmarks(kernel: Kernel) -> None:
    """Compute the marks of all zones from vm.min_free_kbytes, and what lower zones keep for themselves."""
    zones = kernel.node.zones
    pages_min = kernel.sysctl.min_free_kbytes // 4
    lowmem = sum(zone.managed_pages for zone in zones)
    for zone in zones:
        share = pages_min * zone.managed_pages // lowmem
        distance = max(share // 4, zone.managed_pages * kernel.sysctl.watermark_scale_factor // 10000)
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
    """For a request that could have had zone number i: how much of ``zone`` is kept from it."""
    ratio = _RESERVE_RATIO.get(zone.name, 32)
    numbers = range(len(zones) + 1)  # the last one is zone Movable, which has no pages
    above = [sum(z.managed_pages for z in zones[zone.index + 1 : i + 1]) for i in numbers]
    return tuple(pages // ratio for pages in above)


def boost_watermark(kernel: Kernel, zone: Zone) -> None:
    """Types begin to mix: raise the marks by a pageblock, so that kswapd makes room for clean ones."""
    factor = kernel.sysctl.watermark_boost_factor
    if not kernel.memory.watermarks or not factor:
        return
    size = kernel.geometry.HPAGE_PMD_NR
    # On a small zone a boost could never be met.
    if zone.managed_pages < 4 * size:
        return
    most = max(zone.watermark_high * factor // 10000, size)
    zone.watermark_boost = min(zone.watermark_boost + size, most)
    zone.boosted = True


def zone_watermark_ok(kernel: Kernel, zone: Zone, order: int, mark: int, highest_zoneidx: int) -> bool:
    """Would the zone still have ``mark`` free pages after the request, and is a block there at all?

    ``highest_zoneidx``: the best zone that the request could have used. An order-9 request can fail
    in two ways: too little memory, or enough of it in too small pieces.
    """
    reserve = zone.lowmem_reserve[highest_zoneidx] if zone.lowmem_reserve else 0
    if zone.free_pages - ((1 << order) - 1) <= mark + reserve:
        return False
    if not order:
        return True
    links = kernel.mem_map.links
    return any(
        zone.nr_free[each] and not list_empty(links, free_list(zone, each, migratetype))
        for each in range(order, zone.max_order + 1)
        for migratetype in range(MIGRATE_PCPTYPES)
    )
