"""Splitting a folio into base pages."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek, read_back
from tests.mm.lab import ADDRESS, PAGE, WINDOW, page_at, pmd, pte, set_flag
from tests.mm.vmscan.test_shrink_folio import huge
from thplab.mm.huge_memory.split import split_folio
from thplab.mm.include.page import PG_anon_exclusive, PG_head, folio_get, folio_trylock, folio_unlock
from thplab.mm.page_alloc.alloc import folio_put

SPECIAL = 1 << 9


def split(process) -> bool:
    """Split the huge page at ADDRESS as a caller does: with the page lock and a reference."""
    kernel = process.mm.kernel
    folio = kernel.mem_map.compound_head[folio_of(process)]
    assert folio_trylock(kernel.mem_map, folio)
    folio_get(kernel.mem_map, folio)
    done = split_folio(kernel, folio)
    folio_unlock(kernel.mem_map, folio)
    folio_put(kernel, folio)
    return done


def folio_of(process) -> int:
    entry = pmd(process) or 0
    if entry & 0x80:
        return int((entry >> 12 & ((1 << 40) - 1)) - process.mm.kernel.mem_map.start_pfn)
    return page_at(process, ADDRESS + 511 * PAGE)


def test_base_pages_where_the_huge_page_was():
    """Are there 512 small pages on the same frames, with the same contents?"""
    process = huge()
    folio = folio_of(process)
    assert split(process)
    mem_map = process.mm.kernel.mem_map
    assert [page_at(process, ADDRESS + n * PAGE) for n in range(512)] == list(range(folio, folio + 512))
    assert not any(flags & PG_head for flags in mem_map.flags[folio : folio + 512])
    assert read_back(process, ADDRESS, 512) == list(range(1, 513))
    assert [process.machine.vmstat(n) for n in ("thp_split_page", "thp_split_pmd")] == [1, 1]
    assert process.mm.rss == 512
    check(process.machine)


@pytest.mark.parametrize(("kernel", "zeroed"), [("6.18", True), ("6.1", False)])
def test_pages_of_zeros_become_the_zero_page(kernel, zeroed):
    """What becomes of base pages that were never written?"""
    process = huge(100, kernel=kernel)
    free = process.machine.vmstat("nr_free_pages")
    assert split(process)
    assert process.mm.rss == (100 if zeroed else 512)
    assert process.machine.vmstat("nr_free_pages") == free + (412 if zeroed else 0)
    assert bool(pte(process, ADDRESS + 300 * PAGE) & SPECIAL) is zeroed
    assert [process.read(ADDRESS + n * PAGE) for n in (99, 100)] == [100, 0]
    check(process.machine)


def test_pages_that_nobody_maps_are_freed():
    """Is the memory of a part that was discarded given back at last?"""
    process = huge()
    process.madvise(ADDRESS, 200 * PAGE, "dontneed")
    free = process.machine.vmstat("nr_free_pages")
    assert split(process)
    assert process.machine.vmstat("nr_free_pages") == free + 200
    assert process.mm.rss == 312
    check(process.machine)


def test_a_pin_makes_it_fail():
    """Does a split fail that meets a pin, and change nothing?"""
    process = huge()
    page = process.pin(ADDRESS + 7 * PAGE)
    assert not split(process)
    assert (pmd(process) or 0) & 0x80
    assert [process.machine.vmstat(n) for n in ("thp_split_page", "thp_split_page_failed")] == [0, 1]
    check(process.machine, [page])


def test_a_folio_that_two_processes_map():
    """Have both 512 small pages of the same folio afterwards, shared?"""
    parent = huge()
    child = parent.fork("kid")
    assert split(parent)
    assert not (pmd(child) or 0) & 0x80
    assert page_at(parent, ADDRESS + 3 * PAGE) == page_at(child, ADDRESS + 3 * PAGE)
    assert parent.machine.vmstat("thp_split_pmd") == 2
    child.write(ADDRESS, 9)
    assert (parent.read(ADDRESS), child.read(ADDRESS)) == (1, 9)
    check(parent.machine)


def test_a_page_shared_by_fork_stays_shared():
    """Whose is a page that was shared after the first page had gone? Nobody's alone, split or not."""
    process = huge()
    process.madvise(ADDRESS, PAGE, "dontneed")
    child = process.fork("child")
    mem_map = process.mm.kernel.mem_map
    mem_map.flags[mem_map.compound_head[folio_of(process)]] |= (
        PG_anon_exclusive  # left over from when it was mapped
    )
    assert split(process)
    check(process.machine)
    process.write(ADDRESS + PAGE, 99)
    assert peek(child, ADDRESS + PAGE) == 2


def test_accessed_and_dirty_survive():
    """Are the base pages as young and dirty as the leaf was?"""
    process = huge()
    process.clear_refs()
    assert split(process)
    assert pte(process) & 0x60 == 0x40
    set_flag(process, 0)
    process.munmap(ADDRESS, WINDOW)
    check(process.machine)
