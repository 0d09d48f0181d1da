"""Faults on pages that were swapped out."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, eat, page_at, pte, set_flag, table
from tests.mm.test_swapfile import paged_out
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_anon_exclusive, PG_lru, PG_swapcache
from thplab.mm.include.swapops import make_pte_marker

RW, DIRTY, YOUNG, UFFD_WP, SWP_UFFD_WP = 1 << 1, 1 << 6, 1 << 5, 1 << 10, 1 << 2


@pytest.mark.parametrize(("kernel", "read_makes_writable"), [("6.18", True), ("6.1", False)])
@pytest.mark.parametrize("write", [True, False])
def test_an_exclusive_page_comes_back(kernel, read_makes_writable, write):
    """What has the entry of a page that comes back, is its slot free, is it counted?"""
    process = paged_out(2, kernel=kernel)
    if write:
        process.write(ADDRESS, 9)
    else:
        assert process.read(ADDRESS) == 1
    assert bool(pte(process) & RW) is (write or read_makes_writable)
    assert pte(process) & YOUNG
    assert bool(pte(process) & DIRTY) is write
    flags = process.mm.kernel.mem_map.flags[page_at(process)]
    assert flags & PG_anon_exclusive
    assert flags & PG_lru
    assert not flags & PG_swapcache
    assert list(process.mm.kernel.swap.swap_map[:2]).count(1) == 1
    assert (process.mm.rss, process.machine.vmstat("pswpin")) == (1, 1)
    check(process.machine)


@pytest.mark.parametrize("first", ["parent", "child"])
def test_a_page_of_two_processes(first):
    """Who has which page after a write of one and a read of the other?"""
    parent = paged_out(1)
    child = parent.fork("kid")
    one, other = (parent, child) if first == "parent" else (child, parent)
    one.write(ADDRESS, 5)
    assert (one.read(ADDRESS), other.read(ADDRESS)) == (5, 1)
    check(parent.machine)
    assert not pte(other) & RW
    other.write(ADDRESS, 6)
    assert (one.read(ADDRESS), other.read(ADDRESS)) == (5, 6)
    assert not any(parent.mm.kernel.swap.swap_map)
    check(parent.machine)


def test_both_read():
    """Do two processes that read the same slot map one page, read-only?"""
    parent = paged_out(1)
    child = parent.fork("kid")
    assert (parent.read(ADDRESS), child.read(ADDRESS)) == (1, 1)
    assert page_at(parent) == page_at(child)
    assert not (pte(parent) | pte(child)) & RW
    assert parent.machine.vmstat("pswpin") == 1
    check(parent.machine)


def test_write_protection_survives():
    """Is a page that userfaultfd protected still protected when it comes back?"""
    process = paged_out(1)
    table(process)[0] |= SWP_UFFD_WP
    process.read(ADDRESS)
    assert pte(process) & (UFFD_WP | RW) == UFFD_WP


def test_a_guard_page():
    """What does an access to a guard page do?"""
    process = paged_out(1)
    table(process)[1] = make_pte_marker(1 << 2)
    for access in (lambda: process.read(ADDRESS + PAGE), lambda: process.write(ADDRESS + PAGE, 1)):
        with pytest.raises(KernelError, match=r"EFAULT.*guard page"):
            access()
    check(process.machine)


def test_no_page_to_swap_in():
    """Does the slot keep its page when there is no memory for it?"""
    process = paged_out(1, memory_pages=1024)
    held = eat(process.machine, 0)
    with pytest.raises(MemoryError):
        process.read(ADDRESS)
    check(process.machine, held=held)
    assert process.mm.kernel.swap.contents[0] == 1


def test_a_pinned_page_is_found_in_the_cache():
    """Is a page that somebody held while it was paged out the same page afterwards?"""
    from tests.mm.lab import app, fill

    process = app(swap_pages=8)
    fill(process, 0, 1)
    page = process.pin(ADDRESS)
    process.madvise(ADDRESS, PAGE, "pageout")
    assert process.mm.rss == 0
    check(process.machine, [page])
    process.write(ADDRESS, 3)
    assert page_at(process) == page
    set_flag(process, PG_lru)
    check(process.machine, [page])
