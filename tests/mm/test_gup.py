"""The kernel touches pages: pins, populate."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, pmd, pte
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_active, PG_referenced

YOUNG, LEAF, SPECIAL = 1 << 5, 1 << 7, 1 << 9


def test_a_pin_marks_the_folio_not_the_entry():
    """What shows that the kernel has used an old page?"""
    process = app()
    fill(process, 0, 1)
    process.clear_refs()
    page = process.pin(ADDRESS)
    flags = process.mm.kernel.mem_map.flags
    assert not pte(process) & YOUNG
    assert flags[page] & PG_referenced
    again = process.pin(ADDRESS)
    assert flags[page] & (PG_referenced | PG_active) == PG_active
    check(process.machine, [page, again])


def test_a_pin_of_an_untouched_page_holds_the_zero_page():
    """Which page has a pin for reading of memory that was never touched?"""
    process = app()
    assert process.pin(ADDRESS) == process.mm.kernel.zero_page
    assert pte(process) & SPECIAL
    assert process.mm.rss == 0


def test_a_pin_in_a_huge_page():
    """Is the base page found, and the whole folio held?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    fill(process)
    page = process.pin(ADDRESS + 7 * PAGE)
    mem_map = process.mm.kernel.mem_map
    assert mem_map.contents[page] == 8
    assert mem_map.refcount[mem_map.compound_head[page]] == 2
    check(process.machine, [page])


@pytest.mark.parametrize("address", [ADDRESS - PAGE, -1, 1 << 63])
def test_a_pin_where_nothing_is(address):
    """Which errno has a pin outside every mapping?"""
    with pytest.raises(KernelError) as caught:
        app().pin(address)
    assert caught.value.errno == errno.EFAULT


@pytest.mark.parametrize(("advice", "rss"), [("populate_read", 0), ("populate_write", 512)])
def test_populate(advice, rss):
    """What is there after each kind of populate?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, advice)
    assert process.mm.rss == rss
    assert all(pte(process, ADDRESS + n * PAGE) for n in (0, 511))
    check(process.machine)


def test_populate_makes_huge_pages():
    """Does populate fault in huge pages where they are allowed?"""
    process = app(2)
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.madvise(ADDRESS, 2 * WINDOW, "populate_write")
    assert [(pmd(process, at) or 0) & LEAF for at in (ADDRESS, ADDRESS + WINDOW)] == [LEAF, LEAF]
    assert process.machine.vmstat("thp_fault_alloc") == 2
    check(process.machine)


@pytest.mark.parametrize(
    ("prot", "advice", "refused"),
    [("r", "populate_write", True), ("r", "populate_read", False), ("none", "populate_read", True)],
)
def test_populate_against_the_protection(prot, advice, refused):
    """Which populate does a protection allow?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, PAGE, prot)
    if refused:
        with pytest.raises(KernelError, match="EINVAL"):
            process.madvise(ADDRESS, PAGE, advice)
    else:
        process.madvise(ADDRESS, PAGE, advice)
    check(process.machine)
