"""Memory that huge pages waste, and how it comes back: the numbers of the course about bloat."""

from __future__ import annotations

import random

import pytest

from tests.invariants import check
from tests.mm.huge_memory.test_deferred import counters
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, knob
from thplab.machine import Machine

LIMITS = (0, 64, 128, 255, 409, 411, 412, 511)


def sparse(present: list[int], limit: int, **how):
    """A process whose window ``n`` has ``present[n]`` pages, advised, after one pass with that limit."""
    process = app(len(present), **how)
    rng = random.Random(7)
    for window, pages in enumerate(present):
        for page in sorted(rng.sample(range(512), pages)):
            process.write(ADDRESS + window * WINDOW + page * PAGE, page + 1)
    knob(process.machine, max_ptes_none=limit)
    advise(process, len(present))
    process.machine.wake_khugepaged()
    return process


@pytest.mark.parametrize("present", [512, 256, 128, 100, 64, 1])
def test_n2_bloat_of_uniform_occupancy(present):
    """With p of 512 pages in use and max_ptes_none >= 512 - p, is memory 512 / p times what is used?"""
    limit = 512 - present
    process = sparse([present] * 2, max(limit, 0) if limit < 512 else 511)
    assert process.mm.rss / (2 * present) == 512 / present
    if limit:
        assert sparse([present] * 2, limit - 1).mm.rss == 2 * present
    check(process.machine)


def test_n22_excess_memory_follows_the_default():
    """A heap that is a fifth full: what does khugepaged add with max_ptes_none at 511, and at 0?"""
    assert sparse([102] * 4, 511).mm.rss == 4 * 512
    assert sparse([102] * 4, 0).mm.rss == 4 * 102


@pytest.mark.parametrize("limit", LIMITS)
def test_coverage_and_bloat_over_the_limit(limit):
    """Windows with 0.2 * 512 pages more or less: which are collapsed at each limit, what does it cost?"""
    present = [110, 103, 102, 101, 100, 60]
    process = sparse(present, limit)
    huge = [n for n in present if 512 - n <= limit]
    assert process.machine.vmstat("thp_collapse_alloc") == len(huge)
    assert process.mm.rss == sum(present) + sum(512 - n for n in huge)
    check(process.machine)


@pytest.mark.parametrize(("split_at", "collapse_at", "rounds"), [(409, 409, 0), (409, 511, 3)])
def test_ping_pong_needs_two_thresholds(split_at, collapse_at, rounds):
    """Do khugepaged and the shrinker undo each other's work, with one limit for both and with two?"""
    process = app()
    machine = process.machine
    advise(process)
    for page in range(100):
        process.write(ADDRESS + page * PAGE, page + 1)
    collapsed = []
    for _ in range(3):
        knob(machine, max_ptes_none=split_at)
        machine.write_sysctl("drop_caches", 2)
        assert process.mm.rss == 100
        knob(machine, max_ptes_none=collapse_at)
        process.read(ADDRESS)
        machine.wake_khugepaged()
        collapsed.append(process.mm.rss == 512)
    assert sum(collapsed) == rounds
    assert machine.vmstat("thp_underused_split_page") == max(rounds, 1)
    check(machine)


def test_n7_fill_delete_and_fill_again():
    """Fill, delete 80 % at random, fill again: out of memory at once, unless the shrinker comes between.

    Scaled down: 16 windows fill the machine; 80 % of their pages are discarded one by one, and then 10
    more windows are wanted.
    """
    machine = Machine(memory_pages=18 * 512)
    process = app(16, machine=machine)
    advise(process, 16)
    pages = [ADDRESS + n * PAGE for n in range(16 * 512)]
    for address in pages:
        process.write(address, 1)
    free = machine.vmstat("nr_free_pages")
    rng = random.Random(7)
    deleted = rng.sample(pages, len(pages) * 8 // 10)
    for address in deleted:
        process.madvise(address, PAGE, "dontneed")
    assert process.mm.rss == len(pages) - len(deleted)
    assert machine.vmstat("nr_free_pages") == free
    assert counters(machine) == [16, 16, 0, 0]
    other = app(10, machine=machine, name="other")
    for number in range(10 * 512):
        other.write(ADDRESS + number * PAGE, 1)
    # Direct reclaim has split what waited: the pages are there, though no huge page is.
    assert counters(machine)[2] > 0
    assert other.mm.rss == 5120
    check(machine)
