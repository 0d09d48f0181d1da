"""scan_pmd, entries that are counted: each limit hit exactly, one below, one above."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, knob, page_at, set_flag, table
from tests.mm.scan_lab import SWAP_UFFD_WP, YOUNG, exceeds, holes, scanned, seen, shared
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP
from thplab.mm.include.page import PG_referenced, PG_young


@pytest.mark.parametrize("zero", [False, True])
@pytest.mark.parametrize(
    ("number", "limit", "expected"),
    [
        (99, 100, ("succeeded", 99, 413, 0)),
        (100, 100, ("succeeded", 100, 412, 0)),
        (101, 100, ("exceed_none_pte", 101, 0, 0)),
        (400, 100, ("exceed_none_pte", 101, 0, 0)),
        (0, 0, ("succeeded", 0, 512, 0)),
        (1, 0, ("exceed_none_pte", 1, 0, 0)),
        (511, 511, ("succeeded", 511, 1, 0)),
    ],
)
def test_max_ptes_none(number, limit, expected, zero):
    """How many empty entries or zero pages may a window have?"""
    process = holes(number, zero=zero)
    knob(process.machine, max_ptes_none=limit)
    assert seen(scanned(process)) == expected
    refused = expected[0] != "succeeded"
    assert exceeds(process) == int(refused)
    assert process.mm.rss == (512 - number if refused else 512)
    check(process.machine)


def test_holes_and_zero_pages_add_up():
    """Do 50 holes and 51 zero pages exceed a limit of 100, and which entry is the one too many?"""
    process = app()
    fill(process, 101)
    for page in range(50, 101):
        process.read(ADDRESS + page * PAGE)
    knob(process.machine, max_ptes_none=100)
    assert seen(scanned(process)) == ("exceed_none_pte", 101, 0, 0)


def test_the_scan_stops_at_the_entry_that_is_too_many():
    """How many pages were counted when holes come last?"""
    process = holes(412, last=True)
    knob(process.machine, max_ptes_none=411)
    event = scanned(process)
    assert seen(event) == ("exceed_none_pte", 412, 100, 0)
    last = process.mm.kernel.mem_map.start_pfn + page_at(process, ADDRESS + 99 * PAGE)
    assert event.value("scan_pfn") == f"{last:#x}"


def test_an_empty_table():
    """What is the verdict on a table whose 512 entries were emptied in two halves?"""
    process = app()
    fill(process)
    for half in (0, 1):
        process.madvise(ADDRESS + half * WINDOW // 2, WINDOW // 2, "dontneed")
    assert seen(scanned(process)) == ("exceed_none_pte", 512, 0, 0)


@pytest.mark.parametrize(
    ("flag", "name"), [(VM_UFFD_MISSING, "missing"), (VM_UFFD_WP, "write-protect"), (0, "none")]
)
def test_userfaultfd_tolerates_no_hole(flag, name):
    """Does a userfaultfd area with one hole pass, whatever max_ptes_none says?"""
    process = holes(1)
    process.mm.vmas[0].vm_flags |= flag
    expected = ("exceed_none_pte", 1, 0, 0) if flag else ("succeeded", 1, 511, 0)
    assert seen(scanned(process)) == expected


def test_a_full_userfaultfd_area_collapses():
    """And one without a hole?"""
    process = holes(0)
    process.mm.vmas[0].vm_flags |= VM_UFFD_MISSING
    assert scanned(process).value("status") == "succeeded"


def swapped(number: int, rest: int = 512):
    """The first ``number`` pages swapped out, pages up to ``rest`` present."""
    process = app(swap_pages=512)
    fill(process, 0, rest)
    process.madvise(ADDRESS, number * PAGE, "pageout")
    return process


@pytest.mark.parametrize(("number", "limit"), [(65, 64), (1, 0), (100, 64)])
def test_max_ptes_swap(number, limit):
    """Which swap entry is one too many?"""
    process = swapped(number)
    knob(process.machine, max_ptes_swap=limit)
    assert seen(scanned(process)) == ("exceed_swap_pte", 0, 0, limit + 1)
    assert exceeds(process, "swap") == 1


@pytest.mark.parametrize(("young", "refused"), [(254, True), (255, True), (256, False), (300, False)])
def test_swap_asks_for_half_of_the_pages(young, refused):
    """How many pages must be in use when one is swapped out?"""
    process = swapped(1)
    process.clear_refs()
    for index in range(1, 1 + young):
        table(process)[index] |= YOUNG
    event = scanned(process)
    assert (event.value("status") == "lack_referenced_page") is refused
    assert (event.value("referenced"), event.value("unmapped")) == (str(young), "1")


def test_a_swap_entry_that_is_write_protected():
    """Is a swap entry within the limit refused that carries userfaultfd's mark?"""
    process = swapped(3)
    table(process)[1] |= SWAP_UFFD_WP
    assert seen(scanned(process)) == ("pte_uffd_wp", 0, 0, 2)


@pytest.mark.parametrize(
    ("number", "limit", "expected"),
    [
        (257, 256, ("exceed_shared_pte", 0, 256, 0)),
        (1, 0, ("exceed_shared_pte", 0, 0, 0)),
        (512, 256, ("exceed_shared_pte", 0, 256, 0)),
        (256, 256, ("succeeded", 0, 512, 0)),
        (255, 256, ("succeeded", 0, 512, 0)),
    ],
)
def test_max_ptes_shared(number, limit, expected):
    """How many pages may others map too?"""
    process = holes(0)
    shared(process, number)
    knob(process.machine, max_ptes_shared=limit)
    assert seen(scanned(process)) == expected
    assert exceeds(process, "share") == int(expected[0] != "succeeded")


def test_old_pages():
    """Is a window refused none of whose pages was used since clear_refs?"""
    process = holes(0)
    process.clear_refs()
    assert seen(scanned(process)) == ("lack_referenced_page", 0, 0, 0)


@pytest.mark.parametrize("mark", ["read", "PG_referenced", "PG_young"])
def test_one_page_in_use_is_enough(mark):
    """Which marks make a page count as referenced?"""
    process = holes(0)
    process.clear_refs()
    if mark == "read":
        process.read(ADDRESS + 300 * PAGE)
    else:
        set_flag(process, {"PG_referenced": PG_referenced, "PG_young": PG_young}[mark], ADDRESS + 300 * PAGE)
    assert seen(scanned(process)) == ("succeeded", 0, 1, 0)


def test_only_zero_pages_lack_reference():
    """Do zero pages count as used (511 of them, one hole, anon_vma from elsewhere)?"""
    process = app(2)
    process.write(ADDRESS + WINDOW, 1)
    for number in range(511):
        process.read(ADDRESS + number * PAGE)
    event = scanned(process)
    assert (event.address, seen(event)) == (ADDRESS, ("exceed_none_pte", 512, 0, 0))
    process = app(2)
    process.write(ADDRESS + WINDOW, 1)
    for number in range(511):
        process.read(ADDRESS + number * PAGE)
    process.write(ADDRESS + 511 * PAGE, 1)
    process.clear_refs()
    assert seen(scanned(process)) == ("lack_referenced_page", 511, 0, 0)
