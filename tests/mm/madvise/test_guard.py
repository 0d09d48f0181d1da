"""Guard pages."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, pmd, table
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_LOCKED
from thplab.mm.include.swapops import is_pte_marker


def guarded(first: int = 2, end: int = 4, **how):
    process = app(**how)
    fill(process, 0, 6)
    process.madvise(ADDRESS + first * PAGE, (end - first) * PAGE, "guard_install")
    return process


def markers(process) -> list[int]:
    return [n for n, entry in enumerate(table(process)) if entry and not entry & 1 and is_pte_marker(entry)]


def test_accesses_fail_and_the_pages_are_gone():
    """Can a guard page be read or written, and what else is left of it?"""
    process = guarded()
    assert markers(process) == [2, 3]
    assert process.mm.rss == 4
    for access in (process.read, lambda at: process.write(at, 1)):
        with pytest.raises(KernelError, match="EFAULT"):
            access(ADDRESS + 2 * PAGE)
    assert process.read(ADDRESS + 4 * PAGE) == 5
    check(process.machine)


def test_in_memory_without_tables():
    """Are tables made for guards, and does the VMA get an anon_vma so that fork copies them?"""
    process = app()
    process.madvise(ADDRESS + 7 * PAGE, PAGE, "guard_install")
    assert markers(process) == [7]
    assert markers(process.fork("kid")) == [7]
    check(process.machine)


def test_in_a_huge_page():
    """Is a huge page split for a guard?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    fill(process)
    process.madvise(ADDRESS, PAGE, "guard_install")
    assert process.mm.rss == 511
    assert markers(process) == [0]
    check(process.machine)


@pytest.mark.parametrize(("how", "left"), [("dontneed", [2, 3]), ("free", [2, 3]), ("guard_remove", [])])
def test_what_takes_guards_away(how, left):
    """Which advice removes guard pages?"""
    process = guarded()
    process.madvise(ADDRESS, WINDOW // 2, how)
    assert markers(process) == left
    if not left:
        assert process.read(ADDRESS + 2 * PAGE) == 0
    check(process.machine)


def test_munmap_and_exit_take_them():
    """Are they gone with their memory?"""
    process = guarded()
    process.munmap(ADDRESS, WINDOW)
    assert pmd(process) is None
    other = guarded()
    other.exit()
    check(other.machine)


@pytest.mark.parametrize("why", ["6.1", "locked"])
def test_refused(why):
    """Where can't there be guard pages?"""
    process = app(kernel="6.1" if why == "6.1" else "6.18")
    process.mm.vmas[0].vm_flags |= VM_LOCKED if why == "locked" else 0
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, PAGE, "guard_install")
    check(process.machine)
