"""Isolate, copy, free, put back: the phases by themselves."""

from __future__ import annotations

import pytest

from tests.invariants import check, tables_and_pages
from tests.mm.lab import (
    ADDRESS,
    PAGE,
    after,
    app,
    before,
    eat,
    fill,
    page_at,
    pmd,
    pte,
    ready,
    set_flag,
    table,
)
from thplab.kernels import ScanResult
from thplab.mm.include.khugepaged import CollapseControl
from thplab.mm.include.page import PAGE_POISON, PG_isolated, PG_locked, PG_lru, PG_referenced
from thplab.mm.khugepaged import collapse as module
from thplab.mm.khugepaged import pages as pages_module

isolate = pages_module.__collapse_huge_page_isolate


def control(*, is_khugepaged: bool = True) -> CollapseControl:
    return CollapseControl("cc", is_khugepaged=is_khugepaged)


def isolated(process, **who) -> ScanResult:
    return isolate(process.mm.vmas[0], ADDRESS, table(process), control(**who))


def marks(process) -> set[tuple[int, int]]:
    """(locked/isolated/LRU bits, references) that occur among the pages of the window."""
    mem_map = process.mm.kernel.mem_map
    bits = PG_locked | PG_isolated | PG_lru
    pages = {page_at(process, ADDRESS + n * PAGE) for n in range(512) if pte(process, ADDRESS + n * PAGE)}
    return {(mem_map.flags[page] & bits, mem_map.refcount[page]) for page in pages}


def test_isolate_locks_and_takes_off_the_lru():
    """What is true of the 512 pages after a successful isolate, and has anything been freed?"""
    process = app()
    fill(process)
    entries, free = tuple(table(process)), process.machine.vmstat("nr_free_pages")
    assert isolated(process) is ScanResult.SUCCEED
    assert marks(process) == {(PG_locked | PG_isolated, 2)}
    assert process.machine.vmstat("nr_isolated_anon") == 512
    assert process.machine.vmstat("nr_free_pages") == free
    assert tuple(table(process)) == entries


def test_release_puts_everything_back():
    """Is a window that was isolated and released as it was?"""
    process = app()
    fill(process)
    state = tables_and_pages(process.mm.kernel)
    pages = [page_at(process, ADDRESS + n * PAGE) for n in range(512)]
    assert isolated(process) is ScanResult.SUCCEED
    pages_module.release_pte_pages(process.mm.kernel, pages)
    assert tables_and_pages(process.mm.kernel) == state
    check(process.machine)


@pytest.mark.parametrize(
    ("flag", "on", "status"),
    [(PG_locked, True, "page_locked"), (PG_lru, False, "could_not_delete_page_from_lru")],
)
def test_a_refusal_leaves_the_culprit_as_it_was(flag, on, status):
    """Is the page that could not be had left alone, and are those before it put back?"""
    process = app()
    fill(process)
    set_flag(process, flag, ADDRESS + 100 * PAGE, on=on)
    state = tables_and_pages(process.mm.kernel)
    assert isolated(process).value == status
    assert tables_and_pages(process.mm.kernel) == state


def test_lock_before_count_before_lru():
    """Which of several faults of one page is told by isolate?"""
    for spoils, status in (
        (("lock", "pin", "lru"), "page_locked"),
        (("pin", "lru"), "not_suitable_page_count"),
        (("lru",), "could_not_delete_page_from_lru"),
    ):
        process = app()
        fill(process)
        if "pin" in spoils:
            process.pin(ADDRESS)
        if "lock" in spoils:
            set_flag(process, PG_locked)
        if "lru" in spoils:
            set_flag(process, PG_lru, on=False)
        assert isolated(process).value == status


def test_the_same_page_twice():
    """What if one small page stands twice in the window (KSM): for the daemon, for MADV_COLLAPSE?"""
    for is_khugepaged, limit, status in ((True, 0, "exceed_shared_pte"), (False, 0, "page_locked")):
        process = app()
        fill(process, 0, 2)
        mem_map = process.mm.kernel.mem_map
        page = page_at(process)
        table(process)[2] = table(process)[0]
        mem_map.mapcount[page] += 1
        mem_map.refcount[page] += 1
        process.mm.kernel.knobs.max_ptes_shared = limit
        assert isolated(process, is_khugepaged=is_khugepaged).value == status


