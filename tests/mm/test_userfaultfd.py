"""userfaultfd: registered memory and protected pages."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, pmd, pte, statuses
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_UFFD_MISSING, VM_UFFD_WP

RW, UFFD_WP, SWP_UFFD_WP, LEAF = 1 << 1, 1 << 10, 1 << 2, 1 << 7


def registered(mode: str = "wp", pages: int = 4, **how):
    process = app(**how)
    fill(process, 0, pages)
    process.uffd_register(ADDRESS, WINDOW, mode)
    return process


@pytest.mark.parametrize(("mode", "flag"), [("wp", VM_UFFD_WP), ("missing", VM_UFFD_MISSING)])
def test_registration_marks_and_cuts_vmas(mode, flag):
    """Which VMAs are watched after a part was registered?"""
    process = app()
    process.uffd_register(ADDRESS + 10 * PAGE, 5 * PAGE, mode)
    spans = [(v.vm_start - ADDRESS, bool(v.vm_flags & flag)) for v in process.mm.vmas]
    assert spans == [(0, False), (10 * PAGE, True), (15 * PAGE, False)]


def test_protected_pages():
    """What has a protected PTE, who may still read, what does a write do, and when it is lifted?"""
    process = registered()
    process.uffd_writeprotect(ADDRESS, 2 * PAGE)
    assert pte(process) & (RW | UFFD_WP) == UFFD_WP
    assert process.read(ADDRESS) == 1
    with pytest.raises(KernelError, match=r"EAGAIN.*handler"):
        process.write(ADDRESS, 5)
    process.write(ADDRESS + 2 * PAGE, 5)
    process.uffd_writeprotect(ADDRESS, 2 * PAGE, protect=False)
    process.write(ADDRESS, 5)
    assert process.read(ADDRESS) == 5
    check(process.machine)


def test_swapped_pages_are_protected_too():
    """Does the mark go into a swap entry and come back with the page?"""
    process = registered(swap_pages=8)
    process.madvise(ADDRESS, 2 * PAGE, "pageout")
    process.uffd_writeprotect(ADDRESS, PAGE)
    assert pte(process) & SWP_UFFD_WP
    assert not pte(process, ADDRESS + PAGE) & SWP_UFFD_WP
    assert process.read(ADDRESS) == 1
    assert pte(process) & UFFD_WP
    process.madvise(ADDRESS, PAGE, "pageout")
    assert pte(process) & SWP_UFFD_WP
    check(process.machine)


def test_huge_pages():
    """Is a leaf marked where all of it is meant, and split where a part is?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.uffd_register(ADDRESS, WINDOW)
    process.uffd_writeprotect(ADDRESS, WINDOW)
    assert (pmd(process) or 0) & (LEAF | RW | UFFD_WP) == LEAF | UFFD_WP
    process.uffd_writeprotect(ADDRESS, PAGE, protect=False)
    assert not (pmd(process) or 0) & LEAF
    assert [bool(pte(process, ADDRESS + n * PAGE) & UFFD_WP) for n in (0, 1)] == [False, True]
    check(process.machine)


@pytest.mark.parametrize("write", [True, False])
@pytest.mark.parametrize("advised", [True, False])
def test_missing_pages_wait_for_a_handler(write, advised):
    """What does a touch of an empty address do where missing pages are watched?"""
    process = app()
    if advised:
        process.madvise(ADDRESS, WINDOW, "hugepage")
    process.uffd_register(ADDRESS, WINDOW, "missing")
    with pytest.raises(KernelError, match=r"EAGAIN.*handler"):
        process.write(ADDRESS, 1) if write else process.read(ADDRESS)
    assert process.mm.rss == 0
    check(process.machine)


@pytest.mark.parametrize("pages", [512, 511])
def test_collapse_fills_no_hole(pages):
    """Does a full window collapse, and one with a hole not?"""
    process = registered(pages=pages)
    if pages == 512:
        process.madvise(ADDRESS, WINDOW, "collapse")
        assert statuses(process.machine) == ["succeeded"]
    else:
        with pytest.raises(KernelError, match="EBUSY"):
            process.madvise(ADDRESS, WINDOW, "collapse")
        assert statuses(process.machine) == ["exceed_none_pte"]


