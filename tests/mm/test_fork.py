"""fork: what a child shares with its parent, and who copies what."""

from __future__ import annotations

import pytest

from tests.invariants import check, peek, read_back, whole_state
from tests.mm.lab import (
    ADDRESS,
    PAGE,
    WINDOW,
    advise,
    app,
    eat,
    fill,
    knob,
    page_at,
    pmd,
    pte,
    statuses,
    table,
)
from thplab.machine import Machine
from thplab.mm.huge_memory import pmd as huge_pmd
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY, VM_LOCKED, VM_UFFD_WP
from thplab.mm.rmap.mapcount import folio_maybe_mapped_shared
from thplab.mm.shrinker import shrink_slab

YOUNG, RW, DIRTY = 1 << 5, 1 << 1, 1 << 6


def listed(machine: Machine) -> list[str]:
    return [slot.mm.name for slot in machine.kernel.khugepaged.mm_head]


def huge(**how):
    """A process with one huge page whose pages hold 1, 2, 3, ..."""
    process = app(**how)
    advise(process)
    fill(process)
    assert (pmd(process) or 0) & 0x80
    return process


def test_nothing_is_copied():
    """Which pages has a child, how many frames did fork take, who may write, what is old?"""
    process = app()
    fill(process, 0, 10)
    free = process.machine.vmstat("nr_free_pages")
    child = process.fork("kid")
    assert read_back(child, ADDRESS, 11) == [*range(1, 11), 0]
    assert process.machine.vmstat("nr_free_pages") == free - 4  # PGD, PUD, PMD, PTE
    assert (child.mm.rss, process.mm.rss) == (10, 10)
    assert pte(process) & (RW | YOUNG | DIRTY) == YOUNG | DIRTY
    assert pte(child) & (RW | YOUNG | DIRTY) == DIRTY
    assert folio_maybe_mapped_shared(process.mm.kernel, page_at(process))
    check(process.machine)


@pytest.mark.parametrize("writer", ["parent", "child"])
def test_the_writer_gets_the_copy(writer):
    """Who has the new page after a write, and can the other one then reuse the old page?"""
    parent = app()
    parent.write(ADDRESS, 1)
    child = parent.fork("kid")
    page = page_at(parent)
    one, other = (parent, child) if writer == "parent" else (child, parent)
    one.write(ADDRESS, 2)
    assert (one.read(ADDRESS), other.read(ADDRESS)) == (2, 1)
    assert page_at(other) == page != page_at(one)
    other.write(ADDRESS, 3)
    assert page_at(other) == page
    assert (one.read(ADDRESS), other.read(ADDRESS)) == (2, 3)
    check(parent.machine)


def test_a_pin_makes_the_last_owner_copy():
    """Is a page reused after the child's exit, and copied if somebody holds it?"""
    parent = app()
    fill(parent, 0, 2)
    pages = [page_at(parent, ADDRESS + n * PAGE) for n in (0, 1)]
    child = parent.fork("kid")
    held = parent.pin(ADDRESS + PAGE)
    child.exit()
    for number in (0, 1):
        assert not pte(parent, ADDRESS + number * PAGE) & RW
        parent.write(ADDRESS + number * PAGE, 9)
    assert page_at(parent) == pages[0]
    assert page_at(parent, ADDRESS + PAGE) != pages[1]
    check(parent.machine, [held])


def test_an_exclusive_page_is_reused_although_it_is_pinned():
    """Does a page that was never shared stay where it is when it is written again?"""
    process = app()
    process.write(ADDRESS, 1)
    page = process.pin(ADDRESS)
    table(process)[0] &= ~RW
    process.write(ADDRESS, 2)
    assert page_at(process) == page
    check(process.machine, [page])


def test_a_huge_page_is_shared_by_leaves():
    """Have both a leaf, a deposited table and the whole RSS, and may neither write?"""
    parent = huge()
    child = parent.fork("kid")
    assert (pmd(parent) or 0) & (0x80 | RW | YOUNG) == 0x80 | YOUNG
    assert (pmd(child) or 0) & (0x80 | RW | YOUNG) == 0x80
    assert child.mm.rss == 512
    assert parent.machine.vmstat("nr_anon_transparent_hugepages") == 1
    check(parent.machine)
    child.exit()
    check(parent.machine)


def test_a_write_to_a_shared_huge_page_copies_one_base_page():
    """What becomes of a shared huge page in the writer, and in the other one?"""
    parent = huge()
    child = parent.fork("kid")
    child.write(ADDRESS + 5 * PAGE, 77)
    assert parent.machine.vmstat("thp_split_pmd") == 1
    assert (pmd(parent) or 0) & 0x80
    assert not (pmd(child) or 0) & 0x80
    assert (parent.read(ADDRESS + 5 * PAGE), child.read(ADDRESS + 5 * PAGE)) == (6, 77)
    assert child.mm.rss == 512
    assert folio_maybe_mapped_shared(parent.mm.kernel, page_at(child))
    assert not folio_maybe_mapped_shared(parent.mm.kernel, page_at(child, ADDRESS + 5 * PAGE))
    check(parent.machine)


