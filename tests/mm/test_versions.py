"""What 6.12 and 7.3 do otherwise than 6.18, beyond names."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check
from tests.mm.lab import (
    ADDRESS,
    COLLAPSE,
    ISOLATE,
    PAGE,
    SCAN,
    WINDOW,
    advise,
    app,
    fill,
    knob,
    page_at,
    pmd,
    pte,
    ready,
    statuses,
    table,
    written,
)
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_referenced

VISIT = "mm_khugepaged_scan"
NO_PFN = f"{(1 << 64) - 1:#x}"


def woken(process):
    process.machine.wake_khugepaged()
    return process.machine


def spent(machine) -> list[int]:
    return [int(event.value("progress")) for event in machine.trace if event.name == VISIT]


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_no_writable_page(kernel):
    """Is a window refused in which nothing may be written?"""
    process = app(kernel=kernel)
    fill(process)
    process.fork("kid")
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["no_writable_page"]
    assert process.machine.trace[-1].value("writable") == "0"


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
def test_an_empty_table_stays(kernel):
    """Does MADV_DONTNEED over a whole table leave it, so that the next fault is small?"""
    process = app(kernel=kernel)
    fill(process)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    assert pte(process) & 1


@pytest.mark.parametrize(("kernel", "huge"), [("6.12", False), ("6.18", True), ("7.3", True)])
def test_write_to_the_huge_zero_page(kernel, huge):
    """Is the huge zero page replaced by a huge page or split?"""
    process = app(kernel=kernel)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.read(ADDRESS)
    process.write(ADDRESS, 1)
    assert bool((pmd(process) or 0) & 0x80) is huge
    check(process.machine)


def test_sharing_in_6_12_is_a_guess_from_the_first_page():
    """Does 6.12 see that a child maps one page of a folio whose first page nobody maps any more?"""
    results = {}
    for kernel in ("6.12", "6.18"):
        parent = app(kernel=kernel)
        parent.madvise(ADDRESS, WINDOW, "hugepage")
        fill(parent)
        parent.madvise(ADDRESS, PAGE, "nohugepage")
        parent.madvise(ADDRESS, PAGE, "hugepage")
        child = parent.fork("kid")
        child.madvise(ADDRESS, 5 * PAGE, "dontneed")
        child.madvise(ADDRESS + 6 * PAGE, WINDOW - 6 * PAGE, "dontneed")
        parent.madvise(ADDRESS, PAGE, "dontneed")
        parent.write(ADDRESS + PAGE, 1)
        parent.machine.kernel.tracing.events.clear()
        knob(parent.machine, max_ptes_shared=0)
        woken(parent)
        results[kernel] = statuses(parent.machine)[0]
    assert results == {"6.12": "succeeded", "6.18": "exceed_shared_pte"}


def test_one_result_for_an_absent_table_in_7_3():
    """Which status has a window without a PTE table, and one without a PMD table?"""
    process = Machine("7.3").process("app")
    border = ADDRESS + (1 << 30) & ~((1 << 30) - 1)
    process.mmap(border - 2 * WINDOW, 3 * WINDOW)
    process.write(border - 2 * WINDOW, 1)
    process.madvise(border - 2 * WINDOW, 3 * WINDOW, "hugepage")
    woken(process)
    assert statuses(process.machine)[-2:] == ["no_pte_table", "no_pte_table"]


def test_madv_collapse_goes_on_behind_an_empty_window_in_7_3():
    """Are windows behind an empty one collapsed, and what does the call return?"""
    process = app(3, kernel="7.3")
    fill(process)
    fill(process, at=ADDRESS + 2 * WINDOW)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, 3 * WINDOW, "collapse")
    assert statuses(process.machine) == ["succeeded", "no_pte_table", "succeeded"]


@pytest.mark.parametrize(("kernel", "number"), [("6.18", errno.EINVAL), ("7.3", 0)])
def test_a_range_without_a_whole_window(kernel, number):
    """What does MADV_COLLAPSE return for pages 1 to 510?"""
    process = written(kernel=kernel)
    got = 0
    try:
        process.madvise(ADDRESS + PAGE, WINDOW - 2 * PAGE, "collapse")
    except KernelError as error:
        got = error.errno
    assert got == number


@pytest.mark.parametrize(("kernel", "status"), [("6.18", "succeeded"), ("7.3", "page_lazyfree")])
def test_a_clean_lazyfree_page(kernel, status):
    """Does khugepaged stop at a page that MADV_FREE gave up? And after it was written again?"""
    process = written(kernel=kernel)
    process.madvise(ADDRESS + 300 * PAGE, PAGE, "free")
    advise(process)
    woken(process)
    event = [event for event in process.machine.trace if event.name == SCAN][-1]
    assert event.value("status") == status
    if kernel == "7.3":
        assert event.value("referenced") == "300"
        process.write(ADDRESS + 300 * PAGE, 5)
        woken(process)
        assert statuses(process.machine)[-1] == "succeeded"
    check(process.machine)


def test_madv_collapse_takes_lazyfree_pages_in_7_3():
    """And MADV_COLLAPSE?"""
    process = written(kernel="7.3")
    process.madvise(ADDRESS, WINDOW, "free")
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["succeeded"]


@pytest.mark.parametrize(
    ("pages", "limit", "cost"), [([], 511, 1), ([0], 511, 512), ([5], 4, 5), ([0, 1], 99, 102), ([0], 0, 2)]
)
def test_a_window_costs_what_was_read_in_7_3(pages, limit, cost):
    """How many units has a visit of one window (1 for the visit, then the entries read)?"""
    process = app(2, kernel="7.3")
    process.write(ADDRESS + WINDOW, 1)
    process.munmap(ADDRESS + WINDOW, WINDOW)
    for page in pages:
        process.write(ADDRESS + page * PAGE, 1)
    knob(process.machine, max_ptes_none=limit)
    if not pages:
        process.madvise(ADDRESS, WINDOW, "dontneed")
    advise(process)
    woken(process)
    assert spent(process.machine)[0] == 1 + cost


def test_a_huge_window_costs_1_in_7_3():
    """And of a window that is huge already?"""
    process = app(2, kernel="7.3")
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.write(ADDRESS + WINDOW, 1)
    woken(process)
    assert spent(process.machine)[-1] == 1 + 2


@pytest.mark.parametrize(("kernel", "runs"), [("6.18", False), ("7.3", True)])
def test_the_daemon_without_the_2_mib_size(kernel, runs):
    """Does khugepaged run while only hugepages-2048kB/enabled is off?"""
    machine = Machine(kernel)
    machine.write_sysfs("hugepages-2048kB/enabled", "never")
    assert (machine.kernel.khugepaged.thread is not None) is runs


@pytest.mark.parametrize(
    ("kernel", "lru_gen", "marked"), [("7.3", None, True), ("7.3", False, False), ("6.18", True, False)]
)
def test_fresh_pages_count_as_used(kernel, lru_gen, marked):
    """Is a fresh page marked as referenced under the multi-generational LRU of 7.3?"""
    process = app(kernel=kernel, lru_gen=lru_gen)
    fill(process, 0, 1)
    assert bool(process.mm.kernel.mem_map.flags[page_at(process)] & PG_referenced) is marked
    process.clear_refs()
    assert not process.mm.kernel.mem_map.flags[page_at(process)] & PG_referenced


def test_trace_of_7_3():
    """Which fields have the events of 7.3, and what do they say of a success?"""
    process = ready(kernel="7.3")
    events = {event.name: event for event in woken(process).trace}
    assert events[ISOLATE].fields[-1] == ("order", "9")
    assert events[COLLAPSE].fields[-1] == ("order", "9")
    assert events[SCAN].value("scan_pfn") == NO_PFN
    assert events[VISIT].fields[1:] == (("progress", "1"), ("full_scan_finished", "1"))


def test_scan_pfn_names_the_page_that_stopped_the_scan():
    """Is the frame of a pinned page named?"""
    process = ready(kernel="7.3")
    page = process.pin(ADDRESS + 7 * PAGE)
    event = next(event for event in woken(process).trace if event.name == SCAN)
    assert event.value("scan_pfn") == f"{page + process.mm.kernel.mem_map.start_pfn:#x}"
    assert table(process)[7] >> 12 & 0xFFFFFFFFFF == page + process.mm.kernel.mem_map.start_pfn


@pytest.mark.parametrize(("kernel", "registered"), [("6.18", True), ("7.3", False)])
def test_advice_on_less_than_a_window(kernel, registered):
    """Is an mm registered by advice on a part that alone is too small (6.18 looks at the uncut VMA)?"""
    process = app(2, kernel=kernel)
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS, 5 * PAGE, "hugepage")
    assert bool(process.mm.kernel.khugepaged.mm_head) is registered
