"""Any sequence of operations leaves the machine whole, and every page reads what was written."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.invariants import check, free_list
from tests.properties.random_run import RandomRun, RandomRunOf512
from tests.sampling import check_drawn, draws, run_drawn
from thplab.machine import Machine
from thplab.mm.include.vm_event_item import EVENTS
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages
from thplab.mm.page_alloc.alloc import __free_pages as free_pages


@draws(40)
def test_small_tables(examples):
    """Do all rules hold after any sequence, with tables of 8 and 16 entries?"""
    run_drawn(RandomRun, examples, 40)


def test_tables_of_512():
    """And with those of x86-64?"""
    run_drawn(RandomRunOf512, 8, 15)


@given(
    start=st.integers(0, 5000),
    pages=st.integers(64, 600),
    steps=st.lists(st.tuples(st.booleans(), st.integers(0, 6), st.integers(0, 1 << 16)), max_size=60),
)
def any_sequence_of_the_buddy_allocator(start, pages, steps):
    """Are free blocks aligned, disjoint, maximal, and all frames accounted for, after any sequence?"""
    machine = Machine(entries=32, memory_pages=pages, start_pfn=start)
    held = {}
    for allocate, order, which in steps:
        if allocate:
            largest = max((o for _, o in free_list(machine.kernel)), default=-1)
            page = alloc_pages(machine.kernel, 0, order)
            assert (page is None) == (largest < order)
            if page is not None:
                assert (page + start) % (1 << order) == 0
                held[page] = order
        elif held:
            page = sorted(held)[which % len(held)]
            machine.kernel.mem_map.refcount[page] = 0
            free_pages(machine.kernel, page, held.pop(page))
        check(machine, held=held)
    for page in list(held):
        machine.kernel.mem_map.refcount[page] = 0
        free_pages(machine.kernel, page, held.pop(page))
    fresh = Machine(entries=32, memory_pages=pages, start_pfn=start)
    assert sorted(free_list(machine.kernel)) == sorted(free_list(fresh.kernel))


@draws(40)
def test_buddy_allocator(examples):
    """And after any sequence of allocations?"""
    check_drawn(any_sequence_of_the_buddy_allocator, examples)


@pytest.mark.parametrize("spoil", ["leak", "refcount", "rss", "mapcount", "torn list", "lock", "counter"])
def test_the_rules_notice(spoil):
    """Does the checker notice each kind of damage?"""
    machine = Machine()
    process = machine.process("app")
    process.mmap(0x200000, 2 << 20)
    process.write(0x200000, 1)
    check(machine)
    kernel = machine.kernel
    page = next(p for p in range(kernel.mem_map.nr_frames) if kernel.mem_map.mapcount[p])
    if spoil == "leak":
        alloc_pages(kernel, 0, 3)
    elif spoil == "torn list":
        kernel.mem_map.lru_next[free_list(kernel)[0][0]] = page
    elif spoil == "lock":
        process.mm.mmap_lock.readers = 1
    elif spoil == "counter":
        kernel.vmstat[EVENTS.index("nr_anon_pages")] += 1
    elif spoil == "rss":
        process.mm.rss += 1
    else:
        getattr(kernel.mem_map, spoil)[page] += 1
    with pytest.raises(AssertionError):
        check(machine)
