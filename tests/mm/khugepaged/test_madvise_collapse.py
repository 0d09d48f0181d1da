"""MADV_COLLAPSE: rounding, going on, errno."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, peek
from tests.mm.lab import (
    ADDRESS,
    COLLAPSE,
    ISOLATE,
    PAGE,
    SCAN,
    WINDOW,
    app,
    before,
    eat,
    fill,
    knob,
    lines,
    pmd,
    set_flag,
    statuses,
    table,
)
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, VM_UFFD_MISSING
from thplab.mm.include.page import PG_locked, PG_lru
from thplab.mm.khugepaged import collapse as collapse_module


def collapse(process, first: int = 0, end: int = 512) -> int:
    """The errno of the call, 0 for success."""
    try:
        process.madvise(ADDRESS + first * PAGE, (end - first) * PAGE, "collapse")
    except KernelError as error:
        return error.errno
    return 0


def huge(process, windows: int) -> list[bool]:
    return [bool((pmd(process, ADDRESS + n * WINDOW) or 0) & 0x80) for n in range(windows)]


def filled(windows: int, kernel: str = "6.18", pages: int = 512):
    process = app(windows, kernel=kernel)
    for number in range(windows):
        fill(process, 0, pages, ADDRESS + number * WINDOW)
    return process


def test_collapse_now():
    """What does the call do to a window that khugepaged never saw, under enabled=never?"""
    process = filled(1)
    process.machine.write_sysfs("enabled", "never")
    assert collapse(process) == 0
    assert huge(process, 1) == [True]
    assert [process.read(ADDRESS + n * PAGE) for n in (0, 255, 511)] == [1, 256, 512]
    machine = process.machine
    assert lines(machine) == [(ISOLATE, "succeeded"), (COLLAPSE, "succeeded"), (SCAN, "succeeded")]
    assert machine.vmstat("thp_collapse_alloc") == 1
    assert machine.vmstat("thp_fault_alloc") == 0
    assert machine.kernel.khugepaged.pages_collapsed == 0
    assert machine.kernel.khugepaged.mm_head == ()
    check(machine)


@pytest.mark.parametrize(
    ("first", "end", "number", "windows"),
    [
        (0, 1536, 0, [True, True, True]),
        (1, 1536, 0, [False, True, True]),
        (0, 1535, 0, [True, True, False]),
        (511, 1025, 0, [False, True, False]),
        (256, 768, 0, [False] * 3),  # the rounded borders meet
        (512, 513, 0, [False] * 3),  # 512 and 512
        (1, 511, errno.EINVAL, [False] * 3),  # the rounded start lies behind the rounded end
        (513, 600, errno.EINVAL, [False] * 3),
    ],
)
def test_rounding(first, end, number, windows):
    """Which windows lie whole inside the range, and what if none does?"""
    process = filled(3, pages=2)
    assert collapse(process, first, end) == number
    assert huge(process, 3) == windows


def test_limits_and_marks_do_not_bind():
    """Do max_ptes_none, the accessed marks and khugepaged/defrag matter to the call?"""
    process = filled(1, pages=1)
    process.clear_refs()
    knob(process.machine, max_ptes_none=0, max_ptes_shared=0, max_ptes_swap=0, defrag=0)
    assert collapse(process) == 0
    assert huge(process, 1) == [True]


@pytest.mark.parametrize("why", ["nohugepage", "short", "no anon_vma", "prctl"])
def test_refused_at_the_door(why):
    """Which VMAs does the call refuse with EINVAL, without a trace line?"""
    process = app(1 if why != "short" else 0.75)
    if why == "no anon_vma":
        process.read(ADDRESS)
    else:
        process.write(ADDRESS, 1)
    if why == "nohugepage":
        process.madvise(ADDRESS, WINDOW, "nohugepage")
    if why == "prctl":
        process.mm.flags |= MMF_DISABLE_THP_COMPLETELY
    assert collapse(process, 0, 512 if why != "short" else 384) == errno.EINVAL
    assert process.machine.trace == []
    check(process.machine)


def test_huge_windows_count_as_done():
    """Does the call succeed over windows that are huge already?"""
    process = filled(2)
    assert collapse(process, 512, 1024) == 0
    assert collapse(process, 0, 1024) == 0
    assert statuses(process.machine) == ["succeeded", "succeeded", "page_pmd_mapped"]
    assert process.machine.vmstat("thp_collapse_alloc") == 2


def test_goes_on_after_a_pin():
    """Is a window behind a pinned one collapsed, and what does the call return?"""
    process = filled(3)
    page = process.pin(ADDRESS + WINDOW + 7 * PAGE)
    assert collapse(process, 0, 1536) == errno.EAGAIN
    assert huge(process, 3) == [True, False, True]
    check(process.machine, [page])
    process.unpin(page)
    assert collapse(process, 0, 1536) == 0


def test_an_empty_window_ends_the_call():
    """Is a window behind one without a table looked at?"""
    process = app(3)
    fill(process)
    fill(process, 0, 512, ADDRESS + 2 * WINDOW)
    assert collapse(process, 0, 1536) == errno.EINVAL
    assert statuses(process.machine) == ["succeeded", "pmd_none"]
    assert huge(process, 3) == [True, False, False]


def test_goes_on_without_a_pmd_table():
    """Is a window behind a whole GiB without tables looked at?"""
    process = Machine().process("app")
    border = ADDRESS + (1 << 30) & ~((1 << 30) - 1)
    process.mmap(border - WINDOW, 2 * WINDOW)
    fill(process, 0, 512, border)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(border - WINDOW, 2 * WINDOW, "collapse")
    assert statuses(process.machine) == ["pmd_null", "succeeded"]


@pytest.mark.parametrize("kernel", ["6.18", "6.1"])
def test_512_zero_pages(kernel):
    """What becomes of windows of zero pages in a VMA that has an anon_vma, and of what lies behind?"""
    process = app(3, kernel=kernel)
    for number in range(1024):
        process.read(ADDRESS + number * PAGE)
    fill(process, 0, 5, ADDRESS + 2 * WINDOW)
    new = kernel == "6.18"
    assert collapse(process, 0, 1536) == (0 if new else errno.EINVAL)
    first = "succeeded" if new else "no_writable_page"
    assert statuses(process.machine) == [first, first, "succeeded"]
    assert huge(process, 3) == [new, new, True]
    assert process.mm.rss == (1536 if new else 512)
    assert peek(process, ADDRESS + WINDOW) == 0
    check(process.machine)


@pytest.mark.parametrize(("kernel", "number"), [("6.18", errno.EBUSY), ("6.1", errno.EINVAL)])
def test_hole_in_a_userfaultfd_area(kernel, number):
    """Is a single hole too much under userfaultfd, and which errno is that in each kernel?"""
    process = filled(2, kernel, pages=511)
    process.mm.vmas[0].vm_flags |= VM_UFFD_MISSING
    assert collapse(process, 0, 1024) == number
    assert statuses(process.machine) == ["exceed_none_pte"]
    assert process.machine.trace[0].value("none_or_zero") == "1"
    assert process.machine.vmstat("thp_scan_exceed_none_pte") == 1


@pytest.mark.parametrize("kernel", ["6.18", "6.1"])
@pytest.mark.parametrize(
    ("spoil", "status", "number", "goes_on"),
    [
        (lambda p: set_flag(p, PG_locked), "page_locked", errno.EAGAIN, True),
        (lambda p: set_flag(p, PG_lru, on=False), "page_not_in_lru", errno.EAGAIN, True),
        (lambda p: p.pin(ADDRESS), "not_suitable_page_count", errno.EAGAIN, True),
        (lambda p: table(p).__setitem__(0, table(p)[0] | 1 << 10), "pte_uffd_wp", errno.EINVAL, True),
    ],
)
def test_errno_of_a_spoilt_window(kernel, spoil, status, number, goes_on):
    """What does the call return for each thing that can be wrong with a page, and does it go on?"""
    process = filled(2, kernel)
    spoil(process)
    assert collapse(process, 0, 1024) == number
    assert statuses(process.machine) == [status, "succeeded"][: 1 + goes_on]


def test_no_huge_page_to_be_had():
    """What does the call return without a free order-9 block, and does it try the next window?"""
    process = filled(2)
    held = eat(process.machine, 9)
    entries = tuple(table(process))
    assert collapse(process, 0, 1024) == errno.ENOMEM
    assert lines(process.machine) == [(COLLAPSE, "alloc_huge_page_failed"), (SCAN, "alloc_huge_page_failed")]
    assert process.machine.vmstat("thp_collapse_alloc_failed") == 1
    assert tuple(table(process)) == entries
    check(process.machine, held=held)


def test_the_errno_is_that_of_the_last_failure():
    """Which errno wins when two windows fail differently?"""
    process = filled(2)
    process.pin(ADDRESS)
    table(process, ADDRESS + WINDOW)[3] |= 1 << 10
    assert collapse(process, 0, 1024) == errno.EINVAL
    process = filled(2)
    table(process)[3] |= 1 << 10
    process.pin(ADDRESS + WINDOW)
    assert collapse(process, 0, 1024) == errno.EAGAIN


def test_hole_between_vmas():
    """Are the windows on both sides of a hole collapsed, and what does the call return?"""
    process = filled(3)
    process.munmap(ADDRESS + WINDOW, WINDOW)
    assert collapse(process, 0, 1536) == errno.ENOMEM
    assert huge(process, 1) == [True]
    assert (pmd(process, ADDRESS + 2 * WINDOW) or 0) & 0x80


def test_stops_at_the_first_vma_that_errors():
    """Is the second VMA looked at when the first is refused?"""
    process = filled(2)
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    assert collapse(process, 0, 1024) == errno.EINVAL
    assert huge(process, 2) == [False, False]
    assert collapse(process, 512, 1024) == 0


def test_vma_vanishes_between_two_windows(monkeypatch):
    """Which error ends the call when the VMA of the next window was unmapped meanwhile?"""
    process = filled(2)
    before(monkeypatch, collapse_module, "alloc_charge_folio", lambda: process.munmap(ADDRESS, 2 * WINDOW))
    assert collapse(process, 0, 1024) == errno.EINVAL
    assert lines(process.machine) == [(COLLAPSE, "vma_null"), (SCAN, "vma_null")]
    check(process.machine)


def test_vma_shrinks_between_two_windows(monkeypatch):
    """Does the call succeed if, when it comes to the last window, the VMA ends before it?"""
    process = filled(3)
    before(
        monkeypatch,
        collapse_module,
        "alloc_charge_folio",
        lambda: process.munmap(ADDRESS + 2 * WINDOW, WINDOW),
    )
    assert collapse(process, 0, 1536) == 0
    assert statuses(process.machine) == ["succeeded", "succeeded"]
    check(process.machine)
