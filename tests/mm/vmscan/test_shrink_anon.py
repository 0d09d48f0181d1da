"""Anonymous memory that kswapd takes back: what was not used goes to swap."""

from __future__ import annotations

import pytest

from tests.invariants import check, page_of, peek, read_back
from tests.mm.huge_memory.test_deferred import folio_of, huge
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, knob, page_at, pmd, pte, table
from thplab.machine import Machine
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mmzone import Memory
from thplab.mm.include.page import PG_active, PG_referenced
from thplab.mm.include.pgtable import pte_lock
from thplab.mm.vmscan.shrink_anon import shrink_anon_lists

YOUNG = 1 << 5


def reclaim(process, wanted: int = 1 << 20) -> int:
    """The most urgent look at all lists."""
    return shrink_anon_lists(process.mm.kernel, wanted, 0, "kswapd")


def counts(process, *names: str) -> list[int]:
    return [process.machine.vmstat(name) for name in names]


def test_an_unused_huge_page_goes_whole():
    """Is a huge page that was not used since the last look written to 512 slots in a row?"""
    process = huge(machine=Machine(swap_pages=1024))
    process.clear_refs()
    assert reclaim(process) == 512
    assert counts(process, "thp_swpout", "thp_split_page", "pswpout") == [1, 0, 512]
    assert counts(process, "pgscan_kswapd", "pgsteal_kswapd") == [512, 512]
    assert process.mm.rss == 0
    assert [peek(process, ADDRESS + n * PAGE) for n in (0, 511)] == [1, 512]
    check(process.machine)


@pytest.mark.parametrize("again", [False, True])
def test_a_used_huge_page_gets_another_round(again):
    """Is a huge page made old at the first look, and active at the second only if it was used again?"""
    process = huge(machine=Machine(swap_pages=1024))
    folio = folio_of(process)
    assert reclaim(process) == 0
    assert not (pmd(process) or 0) & YOUNG
    flags = process.mm.kernel.mem_map.flags
    assert flags[folio] & (PG_referenced | PG_active) == PG_referenced
    if again:
        process.read(ADDRESS)
    assert reclaim(process) == (0 if again else 512)
    assert bool(flags[folio] & PG_active) is again
    check(process.machine)


def test_pages_used_by_two_are_active_at_once():
    """Is a base page that parent and child both used put on the active list at the first look?"""
    parent = app(swap_pages=64)
    fill(parent, 0, 1)
    child = parent.fork("kid")
    child.read(ADDRESS)
    assert reclaim(parent) == 0
    assert parent.mm.kernel.mem_map.flags[page_at(parent)] & PG_active
    # More active pages than inactive ones: some come back, and if nobody used them they go.
    assert reclaim(parent) == 1
    assert (parent.read(ADDRESS), child.read(ADDRESS)) == (1, 1)
    check(parent.machine)


def test_without_swap_nobody_looks():
    """Do young marks stay where there is nowhere to write to?"""
    process = huge(machine=Machine())
    assert reclaim(process) == 0
    assert (pmd(process) or 0) & YOUNG
    assert counts(process, "pgscan_kswapd") == [0]


def test_a_contended_anon_vma_gives_another_round():
    """Does reclaim leave old pages alone, and wait for nothing, while a collapse holds their anon_vma?"""
    process = app(swap_pages=64)
    fill(process, 0, 4)
    process.clear_refs()
    anon_vma = process.mm.vmas[0].anon_vma.lock
    down_write(anon_vma, "khugepaged")
    assert reclaim(process) == 0
    assert process.mm.rss == 4
    up_write(anon_vma)
    assert anon_vma.readers == 0
    assert reclaim(process) == 4
    check(process.machine)


def test_locked_memory_stays():
    """Is a page that came to the list before its VMA was locked left in memory?"""
    process = app(swap_pages=64)
    fill(process, 0, 4)
    process.clear_refs()
    process.mlock(ADDRESS, 2 * PAGE)
    assert reclaim(process) == 2
    assert process.mm.rss == 2
    check(process.machine)