@pytest.mark.parametrize(("kernel", "reused"), [("6.18", True), ("6.1", False)])
def test_a_large_folio_mapped_by_ptes_is_reused_by_its_last_owner(kernel, reused):
    """Is a folio whose other mm is gone written in place, where the kernel knows who maps it?"""
    parent = huge(kernel=kernel)
    child = parent.fork("kid")
    parent.madvise(ADDRESS, PAGE, "nohugepage")  # cuts the VMA, so it splits the leaf
    assert not (pmd(parent) or 0) & 0x80
    child.exit()
    page = page_at(parent, ADDRESS + 7 * PAGE)
    parent.write(ADDRESS + 7 * PAGE, 1)
    assert (page_at(parent, ADDRESS + 7 * PAGE) == page) is reused
    check(parent.machine)


def test_zero_pages():
    """Are zero pages inherited, small ones and the huge one, and does a writer get a page of its own?"""
    parent = app(2)
    parent.write(ADDRESS, 1)
    parent.read(ADDRESS + PAGE)
    advise(parent, at=ADDRESS + WINDOW)
    parent.read(ADDRESS + WINDOW)
    child = parent.fork("kid")
    assert pte(child, ADDRESS + PAGE) & 0x200
    assert not pte(child, ADDRESS + PAGE) & YOUNG
    assert (pmd(child, ADDRESS + WINDOW) or 0) & 0x80
    assert child.mm.rss == 1
    child.write(ADDRESS + PAGE, 5)
    assert (parent.read(ADDRESS + PAGE), child.read(ADDRESS + PAGE)) == (0, 5)
    check(parent.machine)


def test_memory_without_anon_vma_is_left_to_faults():
    """Has the child the zero pages of a VMA that was never written?"""
    parent = app()
    parent.read(ADDRESS)
    child = parent.fork("kid")
    assert pmd(child) is None
    assert child.read(ADDRESS) == 0
    check(parent.machine)


