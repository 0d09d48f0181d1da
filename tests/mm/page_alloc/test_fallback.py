"""Migrate types: whole pageblocks are claimed first, single blocks stolen last."""

from __future__ import annotations

import pytest

from tests.invariants import check
from thplab.machine import Machine
from thplab.mm.include.gfp import GFP_HIGHUSER_MOVABLE, GFP_KERNEL, GFP_PGTABLE_USER, GFP_TRANSHUGE
from thplab.mm.include.mmzone import Memory, get_pageblock_migratetype, set_pageblock_migratetype
from thplab.mm.include.page import PG_lru
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __free_pages as free_pages
from thplab.mm.page_alloc.buddy import __free_one_page as free_one_page

UNMOVABLE, MOVABLE, RECLAIMABLE = range(3)
GFP_RECLAIMABLE = GFP_KERNEL | 1 << 4


def machine(pages: int = 4096, **how) -> Machine:
    memory = Memory(pcp=0, watermarks=False, daemons=False, **how)
    return Machine(memory_pages=pages, start_pfn=0x100000, memory=memory)


def types(ours: Machine) -> list[int]:
    return list(ours.kernel.mem_map.pageblock_migratetype)[: ours.kernel.zone.spanned_pages // 512]


def take(ours: Machine, gfp: int, order: int = 0) -> int:
    page = alloc_pages(ours.kernel, gfp, order)
    assert page is not None
    return page


def test_all_is_movable_at_boot():
    assert types(machine()) == [MOVABLE] * 8


def test_a_page_table_claims_the_largest_block():
    """The first unmovable page takes both pageblocks of an order-10 block: kernel pages stay together."""
    ours = machine()
    page = take(ours, GFP_PGTABLE_USER)
    assert page == 0
    assert types(ours) == [UNMOVABLE] * 2 + [MOVABLE] * 6
    assert [take(ours, GFP_PGTABLE_USER) for _ in range(1023)] == list(range(1, 1024))
    assert types(ours) == [UNMOVABLE] * 2 + [MOVABLE] * 6
    event = next(e for e in ours.trace if e.name == "mm_page_alloc_extfrag")
    assert (event.value("fallback_order"), event.value("change_ownership")) == ("10", "1")


def test_user_pages_come_from_movable_blocks():
    ours = machine()
    take(ours, GFP_PGTABLE_USER)
    assert take(ours, GFP_HIGHUSER_MOVABLE) == 1024
    assert take(ours, GFP_TRANSHUGE, 9) == 1024 + 512


@pytest.mark.parametrize(
    ("gfp", "first", "second"),
    [
        (GFP_KERNEL, RECLAIMABLE, MOVABLE),
        (GFP_HIGHUSER_MOVABLE, RECLAIMABLE, UNMOVABLE),
        (GFP_RECLAIMABLE, UNMOVABLE, MOVABLE),
    ],
)
def test_order_of_fallbacks(gfp, first, second):
    """Of two types whose lists are not empty the one that the table names first is taken from."""
    ours = machine(2048)
    kernel = ours.kernel
    for _ in range(2):
        take(ours, GFP_HIGHUSER_MOVABLE, 10)
    for page, migratetype in ((0, second), (1024, first)):
        set_pageblock_migratetype(kernel.mem_map, page, migratetype)
        kernel.mem_map.refcount[page] = 0
        free_pages(kernel, page, 9)
    assert take(ours, gfp) == 1024
    assert get_pageblock_migratetype(kernel.mem_map, 0) == second


def partly(block_type: int, free: int, lru: int, kernel: str = "6.18") -> Machine:
    """Block 0: ``lru`` pages of users, then others, ``free`` free pages at its end; block 1 is full."""
    memory = Memory(pcp=0, watermarks=False, daemons=False)
    ours = Machine(kernel, memory_pages=1024, start_pfn=0x100000, memory=memory)
    for _ in range(1024):
        take(ours, GFP_HIGHUSER_MOVABLE)
    mem_map = ours.kernel.mem_map
    set_pageblock_migratetype(mem_map, 0, block_type)
    for page in range(512):
        if page < lru:
            mem_map.flags[page] |= PG_lru
        elif page >= 512 - free:
            mem_map.flags[page] = mem_map.refcount[page] = 0
            free_pages(ours.kernel, page, 0)
    return ours


#: Which used pages count as alike: the kernel's rule, by the request and the block's type.
ALIKE = {
    (UNMOVABLE, MOVABLE): "others",
    (RECLAIMABLE, MOVABLE): "others",
    (UNMOVABLE, RECLAIMABLE): "none",
    (RECLAIMABLE, UNMOVABLE): "none",
    (MOVABLE, UNMOVABLE): "lru",
    (MOVABLE, RECLAIMABLE): "lru",
}
GFP_OF = {UNMOVABLE: GFP_KERNEL, MOVABLE: GFP_HIGHUSER_MOVABLE, RECLAIMABLE: GFP_RECLAIMABLE}


@pytest.mark.parametrize(("wanted", "block_type"), sorted(ALIKE))
def test_a_block_is_claimed_from_half_on(wanted, block_type):
    """Free pages and pages that are alike: 256 of 512 are enough, 255 are not."""
    for free, extra, enough in ((64, 192, True), (64, 191, False), (256, 0, True), (255, 0, False)):
        # Of the used pages ``extra`` are of the kind that counts, all others of the kind that doesn't.
        counts = ALIKE[wanted, block_type]
        lru = extra if counts == "lru" else 512 - free - extra
        ours = partly(block_type, free, lru)
        take(ours, GFP_OF[wanted])
        claimed = free >= 256 if counts == "none" else enough
        assert types(ours)[0] == (wanted if claimed else block_type), (free, extra)


def test_the_two_blocks_of_the_review():
    """A movable block with 200 pages of the kernel changes hands; a reclaimable one with as many does not."""
    for block_type, expected, order in ((MOVABLE, UNMOVABLE, "2"), (RECLAIMABLE, RECLAIMABLE, "2")):
        ours = partly(block_type, 100, 212)
        take(ours, GFP_KERNEL)
        event = [e for e in ours.trace if e.name == "mm_page_alloc_extfrag"][-1]
        assert types(ours)[0] == expected
        # The claim finds the largest free block, of 64 pages; a steal takes the smallest, of 4.
        assert event.value("fallback_order") == ("6" if expected == UNMOVABLE else order)


def test_stealing_pollutes_a_block():
    """A kernel page is put among pages of users of whom a block is nearly full, and stays there."""
    ours = partly(MOVABLE, 4, 508)
    assert take(ours, GFP_KERNEL) in range(508, 512)
    assert types(ours) == [MOVABLE] * 2
    event = [e for e in ours.trace if e.name == "mm_page_alloc_extfrag"][-1]
    assert (event.value("fragmenting"), event.value("change_ownership")) == ("1", "0")


def test_a_block_that_the_zone_has_half_of_keeps_its_type():
    """All of its 256 pages are free, and still it is not claimed: the kernel asks for whole pageblocks."""
    memory = Memory(zones=(("Normal", 1024 + 256),), pcp=0, watermarks=False, daemons=False)
    ours = Machine(memory_pages=1280, start_pfn=0x100000, memory=memory)
    for _ in range(1280):
        take(ours, GFP_HIGHUSER_MOVABLE)
    for page in range(1024, 1280):
        ours.kernel.mem_map.refcount[page] = 0
        free_pages(ours.kernel, page, 0)
    assert take(ours, GFP_KERNEL) == 1024
    assert list(ours.kernel.mem_map.pageblock_migratetype)[:3] == [MOVABLE] * 3


def test_movable_pages_do_not_claim_small_blocks():
    """A movable request steals a small block; it claims a pageblock only from order 4 on."""
    ours = machine(1024)
    kernel = ours.kernel
    taken = take(ours, GFP_KERNEL, 10)
    kernel.mem_map.refcount[taken] = 0
    free_one_page(kernel, kernel.zone, 0, 2, UNMOVABLE)
    assert take(ours, GFP_HIGHUSER_MOVABLE) == 0
    assert types(ours) == [UNMOVABLE] * 2


def test_without_grouping_there_is_one_kind_of_list():
    """Page tables and user pages come from the same place, one after the other."""
    ours = machine(group_by_mobility=False)
    assert [take(ours, GFP_PGTABLE_USER), take(ours, GFP_HIGHUSER_MOVABLE)] == [0, 1]
    assert types(ours) == [MOVABLE] * 8


def test_random_requests_keep_the_lists_whole():
    """After many requests of all kinds and orders the lists, counts and types are consistent."""
    import random

    rng = random.Random(7)
    ours = machine()
    kernel, held = ours.kernel, {}
    for _ in range(3000):
        if held and rng.random() < 0.48:
            page = rng.choice(sorted(held))
            kernel.mem_map.refcount[page] = 0
            free_pages(kernel, page, held.pop(page))
        else:
            order = rng.choice([0, 0, 0, 1, 2, 3, 5, 9])
            page = alloc_pages(
                kernel, rng.choice([GFP_KERNEL & ~0xC00, GFP_HIGHUSER_MOVABLE & ~0xC00]), order
            )
            if page is not None:
                held[page] = order
    check(ours, held=held)
