"""A collapse that is refused on its way: any failure undoes all of it."""

from __future__ import annotations

import pytest

from tests.invariants import check, page_of, tables_and_pages
from tests.mm.lab import (
    ADDRESS,
    COLLAPSE,
    ISOLATE,
    PAGE,
    SCAN,
    WINDOW,
    advise,
    after,
    before,
    eat,
    knob,
    lines,
    pmd,
    pte,
    ready,
    set_flag,
    statuses,
    table,
    written,
)
from thplab.kernels import PROFILES
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY
from thplab.mm.include.page import PG_locked, PG_lru
from thplab.mm.include.pgtable import pmd_page_of
from thplab.mm.khugepaged import collapse as module
from thplab.mm.page_alloc.alloc import __alloc_pages as alloc_pages


def intruders():
    """name -> (what somebody does while the huge page is allocated, the verdict)."""
    half = WINDOW // 2
    return {
        "munmap": (lambda p: p.munmap(ADDRESS, WINDOW), "vma_null"),
        "munmap of the tail": (lambda p: p.munmap(ADDRESS + half, half), "not_suitable_address_range"),
        "mmap anew": (lambda p: p.mmap(ADDRESS, WINDOW), "vma_check_failed"),
        "NOHUGEPAGE": (lambda p: p.madvise(ADDRESS, WINDOW, "nohugepage"), "vma_check_failed"),
        "exit": (lambda p: p.exit(), "no_process_for_page"),
        "prctl": (
            lambda p: setattr(p.mm, "flags", p.mm.flags | MMF_DISABLE_THP_COMPLETELY),
            "no_process_for_page",
        ),
        "DONTNEED": (lambda p: p.madvise(ADDRESS, WINDOW, "dontneed"), "pmd_none"),
        "a huge fault": (
            lambda p: (p.madvise(ADDRESS, WINDOW, "dontneed"), p.write(ADDRESS, 9)),
            "page_pmd_mapped",
        ),
        "a strange PMD": (
            lambda p: module.mm_find_pmd(p.mm, ADDRESS)[0].__setitem__(12, 0x1F << 59 | 0x600),
            "pmd_null",
        ),
    }


@pytest.mark.parametrize("name", intruders())
def test_the_world_changes_during_the_allocation(monkeypatch, name):
    """Which verdict gets each change, and does the huge page go back?"""
    act, status = intruders()[name]
    process = ready()
    machine = process.machine
    states = []
    before(
        monkeypatch,
        module,
        "alloc_charge_folio",
        lambda: (
            act(process),
            states.append(tables_and_pages(machine.kernel) if "PMD" not in name else None),
        ),
    )
    machine.wake_khugepaged()
    assert lines(machine)[:2] == [(COLLAPSE, status), (SCAN, status)]
    assert machine.vmstat("thp_collapse_alloc") == 1
    assert machine.read_sysfs("khugepaged/pages_collapsed") == "0\n"
    if states[0] is not None:
        assert tables_and_pages(machine.kernel) == states[0]
        check(machine)


def strict():
    """name -> (what happens to the pages before the strict test, the verdict of isolate)."""
    return {
        "pin the first": (lambda p: p.pin(ADDRESS), "not_suitable_page_count", 0),
        "pin page 300": (lambda p: p.pin(ADDRESS + 300 * PAGE), "not_suitable_page_count", 300),
        "pin the last": (lambda p: p.pin(ADDRESS + 511 * PAGE), "not_suitable_page_count", 511),
        "lock": (lambda p: set_flag(p, PG_locked, ADDRESS + 9 * PAGE), "page_locked", 9),
        "LRU": (
            lambda p: set_flag(p, PG_lru, ADDRESS + 9 * PAGE, on=False),
            "could_not_delete_page_from_lru",
            9,
        ),
        "clear_refs": (lambda p: p.clear_refs(), "lack_referenced_page", 0),
        "swap": (lambda p: table(p).__setitem__(9, 1 << 59 | 0x3FFE00), "pte_non_present", 9),
        "uffd-wp": (
            lambda p: table(p).__setitem__(9, pte(p, ADDRESS + 9 * PAGE) | 1 << 10),
            "pte_uffd_wp",
            9,
        ),
    }


