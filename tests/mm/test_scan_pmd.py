"""scan_pmd: every reason to refuse a window, each limit hit exactly, one below, one above."""

from __future__ import annotations

import pytest

from tests.invariants import check, tables_and_pages
from tests.mm.lab import (
    ADDRESS,
    PAGE,
    SCAN,
    WINDOW,
    advise,
    app,
    fill,
    knob,
    page_at,
    pmd,
    record_locks,
    set_flag,
    statuses,
    table,
)
from thplab.machine import Machine
from thplab.mm.mm_types import VM_UFFD_MISSING, VM_UFFD_WP
from thplab.mm.page import PG_anon, PG_locked, PG_lru, PG_referenced, PG_young
from thplab.mm.pgtable import mm_find_pmd

YOUNG, UFFD_WP, SWAP_UFFD_WP = 1 << 5, 1 << 10, 1 << 2


def scanned(process):
    """One pass over a process whose windows are prepared; the scan_pmd event of the first window."""
    advise(process)
    process.machine.wake_khugepaged()
    return next(event for event in process.machine.trace if event.name == SCAN)


def seen(event) -> tuple[str, int, int, int]:
    """status, none_or_zero, referenced, unmapped."""
    return (event.value("status"), *(int(event.value(f)) for f in ("none_or_zero", "referenced", "unmapped")))


def holes(number: int, *, zero: bool = False, last: bool = False, **how):
    """A window with ``number`` empty (or zero) entries at its start or end, the rest written."""
    process = app(**how)
    first, end = (0, 512 - number) if last else (number, 512)
    fill(process, first, end)
    if zero:
        for page in range(number):
            process.read(ADDRESS + page * PAGE)
    return process


def exceeds(process, which: str = "none") -> int:
    return process.machine.vmstat(f"thp_scan_exceed_{which}_pte")


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


def shared(process, number: int, by: int = 1) -> None:
    """As if another mm mapped the first ``number`` pages too."""
    mem_map = process.mm.kernel.mem_map
    for index in range(number):
        page = page_at(process, ADDRESS + index * PAGE)
        mem_map.mapcount[page] += by
        mem_map.refcount[page] += by


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


SPOILS = {
    "pinned": (lambda p, a: p.pin(a), "not_suitable_page_count"),
    "locked": (lambda p, a: set_flag(p, PG_locked, a), "page_locked"),
    "not on the LRU": (lambda p, a: set_flag(p, PG_lru, a, on=False), "page_not_in_lru"),
    "not anonymous": (lambda p, a: set_flag(p, PG_anon, a, on=False), "page_not_anon"),
    "uffd-wp": (
        lambda p, a: table(p).__setitem__(a >> 12 & 511, table(p)[a >> 12 & 511] | UFFD_WP),
        "pte_uffd_wp",
    ),
}


@pytest.mark.parametrize("what", SPOILS)
@pytest.mark.parametrize("index", [0, 17, 511])
def test_one_spoilt_page(what, index):
    """Does one page that must not move refuse the window, wherever it is, and is nothing changed?"""
    process = holes(0)
    spoil, status = SPOILS[what]
    spoil(process, ADDRESS + index * PAGE)
    state = tables_and_pages(process.mm.kernel)
    assert seen(scanned(process)) == (status, 0, index, 0)
    advised = tables_and_pages(process.mm.kernel)
    assert {k: advised[k] for k in ("tables", "folios", "free")} == {
        k: state[k] for k in ("tables", "folios", "free")
    }
    assert process.machine.vmstat("thp_collapse_alloc") == 0


@pytest.mark.parametrize(
    ("first", "second"), [("pinned", "locked"), ("uffd-wp", "pinned"), ("not on the LRU", "uffd-wp")]
)
def test_the_first_entry_decides(first, second):
    """Which of two faults is told: the one at the lower address, in whatever order of severity?"""
    for one, other in ((first, second), (second, first)):
        process = holes(0)
        SPOILS[one][0](process, ADDRESS + 5 * PAGE)
        SPOILS[other][0](process, ADDRESS + 6 * PAGE)
        assert scanned(process).value("status") == SPOILS[one][1]


@pytest.mark.parametrize(
    ("both", "status"),
    [
        (("uffd-wp", "not anonymous"), "pte_uffd_wp"),
        (("not anonymous", "not on the LRU"), "page_not_anon"),
        (("not on the LRU", "locked"), "page_not_in_lru"),
        (("locked", "pinned"), "page_locked"),
    ],
)
def test_order_of_the_tests_on_one_entry(both, status):
    """Which of two faults of the same page is told?"""
    process = holes(0)
    for what in both:
        SPOILS[what][0](process, ADDRESS)
    assert scanned(process).value("status") == status


def test_shared_before_lru():
    """Is a page that is shared, beyond the limit, and off the LRU told as shared?"""
    process = holes(0)
    shared(process, 1)
    set_flag(process, PG_lru, on=False)
    knob(process.machine, max_ptes_shared=0)
    assert scanned(process).value("status") == "exceed_shared_pte"


