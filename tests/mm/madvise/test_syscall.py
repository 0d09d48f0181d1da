"""madvise: which VMAs it reaches, and its errors."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, whole_state
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_HUGEPAGE, VM_LOCKED, VM_NOHUGEPAGE

BITS = VM_HUGEPAGE | VM_NOHUGEPAGE


@pytest.mark.parametrize(
    ("start", "length", "advice", "number"),
    [
        (ADDRESS, WINDOW, "hugepages", errno.EINVAL),
        (ADDRESS, WINDOW, "MADV_HUGEPAGE", errno.EINVAL),
        (ADDRESS + 1, WINDOW, "hugepage", errno.EINVAL),
        (ADDRESS, -PAGE, "hugepage", errno.EINVAL),
        (ADDRESS - WINDOW, WINDOW, "dontneed", errno.ENOMEM),
        (1 << 50, WINDOW, "dontneed", errno.ENOMEM),
    ],
)
def test_refused(start, length, advice, number):
    """Which errno has a wrong advice, start, length, an empty range, and is all as before?"""
    process = app()
    fill(process, 0, 3)
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError) as caught:
        process.madvise(start, length, advice)
    assert caught.value.errno == number
    assert whole_state(process.mm.kernel) == state


def test_unknown_advice_names_the_known_ones():
    """Does the message help?"""
    with pytest.raises(KernelError, match=r"'huge'.*hugepage \| nohugepage \| dontneed \| .*collapse"):
        app().madvise(ADDRESS, WINDOW, "huge")


@pytest.mark.parametrize("advice", ["hugepage", "nohugepage", "dontneed", "collapse"])
def test_length_0_does_nothing(advice):
    """What does an advice over no bytes do?"""
    process = app()
    fill(process, 0, 3)
    state = whole_state(process.mm.kernel)
    process.madvise(ADDRESS, 0, advice)
    assert whole_state(process.mm.kernel) == state


def test_the_two_advices_exclude_each_other():
    """Which flags has a VMA after each advice?"""
    process = app()
    (vma,) = process.mm.vmas
    assert vma.vm_flags & BITS == 0
    for advice, bit in (("hugepage", VM_HUGEPAGE), ("nohugepage", VM_NOHUGEPAGE), ("hugepage", VM_HUGEPAGE)):
        process.madvise(ADDRESS, WINDOW, advice)
        assert process.mm.vmas[0].vm_flags & BITS == bit


@pytest.mark.parametrize("advice", ["hugepage", "dontneed"])
def test_holes(advice):
    """Are the mapped parts treated although the call ends with ENOMEM?"""
    process = Machine().process("app")
    for first in (0, 100, 200):
        process.mmap(ADDRESS + first * PAGE, 50 * PAGE)
        process.write(ADDRESS + first * PAGE, 1)
    with pytest.raises(KernelError, match=r"ENOMEM.*not mapped"):
        process.madvise(ADDRESS, 250 * PAGE, advice)
    if advice == "dontneed":
        assert process.mm.rss == 0
    else:
        assert [vma.vm_flags & BITS for vma in process.mm.vmas] == [VM_HUGEPAGE] * 3
    check(process.machine)


@pytest.mark.parametrize("part", ["before", "after"])
def test_hole_at_the_edge(part):
    """Is a hole before the first or behind the last VMA noticed?"""
    process = app()
    start = ADDRESS - (PAGE if part == "before" else 0)
    with pytest.raises(KernelError, match="ENOMEM"):
        process.madvise(start, WINDOW + PAGE, "hugepage")
    assert process.mm.vmas[0].vm_flags & VM_HUGEPAGE


def test_dontneed_of_locked_memory():
    """May locked memory be discarded?"""
    process = app()
    fill(process, 0, 3)
    process.mm.vmas[0].vm_flags |= VM_LOCKED
    with pytest.raises(KernelError, match=r"EINVAL.*locked"):
        process.madvise(ADDRESS, WINDOW, "dontneed")
    assert process.mm.rss == 3
    check(process.machine)


def test_khugepaged_is_woken_although_the_call_fails():
    """Does the daemon run at once when a call registers the first mm but ends with ENOMEM?"""
    process = app()
    fill(process)
    with pytest.raises(KernelError, match="ENOMEM"):
        process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    assert process.machine.kernel.khugepaged.pages_collapsed == 1


def test_normal_keeps_what_was_said_about_huge_pages():
    """Does MADV_NORMAL take back MADV_NOHUGEPAGE? It returns 0 and changes no flag (seen on 6.18)."""
    process = app()
    for advice, bit in (("hugepage", VM_HUGEPAGE), ("nohugepage", VM_NOHUGEPAGE)):
        process.madvise(ADDRESS, WINDOW, advice)
        process.madvise(ADDRESS, WINDOW, "normal")
        assert [vma.vm_flags & (VM_HUGEPAGE | VM_NOHUGEPAGE) for vma in process.mm.vmas] == [bit]
    with pytest.raises(KernelError, match="ENOMEM"):
        process.madvise(ADDRESS, WINDOW + PAGE, "normal")
