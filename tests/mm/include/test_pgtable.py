"""Entries bit by bit, and the four-level tree."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, NX, PAGE, WINDOW, app, eat, pmd, pte
from thplab.machine import Machine
from thplab.mm.include.errors import KernelBug
from thplab.mm.include.lock import down_write
from thplab.mm.include.pgtable import (
    entry_pfn,
    mk_huge_pmd,
    mk_pmd_table,
    mk_pte,
    mm_find_pmd,
    pmd_bad,
    pmd_page_of,
    pmd_present,
    pmd_trans_huge,
    pte_lock,
    pte_present,
    walk,
)
from thplab.mm.memory.tables import pmd_alloc, pte_alloc_one, pte_free

PFN = 0x366600
ALL = {"write": True, "dirty": True, "young": True}
NONE = {"write": False, "dirty": False, "young": False}


def test_table_entry():
    """Which flags has an entry that points at a table?"""
    assert mk_pmd_table(PFN) == 0x366600067


@pytest.mark.parametrize(
    ("how", "flags"),
    [
        (ALL, 0x867),
        (NONE | {"young": True}, 0x025),
        (NONE, 0x005),
        (NONE | {"write": True}, 0x007),
        (NONE | {"dirty": True, "young": True}, 0x865),
        (ALL | {"none": True}, 0x962),
    ],
)
def test_pte_bits(how, flags):
    """Which bits does a PTE get for each thing asked of it?"""
    assert mk_pte(PFN, **how) == PFN << 12 | flags | NX


@pytest.mark.parametrize(("how", "flags"), [(ALL, 0x8E7), (ALL | {"write": False}, 0x8E5)])
def test_leaf_bits(how, flags):
    """Which bits has a leaf, writable and write-protected?"""
    assert mk_huge_pmd(PFN, **how) == PFN << 12 | flags | NX


def test_leaf_of_the_note():
    """What is the PMD of the huge page at pfn 0x366600?"""
    assert mk_huge_pmd(PFN, **ALL) == 0x80000003666008E7


def test_entry_pfn_ignores_the_flags_at_both_ends():
    """Does the frame number come out of an entry with all flag bits set?"""
    assert entry_pfn(PFN << 12 | 0xFFF | 0xFFF << 52) == PFN


def test_entries_that_the_faults_make():
    """What stands in the PTE after a write, after a read, and in the PMD above?"""
    process = app()
    process.write(ADDRESS, 1)
    process.read(ADDRESS + PAGE)
    zero = process.mm.kernel.mem_map.start_pfn + process.mm.kernel.zero_page
    assert pte(process) & ~(0xFFFFFFFFFF << 12) == NX | 0x867
    assert pte(process, ADDRESS + PAGE) == zero << 12 | 0x225 | NX
    assert (pmd(process) or 0) & 0xFFF == 0x067


def test_write_fault_makes_the_leaf_of_the_note():
    """Which leaf does a huge fault install when the free half of a 4 MiB block begins at pfn 0x366600?"""
    machine = Machine(memory_pages=1024, start_pfn=0x366400)
    machine.write_sysfs("enabled", "always")
    process = app(machine=machine)
    process.write(ADDRESS, 1)
    assert pmd(process) == 0x80000003666008E7


@pytest.mark.parametrize(
    ("entry", "present", "huge", "bad"),
    [
        (0x366600067, True, False, False),
        (0x366600047, True, False, False),
        (0x366600061, True, False, True),
        (0x3666008E7 | NX, True, True, True),
        (0x366600080, True, True, True),
        (0x366600100, True, False, True),
        (0x366600002, False, False, True),
    ],
)
def test_what_kind_of_pmd(entry, present, huge, bad):
    """Is this entry present, a leaf, bad?"""
    assert (pmd_present(entry), pmd_trans_huge(entry), pmd_bad(entry)) == (present, huge, bad)


@pytest.mark.parametrize(("entry", "present"), [(0x1, True), (0x100, True), (0, False), (0x600, False)])
def test_pte_present(entry, present):
    """Is a PTE present: P, PROT_NONE, none, a swap entry?"""
    assert pte_present(entry) is present


def test_indices_of_the_note():
    """By which entries does the hardware reach 0x7fda81800000?"""
    process = app()
    process.write(ADDRESS, 1)
    steps = walk(process.mm, ADDRESS)
    assert [(level, index) for level, index, _ in steps] == [
        ("PGD", 255),
        ("PUD", 362),
        ("PMD", 12),
        ("PTE", 0),
    ]
    assert [entry & 0xFFF for _, _, entry in steps] == [0x067, 0x067, 0x067, 0x867]


def test_walk_ends_at_a_hole_and_at_a_leaf():
    """Where does the walk stop?"""
    machine = Machine()
    process = app(machine=machine)
    assert [level for level, _, _ in walk(process.mm, ADDRESS)] == ["PGD"]
    machine.write_sysfs("enabled", "always")
    process.write(ADDRESS + 5 * PAGE, 1)
    steps = walk(process.mm, ADDRESS + 5 * PAGE)
    assert [level for level, _, _ in steps] == ["PGD", "PUD", "PMD"]
    assert steps[-1][2] & 0xFFF == 0x8E7


def test_upper_tables_are_made_once():
    """How many tables does the first look for a PMD entry make, and the next one beside it?"""
    process = app(2)
    assert mm_find_pmd(process.mm, ADDRESS) is None
    assert process.mm.pgtables == 1
    first = pmd_alloc(process.mm, ADDRESS)
    assert process.mm.pgtables == 3
    second = pmd_alloc(process.mm, ADDRESS + WINDOW)
    assert process.mm.pgtables == 3
    assert second[0] is first[0]
    assert second[1] == first[1] + 1 == 13
    check(process.machine)


def test_no_page_for_a_table():
    """What happens when there is no page left for a table?"""
    process = app(memory_pages=1024)
    held = eat(process.machine, 0)
    with pytest.raises(MemoryError, match="page table"):
        pmd_alloc(process.mm, ADDRESS)
    assert process.mm.pgtables == 1
    check(process.machine, held=held)


def test_a_table_is_empty_when_it_is_new():
    """Does a table that was used before come back with no entry in it?"""
    process = app()
    kernel = process.mm.kernel
    page = pte_alloc_one(process.mm)
    kernel.tables[page][7] = 0x123067
    pte_free(process.mm, page)
    assert pte_alloc_one(process.mm) == page
    assert not any(kernel.tables[page])


def test_a_locked_table_is_not_freed():
    """Is freeing a table whose lock is held noticed?"""
    process = app()
    page = pte_alloc_one(process.mm)
    down_write(pte_lock(process.mm.kernel, page), "app")
    with pytest.raises(KernelBug, match="still held"):
        pte_free(process.mm, page)


def test_pmd_page_needs_the_tables():
    """Is asking for a PMD table that is not there noticed?"""
    with pytest.raises(KernelBug, match="no PMD table"):
        pmd_page_of(app().mm, ADDRESS)
