"""Who maps a folio."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, fill, page_at
from thplab.machine import Machine
from thplab.mm.include.errors import KernelBug
from thplab.mm.page_alloc.alloc import __folio_alloc as folio_alloc
from thplab.mm.rmap.anon_vma import anon_vma_prepare
from thplab.mm.rmap.mapcount import (
    folio_add_new_anon_rmap,
    folio_dup_anon_rmap_pmd,
    folio_dup_anon_rmap_ptes,
    folio_maybe_mapped_shared,
    folio_remap_by_ptes,
    folio_remove_rmap_pmd,
    folio_remove_rmap_ptes,
    page_mapcount,
)


def two_with_a_huge_page(kernel: str = "6.18"):
    """A folio mapped by a leaf of ``a`` and, as after fork, by one of ``b`` (map counts only)."""
    machine = Machine(kernel)
    first, second = app(machine=machine, name="a"), app(machine=machine, name="b")
    for process in (first, second):
        anon_vma_prepare(process.mm.vmas[0])
    folio = folio_alloc(machine.kernel, 0, 9, 0, 1)
    folio_add_new_anon_rmap(machine.kernel, folio, first.mm.vmas[0], ADDRESS)
    folio_dup_anon_rmap_pmd(machine.kernel, folio, second.mm.vmas[0])
    return machine.kernel, folio, first.mm, second.mm


def test_an_anon_vma_at_the_first_write():
    """Which VMAs share an anon_vma: neighbours that differ in their protection only?"""
    process = Machine().process("app")
    for first, prot in ((0, "rw"), (10, "r"), (30, "rw")):
        process.mmap(ADDRESS + first * PAGE, 10 * PAGE, prot)
    process.write(ADDRESS, 1)
    process.write(ADDRESS + 30 * PAGE, 1)
    low, middle, high = process.mm.vmas
    anon_vma_prepare(middle)
    assert middle.anon_vma is low.anon_vma
    assert high.anon_vma not in (None, low.anon_vma)
    assert low.anon_vma.vmas == (low, middle)


def test_neighbours_with_other_flags_do_not_share():
    """Does an advised VMA take the anon_vma of an unadvised neighbour?"""
    process = app(2)
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS + WINDOW, WINDOW, "nohugepage")
    low, high = process.mm.vmas
    assert low.anon_vma is high.anon_vma  # cut out of one VMA: they share
    process.munmap(ADDRESS + WINDOW, WINDOW)
    process.mmap(ADDRESS + WINDOW, WINDOW, "r")
    process.madvise(ADDRESS + WINDOW, WINDOW, "nohugepage")
    assert process.mm.vmas[1].anon_vma is None
    anon_vma_prepare(process.mm.vmas[1])
    assert process.mm.vmas[1].anon_vma is not process.mm.vmas[0].anon_vma


def test_first_mapping():
    """What does a page know about its first mapping?"""
    process = app()
    fill(process, 3, 4)
    mem_map, page = process.mm.kernel.mem_map, page_at(process, ADDRESS + 3 * PAGE)
    assert mem_map.mapping[page] == process.mm.vmas[0].anon_vma.number
    assert mem_map.index[page] == (ADDRESS >> 12) + 3
    assert page_mapcount(mem_map, page) == 1


def test_new_folio_needs_an_anon_vma():
    """Is mapping a folio into a VMA without anon_vma noticed?"""
    process = app()
    folio = folio_alloc(process.mm.kernel, 0, 0, 0, 1)
    with pytest.raises(KernelBug, match="no anon_vma"):
        folio_add_new_anon_rmap(process.mm.kernel, folio, process.mm.vmas[0], ADDRESS)


def test_removing_a_mapping_that_is_not_there():
    """Is taking away one mapping too many noticed, of PTE and PMD?"""
    process = app()
    process.write(ADDRESS, 1)
    kernel, page = process.mm.kernel, page_at(process)
    folio_remove_rmap_ptes(kernel, page, 1, process.mm)
    with pytest.raises(KernelBug, match="not mapped by a PTE"):
        folio_remove_rmap_ptes(kernel, page, 1, process.mm)
    with pytest.raises(KernelBug, match="not mapped by a PMD"):
        folio_remove_rmap_pmd(kernel, page, process.mm)


def test_shared_small_page():
    """When does a small page count as shared?"""
    machine = Machine()
    first, second = app(machine=machine, name="a"), app(machine=machine, name="b")
    first.write(ADDRESS, 1)
    anon_vma_prepare(second.mm.vmas[0])
    kernel, page = machine.kernel, page_at(first)
    assert not folio_maybe_mapped_shared(kernel, page)
    folio_dup_anon_rmap_ptes(kernel, page, 1, second.mm.vmas[0])
    assert folio_maybe_mapped_shared(kernel, page)
    assert machine.vmstat("nr_anon_pages") == 1
    folio_remove_rmap_ptes(kernel, page, 1, first.mm)
    assert not folio_maybe_mapped_shared(kernel, page)
    assert machine.vmstat("nr_anon_pages") == 1


@pytest.mark.parametrize("kernel", ["6.18", "6.1"])
def test_shared_huge_page(kernel):
    """When does a huge page count as shared, and is it one huge page in the counters?"""
    kernel, folio, first, _ = two_with_a_huge_page(kernel)
    assert folio_maybe_mapped_shared(kernel, folio)
    assert kernel.mem_map.entire_mapcount[folio] == kernel.mem_map.large_mapcount[folio] == 2
    folio_remove_rmap_pmd(kernel, folio, first)
    assert not folio_maybe_mapped_shared(kernel, folio)
    assert kernel.mem_map.large_mapcount[folio] == 1


def test_split_in_one_of_two():
    """Is a folio still shared after one of its two mms split its leaf, and how often is it mapped?"""
    kernel, folio, first, second = two_with_a_huge_page()
    folio_remap_by_ptes(kernel, folio, second)
    assert kernel.mem_map.large_mapcount[folio] == 513
    assert page_mapcount(kernel.mem_map, folio + 7) == 2
    assert folio_maybe_mapped_shared(kernel, folio)
    folio_remove_rmap_pmd(kernel, folio, first)
    assert not folio_maybe_mapped_shared(kernel, folio)


def test_split_by_the_one_that_is_left():
    """Is a folio one mm's own when the first mm has gone and the second then splits its leaf?"""
    kernel, folio, first, second = two_with_a_huge_page()
    folio_remove_rmap_pmd(kernel, folio, first)
    folio_remap_by_ptes(kernel, folio, second)
    assert kernel.mem_map.large_mapcount[folio] == 512
    assert not folio_maybe_mapped_shared(kernel, folio)


@pytest.mark.parametrize(("how", "shared"), [("6.1", False), ("6.18", True)])
def test_only_some_pages_shared(how, shared):
    """Is page 0 shared when another mm maps only page 5 of the same folio?"""
    kernel, folio, first, second = two_with_a_huge_page(how)
    folio_remap_by_ptes(kernel, folio, first)
    folio_remap_by_ptes(kernel, folio, second)
    for page in range(folio, folio + 512):
        if page != folio + 5:
            folio_remove_rmap_ptes(kernel, page, 1, second)
    assert folio_maybe_mapped_shared(kernel, folio) is shared
    assert folio_maybe_mapped_shared(kernel, folio + 5) is True


def test_a_split_vma_keeps_its_pages():
    """Do both halves of a cut VMA belong to the anon_vma of the pages?"""
    process = app()
    fill(process)
    process.madvise(ADDRESS, 100 * PAGE, "nohugepage")
    low, high = process.mm.vmas
    assert set(low.anon_vma.vmas) == {low, high}
    check(process.machine)
    advise(process)
    check(process.machine)
    process.munmap(ADDRESS, WINDOW)
    assert low.anon_vma is None
