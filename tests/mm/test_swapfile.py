"""Swap slots, the swap cache, and entries that name a slot."""

from __future__ import annotations

import pytest

from tests.invariants import check, read_back
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, page_at, pte
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.page import PG_swapcache
from thplab.mm.include.swapops import is_pte_marker, make_pte_marker, pte_to_swp_offset, swp_entry_to_pte
from thplab.mm.swapfile import swap_cache_get_folio, swap_free

EXCLUSIVE, UFFD_WP = 1 << 3, 1 << 2


def paged_out(pages: int = 4, **how):
    """A process whose first pages are swapped out."""
    process = app(swap_pages=how.pop("swap_pages", 64), **how)
    fill(process, 0, pages)
    process.madvise(ADDRESS, pages * PAGE, "pageout")
    return process


@pytest.mark.parametrize("offset", [0, 1, 5, (1 << 50) - 1])
@pytest.mark.parametrize("bits", [0, EXCLUSIVE, UFFD_WP, EXCLUSIVE | UFFD_WP])
def test_layout_of_an_entry(offset, bits):
    """Which bits has an entry: slot inverted from bit 9 on, type 0 from 59 on, present and PSE clear?"""
    entry = swp_entry_to_pte(offset, exclusive=bool(bits & EXCLUSIVE), uffd_wp=bool(bits & UFFD_WP))
    assert entry == (((1 << 50) - 1) ^ offset) << 9 | bits
    assert pte_to_swp_offset(entry) == offset
    assert not entry & (1 | 1 << 7 | 1 << 8)
    assert not is_pte_marker(entry)


def test_a_marker_is_no_slot():
    """Has a marker type 31, and does it carry its bits where a slot number would stand?"""
    entry = make_pte_marker(1 << 2)
    assert is_pte_marker(entry)
    assert entry >> 59 == 31
    assert pte_to_swp_offset(entry) == 4


def test_a_slot_for_each_page():
    """Which slots are used, what do they hold, and are the frames free?"""
    process = paged_out()
    swap = process.mm.kernel.swap
    assert list(swap.swap_map[:5]) == [1, 1, 1, 1, 0]
    assert sorted(swap.contents[:4]) == [1, 2, 3, 4]
    assert read_back(process, ADDRESS, 4) == [1, 2, 3, 4]
    assert process.mm.rss == 0
    assert process.machine.vmstat("pswpout") == 4
    check(process.machine)


@pytest.mark.parametrize("how", ["dontneed", "munmap", "exit", "free"])
def test_slots_are_given_back(how):
    """Are the slots free after the memory was thrown away, in each of the ways to do so?"""
    process = paged_out()
    if how == "exit":
        process.exit()
    elif how == "munmap":
        process.munmap(ADDRESS, WINDOW)
    else:
        process.madvise(ADDRESS, WINDOW, how)
        assert process.read(ADDRESS) == 0
    assert not any(process.mm.kernel.swap.swap_map)
    check(process.machine)


def test_fork_shares_slots():
    """Is a slot counted for parent and child, and is it exclusive to nobody?"""
    parent = paged_out(1)
    assert pte(parent) & EXCLUSIVE
    child = parent.fork("kid")
    assert not (pte(parent) | pte(child)) & EXCLUSIVE
    assert parent.mm.kernel.swap.swap_map[0] == 2
    check(parent.machine)
    child.exit()
    assert parent.mm.kernel.swap.swap_map[0] == 1
    check(parent.machine)


def test_no_room_left():
    """Do pages stay that find no slot?"""
    process = paged_out(6, swap_pages=4)
    assert process.mm.rss == 2
    assert process.machine.vmstat("pswpout") == 4
    assert [process.read(ADDRESS + n * PAGE) for n in range(6)] == [1, 2, 3, 4, 5, 6]
    check(process.machine)


def test_without_swap_nothing_is_paged_out():
    """What does MADV_PAGEOUT do on a machine without swap?"""
    process = paged_out(swap_pages=0)
    assert process.mm.rss == 4
    check(process.machine)


def test_a_shared_page_stays_in_the_cache_until_nobody_needs_it():
    """When does the page that one of two processes read back leave the swap cache?"""
    parent = paged_out(1)
    child = parent.fork("kid")
    assert parent.read(ADDRESS) == 1
    folio = page_at(parent)
    kernel = parent.mm.kernel
    assert kernel.mem_map.flags[folio] & PG_swapcache
    assert swap_cache_get_folio(kernel, 0) == folio
    check(parent.machine)
    parent.write(ADDRESS, 2)
    assert page_at(parent) != folio
    assert swap_cache_get_folio(kernel, 0) == folio
    check(parent.machine)
    child.exit()
    assert swap_cache_get_folio(kernel, 0) is None
    assert parent.read(ADDRESS) == 2
    check(parent.machine)


def test_a_slot_too_often_given_back_is_noticed():
    """Is a slot that nobody names refused?"""
    with pytest.raises(KernelBug, match="slot 7"):
        swap_free(paged_out().mm.kernel, 7)