def test_enough_is_enough():
    """Does it stop after as many pages as were wanted, and take the oldest?"""
    process = app(swap_pages=64)
    fill(process, 0, 8)
    process.clear_refs()
    assert reclaim(process, 3) == 3
    assert [bool(pte(process, ADDRESS + n * PAGE) & 1) for n in range(8)] == [False] * 3 + [True] * 5
    check(process.machine)


def test_a_partially_mapped_folio_is_split_before_it_is_written():
    """Are the pages that nobody maps freed, and only the others written?"""
    process = huge(machine=Machine(swap_pages=1024))
    process.madvise(ADDRESS + 100 * PAGE, 100 * PAGE, "dontneed")
    process.clear_refs()
    free = process.machine.vmstat("nr_free_pages")
    reclaim(process)
    assert counts(process, "thp_split_page", "thp_swpout", "thp_swpout_fallback", "pswpout") == [1, 0, 0, 412]
    assert process.machine.vmstat("nr_free_pages") == free + 512
    assert [peek(process, ADDRESS + n * PAGE) for n in (99, 100, 200)] == [100, 0, 201]
    check(process.machine)


@pytest.mark.parametrize(("kernel", "whole"), [("6.1", 0), ("6.12", 1), ("6.18", 1)])
def test_a_huge_page_mapped_by_ptes(kernel, whole):
    """Does a folio without a leaf, all of it mapped, go whole, or is it split first as in 6.1?"""
    process = huge(machine=Machine(kernel, swap_pages=1024))
    process.madvise(ADDRESS, PAGE, "nohugepage")  # cuts the VMA, so it splits the leaf
    process.madvise(ADDRESS, PAGE, "hugepage")  # one VMA again
    assert len(table(process)) == 512
    process.madvise(ADDRESS, WINDOW, "pageout")
    assert counts(process, "thp_swpout", "thp_split_page") == [whole, 1 - whole]
    assert counts(process, "pswpout", "thp_swpout_fallback") == [512, 0]
    check(process.machine)


@pytest.mark.parametrize("daemons", [True, False])
def test_a_process_larger_than_memory(daemons):
    """Can a process write more pages than there are, with kswapd or by itself, and read all of them back?"""
    machine = Machine(memory_pages=4096, swap_pages=4096, memory=Memory(daemons=daemons))
    process = app(12, machine=machine)
    for number in range(6000):
        process.write(ADDRESS + number * PAGE, number + 1)
    assert machine.vmstat("pswpout") >= 6000 - 4096
    assert machine.vmstat("nr_anon_pages") == process.mm.rss <= 4096
    assert (machine.vmstat("pgsteal_kswapd") > 0) is daemons
    assert read_back(process, ADDRESS, 6000) == list(range(1, 6001))
    check(machine)


def test_who_reclaims_in_a_fault_leaves_the_faults_own_table_alone():
    """Is what a locked page table maps passed over?"""
    process = app(2, swap_pages=64)
    fill(process, 0, 4)
    fill(process, 0, 3, at=ADDRESS + WINDOW)
    process.clear_refs()
    lock = pte_lock(process.mm.kernel, page_of(process.mm.kernel, pmd(process) or 0))
    down_write(lock, "app")
    assert reclaim(process) == 3
    up_write(lock)
    assert (process.mm.rss, pte(process) & 1) == (4, 1)
    check(process.machine)


def test_kswapd_splits_what_waits_on_the_queue():
    """Are partially mapped huge pages split once memory falls below the low mark, without swap?"""
    machine = Machine(memory_pages=8192, memory=Memory())
    process = huge(1, windows=8, machine=machine)
    knob(machine, max_ptes_none=511)
    for window in range(8):
        process.madvise(ADDRESS + window * WINDOW + PAGE, 500 * PAGE, "dontneed")
    assert machine.vmstat("thp_split_page") == 0
    other = app(16, machine=machine, name="other")
    fill(other, 0, 5000)
    assert machine.vmstat("thp_split_page") == 8
    assert other.mm.rss == 5000
    check(machine)
