"""mlock and MAP_LOCKED."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, page_at, pmd, pte
from thplab.kernels import PROFILES
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED
from thplab.mm.include.page import PG_unevictable
from thplab.scenario.observe import folio_at

RW, SPECIAL, LEAF = 1 << 1, 1 << 9, 1 << 7


def locked_spans(process):
    return [
        ((v.vm_start - ADDRESS) // PAGE, (v.vm_end - ADDRESS) // PAGE)
        for v in process.mm.vmas
        if v.vm_flags & VM_LOCKED
    ]


@pytest.mark.parametrize(("prot", "rss"), [("rw", 20), ("r", 0)])
def test_faults_everything_in(prot, rss):
    """Are writable pages faulted in for writing, read-only ones as zero pages?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, 64 * PAGE, prot)
    process.mlock(ADDRESS + 10 * PAGE, 20 * PAGE)
    assert process.mm.rss == rss
    assert bool(pte(process, ADDRESS + 10 * PAGE) & SPECIAL) is (prot == "r")
    assert locked_spans(process) == [(10, 30)]
    check(process.machine)


@pytest.mark.parametrize("kernel", PROFILES)
@pytest.mark.parametrize(("first", "count", "resident"), [(0, 8, 0), (2, 6, 2), (7, 1, 7)])
def test_memory_that_can_not_be_read_ends_it(kernel, first, count, resident):
    """mlock over PROT_NONE: ENOMEM, all stays marked, what lies behind is not faulted in (live 6.18.44)."""
    process = Machine(kernel).process("app")
    process.mmap(ADDRESS, 12 * PAGE)
    process.mprotect(ADDRESS + first * PAGE, count * PAGE, "none")
    with pytest.raises(KernelError) as refused:
        process.mlock(ADDRESS, 12 * PAGE)
    assert refused.value.errno == errno.ENOMEM
    assert process.mm.rss == resident
    assert sum(end - start for start, end in locked_spans(process)) == 12
    check(process.machine)


def test_map_locked_of_what_can_not_be_read():
    """Is MAP_LOCKED of PROT_NONE memory no error? It ignores what populating meets."""
    process = Machine().process("app")
    process.mmap(ADDRESS, 4 * PAGE, "none", locked=True)
    assert process.mm.rss == 0
    assert locked_spans(process) == [(0, 4)]


def test_shared_zero_and_swapped_pages():
    """Are shared pages copied, zero pages replaced and swapped pages read in?"""
    parent = app(swap_pages=8)
    fill(parent, 0, 2)
    parent.madvise(ADDRESS + PAGE, PAGE, "pageout")
    parent.read(ADDRESS + 2 * PAGE)
    child = parent.fork("kid")
    page = page_at(parent)
    parent.mlock(ADDRESS, 3 * PAGE)
    assert page_at(parent) != page == page_at(child)
    assert all(pte(parent, ADDRESS + n * PAGE) & RW for n in range(3))
    assert parent.mm.rss == 3
    assert [child.read(ADDRESS + n * PAGE) for n in range(3)] == [1, 2, 0]
    check(parent.machine)


def test_part_of_a_huge_page_is_split():
    """Is a huge page split where a part of it is locked?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.mlock(ADDRESS, WINDOW)
    assert (pmd(process) or 0) & LEAF
    process.munmap(ADDRESS, WINDOW)
    process.mmap(ADDRESS, WINDOW)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.mlock(ADDRESS, 5 * PAGE)
    assert not (pmd(process) or 0) & LEAF
    check(process.machine)


def test_map_locked():
    """Is memory that is mapped with MAP_LOCKED there at once?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, 8 * PAGE, locked=True)
    assert process.mm.rss == 8
    assert locked_spans(process) == [(0, 8)]
    check(process.machine)


def test_holes():
    """Which errno has a range with a hole, and what is locked then?"""
    process = app()
    with pytest.raises(KernelError, match="ENOMEM"):
        process.mlock(ADDRESS, WINDOW + PAGE)
    assert locked_spans(process) == [(0, 512)]
    assert process.mm.rss == 0


def test_the_range_is_rounded_outwards():
    """Which pages are locked by a range that is not aligned?"""
    process = app()
    process.mlock(ADDRESS + PAGE + 5, PAGE)
    assert locked_spans(process) == [(1, 3)]
    assert process.mm.rss == 2


def unevictable(process, page=0):
    folio = folio_at(process, ADDRESS + page * PAGE)
    return bool(process.machine.kernel.mem_map.flags[folio] & PG_unevictable)


@pytest.mark.parametrize("advice", ["hugepage", "nohugepage"])
def test_munlock(advice):
    """Do unlocked pages leave the unevictable list, and may they be paged out then?"""
    process = Machine(swap_pages=1024).process("app")
    process.mmap(ADDRESS, WINDOW)
    process.madvise(ADDRESS, WINDOW, advice)
    process.mlock(ADDRESS, WINDOW)
    assert unevictable(process)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "pageout")
    process.munlock(ADDRESS, WINDOW)
    assert locked_spans(process) == []
    assert not unevictable(process)
    check(process.machine)
    process.madvise(ADDRESS, WINDOW, "pageout")
    assert process.mm.rss == 0


def test_munlock_of_a_part():
    """Are only the pages of the part unlocked, and do VMAs join again when all are?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, 64 * PAGE, locked=True)
    process.munlock(ADDRESS + 10 * PAGE + 1, PAGE)  # rounded outwards: pages 10 and 11
    assert locked_spans(process) == [(0, 10), (12, 64)]
    assert [unevictable(process, page) for page in (9, 10, 11, 12)] == [True, False, False, True]
    process.munlock(ADDRESS, 64 * PAGE)
    assert len(process.mm.vmas) == 1
    check(process.machine)


def test_munlock_of_a_hole():
    """ENOMEM, and what lies before the hole is unlocked?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, 8 * PAGE, locked=True)
    process.munmap(ADDRESS + 4 * PAGE, PAGE)
    with pytest.raises(KernelError, match="ENOMEM: munlock"):
        process.munlock(ADDRESS, 8 * PAGE)
    assert locked_spans(process) == [(5, 8)]