@pytest.mark.parametrize(
    ("make", "status"),
    [
        (lambda p: None, "pmd_none"),
        (lambda p: p.write(ADDRESS, 1), "succeeded"),
        (lambda p: (p.write(ADDRESS, 1), p.madvise(ADDRESS, WINDOW, "dontneed")), "pmd_none"),
    ],
)
def test_pmd_none(make, status):
    """What is the verdict on a window without a table, before and after its first touch?"""
    process = app(2)
    process.write(ADDRESS + WINDOW, 1)
    make(process)
    assert scanned(process).value("status") == status


def test_pmd_null_and_mapped():
    """What is the verdict where there is no PMD table, and where there is a leaf?"""
    process = Machine().process("app")
    border = ADDRESS + (1 << 30) & ~((1 << 30) - 1)
    process.mmap(border - WINDOW, 2 * WINDOW)
    advise(process, 2, border - WINDOW)
    process.write(border, 1)
    process.machine.wake_khugepaged()
    assert statuses(process.machine)[:2] == ["pmd_null", "page_pmd_mapped"]
    for event in process.machine.trace[:2]:
        assert event.value("scan_pfn") == "0xffffffffffffffff"
        assert [event.value(f) for f in ("none_or_zero", "referenced", "unmapped")] == ["0", "0", "0"]


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (0x1F << 59 | 0x600, "pmd_null"),  # not present: a migration entry or the like
        (0x366600061, "pmd_null"),  # bad: present, no leaf, but not the flags of a table
    ],
)
def test_strange_pmds(entry, status):
    """What is the verdict on an entry that is neither none nor table nor leaf?"""
    process = app(2)
    fill(process, 0, 3)
    advise(process)
    entries, index = mm_find_pmd(process.mm, ADDRESS)
    entries[index] = entry
    process.machine.wake_khugepaged()
    assert statuses(process.machine)[0] == status


def test_only_reads_6_1():
    """In 6.1: what if no entry is writable?"""
    process = holes(0, kernel="6.1")
    entries = table(process)
    for index in range(512):
        entries[index] &= ~0x2
    event = scanned(process)
    assert (event.value("status"), event.value("writable")) == ("no_writable_page", "0")
    assert event.value("referenced") == "512"


def test_one_writable_entry_is_enough_6_1():
    """In 6.1: and if one is?"""
    process = holes(0, kernel="6.1")
    entries = table(process)
    for index in range(511):
        entries[index] &= ~0x2
    event = scanned(process)
    assert (event.value("status"), event.value("writable")) == ("succeeded", "1")


def test_no_writable_rule_6_18():
    """In 6.18: does a read-only window collapse?"""
    process = holes(0)
    entries = table(process)
    for index in range(512):
        entries[index] &= ~0x2
    assert scanned(process).value("status") == "succeeded"


def test_a_huge_page_mapped_by_ptes_collapses():
    """Do 512 PTEs of one folio count one by one, and does the old folio go?"""
    from tests.mm.test_zap import pte_mapped_huge_page

    process = pte_mapped_huge_page()
    machine = process.machine
    machine.wake_khugepaged()
    assert seen(machine.trace[-1]) == ("succeeded", 0, 512, 0)
    assert (pmd(process) or 0) & 0x80
    assert process.read(ADDRESS + 9 * PAGE) == 10
    assert machine.vmstat("nr_anon_transparent_hugepages") == 1
    assert machine.vmstat("thp_deferred_split_page") == 0
    check(machine)


def test_one_pin_refuses_the_whole_folio():
    """At which entry does a pin on page 17 of a PTE-mapped huge page show?"""
    from tests.mm.test_zap import pte_mapped_huge_page

    process = pte_mapped_huge_page()
    page = process.pin(ADDRESS + 17 * PAGE)
    process.machine.wake_khugepaged()
    assert seen(process.machine.trace[-1]) == ("not_suitable_page_count", 0, 0, 0)
    check(process.machine, [page])


def test_locks_of_a_refused_scan(monkeypatch):
    """Which locks does a scan take that is refused, in which order?"""
    process = holes(1)
    knob(process.machine, max_ptes_none=0)
    advise(process)
    page = (pmd(process) or 0) >> 12 & 0xFFFFFFFFFF
    ptl = f"page table lock {page - process.mm.kernel.mem_map.start_pfn}"
    log = record_locks(monkeypatch)
    process.machine.wake_khugepaged()
    visit = [
        "+W khugepaged_mm_lock",
        "-W khugepaged_mm_lock",
        "+R mmap_lock app",
        f"+W {ptl}",
        f"-W {ptl}",
        "-R mmap_lock app",
        "+W khugepaged_mm_lock",
        "-W khugepaged_mm_lock",
    ]
    assert log[: len(visit)] == visit
