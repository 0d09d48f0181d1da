"""The buddy allocator: split, merge, order of the lists."""

from __future__ import annotations

import pytest

from tests.invariants import check, free_list, whole_state
from tests.mm.lab import eat
from thplab.machine import Machine
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.gfp import GFP_COMP, GFP_ZERO
from thplab.mm.include.page import PAGE_POISON, PG_head, PG_large_rmappable, PG_tail
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __folio_alloc as folio_alloc
from thplab.mm.page_alloc.alloc import __free_pages as free_pages
from thplab.mm.page_alloc.alloc import folio_put, free_blocks, page_address


def memory(pages: int = 1024, start_pfn: int = 1024):
    return Machine(memory_pages=pages, start_pfn=start_pfn).kernel


def take(kernel, order: int = 0, gfp: int = 0) -> int:
    page = alloc_pages(kernel, gfp, order)
    assert page is not None
    return page


def give(kernel, page: int, order: int = 0) -> None:
    kernel.mem_map.refcount[page] = 0
    free_pages(kernel, page, order)


def blocks(kernel) -> dict[int, list[int]]:
    return {o: free_blocks(kernel, o) for o in range(11) if free_blocks(kernel, o)}


def test_boot_makes_the_largest_aligned_blocks():
    """Into which blocks does memory of 2000 pages from pfn 1021 fall?"""
    kernel = memory(2000, 1021)
    assert [(page + 1021, order) for page, order in sorted(free_list(kernel))] == [
        (1021, 0),
        (1022, 1),
        (1024, 10),
        (2048, 9),
        (2560, 8),
        (2816, 7),
        (2944, 6),
        (3008, 3),
        (3016, 2),
        (3020, 0),
    ]


def test_split_leaves_one_block_of_each_order():
    """What is left of a 4 MiB block when one page is taken?"""
    kernel = memory()
    assert take(kernel) == 0
    assert blocks(kernel) == {order: [1 << order] for order in range(10)}


def test_split_gives_the_lowest_part():
    """Which part of a larger block does the caller get?"""
    kernel = memory()
    assert take(kernel, 9) == 0
    assert blocks(kernel) == {9: [512]}


def test_the_smallest_sufficient_block_is_split():
    """Which block is taken when several would do?"""
    kernel = memory(1024 + 8, 1016)
    assert take(kernel, 2) == 0
    assert blocks(kernel) == {2: [4], 10: [8]}


def test_merge_all_the_way():
    """Do the pieces join into the block they came from?"""
    kernel = memory()
    pages = [take(kernel) for _ in range(7)]
    for page in pages[::2] + pages[1::2]:
        give(kernel, page)
    assert blocks(kernel) == {10: [0]}


def test_buddies_are_found_by_pfn_not_by_index():
    """Do two neighbouring 2 MiB blocks join if their pfns differ in more than one bit?"""
    kernel = memory(1024, 512)
    first, second = take(kernel, 9), take(kernel, 9)
    assert (first, second) == (0, 512)
    give(kernel, first, 9)
    give(kernel, second, 9)
    assert sorted(free_blocks(kernel, 9)) == [0, 512]
    assert free_blocks(kernel, 10) == []


def test_no_merge_with_a_split_buddy():
    """Does a block join a buddy of which only a part is free?"""
    kernel = memory()
    lower, upper = take(kernel, 1), take(kernel)
    assert (lower, upper) == (0, 2)
    give(kernel, lower, 1)
    assert blocks(kernel)[1] == [0]
    assert blocks(kernel)[0] == [3]


def test_merge_stops_at_the_largest_order():
    """Do two 4 MiB blocks join?"""
    kernel = memory(2048, 2048)
    first = take(kernel, 10)
    give(kernel, first, 10)
    assert sorted(free_blocks(kernel, 10)) == [0, 1024]


def test_freed_block_goes_first_on_the_list():
    """Where does a freed block go whose parent's buddy is in use?"""
    kernel = memory()
    pages = [take(kernel) for _ in range(6)]
    assert pages == [0, 1, 2, 3, 4, 5]
    give(kernel, 0)
    give(kernel, 2)
    assert free_blocks(kernel, 0) == [2, 0]
    assert take(kernel) == 2


def test_freed_block_that_may_join_soon_goes_last():
    """Where does a freed block go whose parent's buddy is free?"""
    kernel = memory()
    for _ in range(6):
        take(kernel)
    give(kernel, 0)  # its parent (0, 1) has the buddy (2, 3), in use: first
    give(kernel, 4)  # its parent (4, 5) has the buddy (6, 7), free: last
    assert free_blocks(kernel, 0) == [0, 4]