def test_an_empty_table_is_inherited():
    """Has the child a page table where the parent's is empty?"""
    parent = app(2)
    parent.write(ADDRESS, 1)
    parent.write(ADDRESS + WINDOW, 1)
    parent.madvise(ADDRESS, WINDOW // 2, "dontneed")
    child = parent.fork("kid")
    assert pmd(child)
    assert not any(table(child))


def test_flags_that_are_not_inherited():
    """Which flags of VMAs and mms has a child?"""
    parent = app()
    parent.mm.vmas[0].vm_flags |= VM_LOCKED | VM_UFFD_WP
    parent.mm.flags |= MMF_DISABLE_THP_COMPLETELY
    child = parent.fork("kid")
    assert child.mm.vmas[0].vm_flags == parent.mm.vmas[0].vm_flags & ~(VM_LOCKED | VM_UFFD_WP)
    assert child.mm.flags & MMF_DISABLE_THP_COMPLETELY


@pytest.mark.parametrize("known", [True, False])
def test_khugepaged_knows_the_child_of_one_it_knows(known):
    """Is a child registered with its parent, behind everybody else?"""
    parent = app()
    fill(parent)
    other = app(machine=parent.machine, name="other")
    other.write(ADDRESS, 1)
    if known:
        advise(parent)
    advise(other)
    parent.fork("kid")
    assert listed(parent.machine) == (["app", "other", "kid"] if known else ["other"])


def test_khugepaged_takes_both_but_a_child_that_did_nothing_is_not_in_use():
    """What does a pass say about a parent that wrote everything anew and a child that did nothing?"""
    keeper = app(name="keeper")
    keeper.write(ADDRESS, 1)
    keeper.madvise(ADDRESS, WINDOW, "hugepage")
    keeper.munmap(ADDRESS, WINDOW)
    keeper.machine.trace.clear()
    parent = app(machine=keeper.machine)
    fill(parent)
    knob(parent.machine, max_ptes_shared=0)
    advise(parent)
    child = parent.fork("kid")
    fill(parent)
    parent.machine.wake_khugepaged()
    assert statuses(parent.machine) == ["succeeded", "lack_referenced_page"]
    assert [peek(child, ADDRESS + n * PAGE) for n in (0, 511)] == [1, 512]
    check(parent.machine)


def test_collapse_of_shared_pages_leaves_them_to_the_child():
    """Has the child its old pages after the parent's window was collapsed, and do both read right?"""
    parent = app()
    fill(parent)
    child = parent.fork("kid")
    knob(parent.machine, max_ptes_shared=511)
    free = parent.machine.vmstat("nr_free_pages")
    parent.madvise(ADDRESS, WINDOW, "collapse")
    assert (pmd(parent) or 0) & 0x80
    assert parent.machine.vmstat("nr_free_pages") == free - 512
    assert [peek(child, ADDRESS + n * PAGE) for n in (0, 511)] == [1, 512]
    check(parent.machine)


def test_anon_vmas_of_a_family():
    """On which anon_vmas hang the VMAs of three generations, and do they share one lock?"""
    parent = app()
    parent.write(ADDRESS, 1)
    child = parent.fork("kid")
    grandchild = child.fork("kid of kid")
    chains = [p.mm.vmas[0].anon_vma_chain for p in (parent, child, grandchild)]
    assert [len(chain) for chain in chains] == [1, 2, 3]
    assert len({anon_vma.lock for anon_vma in chains[2]}) == 1
    assert len(chains[0][0].vmas) == 3
    child.write(ADDRESS, 2)
    number = parent.mm.kernel.mem_map.mapping[page_at(child)]
    assert number == child.mm.vmas[0].anon_vma.number
    child.exit()
    assert len(chains[0][0].vmas) == 2
    check(parent.machine)


def test_no_memory_for_the_child():
    """Is a child that could not be made given back whole, and the parent's memory whole?"""
    parent = app(2, memory_pages=2048)
    fill(parent, 0, 600)
    advise(parent, 2)
    tables = eat(parent.machine, 0, keep=3)
    state = read_back(parent, ADDRESS, 600)
    with pytest.raises(MemoryError):
        parent.fork("kid")
    assert [mm.name for mm in parent.mm.kernel.mms] == ["app"]
    assert read_back(parent, ADDRESS, 600) == state
    check(parent.machine, held=tables)


def test_a_name_that_is_taken():
    """Is a child with the name of a living process refused, and does nothing change?"""
    parent = app()
    state = whole_state(parent.mm.kernel)
    with pytest.raises(ValueError, match="'app'"):
        parent.fork("app")
    assert whole_state(parent.mm.kernel) == state


@pytest.mark.parametrize(
    ("what_if", "pages", "splits"), [({}, 1, 1), ({"huge_page_is_copied_whole": True}, 512, 0)]
)
def test_n17_what_a_write_after_fork_copies(what_if, pages, splits):
    """One base page since 5.8, all 512 before: what do writes to four shared huge pages cost?"""
    machine = Machine(what_if=what_if)
    parent = app(4, machine=machine)
    advise(parent, 4)
    for window in range(4):
        fill(parent, at=ADDRESS + window * WINDOW)
    child = parent.fork("kid")
    free = machine.vmstat("nr_free_pages")
    for window in range(4):
        parent.write(ADDRESS + window * WINDOW, 99)
    assert machine.vmstat("nr_free_pages") == free - 4 * pages
    assert machine.vmstat("thp_split_pmd") == 4 * splits
    assert machine.vmstat("thp_fault_alloc") == 4 + 4 * (1 - splits)
    assert bool((pmd(parent) or 0) & 0x80) is not bool(splits)
    assert (parent.mm.rss, child.mm.rss) == (2048, 2048)
    assert [peek(parent, ADDRESS), peek(child, ADDRESS), peek(parent, ADDRESS + PAGE)] == [99, 1, 2]
    check(machine)
    child.exit()
    check(machine)


def test_a_huge_copy_that_cannot_be_had():
    """Is the leaf split and one page copied where no block is left for the old kind of copy?"""
    machine = Machine(what_if={"huge_page_is_copied_whole": True})
    parent = huge(machine=machine)
    child = parent.fork("kid")
    held = eat(machine, 9)
    child.write(ADDRESS, 99)
    assert [machine.vmstat(n) for n in ("thp_fault_fallback", "thp_split_pmd")] == [1, 1]
    assert [peek(parent, ADDRESS), peek(child, ADDRESS)] == [1, 99]
    check(machine, held=held)


def test_fork_meets_a_leaf_that_reclaim_splits(monkeypatch):
    """Does the child get entries for the base pages if the leaf is gone once its table is there?"""
    parent = huge(kernel="6.18")
    kernel = parent.mm.kernel
    original = huge_pmd.pte_alloc_one

    def pte_alloc_one(mm):
        page = original(mm)
        monkeypatch.setattr(huge_pmd, "pte_alloc_one", original)
        knob(parent.machine, max_ptes_none=0)
        shrink_slab(kernel, 0)
        return page

    parent.write(ADDRESS, 0)
    monkeypatch.setattr(huge_pmd, "pte_alloc_one", pte_alloc_one)
    child = parent.fork("kid")
    assert parent.machine.vmstat("thp_underused_split_page") == 1
    assert read_back(child, ADDRESS, 512) == [0, *range(2, 513)]
    check(parent.machine)


@pytest.mark.parametrize("facts", [{"huge_page_is_copied": True}, {"shared_test": "page"}, {"has_mthp": 1}])
def test_a_what_if_that_is_no_fact(facts):
    """Is a fact refused that does not exist, is a word, or gets another kind of value?"""
    with pytest.raises(ValueError, match="what_if"):
        Machine(what_if=facts)
