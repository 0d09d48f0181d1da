"""Reading swapped-out pages in before a collapse."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek, read_back
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, fill, knob, pmd, table
from thplab.mm.include.errors import KernelError
from thplab.mm.include.swapops import make_pte_marker, pte_to_swp_offset
from thplab.mm.swapfile import swap_free

SWAPIN = "mm_collapse_huge_page_swapin"


def half_swapped(pages: int = 64):
    process = app(swap_pages=1024)
    fill(process)
    process.madvise(ADDRESS, pages * PAGE, "pageout")
    return process


def test_pages_are_read_in_and_the_window_collapses():
    """What does the trace show, which pages are read, are they young afterwards, is swap empty?"""
    process = half_swapped()
    advise(process)
    process.machine.wake_khugepaged()
    machine = process.machine
    events = {event.name: event for event in machine.trace}
    assert [event.name.rsplit("_", 1)[1] for event in machine.trace] == ["swapin", "isolate", "page", "pmd"]
    assert events[SWAPIN].fields[1:] == (("swapped_in", "64"), ("referenced", "448"), ("ret", "1"))
    assert events["mm_collapse_huge_page_isolate"].value("referenced") == "512"
    assert events["mm_khugepaged_scan_pmd"].value("unmapped") == "64"
    assert machine.vmstat("pswpin") == 64
    assert not any(process.mm.kernel.swap.swap_map)
    assert read_back(process, ADDRESS, 512) == list(range(1, 513))
    assert process.mm.rss == 512
    check(machine)


def test_nothing_swapped_nothing_read():
    """Is there no such event for a window that is all present?"""
    process = half_swapped(0)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert SWAPIN not in [event.name for event in process.machine.trace]


def test_a_guard_page_ends_it():
    """What ends with 'failed', and do the pages read before stay in?"""
    process = half_swapped(10)
    swap_free(process.mm.kernel, pte_to_swp_offset(table(process)[5]))
    table(process)[5] = make_pte_marker(1 << 2)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    event = next(event for event in process.machine.trace if event.name == SWAPIN)
    assert (event.value("swapped_in"), event.value("ret")) == ("5", "0")
    assert process.machine.vmstat("thp_collapse_alloc") == 1
    assert not (pmd(process) or 0) & 0x80


def test_512_swapped_pages_by_madv_collapse():
    """Does MADV_COLLAPSE bring back a window that is swapped out whole?"""
    process = half_swapped(512)
    assert process.mm.rss == 0
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert [peek(process, ADDRESS + n * PAGE) for n in (0, 511)] == [1, 512]
    assert process.mm.rss == 512
    check(process.machine)


def test_swapped_pages_of_a_child():
    """Do parent and child read right after the parent's window with shared swap slots collapsed?"""
    parent = half_swapped(20)
    child = parent.fork("kid")
    knob(parent.machine, max_ptes_shared=511)
    parent.madvise(ADDRESS, WINDOW, "collapse")
    assert [status for name, status in lines_without_swapin(parent)] == ["succeeded"] * 3
    check(parent.machine)
    assert [child.read(ADDRESS + n * PAGE) for n in (0, 19, 20)] == [1, 20, 21]
    assert [parent.read(ADDRESS + n * PAGE) for n in (0, 19, 20)] == [1, 20, 21]
    check(parent.machine)


def lines_without_swapin(process):
    events = [event for event in process.machine.trace if "huge" in event.name and event.name != SWAPIN]
    return [(event.name, event.value("status")) for event in events]