@pytest.mark.parametrize(("is_khugepaged", "status"), [(True, "lack_referenced_page"), (False, "succeeded")])
def test_marks_bind_the_daemon_only(is_khugepaged, status):
    """Does isolate refuse a window in which nothing was used?"""
    process = app()
    fill(process)
    process.clear_refs()
    assert isolated(process, is_khugepaged=is_khugepaged).value == status


def test_a_referenced_flag_is_enough():
    """Does PG_referenced on one page count as use at isolate too?"""
    process = app()
    fill(process)
    process.clear_refs()
    set_flag(process, PG_referenced, ADDRESS + 7 * PAGE)
    assert isolated(process) is ScanResult.SUCCEED
    assert process.machine.trace[-1].value("referenced") == "1"


@pytest.mark.parametrize(("kernel", "status"), [("6.1", "no_writable_page"), ("6.18", "succeeded")])
def test_writable_rule_at_isolate(kernel, status):
    """Does isolate ask for a writable entry?"""
    process = app(kernel=kernel)
    fill(process)
    for index in range(512):
        table(process)[index] &= ~0x2
    assert isolated(process).value == status


def test_pages_are_freed_by_the_copy_not_by_isolate(monkeypatch):
    """When do the 512 old pages go back to the allocator?"""
    process = ready()
    free = []
    look = lambda: free.append(process.machine.vmstat("nr_free_pages"))  # noqa: E731
    after(monkeypatch, pages_module, "__collapse_huge_page_isolate", look)
    before(monkeypatch, pages_module, "__collapse_huge_page_copy_succeeded", look)
    after(monkeypatch, pages_module, "__collapse_huge_page_copy_succeeded", look)
    before(monkeypatch, module, "_publish_huge_pmd", look)
    process.machine.wake_khugepaged()
    isolated_, copied, freed, published = free
    assert isolated_ == copied
    assert freed == published == copied + 512


def test_pmd_is_empty_while_pages_are_moved(monkeypatch):
    """What stands in the PMD during isolate and copy?"""
    process = ready()
    seen = []
    for function in ("__collapse_huge_page_isolate", "__collapse_huge_page_copy"):
        before(monkeypatch, pages_module, function, lambda: seen.append(pmd(process)))
    process.machine.wake_khugepaged()
    assert seen == [0, 0]


def test_freed_pages_carry_junk():
    """Would a use of the old pages after the collapse show?"""
    process = ready()
    pages = [page_at(process, ADDRESS + n * PAGE) for n in range(512)]
    process.machine.wake_khugepaged()
    contents = process.mm.kernel.mem_map.contents
    assert {contents[page] for page in pages} == {PAGE_POISON}


def test_a_huge_page_that_held_junk_is_filled():
    """Are holes zero although the huge page's frames were used before?"""
    process = ready(pages=1, memory_pages=2048)
    contents = process.mm.kernel.mem_map.contents
    for page in process.mm.kernel.mem_map.compound_head[:2048]:
        if page != page_at(process) and page != process.mm.kernel.zero_page:
            contents[page] = 0xDEAD
    process.machine.wake_khugepaged()
    assert [process.read(ADDRESS + n * PAGE) for n in range(512)] == [1] + [0] * 511


def test_a_page_that_another_mm_maps_is_not_freed():
    """What becomes of a shared page when one of its users is collapsed?"""
    process = ready()
    mem_map = process.mm.kernel.mem_map
    page = page_at(process, ADDRESS + 5 * PAGE)
    mem_map.mapcount[page] += 1
    mem_map.refcount[page] += 1
    free = process.machine.vmstat("nr_free_pages")
    process.machine.wake_khugepaged()
    assert (pmd(process) or 0) & 0x80
    assert process.read(ADDRESS + 5 * PAGE) == 6
    assert (mem_map.refcount[page], mem_map.mapcount[page], mem_map.contents[page]) == (1, 1, 6)
    assert mem_map.flags[page] & (PG_locked | PG_isolated | PG_lru) == PG_lru
    assert process.machine.vmstat("nr_free_pages") == free - 1  # memory use grows


def test_a_collapse_with_no_other_memory_left():
    """Does a collapse need any page besides the huge one?"""
    process = ready(pages=3, memory_pages=2048)
    held = eat(process.machine, 9, keep=1)
    from tests.mm.huge_memory.test_fault import _all_smaller

    held |= _all_smaller(process.machine)
    process.machine.wake_khugepaged()
    assert (pmd(process) or 0) & 0x80
    check(process.machine, held=held)
