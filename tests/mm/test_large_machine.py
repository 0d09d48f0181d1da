"""A machine of 64 GiB: what it takes to boot, and that memory becomes ready as it is used."""

from __future__ import annotations

import pytest

from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_KERNEL
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.state import Column
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import folio_put

GIB = 1 << 18  # frames


@pytest.fixture(scope="module")
def machine():
    return Machine(memory_pages=64 * GIB - 1, start_pfn=1, memory=Memory(pcp=0))


def columns(machine: Machine) -> int:
    """Bytes of all columns of mem_map."""
    mem_map = machine.kernel.mem_map
    found = [getattr(mem_map, name) for name in type(mem_map).__slots__]
    return sum(len(c) * c.itemsize for c in found if isinstance(c, Column))


def test_size_at_boot(machine):
    """Under 600 MiB: 13 bytes for each frame, and everything only for what is in use."""
    assert columns(machine) < 600 << 20


def test_zones_by_address(machine):
    """DMA below 16 MiB, DMA32 below 4 GiB, Normal the rest; THP's reserve of three zones."""
    zones = machine.kernel.node.zones
    assert [(z.name, z.zone_start_pfn, z.zone_end_pfn) for z in zones] == [
        ("DMA", 1, 1 << 12),
        ("DMA32", 1 << 12, 1 << 20),
        ("Normal", 1 << 20, 64 * GIB),
    ]
    assert machine.read_sysctl("min_free_kbytes") == "67584\n"
    assert machine.vmstat("nr_free_pages") == 64 * GIB - 2  # without the page of zeros


def test_memory_becomes_ready_as_it_is_used(machine):
    """Processes work, freed pages join again, and no more than was touched is ready."""
    before = list(machine.kernel.zone.nr_free)
    process = machine.process("app")
    process.mmap(0x7F0000000000, 4 << 20)
    assert process.read(0x7F0000000000) == 0
    for page in range(700):
        process.write(0x7F0000000000 + page * 4096, page + 1)
    assert [process.read(0x7F0000000000 + page * 4096) for page in range(700)] == list(range(1, 701))
    mem_map = machine.kernel.mem_map
    assert 0 < mem_map.nr_ready < mem_map.nr_frames // 8
    process.exit()
    assert list(machine.kernel.zone.nr_free) == before


def test_user_pages_come_from_the_highest_zone(machine):
    """A request that may use any zone gets Normal; DMA32 only when it asks for it."""
    page = alloc_pages(machine.kernel, GFP_HIGHUSER_MOVABLE, 0)
    assert page + 1 >= 1 << 20
    low = alloc_pages(machine.kernel, GFP_KERNEL | 1 << 2, 0)
    assert 1 << 12 <= low + 1 < 1 << 20
    for each in (page, low):
        folio_put(machine.kernel, each)


@pytest.mark.long
def test_the_whole_machine_is_compacted_without_touching_what_is_free(machine):
    """The scanners pass over memory that was never used."""
    ready = machine.kernel.mem_map.nr_ready
    machine.write_sysctl("compact_memory", 1)
    assert machine.kernel.mem_map.nr_ready == ready
