"""Constants that follow from the size of a table."""

from __future__ import annotations

import pytest

from thplab.mm.include.geometry import X86_64, Geometry


def test_x86_64():
    """Are the constants those of x86-64 with four levels?"""
    assert (X86_64.PMD_SHIFT, X86_64.PUD_SHIFT, X86_64.PGDIR_SHIFT) == (21, 30, 39)
    assert (X86_64.HPAGE_PMD_ORDER, X86_64.HPAGE_PMD_NR, X86_64.HPAGE_PMD_SIZE) == (9, 512, 2 << 20)
    assert (X86_64.MAX_PAGE_ORDER, X86_64.PTRS_PER_PTE, X86_64.PAGE_SIZE) == (10, 512, 4096)
    assert X86_64.TASK_SIZE == 0x7FFFFFFFF000


@pytest.mark.parametrize(("entries", "order"), [(8, 3), (16, 4), (64, 6)])
def test_small_tables_keep_the_ratios(entries, order):
    """Is the huge page one whole table, and the largest block twice that?"""
    geometry = Geometry(entries)
    assert geometry.HPAGE_PMD_NR == entries == 1 << geometry.HPAGE_PMD_ORDER == 1 << order
    assert entries * 4096 == geometry.HPAGE_PMD_SIZE
    assert order + 1 == geometry.MAX_PAGE_ORDER
    assert geometry.PGDIR_SHIFT - geometry.PUD_SHIFT == geometry.PUD_SHIFT - geometry.PMD_SHIFT == order
    assert (1 << (geometry.PGDIR_SHIFT + order - 1)) - 4096 == geometry.TASK_SIZE


@pytest.mark.parametrize("entries", [0, -8, 4, 12, 100, 511, 1024])
def test_other_sizes_are_refused(entries):
    """Is a table size that does not exist refused in words?"""
    with pytest.raises(ValueError, match=f"entries={entries}.*8, 16"):
        Geometry(entries)