@pytest.mark.parametrize("name", strict())
@pytest.mark.parametrize("by", ["khugepaged", "MADV_COLLAPSE"])
def test_refused_by_isolate(monkeypatch, name, by):
    """Which verdict gets a page that changed after the scan, and is everything put back bit for bit?"""
    act, status, referenced = strict()[name]
    process = ready() if by == "khugepaged" else written()
    machine, states = process.machine, []
    before(
        monkeypatch,
        module,
        "alloc_charge_folio",
        lambda: (act(process), states.append(tables_and_pages(machine.kernel))),
    )
    if by == "khugepaged":
        machine.wake_khugepaged()
    elif name != "clear_refs":
        with pytest.raises(OSError, match="not every window"):
            process.madvise(ADDRESS, WINDOW, "collapse")
    else:
        process.madvise(ADDRESS, WINDOW, "collapse")
        assert (pmd(process) or 0) & 0x80  # the marks do not bind it
        return
    by_event = [(event, status) for event in (ISOLATE, COLLAPSE, SCAN)]
    assert lines(machine)[:3] == by_event
    assert int(machine.trace[0].value("referenced")) == (referenced if by == "khugepaged" else 0)
    assert machine.trace[1].value("isolated") == "0"
    assert tables_and_pages(machine.kernel) == states[0]
    assert machine.vmstat("thp_collapse_alloc") == 1
    assert machine.vmstat("nr_isolated_anon") == 0
    locks = [process.mm.mmap_lock, process.mm.vmas[0].vm_lock, process.mm.vmas[0].anon_vma.lock]
    assert [(lock.readers, lock.writer) for lock in locks] == [(0, None)] * 3


def test_holes_beyond_the_limit_at_isolate(monkeypatch):
    """Is the limit tested again, and counted again, when pages were discarded meanwhile?"""
    process = ready()
    machine = process.machine
    knob(machine, max_ptes_none=10)
    before(monkeypatch, module, "alloc_charge_folio", lambda: process.madvise(ADDRESS, 11 * PAGE, "dontneed"))
    machine.wake_khugepaged()
    assert lines(machine) == [(event, "exceed_none_pte") for event in (ISOLATE, COLLAPSE, SCAN)]
    assert machine.trace[0].value("none_or_zero") == "11"
    assert machine.trace[-1].value("none_or_zero") == "0"  # what the scan saw
    assert machine.vmstat("thp_scan_exceed_none_pte") == 1
    assert process.mm.rss == 501
    check(machine)


def test_shared_beyond_the_limit_at_isolate(monkeypatch):
    """And the limit on shared pages?"""
    process = ready()
    machine = process.machine
    knob(machine, max_ptes_shared=1)

    def share():
        mem_map = process.mm.kernel.mem_map
        for number in (3, 4):
            page = (pte(process, ADDRESS + number * PAGE) >> 12 & 0xFFFFFFFFFF) - mem_map.start_pfn
            mem_map.mapcount[page] += 1
            mem_map.refcount[page] += 1

    before(monkeypatch, module, "alloc_charge_folio", share)
    machine.wake_khugepaged()
    assert lines(machine)[0] == (ISOLATE, "exceed_shared_pte")
    assert machine.trace[0].value("referenced") == "4"
    assert machine.vmstat("thp_scan_exceed_share_pte") == 1


def take(machine, page, held):
    """Allocate until that free page is taken; ``held``: page -> order of all that was."""
    while page not in held:
        held[alloc_pages(machine.kernel, 0, 0)] = 0


@pytest.mark.parametrize("kernel", PROFILES)
def test_another_page_table_is_as_good(monkeypatch, kernel):
    """Does a collapse mind that the PMD entry points at another page table at the second look?"""
    process = ready(2, kernel=kernel)
    machine = process.machine
    machine.kernel.knobs.max_ptes_none = 511
    held: dict[int, int] = {}

    def replace_table():
        old = page_of(machine.kernel, pmd(process))
        machine.kernel.knobs.enabled = "never"  # base pages, please
        process.write(ADDRESS + 2 * WINDOW - PAGE, 1)  # so that the PMD table stays
        process.munmap(ADDRESS, WINDOW)
        take(machine, old, held)
        process.mmap(ADDRESS, WINDOW)
        process.write(ADDRESS, 9)
        machine.kernel.knobs.enabled = "madvise"
        advise(process)
        assert page_of(machine.kernel, pmd(process)) != old

    after(monkeypatch, module, "_recheck_for_reading", replace_table)
    machine.wake_khugepaged()
    assert statuses(machine, COLLAPSE)[0] == statuses(machine)[0] == "succeeded"
    assert process.read(ADDRESS) == 9
    check(machine, held=held)


