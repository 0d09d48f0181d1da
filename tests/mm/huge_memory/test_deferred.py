"""The deferred split queue: who is on it, and what its shrinker splits."""

from __future__ import annotations

import pytest

from tests.invariants import check, entries, peek
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, fill, knob, pmd, pte
from thplab.machine import Machine
from thplab.mm.huge_memory.deferred_scan import deferred_split_scan, thp_underused
from thplab.mm.include.page import PG_partially_mapped

COUNTERS = ("thp_split_pmd", "thp_deferred_split_page", "thp_split_page", "thp_underused_split_page")
SPECIAL = 1 << 9


def huge(pages: int = 512, windows: int = 1, **how):
    """A process with huge pages; in each the first ``pages`` pages are not zero."""
    process = app(windows, **how)
    advise(process, windows)
    for window in range(windows):
        process.write(ADDRESS + window * WINDOW, 1)
        fill(process, 1, pages, ADDRESS + window * WINDOW)
    return process


def counters(machine: Machine) -> list[int]:
    return [machine.vmstat(name) for name in COUNTERS]


def queue(machine: Machine) -> list[int]:
    """First pages of the folios that wait, the one that waits longest first."""
    kernel = machine.kernel
    return [kernel.mem_map.compound_head[each] for each in entries(kernel, kernel.node.split_queue)]


def folio_of(process, window: int = 0) -> int:
    entry = pmd(process, ADDRESS + window * WINDOW) or 0
    assert entry & 0x80
    return int((entry >> 12 & ((1 << 40) - 1)) - process.mm.kernel.mem_map.start_pfn)


def test_a_new_huge_page_is_a_candidate():
    """Is it queued, without being counted, and does the queue keep the order in which they came?"""
    process = huge(windows=2)
    assert queue(process.machine) == [folio_of(process, 0), folio_of(process, 1)]
    assert counters(process.machine) == [0, 0, 0, 0]
    check(process.machine)


@pytest.mark.parametrize(("kernel", "word"), [("6.18", "0"), ("6.1", None)])
def test_no_candidates_without_the_underused_shrinker(kernel, word):
    """Is a new huge page left alone where shrink_underused is off, or not there?"""
    machine = Machine(kernel)
    if word:
        machine.write_sysfs("shrink_underused", word)
    process = huge(machine=machine)
    assert queue(machine) == []
    process.madvise(ADDRESS, PAGE, "dontneed")
    assert len(queue(machine)) == 1
    check(machine)


def test_a_collapsed_window_is_a_candidate_too():
    """Is the huge page that khugepaged made queued?"""
    process = app()
    fill(process)
    advise(process)
    process.machine.wake_khugepaged()
    assert queue(process.machine) == [folio_of(process)]
    check(process.machine)


def test_dontneed_of_one_page_frees_nothing_until_the_shrinker_comes():
    """What do RSS and free memory say after MADV_DONTNEED of one page, and after the shrinker?"""
    process = huge()
    machine = process.machine
    free, folio = machine.vmstat("nr_free_pages"), folio_of(process)
    process.madvise(ADDRESS + 7 * PAGE, PAGE, "dontneed")
    assert (process.mm.rss, machine.vmstat("nr_free_pages")) == (511, free)
    assert process.mm.kernel.mem_map.flags[folio] & PG_partially_mapped
    assert counters(machine) == [1, 1, 0, 0]
    machine.write_sysctl("drop_caches", 2)
    assert (process.mm.rss, machine.vmstat("nr_free_pages")) == (511, free + 1)
    assert counters(machine) == [1, 1, 1, 0]
    assert queue(machine) == []
    assert [peek(process, ADDRESS + n * PAGE) for n in (6, 7, 8)] == [7, 0, 9]
    check(machine)


def test_a_second_hole_is_not_counted_again():
    """How often does a folio count that loses pages three times?"""
    process = huge()
    for page in (3, 9, 200):
        process.madvise(ADDRESS + page * PAGE, PAGE, "dontneed")
    assert counters(process.machine) == [1, 1, 0, 0]
    assert len(queue(process.machine)) == 1


@pytest.mark.parametrize("how", ["dontneed", "munmap", "exit", "pageout"])
def test_a_folio_that_goes_leaves_the_queue(how):
    """Is a folio that is freed whole off the queue, and never counted as partially mapped?"""
    process = huge(machine=Machine(swap_pages=1024))
    if how == "exit":
        process.exit()
    elif how == "munmap":
        process.munmap(ADDRESS, WINDOW)
    else:
        process.madvise(ADDRESS, WINDOW, how)
    assert queue(process.machine) == []
    assert process.machine.vmstat("thp_deferred_split_page") == 0
    check(process.machine)