def test_the_tail_rule_ends_below_order_9():
    """Does a 2 MiB block go last because the 4 MiB block beside its parent is free?"""
    kernel = memory(4096, 4096)
    taken = [take(kernel, 9) for _ in range(8)]
    for page in (taken[6], taken[2], taken[3]):
        give(kernel, page, 9)
    assert free_blocks(kernel, 10) == [1024]
    give(kernel, taken[0], 9)
    assert free_blocks(kernel, 9) == [0, 3072]


def test_no_block_although_there_is_memory():
    """Does an order-1 request fail, changing nothing, when only single pages are free?"""
    machine = Machine(memory_pages=1024, start_pfn=1024)
    kernel = machine.kernel
    held = eat(machine, 0)
    for page in range(0, 1024, 2):
        give(kernel, page)
        del held[page]
    state = whole_state(kernel)
    assert alloc_pages(kernel, 0, 1) is None
    assert whole_state(kernel) == state
    assert machine.vmstat("nr_free_pages") == 512
    check(machine, held=held)


def test_zeroed_only_when_asked():
    """What does a new page contain with and without __GFP_ZERO?"""
    kernel = memory()
    page = take(kernel, 1)
    kernel.mem_map.contents[page] = kernel.mem_map.contents[page + 1] = 77
    give(kernel, page, 1)
    assert list(kernel.mem_map.contents[page : page + 2]) == [PAGE_POISON] * 2
    assert take(kernel, 1) == page
    assert list(kernel.mem_map.contents[page : page + 2]) == [PAGE_POISON] * 2
    give(kernel, page, 1)
    assert take(kernel, 1, GFP_ZERO) == page
    assert list(kernel.mem_map.contents[page : page + 2]) == [0, 0]


def test_compound_page():
    """How are head and tails of a 4-page folio marked, and what is left after it was freed?"""
    kernel = memory()
    mem_map = kernel.mem_map
    folio = folio_alloc(kernel, 0, 2, 0, 1)
    assert folio == 0
    assert [bool(mem_map.flags[p] & PG_head) for p in range(5)] == [True, False, False, False, False]
    assert [bool(mem_map.flags[p] & PG_tail) for p in range(5)] == [False, True, True, True, False]
    assert mem_map.flags[folio] & PG_large_rmappable
    assert list(mem_map.compound_head[:5]) == [0, 0, 0, 0, 4]
    assert list(mem_map.refcount[:4]) == [1, 0, 0, 0]
    folio_put(kernel, folio)
    assert list(mem_map.compound_head[:5]) == [0, 1, 2, 3, 4]
    assert blocks(kernel) == {10: [0]}


def test_not_compound_without_the_flag():
    """Is a block without __GFP_COMP one page after the other?"""
    kernel = memory()
    take(kernel, 2)
    assert not any(kernel.mem_map.flags[p] & (PG_head | PG_tail) for p in range(4))
    give(kernel, 0, 2)
    take(kernel, 2, GFP_COMP)
    assert kernel.mem_map.flags[0] & PG_head


def test_last_reference_frees():
    """When does folio_put free the folio?"""
    machine = Machine(memory_pages=1024, start_pfn=1024)
    kernel = machine.kernel
    folio = folio_alloc(kernel, 0, 9, 0, 1)
    kernel.mem_map.refcount[folio] = 3
    folio_put(kernel, folio)
    assert machine.vmstat("nr_free_pages") == 512
    folio_put(kernel, folio, 2)
    assert machine.vmstat("nr_free_pages") == 1024
    assert (machine.vmstat("pgalloc"), machine.vmstat("pgfree")) == (512, 512)


@pytest.mark.parametrize("wrong", ["twice", "referenced", "mapped", "too many references"])
def test_wrong_frees_are_noticed(wrong):
    """Is freeing a free, a referenced, a mapped page noticed, and dropping too many references?"""
    kernel = memory()
    page = take(kernel)
    if wrong == "too many references":
        with pytest.raises(KernelBug, match="dropping 2"):
            folio_put(kernel, page, 2)
        assert kernel.mem_map.refcount[page] == 1
        return
    if wrong == "twice":
        give(kernel, page)
    if wrong == "mapped":
        kernel.mem_map.mapcount[page], kernel.mem_map.refcount[page] = 1, 0
    with pytest.raises(KernelBug):
        free_pages(kernel, page, 0)


def test_page_address_is_64_bytes_for_each_pfn():
    """What does gdb print for the struct page of pfn 0x366600?"""
    kernel = memory(1024, 0x366400)
    assert page_address(kernel, 512) == 0xFFFFEA000D998000
