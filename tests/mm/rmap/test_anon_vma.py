"""anon_vma: chains of parts and of children."""

from __future__ import annotations

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, page_at
from thplab.machine import Machine
from thplab.mm.rmap.anon_vma import anon_vma_prepare, anon_vma_root, has_parents_pages


def chain(process, number: int = 0) -> tuple[int, ...]:
    """Numbers of the anon_vmas that a VMA hangs on."""
    return tuple(anon_vma.number for anon_vma in process.mm.vmas[number].anon_vma_chain)


def family():
    """A parent with two written pages, and a child."""
    parent = app()
    parent.write(ADDRESS, 1)
    parent.write(ADDRESS + 100 * PAGE, 2)
    return parent, parent.fork("kid")


def test_a_child_hangs_on_its_parents_and_its_own():
    """Which anon_vmas have parent and child, and which one is the root of both?"""
    parent, child = family()
    assert len(chain(parent)) == 1
    assert chain(child)[:1] == chain(parent)
    assert len(chain(child)) == 2
    assert anon_vma_root(child.mm.vmas[0]) is parent.mm.vmas[0].anon_vma
    assert [has_parents_pages(p.mm.vmas[0]) for p in (parent, child)] == [False, True]


def test_a_childs_new_page_belongs_to_the_child():
    """To which anon_vma belongs a page that a child faults in, and one that it inherited?"""
    parent, child = family()
    child.write(ADDRESS, 9)
    mapping = parent.mm.kernel.mem_map.mapping
    assert mapping[page_at(child)] == child.mm.vmas[0].anon_vma.number
    assert mapping[page_at(child, ADDRESS + 100 * PAGE)] == chain(parent)[0]


def test_a_vma_without_pages_has_none_after_fork():
    """Has a child an anon_vma where its parent never wrote?"""
    parent = app()
    child = parent.fork("kid")
    assert chain(parent) == chain(child) == ()


def test_a_cut_gives_both_parts_the_whole_chain():
    """Hang both parts of a child's VMA on all that the whole one hung on?"""
    _, child = family()
    whole = chain(child)
    child.madvise(ADDRESS + 50 * PAGE, WINDOW - 50 * PAGE, "nohugepage")
    assert [chain(child, n) for n in (0, 1)] == [whole, whole]
    assert all(len(anon_vma.vmas) >= 2 for anon_vma in child.mm.vmas[0].anon_vma_chain)
    check(child.machine)


def test_parts_of_one_vma_join_again():
    """Does a child's VMA that was cut become one again, with the same chain?"""
    _, child = family()
    whole = chain(child)
    child.madvise(ADDRESS, 50 * PAGE, "nohugepage")
    child.madvise(ADDRESS, WINDOW, "nohugepage")
    assert len(child.mm.vmas) == 1
    assert chain(child) == whole
    check(child.machine)


def test_new_memory_beside_a_forked_vma_stays_apart():
    """Does untouched memory join a neighbour, unless that one was forked?"""
    parent, child = family()
    for process in (parent, child):
        process.mmap(ADDRESS + WINDOW, WINDOW)
    assert [len(process.mm.vmas) for process in (parent, child)] == [1, 2]
    child.write(ADDRESS + WINDOW, 1)
    assert child.mm.vmas[1].anon_vma is not child.mm.vmas[0].anon_vma
    check(parent.machine)


def test_a_neighbour_that_differs_in_protection_lends_its_anon_vma():
    """Is the anon_vma of a neighbour taken that could merge but for its protection; of a forked one?"""
    machine = Machine()
    for name, forked in (("a", False), ("b", True)):
        process = app(machine=machine, name=name)
        process.write(ADDRESS, 1)
        if forked:
            process = process.fork("kid")
        process.mmap(ADDRESS + WINDOW, WINDOW, "r")
        low, high = process.mm.vmas
        assert (anon_vma_prepare(high) is low.anon_vma) is not forked


def test_exit_takes_a_vma_off_all_its_anon_vmas():
    """Which VMAs does an anon_vma still know when the child, or the parent, is gone?"""
    parent, child = family()
    anon_vma, own = child.mm.vmas[0].anon_vma_chain
    vma = child.mm.vmas[0]
    parent.exit()
    assert (anon_vma.vmas, own.vmas) == ((vma,), (vma,))
    assert child.read(ADDRESS) == 1
    child.exit()
    assert (anon_vma.vmas, own.vmas) == ((), ())
    check(parent.machine)