def test_one_of_two_mappings_gone_is_not_partial():
    """Is a folio that parent and child map partially mapped once the child unmaps a part?"""
    parent = huge()
    child = parent.fork("kid")
    child.madvise(ADDRESS, 10 * PAGE, "dontneed")
    assert parent.machine.vmstat("thp_deferred_split_page") == 0
    parent.madvise(ADDRESS, 4 * PAGE, "dontneed")
    assert parent.machine.vmstat("thp_deferred_split_page") == 1
    check(parent.machine)


@pytest.mark.parametrize(("limit", "zero", "underused"), [
    (409, 409, False), (409, 410, True), (0, 0, False), (0, 1, True), (510, 510, False), (510, 511, True),
    (511, 511, False), (511, 512, False), (255, 300, True),
])  # fmt: skip
def test_underused(limit, zero, underused):
    """More than max_ptes_none pages of zeros: is it underused, and never where the limit is 511?"""
    process = huge()
    folio = folio_of(process)
    for page in range(zero):
        process.write(ADDRESS + page * PAGE, 0)
    knob(process.machine, max_ptes_none=limit)
    assert thp_underused(process.mm.kernel, folio) is underused


def test_an_underused_huge_page_gives_its_zeros_back():
    """100 of 512 pages touched, limit 409: what is split, given back, and left to khugepaged?"""
    process = huge(100)
    machine = process.machine
    free = machine.vmstat("nr_free_pages")
    knob(machine, max_ptes_none=409)
    machine.write_sysctl("drop_caches", 2)
    assert counters(machine) == [1, 0, 1, 1]
    assert (process.mm.rss, machine.vmstat("nr_free_pages")) == (100, free + 412)
    assert pte(process, ADDRESS + 100 * PAGE) & SPECIAL
    # 412 zero pages are more than khugepaged tolerates: it does not build the huge page again.
    machine.wake_khugepaged()
    assert machine.vmstat("thp_collapse_alloc") == 0
    assert machine.vmstat("thp_scan_exceed_none_pte") == 1
    check(machine)


def test_with_the_default_limit_nothing_is_underused():
    """Is even an all-zero huge page kept with max_ptes_none at 511, and off the queue afterwards?"""
    process = huge(1)
    process.write(ADDRESS, 0)
    machine = process.machine
    machine.write_sysctl("drop_caches", 2)
    assert counters(machine) == [0, 0, 0, 0]
    assert queue(machine) == []
    assert process.mm.rss == 512
    check(machine)


def test_a_used_huge_page_is_looked_at_once():
    """Is a candidate that was found in use looked at again after it has become empty?"""
    process = huge()
    machine = process.machine
    knob(machine, max_ptes_none=409)
    machine.write_sysctl("drop_caches", 2)
    for page in range(512):
        process.write(ADDRESS + page * PAGE, 0)
    machine.write_sysctl("drop_caches", 2)
    assert counters(machine) == [0, 0, 0, 0]
    check(machine)


def test_a_locked_window_keeps_its_zeros():
    """Is memory under mlock, which must not lose its pages, left whole?"""
    process = app()
    advise(process)
    process.mlock(ADDRESS, WINDOW)
    knob(process.machine, max_ptes_none=0)
    process.machine.write_sysctl("drop_caches", 2)
    assert process.mm.rss == 512
    assert counters(process.machine) == [0, 0, 0, 0]
    check(process.machine)


def test_what_cannot_be_split_comes_to_the_end():
    """Of three partially mapped folios two are pinned: which are split, in which order wait the others?"""
    process = huge(windows=4)
    machine, kernel = process.machine, process.mm.kernel
    folios = [folio_of(process, window) for window in range(4)]
    pins = [process.pin(ADDRESS + window * WINDOW) for window in (0, 1)]
    for window in range(4):
        process.madvise(ADDRESS + window * WINDOW + PAGE, PAGE, "dontneed")
    assert queue(machine) == folios
    # Three are taken, the last of them first: 2 is split, 1 and 0 fail and are put behind 3.
    assert deferred_split_scan(kernel, 3) == 1
    assert queue(machine) == [folios[3], folios[1], folios[0]]
    assert machine.vmstat("thp_split_page_failed") == 2
    check(machine, pins)


def test_an_empty_queue_stops_the_shrinker():
    """What does the shrinker say if nothing was split and nobody waits any more?"""
    process = huge(windows=1)
    assert deferred_split_scan(process.mm.kernel, 10) is None
    assert queue(process.machine) == []