def test_a_protected_page_is_never_moved():
    """With which result does a window end that has one?"""
    process = registered(pages=512)
    process.uffd_writeprotect(ADDRESS + 44 * PAGE, PAGE)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["pte_uffd_wp"]


def test_a_child_is_not_watched():
    """Has a child the registration, or the marks?"""
    process = registered()
    process.uffd_writeprotect(ADDRESS, PAGE)
    child = process.fork("kid")
    assert not child.mm.vmas[0].vm_flags & VM_UFFD_WP
    assert not pte(child) & UFFD_WP
    child.write(ADDRESS, 9)
    check(process.machine)


@pytest.mark.parametrize(
    ("call", "number"),
    [
        (lambda p: p.uffd_register(ADDRESS, WINDOW, "minor"), errno.EINVAL),
        (lambda p: p.uffd_register(ADDRESS + 1, WINDOW), errno.EINVAL),
        (lambda p: p.uffd_register(ADDRESS + 4 * WINDOW, WINDOW), errno.EINVAL),
        (lambda p: p.uffd_writeprotect(ADDRESS, WINDOW), errno.ENOENT),
    ],
)
def test_refused(call, number):
    """Which errno has a call that can't be done?"""
    with pytest.raises(KernelError) as caught:
        call(app())
    assert caught.value.errno == number


BOTH = VM_UFFD_MISSING | VM_UFFD_WP


@pytest.mark.parametrize(
    ("modes", "flags"),
    [
        (["missing|wp"], BOTH),
        (["missing", "wp"], VM_UFFD_WP),
        (["wp", "missing"], VM_UFFD_MISSING),
        (["missing|wp", "wp"], BOTH),
        (["wp", "missing|wp"], BOTH),
    ],
)
def test_a_second_registration_takes_the_place_of_the_first(modes, flags):
    """Which modes are left? The old ones go, unless the new ones are among them already."""
    process = app()
    for mode in modes:
        process.uffd_register(ADDRESS, WINDOW, mode)
    assert [vma.vm_flags & BOTH for vma in process.mm.vmas] == [flags]


def test_a_page_is_faulted_in_once_missing_pages_are_not_watched_any_more():
    """Does the first write wait for a handler after missing was replaced by wp?"""
    process = app()
    process.uffd_register(ADDRESS, WINDOW, "missing")
    with pytest.raises(KernelError, match=r"EAGAIN.*handler"):
        process.write(ADDRESS, 1)
    process.uffd_register(ADDRESS, WINDOW, "wp")
    process.write(ADDRESS, 1)
    assert process.read(ADDRESS) == 1


def test_the_end_of_a_registration():
    """Is nothing watched after a part was unregistered, and may its protected pages be written?"""
    process = registered("missing|wp", 8, swap_pages=8)
    process.uffd_writeprotect(ADDRESS, 8 * PAGE)
    process.madvise(ADDRESS + 2 * PAGE, PAGE, "pageout")
    process.uffd_unregister(ADDRESS, 4 * PAGE)
    assert [bool(vma.vm_flags & BOTH) for vma in process.mm.vmas] == [False, True]
    assert not pte(process, ADDRESS + 2 * PAGE) & SWP_UFFD_WP
    process.write(ADDRESS, 5)
    process.write(ADDRESS + 2 * PAGE, 6)
    with pytest.raises(KernelError, match=r"EAGAIN.*handler"):
        process.write(ADDRESS + 4 * PAGE, 7)
    process.uffd_unregister(ADDRESS, WINDOW)
    process.write(ADDRESS + 4 * PAGE, 7)
    assert len(process.mm.vmas) == 1
    check(process.machine)


def test_unknown_modes():
    """Which words are modes?"""
    process = app()
    for mode in ("minor", "missing|minor", ""):
        with pytest.raises(KernelError) as error:
            process.uffd_register(ADDRESS, WINDOW, mode)
        assert error.value.errno == errno.EINVAL
