"""mprotect."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, whole_state
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, page_at, pmd, pte, statuses, table
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED, VM_READ, VM_WRITE

P, RW, US, YOUNG, DIRTY, LEAF, PROTNONE, UFFD_WP = 1, 2, 4, 1 << 5, 1 << 6, 1 << 7, 1 << 8, 1 << 10
BITS = P | RW | US | PROTNONE


def spans(process):
    return [
        ((v.vm_start - ADDRESS) // PAGE, (v.vm_end - ADDRESS) // PAGE, v.vm_flags & (VM_READ | VM_WRITE))
        for v in process.mm.vmas
    ]


@pytest.mark.parametrize(
    ("prot", "bits", "readable"), [("r", P | US, True), ("none", PROTNONE, False), ("rw", P | RW | US, True)]
)
def test_entries_get_the_protection(prot, bits, readable):
    """What has a PTE after mprotect, does it keep accessed and dirty, who may still read?"""
    process = app()
    fill(process, 0, 3)
    page = page_at(process)
    process.mprotect(ADDRESS, WINDOW, "none" if prot == "rw" else "rw")
    process.mprotect(ADDRESS, WINDOW, prot)
    assert pte(process) & (BITS | YOUNG | DIRTY) == bits | YOUNG | DIRTY
    assert page_at(process) == page
    if readable:
        assert process.read(ADDRESS) == 1
    else:
        with pytest.raises(KernelError, match="EFAULT"):
            process.read(ADDRESS)
    check(process.machine)


def test_back_to_writable_without_a_fault():
    """Is an exclusive page writable at once, a shared one only after its copy, a zero page neither?"""
    process = app()
    fill(process, 0, 1)
    child = process.fork("kid")
    fill(process, 1, 2)
    process.read(ADDRESS + 2 * PAGE)
    process.mprotect(ADDRESS, WINDOW, "r")
    process.mprotect(ADDRESS, WINDOW, "rw")
    assert [bool(pte(process, ADDRESS + n * PAGE) & RW) for n in range(3)] == [False, True, False]
    process.write(ADDRESS, 9)
    assert (process.read(ADDRESS), child.read(ADDRESS)) == (9, 1)
    check(process.machine)


@pytest.mark.parametrize(("kernel", "writable"), [("6.18", True), ("6.1", False)])
def test_a_clean_page_in_6_1(kernel, writable):
    """Is a page that is not dirty made writable at once?"""
    process = app(kernel=kernel)
    fill(process, 0, 1)
    table(process)[0] &= ~DIRTY
    process.mprotect(ADDRESS, PAGE, "r")
    process.mprotect(ADDRESS, PAGE, "rw")
    assert bool(pte(process) & RW) is writable


def test_write_protection_by_userfaultfd_stays():
    """Does mprotect(rw) leave a page alone that userfaultfd protects?"""
    process = app()
    fill(process, 0, 1)
    process.mprotect(ADDRESS, PAGE, "r")
    table(process)[0] |= UFFD_WP
    process.mprotect(ADDRESS, PAGE, "rw")
    assert pte(process) & (RW | UFFD_WP) == UFFD_WP


def test_vmas_are_cut_and_joined():
    """Which VMAs are there after protecting a part, and after taking that back?"""
    process = app()
    process.mprotect(ADDRESS + 10 * PAGE, 5 * PAGE, "r")
    assert spans(process) == [(0, 10, 3), (10, 15, 1), (15, 512, 3)]
    process.mprotect(ADDRESS + 10 * PAGE, 5 * PAGE, "rw")
    assert spans(process) == [(0, 512, 3)]
    check(process.machine)


def test_huge_pages():
    """Is a leaf changed where all of it is meant, and split where only a part is?"""
    process = app(2)
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.write(ADDRESS + WINDOW, 2)
    process.mprotect(ADDRESS, WINDOW + PAGE, "r")
    assert (pmd(process) or 0) & (LEAF | RW) == LEAF
    assert not (pmd(process, ADDRESS + WINDOW) or 0) & LEAF
    assert [bool(pte(process, ADDRESS + WINDOW + n * PAGE) & RW) for n in (0, 1)] == [False, True]
    assert process.machine.vmstat("thp_split_pmd") == 1
    process.mprotect(ADDRESS, WINDOW + PAGE, "rw")
    assert (pmd(process) or 0) & (LEAF | RW) == LEAF | RW
    check(process.machine)


def test_the_huge_zero_page_stays_read_only():
    """May the zero page become writable?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.read(ADDRESS)
    process.mprotect(ADDRESS, WINDOW, "none")
    process.mprotect(ADDRESS, WINDOW, "rw")
    assert not (pmd(process) or 0) & RW
    check(process.machine)


@pytest.mark.parametrize("prot", ["r", "none"])
def test_protected_memory_collapses(prot):
    """Does a window without write permission collapse in 6.18, and with which leaf?"""
    process = app()
    fill(process)
    process.mprotect(ADDRESS, WINDOW, prot)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["succeeded"]
    assert (pmd(process) or 0) & (BITS | LEAF) == LEAF | (P | US if prot == "r" else PROTNONE)
    process.mprotect(ADDRESS, WINDOW, "rw")
    assert process.read(ADDRESS + 7 * PAGE) == 8
    check(process.machine)


def test_protected_memory_does_not_collapse_in_6_1():
    """And in 6.1?"""
    process = app(kernel="6.1")
    fill(process)
    process.mprotect(ADDRESS, WINDOW, "r")
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["no_writable_page"]


def test_locked_memory_that_becomes_writable_is_faulted_in():
    """Are zero pages of locked memory replaced when it becomes writable?"""
    process = Machine().process("app")
    process.mmap(ADDRESS, 4 * PAGE, "r")
    process.mlock(ADDRESS, 4 * PAGE)
    assert process.mm.rss == 0
    process.mprotect(ADDRESS, 4 * PAGE, "rw")
    assert process.mm.rss == 4
    check(process.machine)


@pytest.mark.parametrize(
    ("start", "length", "prot", "number"),
    [
        (ADDRESS + 1, PAGE, "r", errno.EINVAL),
        (ADDRESS, PAGE, "rwx", errno.EINVAL),
        (ADDRESS - PAGE, 2 * PAGE, "r", errno.ENOMEM),
        (ADDRESS + 2 * WINDOW, PAGE, "r", errno.ENOMEM),
    ],
)
def test_refusals_change_nothing(start, length, prot, number):
    """Which errno has a call that can't be done?"""
    process = app()
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError) as caught:
        process.mprotect(start, length, prot)
    assert caught.value.errno == number
    assert whole_state(process.mm.kernel) == state


def test_a_hole_behind():
    """Is the mapped part in front of a hole changed all the same?"""
    process = app()
    with pytest.raises(KernelError, match="ENOMEM"):
        process.mprotect(ADDRESS, 2 * WINDOW, "r")
    assert spans(process) == [(0, 512, 1)]


def test_no_length_no_change():
    """What does a call over no bytes do?"""
    process = app()
    state = whole_state(process.mm.kernel)
    process.mprotect(ADDRESS, 0, "none")
    assert whole_state(process.mm.kernel) == state


def test_only_the_access_changes():
    """Do other flags of the VMA survive?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.mm.vmas[0].vm_flags |= VM_LOCKED
    before = process.mm.vmas[0].vm_flags
    process.mprotect(ADDRESS, WINDOW, "r")
    assert process.mm.vmas[0].vm_flags == before & ~VM_WRITE