@pytest.mark.parametrize("kernel", PROFILES)
def test_another_pmd_table_is_refused(monkeypatch, kernel):
    """And if the PMD table itself was freed, and made anew elsewhere?"""
    process = ready(1, kernel=kernel)
    machine = process.machine
    held: dict[int, int] = {}

    def replace_pmd_table():
        old = pmd_page_of(process.mm, ADDRESS)
        process.munmap(ADDRESS, WINDOW)
        take(machine, old, held)
        process.mmap(ADDRESS, WINDOW)
        machine.kernel.knobs.enabled = "never"
        process.write(ADDRESS, 9)
        machine.kernel.knobs.enabled = "madvise"
        advise(process)
        assert pmd_page_of(process.mm, ADDRESS) != old

    after(monkeypatch, module, "_recheck_for_reading", replace_pmd_table)
    machine.wake_khugepaged()
    assert statuses(machine, COLLAPSE)[0] == statuses(machine)[0] == "failed"
    assert process.read(ADDRESS) == 9
    check(machine, held=held)


def test_vanishes_between_the_two_looks(monkeypatch):
    """Which verdict gets a window whose table goes, or whose VMA goes, between the two looks?"""
    for act, status in (
        (lambda p: p.madvise(ADDRESS, WINDOW, "dontneed"), "pmd_none"),
        (lambda p: p.munmap(ADDRESS, WINDOW), "vma_null"),
        (lambda p: p.exit(), "no_process_for_page"),
    ):
        process = ready()
        with monkeypatch.context() as patch:
            after(patch, module, "_recheck_for_reading", lambda a=act, p=process: a(p))
            process.machine.wake_khugepaged()
        assert lines(process.machine)[:2] == [(COLLAPSE, status), (SCAN, status)]
        check(process.machine)


def test_without_a_free_block():
    """What is traced and counted when there is no huge page, and is all as before?"""
    process = ready()
    machine = process.machine
    knob(machine, pages_to_scan=513)
    held = eat(machine, 9)
    state = tables_and_pages(machine.kernel)
    machine.wake_khugepaged()
    assert lines(machine) == [(COLLAPSE, "alloc_huge_page_failed"), (SCAN, "alloc_huge_page_failed")]
    assert [e.value("isolated") for e in machine.trace if e.name == COLLAPSE] == ["0"]
    assert [machine.vmstat(f"thp_collapse_alloc{x}") for x in ("", "_failed")] == [0, 1]
    assert tables_and_pages(machine.kernel) == state
    check(machine, held=held)


def test_a_refused_window_is_tried_again():
    """Is a window that was pinned collapsed in the next pass after the pin has gone?"""
    process = written()
    page = process.pin(ADDRESS)
    advise(process)
    process.machine.wake_khugepaged()
    process.unpin(page)
    process.machine.wake_khugepaged()
    assert [status for event, status in lines(process.machine) if event == SCAN] == [
        "not_suitable_page_count",
        "succeeded",
    ]
    check(process.machine)


def test_a_pmd_that_is_not_clear_any_more(monkeypatch):
    """Is it noticed when somebody filled the PMD while the fence stood?"""
    process = ready()
    entries, index = module.mm_find_pmd(process.mm, ADDRESS)
    after(monkeypatch, module, "__collapse_huge_page_copy", lambda: entries.__setitem__(index, 0x123067))
    with pytest.raises(KernelBug, match="not clear any more"):
        process.machine.wake_khugepaged()


@pytest.mark.parametrize("entries", [8, 16, 64])
def test_small_tables_keep_the_rules(entries):
    """Does a collapse with tables of 8, 16, 64 entries obey the same rules, scaled?"""
    from thplab.machine import Machine

    machine = Machine(entries=entries, memory_pages=16 * entries)
    process = machine.process("app")
    size = entries * PAGE
    process.mmap(size, 10 * size)
    for window in range(10):
        process.write((1 + window) * size, window + 1)
    start = machine.kernel.khugepaged.passes
    process.madvise(size, 10 * size, "hugepage")
    scan = machine.kernel.khugepaged
    assert scan.passes == start + 1
    assert scan.progress_of_pass == 8 * (entries + 1)
    assert scan.pages_collapsed == 8
    assert process.mm.rss == 8 * entries + 2
    assert [process.read((1 + n) * size) for n in range(10)] == list(range(1, 11))
    assert process.read(2 * size - PAGE) == 0
    check(machine)
    knob(machine, max_ptes_none=entries - 2)
    machine.wake_khugepaged()
    assert machine.trace[-1].value("status") in ("exceed_none_pte", "page_pmd_mapped")
    assert machine.vmstat("thp_scan_exceed_none_pte") == 2
    process.exit()
    check(machine)
