"""Advice that walks pages: cold, pageout, free."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, page_at, pmd, pte, set_flag, table
from tests.mm.vmscan.test_shrink_folio import huge, swapped
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED
from thplab.mm.include.page import PG_referenced, PG_swapbacked

YOUNG, DIRTY, LEAF = 1 << 5, 1 << 6, 1 << 7


@pytest.mark.parametrize("advice", ["cold", "pageout"])
def test_locked_memory(advice):
    """Which errno has advice to page out what is locked?"""
    process = app(swap_pages=8)
    fill(process, 0, 1)
    process.mm.vmas[0].vm_flags |= VM_LOCKED
    with pytest.raises(KernelError, match=r"EINVAL.*locked"):
        process.madvise(ADDRESS, PAGE, advice)
    assert pte(process) & YOUNG


def test_cold_makes_old():
    """Are pages old after MADV_COLD, in the entry and in the folio, and those beside them not?"""
    process = app()
    fill(process, 0, 4)
    set_flag(process, PG_referenced)
    process.madvise(ADDRESS, 2 * PAGE, "cold")
    assert [bool(pte(process, ADDRESS + n * PAGE) & YOUNG) for n in range(4)] == [False, False, True, True]
    assert not process.mm.kernel.mem_map.flags[page_at(process)] & PG_referenced
    check(process.machine)


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_a_page_of_two_processes(advice):
    """Is a page that a child maps too left alone? MADV_FREE takes it all the same."""
    parent = app(swap_pages=8)
    fill(parent, 0, 1)
    child = parent.fork("kid")
    parent.madvise(ADDRESS, PAGE, advice)
    assert bool(pte(parent) & YOUNG) is (advice != "free")
    assert (parent.read(ADDRESS), child.read(ADDRESS)) == (1, 1)
    check(parent.machine)


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_zero_pages_are_left_alone(advice):
    """Are zero pages, small and huge, passed over?"""
    process = app(2, swap_pages=8)
    process.read(ADDRESS)
    process.madvise(ADDRESS + WINDOW, WINDOW, "hugepage")
    process.read(ADDRESS + WINDOW)
    entries = pte(process), pmd(process, ADDRESS + WINDOW)
    process.madvise(ADDRESS, 2 * WINDOW, advice)
    assert (pte(process), pmd(process, ADDRESS + WINDOW)) == entries
    check(process.machine)


def test_cold_and_a_whole_huge_page():
    """Is a leaf made old where all of it is meant?"""
    process = huge()
    process.madvise(ADDRESS, WINDOW, "cold")
    assert (pmd(process) or 0) & (YOUNG | LEAF) == LEAF
    check(process.machine)


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_part_of_a_huge_page(advice):
    """Is the folio split where only part of it is meant, and only that part treated?"""
    process = huge()
    process.madvise(ADDRESS, 64 * PAGE, advice)
    assert process.machine.vmstat("thp_split_page") == 1
    assert swapped(process, 64, 512) == 0
    assert swapped(process, 0, 64) == (64 if advice == "pageout" else 0)
    assert pte(process, ADDRESS + 64 * PAGE) & YOUNG
    assert not pte(process, ADDRESS + 63 * PAGE) & YOUNG or advice == "pageout"
    assert [peek(process, ADDRESS + n * PAGE) for n in (0, 63, 64)] == [1, 64, 65]
    check(process.machine)


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_part_of_a_huge_page_that_can_not_be_split(advice):
    """Is a huge page with a pin left alone where only part of it is meant?"""
    process = huge()
    page = process.pin(ADDRESS)
    process.madvise(ADDRESS, 64 * PAGE, advice)
    assert (pmd(process) or 0) & (LEAF | YOUNG) == LEAF | YOUNG
    check(process.machine, [page])


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_a_shared_huge_page_is_left_alone(advice):
    """Is a huge page that a child maps too passed over?"""
    parent = huge()
    parent.fork("kid")
    entry = pmd(parent)
    parent.madvise(ADDRESS, WINDOW, advice)
    parent.madvise(ADDRESS, 8 * PAGE, advice)
    assert pmd(parent) == entry
    check(parent.machine)


@pytest.mark.parametrize("advice", ["cold", "pageout", "free"])
def test_a_huge_page_mapped_by_ptes(advice):
    """Is a PTE-mapped folio treated whole if all of it is meant, else split first?"""
    process = huge()
    process.madvise(ADDRESS, PAGE, "nohugepage")
    assert not (pmd(process) or 0) & LEAF
    process.madvise(ADDRESS, WINDOW, advice)
    split = process.machine.vmstat("thp_split_page")
    assert split == 1  # the advice ends at the VMA's border, behind page 0
    check(process.machine)


def test_free_makes_clean_old_and_lazy():
    """What has a page after MADV_FREE, and after it was written again?"""
    process = app()
    fill(process, 0, 2)
    process.madvise(ADDRESS, PAGE, "free")
    assert not pte(process) & (YOUNG | DIRTY)
    assert not process.mm.kernel.mem_map.flags[page_at(process)] & PG_swapbacked
    assert process.mm.kernel.mem_map.flags[page_at(process, ADDRESS + PAGE)] & PG_swapbacked
    process.write(ADDRESS, 5)
    assert pte(process) & DIRTY
    assert process.read(ADDRESS) == 5
    check(process.machine)


def test_free_of_a_whole_huge_page():
    """Is a leaf made clean and old, and its folio lazyfree?"""
    process = huge()
    process.madvise(ADDRESS, WINDOW, "free")
    entry = pmd(process) or 0
    assert entry & (LEAF | YOUNG | DIRTY) == LEAF
    assert process.read(ADDRESS + 9 * PAGE) == 10
    check(process.machine)


def test_free_drops_what_is_swapped_out():
    """Is a swapped page gone after MADV_FREE?"""
    process = app(swap_pages=8)
    fill(process, 0, 2)
    process.madvise(ADDRESS, 2 * PAGE, "pageout")
    process.madvise(ADDRESS, PAGE, "free")
    assert (table(process)[0], process.read(ADDRESS), process.read(ADDRESS + PAGE)) == (0, 0, 2)
    check(process.machine)
