"""What MADV_PAGEOUT's reclaim does with a folio."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, eat, fill, page_at, pmd, pte, set_flag, table
from thplab.mm.include.page import PG_locked


def huge(pages: int = 512, **how):
    """A process with one huge page, of which ``pages`` are written."""
    process = app(swap_pages=how.pop("swap_pages", 1024), **how)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    fill(process, 0, pages)
    return process


def swapped(process, first: int = 0, end: int = 512) -> int:
    return sum(1 for entry in table(process)[first:end] if entry and not entry & 1)


def test_a_huge_page_goes_whole():
    """What is left of a huge page that was paged out whole?"""
    process = huge()
    process.madvise(ADDRESS, WINDOW, "pageout")
    machine = process.machine
    assert swapped(process) == 512
    assert [machine.vmstat(n) for n in ("thp_swpout", "thp_split_pmd", "thp_split_page", "pswpout")] == [
        1,
        1,
        0,
        512,
    ]
    assert process.mm.rss == 0
    assert [peek(process, ADDRESS + n * PAGE) for n in (0, 511)] == [1, 512]
    check(machine)


def test_a_huge_page_is_split_if_there_are_no_slots_in_a_row():
    """Is it paged out in pieces where swap has too little room in a row?"""
    process = huge(swap_pages=100)
    process.madvise(ADDRESS, WINDOW, "pageout")
    machine = process.machine
    assert [machine.vmstat(n) for n in ("thp_swpout", "thp_swpout_fallback", "thp_split_page")] == [0, 1, 1]
    assert swapped(process) == 100
    assert process.mm.rss == 412
    check(machine)


def test_a_huge_page_that_somebody_holds_stays():
    """Is a huge page with a pin left as it is?"""
    process = huge()
    page = process.pin(ADDRESS + 5 * PAGE)
    process.madvise(ADDRESS, WINDOW, "pageout")
    assert (pmd(process) or 0) & 0x80
    assert process.mm.rss == 512
    check(process.machine, [page])


def test_a_base_page_that_somebody_holds_is_unmapped_but_stays():
    """Is a pinned base page unmapped, kept in the swap cache, and not written?"""
    process = app(swap_pages=8)
    fill(process, 0, 1)
    page = process.pin(ADDRESS)
    process.madvise(ADDRESS, PAGE, "pageout")
    assert not pte(process) & 1
    assert process.machine.vmstat("pswpout") == 0
    assert process.mm.kernel.mem_map.contents[page] == 1
    assert process.read(ADDRESS) == 1
    assert page_at(process) == page
    check(process.machine, [page])
    process.unpin(page)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    check(process.machine)


def test_a_locked_page_stays():
    """Is a page whose lock somebody has left alone?"""
    process = app(swap_pages=8)
    fill(process, 0, 2)
    set_flag(process, PG_locked)
    process.madvise(ADDRESS, 2 * PAGE, "pageout")
    assert (pte(process) & 1, pte(process, ADDRESS + PAGE) & 1) == (1, 0)
    set_flag(process, PG_locked, on=False)
    check(process.machine)


@pytest.mark.parametrize("written_again", [False, True])
def test_lazyfree_pages_are_dropped_unless_written_again(written_again):
    """Are clean lazyfree pages dropped without going to swap?"""
    process = app(swap_pages=8)
    fill(process, 0, 2)
    process.madvise(ADDRESS, 2 * PAGE, "free")
    if written_again:
        process.write(ADDRESS, 7)
    process.madvise(ADDRESS, 2 * PAGE, "pageout")
    assert process.machine.vmstat("pswpout") == 0
    assert process.mm.rss == written_again
    assert [process.read(ADDRESS + n * PAGE) for n in (0, 1)] == [7 * written_again, 0]
    check(process.machine)


def test_a_lazyfree_page_that_somebody_holds_stays():
    """Is a pinned lazyfree page kept mapped?"""
    process = app(swap_pages=8)
    fill(process, 0, 1)
    process.madvise(ADDRESS, PAGE, "free")
    page = process.pin(ADDRESS)
    process.madvise(ADDRESS, PAGE, "pageout")
    assert page_at(process) == page
    check(process.machine, [page])


def test_pageout_makes_room():
    """Can somebody else use the memory?"""
    process = app(swap_pages=512, memory_pages=1024)
    fill(process)
    held = eat(process.machine, 0)
    process.madvise(ADDRESS, WINDOW, "pageout")
    assert process.machine.vmstat("nr_free_pages") == 512
    check(process.machine, held=held)


def test_one_page_written_again_keeps_the_rest_of_a_lazyfree_folio():
    """A lazyfree huge page, mapped by PTEs, one page of it written again, no swap: what is dropped?"""
    process = huge(swap_pages=0)
    process.madvise(ADDRESS, WINDOW, "free")
    for advice in ("nohugepage", "hugepage"):  # cuts the VMA, so it splits the leaf; one VMA again
        process.madvise(ADDRESS, PAGE, advice)
    process.write(ADDRESS + 5 * PAGE, 77)
    process.madvise(ADDRESS, WINDOW, "pageout")
    assert process.mm.rss == 507
    assert [peek(process, ADDRESS + n * PAGE) for n in (4, 5, 6)] == [0, 77, 7]
    check(process.machine)
