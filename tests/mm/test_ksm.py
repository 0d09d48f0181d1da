"""Same-page merging."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, knob, page_at, pte, statuses
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_ksm

RW = 1 << 1


def merged(pages: int = 512, token: int = 7):
    """A process whose pages are all equal and merged."""
    process = app()
    for number in range(pages):
        process.write(ADDRESS + number * PAGE, token)
    process.madvise(ADDRESS, WINDOW, "mergeable")
    process.machine.run_ksmd()
    return process


def test_equal_pages_become_one_for_each_256():
    """On how many frames do 512 equal pages lie, and what do they read?"""
    process = merged()
    frames = [page_at(process, ADDRESS + n * PAGE) for n in range(512)]
    assert len(set(frames)) == 2
    assert frames[:256] == [frames[0]] * 256
    assert process.mm.kernel.mem_map.mapcount[frames[0]] == 256
    assert process.mm.kernel.mem_map.flags[frames[0]] & PG_ksm
    assert not pte(process) & RW
    assert process.mm.rss == 512
    assert process.read(ADDRESS + 300 * PAGE) == 7
    check(process.machine)


def test_different_pages_and_other_memory_stay():
    """Is only merged what is equal and mergeable?"""
    process = app(2)
    for number, token in ((0, 1), (1, 2), (2, 1), (512, 1)):
        process.write(ADDRESS + number * PAGE, token)
    process.madvise(ADDRESS, WINDOW, "mergeable")
    assert process.machine.run_ksmd() == 1
    frames = [page_at(process, ADDRESS + n * PAGE) for n in (0, 1, 2, 512)]
    assert frames[0] == frames[2]
    assert len(set(frames)) == 3
    check(process.machine)


def test_a_write_gets_a_copy():
    """Is a merged page copied at a write, also when nobody else maps it any more?"""
    process = merged(2)
    page = page_at(process)
    process.write(ADDRESS, 1)
    assert (process.read(ADDRESS), process.read(ADDRESS + PAGE)) == (1, 7)
    process.write(ADDRESS + PAGE, 2)
    assert page_at(process, ADDRESS + PAGE) != page
    check(process.machine)


def test_pages_of_two_processes():
    """Are equal pages of two processes merged, and apart again after a write?"""
    first = merged(1)
    second = app(machine=first.machine, name="b")
    second.write(ADDRESS, 7)
    second.madvise(ADDRESS, WINDOW, "mergeable")
    first.machine.run_ksmd()
    assert page_at(first) == page_at(second)
    second.write(ADDRESS, 8)
    assert (first.read(ADDRESS), second.read(ADDRESS)) == (7, 8)
    check(first.machine)


def test_khugepaged_counts_them_as_shared():
    """With which result does a scan end?"""
    process = merged()
    knob(process.machine, max_ptes_shared=256)
    advise(process)
    process.machine.wake_khugepaged()
    assert statuses(process.machine)[0] == "exceed_shared_pte"


def test_madv_collapse_meets_the_same_page_twice():
    """And MADV_COLLAPSE, which does not mind sharing?"""
    process = merged()
    with pytest.raises(KernelError, match="EAGAIN"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["page_locked"]
    check(process.machine)
