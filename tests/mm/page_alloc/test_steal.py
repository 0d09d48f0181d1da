"""Fallback by version: one search up to 6.14, claim and steal later. Expected: the rules of the kernels."""

from __future__ import annotations

import random
from itertools import product

import pytest

from tests.invariants import check
from tests.mm.page_alloc.test_fallback import (
    GFP_OF,
    GFP_RECLAIMABLE,
    MOVABLE,
    RECLAIMABLE,
    UNMOVABLE,
    partly,
    take,
    types,
)
from tests.sampling import some
from thplab.kernels import PROFILES
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_KERNEL, GFP_KSWAPD_RECLAIM
from thplab.mm.include.list import list_for_each
from thplab.mm.include.mmzone import Memory, free_list, set_pageblock_migratetype
from thplab.mm.include.page import PG_lru
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __free_pages as free_pages

KERNELS = sorted(PROFILES)
ONE_SEARCH = ("6.1", "6.12")


def last_fallback(machine: Machine) -> int:
    event = [e for e in machine.trace if e.name == "mm_page_alloc_extfrag"][-1]
    return int(event.value("fallback_order"))


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_kernel_page_that_may_not_claim(kernel):
    """100 of 512 pages are free, others of users: from the largest block up to 6.12, the smallest later."""
    machine = partly(MOVABLE, 100, 412, kernel)
    take(machine, GFP_KERNEL)
    assert types(machine)[0] == MOVABLE
    # 100 free pages at the end of the block: 4, 32 and 64.
    assert last_fallback(machine) == (6 if kernel in ONE_SEARCH else 2)


def holes(kernel: str, block_type: int, orders: list[int]) -> Machine:
    """Block 0 has a type, free blocks of these orders with room between them, and else pages of users."""
    memory = Memory(pcp=0, watermarks=False, daemons=False)
    machine = Machine(kernel, memory_pages=1024, start_pfn=0x100000, memory=memory)
    for _ in range(1024):
        take(machine, GFP_HIGHUSER_MOVABLE)
    mem_map = machine.kernel.mem_map
    set_pageblock_migratetype(mem_map, 0, block_type)
    first = 0
    for order in sorted(orders, reverse=True):
        for page in range(first, first + (1 << order)):
            mem_map.flags[page] = mem_map.refcount[page] = 0
            free_pages(machine.kernel, page, 0)
        first += 2 << order
    for page in range(512):
        if mem_map.refcount[page]:
            mem_map.flags[page] |= PG_lru
    return machine


def expected_order(kernel: str, wanted: int, block_type: int, orders: list[int]) -> int:
    """Which free block serves a single page, by the rules of the two algorithms."""
    free = sum(1 << order for order in orders)
    # Pages of users are alike for a movable request only.
    fits = wanted == MOVABLE or free >= 256
    largest, smallest = max(orders), min(orders)
    if kernel in ONE_SEARCH:
        return smallest if wanted == MOVABLE and largest < 4 and largest > 0 else largest
    may_claim = wanted != MOVABLE or largest >= 4
    return largest if may_claim and fits else smallest


@pytest.mark.parametrize(("kernel", "seed"), some(list(product(KERNELS, range(30))), 16))
def test_which_block_is_taken(kernel, seed):
    rng = random.Random(seed)
    orders = rng.choices(range(7), k=rng.randint(1, 3))
    wanted, block_type = rng.choice(
        [(UNMOVABLE, MOVABLE), (MOVABLE, UNMOVABLE), (RECLAIMABLE, MOVABLE), (MOVABLE, RECLAIMABLE)]
    )
    machine = holes(kernel, block_type, orders)
    take(machine, GFP_OF[wanted])
    assert last_fallback(machine) == expected_order(kernel, wanted, block_type, orders), (wanted, orders)


def on_lists(machine: Machine, migratetype: int) -> int:
    """Free pages on the lists of a type."""
    links, zone = machine.kernel.mem_map.links, machine.kernel.zone
    return sum(
        1 << order
        for order in range(zone.max_order + 1)
        for _ in list_for_each(links, free_list(zone, order, migratetype))
    )


@pytest.mark.parametrize("kernel", KERNELS)
def test_where_the_rest_goes(kernel):
    """6.1 moves all free pages of the block to the lists of the request, though the block keeps its type."""
    machine = partly(MOVABLE, 100, 412, kernel)
    page = take(machine, GFP_KERNEL)
    assert types(machine)[0] == MOVABLE
    assert on_lists(machine, UNMOVABLE) == (99 if kernel == "6.1" else 0)
    assert on_lists(machine, MOVABLE) == (0 if kernel == "6.1" else 99)
    # What is freed goes by the pageblock's type, in all of them.
    mem_map = machine.kernel.mem_map
    mem_map.flags[page] = mem_map.refcount[page] = 0
    free_pages(machine.kernel, page, 0)
    assert on_lists(machine, UNMOVABLE) + on_lists(machine, MOVABLE) == 100
    assert on_lists(machine, MOVABLE) > 0


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize(("gfp", "block_type"), [(GFP_KERNEL, MOVABLE), (GFP_HIGHUSER_MOVABLE, UNMOVABLE)])
def test_what_raises_the_marks(kernel, gfp, block_type):
    """A fallback inside a pageblock raises them; a stolen page alone does so up to 6.12 only."""
    for may_wake in (True, False):
        memory = Memory(pcp=0, daemons=False)
        machine = Machine(kernel, memory_pages=4096, start_pfn=0x100000, memory=memory)
        machine.write_sysctl("min_free_kbytes", 0)
        zone, mem_map = machine.kernel.zone, machine.kernel.mem_map
        while alloc_pages(machine.kernel, GFP_HIGHUSER_MOVABLE & ~0xC00, 0) is not None:
            pass
        zone.watermark_boost, zone.boosted = 0, False
        set_pageblock_migratetype(mem_map, 0, block_type)
        for page in range(8):
            mem_map.flags[page] = mem_map.refcount[page] = 0
            free_pages(machine.kernel, page, 0)
        mask = gfp & ~0xC00 | (GFP_KSWAPD_RECLAIM if may_wake else 0)
        zone.watermark_min = zone.watermark_low = 0
        flagged = []
        machine.kernel.wakeup_kswapd = lambda *_, flagged=flagged: flagged.append(True)
        assert alloc_pages(machine.kernel, mask, 0) is not None
        raised = kernel in ONE_SEARCH or gfp == GFP_KERNEL
        assert bool(zone.watermark_boost) == raised
        # The flag that wakes kswapd is set only by who may wake it.
        assert bool(flagged) == (raised and may_wake)
        assert not zone.boosted


@pytest.mark.parametrize("kernel", KERNELS)
def test_random_requests_keep_the_lists_whole(kernel):
    """After many requests of all kinds and orders the lists and counts are consistent in every version."""
    rng = random.Random(11)
    memory = Memory(pcp=0, watermarks=False, daemons=False)
    machine = Machine(kernel, memory_pages=2048, start_pfn=0x100000, memory=memory)
    held: dict[int, int] = {}
    for _ in range(1500):
        if held and rng.random() < 0.48:
            page = rng.choice(sorted(held))
            machine.kernel.mem_map.refcount[page] = 0
            free_pages(machine.kernel, page, held.pop(page))
        else:
            order = rng.choice([0, 0, 0, 1, 2, 3, 5, 9])
            gfp = rng.choice([GFP_KERNEL, GFP_HIGHUSER_MOVABLE, GFP_RECLAIMABLE]) & ~0xC00
            taken = alloc_pages(machine.kernel, gfp, order)
            if taken is not None:
                held[taken] = order
    check(machine, held=held)
