"""Cutting and joining VMAs."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, app, fill
from thplab.machine import Machine
from thplab.mm.include.mm_types import VM_HUGEPAGE
from thplab.mm.vma import modify_vma_flags, split_at, split_vma, vmas_of_range

TOUCHED = [3, 40, 90]


def spans(process) -> list[tuple[int, int]]:
    return [((v.vm_start - ADDRESS) // PAGE, (v.vm_end - ADDRESS) // PAGE) for v in process.mm.vmas]


def small(*parts: tuple[int, int]):
    """A process with these ranges of pages mapped."""
    process = Machine().process("app")
    for first, end in parts:
        process.mmap(ADDRESS + first * PAGE, (end - first) * PAGE)
    return process


def test_a_cut_keeps_all_that_a_vma_has():
    """Have both parts flags, anon_vma and pages of the whole?"""
    process = app(100 / 512)
    for number in TOUCHED:
        process.write(ADDRESS + number * PAGE, number)
    (whole,) = process.mm.vmas
    upper = split_vma(whole, ADDRESS + 50 * PAGE)
    assert spans(process) == [(0, 50), (50, 100)]
    assert process.mm.vmas == (whole, upper)
    assert (upper.vm_flags, upper.anon_vma) == (whole.vm_flags, whole.anon_vma)
    assert [process.read(ADDRESS + n * PAGE) for n in TOUCHED] == TOUCHED
    check(process.machine)


@pytest.mark.parametrize(
    ("first", "end", "inside"),
    [
        (0, 100, [(0, 100)]),
        (10, 90, [(10, 90)]),
        (50, 250, [(50, 100), (200, 250)]),
        (100, 200, []),
        (20, 20, []),
    ],
)
def test_cut_at_both_borders(first, end, inside):
    """Which VMAs lie inside a range after the cuts at its borders?"""
    process = small((0, 100), (200, 300))
    got = split_at(process.mm, ADDRESS + first * PAGE, ADDRESS + end * PAGE)
    assert [((v.vm_start - ADDRESS) // PAGE, (v.vm_end - ADDRESS) // PAGE) for v in got] == inside


@pytest.mark.parametrize(
    ("first", "end", "touched"),
    [(0, 1, [0]), (99, 201, [0, 1]), (100, 200, []), (150, 500, [1]), (0, 500, [0, 1])],
)
def test_which_vmas_a_range_touches(first, end, touched):
    """Which of two VMAs has a page in the range?"""
    process = small((0, 100), (200, 300))
    got = vmas_of_range(process.mm, ADDRESS + first * PAGE, ADDRESS + end * PAGE)
    assert [process.mm.vmas.index(vma) for vma in got] == touched


@pytest.mark.parametrize(
    ("first", "end", "left"),
    [
        (0, 100, [(0, 100)]),
        (0, 10, [(0, 10), (10, 100)]),
        (90, 100, [(0, 90), (90, 100)]),
        (10, 20, [(0, 10), (10, 20), (20, 100)]),
    ],
)
def test_other_flags_for_a_part(first, end, left):
    """Which VMAs are there after the middle got other flags, and after it got the old ones back?"""
    process = app(100 / 512)
    fill(process, 0, 100)
    flags = process.mm.vmas[0].vm_flags
    span = ADDRESS + first * PAGE, ADDRESS + end * PAGE
    vma = modify_vma_flags(process.mm.vmas[0], *span, flags | VM_HUGEPAGE)
    assert spans(process) == left
    assert (vma.vm_start, vma.vm_end) == span
    assert modify_vma_flags(vma, *span, flags) is process.mm.vmas[0]
    assert spans(process) == [(0, 100)]
    check(process.machine)
