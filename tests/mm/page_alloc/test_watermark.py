"""Watermarks: the kernel's arithmetic, checked against real machines."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE
from thplab.mm.include.mmzone import Memory
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.watermark import boost_watermark, setup_per_zone_wmarks, zone_watermark_ok

LANES = Path(__file__).parents[2] / "data" / "captures" / "lanes" / "lanes-6.12.jsonl.gz"


def machine(pages: int = 8192, start_pfn: int = 0x100000, **how) -> Machine:
    return Machine(memory_pages=pages, start_pfn=start_pfn, memory=Memory(pcp=0, **how))


def test_marks_of_a_recorded_machine():
    """With the recorded zones and min_free_kbytes, are min, low and high the recorded ones?"""
    with gzip.open(LANES, "rt") as file:
        row = json.loads(file.readline())
    zones = row["before"]["zones"]
    ours = machine(4096, 1, zones=(("DMA", 2048), ("DMA32", 2048)))
    for zone in ours.kernel.node.zones:
        zone.managed_pages = zones[zone.name]["managed"]
    ours.kernel.sysctl.min_free_kbytes = row["setup"]["min_free_kbytes"]
    setup_per_zone_wmarks(ours.kernel)
    for zone in ours.kernel.node.zones:
        real = zones[zone.name]
        marks = (zone.watermark_min, zone.watermark_low, zone.watermark_high)
        assert marks == (real["min"], real["low"], real["high"])


def test_thp_raises_the_reserve():
    """Three zones: 5632 pages each, 67584 kB, as the reference machine shows; never more than 5 %."""
    pages = 1 << 19
    third = pages // 4
    big = machine(pages, 1, zones=(("DMA", third), ("DMA32", third), ("Normal", 2 * third)))
    assert big.read_sysctl("min_free_kbytes") == "67584\n"
    assert 3 * 512 * (2 + 3 * 3) * 4 == 67584
    small = machine(8192)
    assert small.read_sysctl("min_free_kbytes") == f"{8192 // 20 * 4}\n"


def test_without_thp_the_ordinary_reserve():
    """The square root of 16 times the memory in kB; and back to it when THP is switched off."""
    ours = machine(8192)
    ours.write_sysfs("enabled", "never")
    assert ours.read_sysctl("min_free_kbytes") == "724\n"  # sqrt(16 * 32768) = 724.07
    ours.write_sysfs("enabled", "madvise")
    assert ours.read_sysctl("min_free_kbytes") == f"{8192 // 20 * 4}\n"


@pytest.mark.parametrize(("pages", "kbytes"), [(1024, 256), (8192, 724), (1 << 18, 4096)])
def test_least_and_ordinary_reserve(pages, kbytes):
    ours = machine(pages)
    ours.write_sysfs("enabled", "never")
    assert ours.read_sysctl("min_free_kbytes") == f"{kbytes}\n"


def test_lower_zones_keep_something_for_themselves():
    """A request that could have had Normal leaves managed / 256 pages in DMA32."""
    ours = machine(8192, 1, zones=(("DMA32", 4096), ("Normal", 4096)))
    low, high = ours.kernel.node.zones
    assert low.lowmem_reserve == (0, 4096 // 256, 4096 // 256)  # the last one for zone Movable
    assert high.lowmem_reserve == (0, 0, 0)
    assert zone_watermark_ok(ours.kernel, low, 0, 4096 - 17, 1)
    assert not zone_watermark_ok(ours.kernel, low, 0, 4096 - 16, 1)
    assert zone_watermark_ok(ours.kernel, low, 0, 4096 - 1, 0)


def test_an_order_9_request_fails_in_two_ways():
    """Below the mark, or no block: 511 pages are thought away first."""
    ours = machine(2048, watermarks=False)
    zone = ours.kernel.zone
    assert zone_watermark_ok(ours.kernel, zone, 9, 2048 - 512, 0)
    assert not zone_watermark_ok(ours.kernel, zone, 9, 2048 - 511, 0)
    for _ in range(2048 - 600):
        alloc_pages(ours.kernel, GFP_HIGHUSER_MOVABLE, 0)
    assert zone_watermark_ok(ours.kernel, zone, 9, 0, 0)
    for _ in range(89):
        alloc_pages(ours.kernel, GFP_HIGHUSER_MOVABLE, 0)
    assert zone.free_pages == 511
    assert not zone_watermark_ok(ours.kernel, zone, 9, 0, 0)


def test_boost():
    """Each fallback raises the marks by a pageblock, up to 150 % of high; a small zone is left alone."""
    ours = machine(16384)
    zone = ours.kernel.zone
    most = max(zone.watermark_high * 15000 // 10000, 512)
    boost_watermark(ours.kernel, zone)
    assert zone.watermark_boost == 512
    for _ in range(10):
        boost_watermark(ours.kernel, zone)
    assert zone.watermark_boost == most
    tiny = machine(1024)
    boost_watermark(tiny.kernel, tiny.kernel.zone)
    assert tiny.kernel.zone.watermark_boost == 0


def test_the_factors():
    """Does boost_factor 0 mean no boost, and scale_factor 3000 marks that lie 30 % of the zone apart?"""
    ours = machine(16384)
    zone = ours.kernel.zone
    ours.write_sysctl("watermark_boost_factor", 0)
    boost_watermark(ours.kernel, zone)
    assert zone.watermark_boost == 0
    ours.write_sysctl("watermark_scale_factor", 3000)
    distance = zone.managed_pages * 3 // 10
    assert zone.watermark_low - zone.watermark_min == zone.watermark_high - zone.watermark_low == distance
