"""scan_pmd, pages that must not move, and PMDs that lead to no table."""

from __future__ import annotations

import pytest

from tests.invariants import check, tables_and_pages
from tests.mm.lab import (
    ADDRESS,
    PAGE,
    WINDOW,
    advise,
    app,
    fill,
    knob,
    pmd,
    record_locks,
    set_flag,
    statuses,
    table,
)
from tests.mm.scan_lab import UFFD_WP, holes, scanned, seen, shared
from thplab.machine import Machine
from thplab.mm.include.page import PG_anon, PG_locked, PG_lru
from thplab.mm.include.pgtable import mm_find_pmd

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
    from tests.mm.memory.test_zap import pte_mapped_huge_page

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
    from tests.mm.memory.test_zap import pte_mapped_huge_page

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
