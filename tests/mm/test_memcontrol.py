"""Memory cgroups."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, COLLAPSE, PAGE, WINDOW, advise, app, fill, pmd, statuses
from thplab.mm.include.errors import KernelError


def grouped(windows: int = 1, extra: int | None = None, pages: int = 0, **how):
    """A process in a group of its own, with some pages written, then limited to ``extra`` more."""
    process = app(windows, **how)
    memcg = process.machine.cgroup("g")
    process.enter_cgroup(memcg)
    fill(process, 0, pages)
    if extra is not None:
        memcg.max = memcg.usage + extra
    return process, memcg


def test_pages_are_charged_and_uncharged():
    """How much is charged for base pages, a copy, a child's page, and after each is gone?"""
    process, memcg = grouped(pages=10)
    assert memcg.usage == 10
    child = process.fork("kid")
    assert memcg.usage == 10
    child.write(ADDRESS, 9)
    assert memcg.usage == 11
    check(process.machine)
    process.exit()
    assert memcg.usage == 10  # nine pages of the parent that the child maps, and its own
    child.exit()
    assert memcg.usage == 0


def test_memory_touched_before_is_not_charged():
    """Is a page charged that was there before its process joined?"""
    process = app()
    fill(process, 0, 3)
    memcg = process.machine.cgroup("g")
    process.enter_cgroup(memcg)
    fill(process, 3, 5)
    assert memcg.usage == 2
    check(process.machine)


def test_a_huge_fault_that_does_not_fit():
    """What does a fault do whose huge page the limit does not allow, and what is counted?"""
    process, memcg = grouped(extra=300)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    machine = process.machine
    assert memcg.usage == 1
    counters = ("thp_fault_alloc", "thp_fault_fallback", "thp_fault_fallback_charge")
    assert [machine.vmstat(name) for name in counters] == [0, 1, 1]
    check(machine)


@pytest.mark.parametrize(("extra", "done"), [(511, False), (512, True)])
def test_a_collapse_needs_512_pages_more(extra, done):
    """How much room must the limit leave for a collapse, and is all given back afterwards?"""
    process, memcg = grouped(pages=256, extra=extra)
    advise(process)
    process.machine.wake_khugepaged()
    assert statuses(process.machine, COLLAPSE) == ["succeeded" if done else "ccgroup_charge_failed"]
    assert memcg.usage == (512 if done else 256)
    assert process.machine.vmstat("thp_collapse_alloc") == 1
    check(process.machine)


def test_madv_collapse_is_busy():
    """Which errno has MADV_COLLAPSE then?"""
    process, _ = grouped(pages=256, extra=0)
    with pytest.raises(KernelError, match="EBUSY"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert not (pmd(process) or 0) & 0x80


def test_a_base_page_that_does_not_fit():
    """Does a base-page fault fail at the limit, and swap-in too?"""
    process, memcg = grouped(pages=2, extra=0, swap_pages=8)
    with pytest.raises(MemoryError, match="cgroup"):
        process.write(ADDRESS + 5 * PAGE, 1)
    process.madvise(ADDRESS, PAGE, "pageout")
    assert memcg.usage == 1
    process.write(ADDRESS + 5 * PAGE, 1)
    with pytest.raises(MemoryError, match="cgroup"):
        process.read(ADDRESS)
    memcg.max = None
    assert process.read(ADDRESS) == 1
    check(process.machine)


def test_a_split_folio_stays_charged():
    """Is each base page of a split huge page charged?"""
    process, memcg = grouped(swap_pages=1024)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    fill(process)
    process.madvise(ADDRESS, 64 * PAGE, "pageout")
    assert memcg.usage == 448
    check(process.machine)
