"""Address spaces: mapping, unmapping, splitting and joining VMAs."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, whole_state
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, fill, pmd
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import VM_HUGEPAGE, VM_NOHUGEPAGE, find_vma, vma_lookup

TASK_SIZE = (1 << 47) - PAGE


def spans(process, unit: int = PAGE) -> list[tuple[int, int]]:
    return [((v.vm_start - ADDRESS) // unit, (v.vm_end - ADDRESS) // unit) for v in process.mm.vmas]


def empty():
    return Machine().process("app")


def mmap(process, first: int, end: int, prot: str = "rw") -> None:
    process.mmap(ADDRESS + first * PAGE, (end - first) * PAGE, prot)


def munmap(process, first: int, end: int) -> None:
    process.munmap(ADDRESS + first * PAGE, (end - first) * PAGE)


def test_mapping_costs_nothing_yet():
    """What does mmap allocate?"""
    process = empty()
    free = process.machine.vmstat("nr_free_pages")
    mmap(process, 0, 512)
    assert spans(process) == [(0, 512)]
    assert (process.mm.rss, process.mm.pgtables) == (0, 1)
    assert process.machine.vmstat("nr_free_pages") == free


def test_length_is_rounded_up():
    """How long is a mapping of one byte more than a page?"""
    process = empty()
    process.mmap(ADDRESS, PAGE + 1)
    assert spans(process) == [(0, 2)]


@pytest.mark.parametrize(
    ("start", "length", "number", "words"),
    [
        (ADDRESS + 1, PAGE, errno.EINVAL, "multiple of 4096"),
        (ADDRESS, 0, errno.EINVAL, "more than 0"),
        (ADDRESS, -PAGE, errno.EINVAL, "more than 0"),
        (TASK_SIZE, PAGE, errno.ENOMEM, "7ffffffff000"),
        (TASK_SIZE - PAGE, 2 * PAGE, errno.ENOMEM, "7ffffffff000"),
        (1 << 60, PAGE, errno.ENOMEM, "7ffffffff000"),
        (-PAGE, PAGE, errno.ENOMEM, "0x0"),
    ],
)
def test_mmap_refuses(start, length, number, words):
    """Which ranges does mmap refuse, in which words, and is all as before?"""
    process = app()
    fill(process, 0, 2)
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError, match=words) as caught:
        process.mmap(start, length)
    assert caught.value.errno == number
    assert whole_state(process.mm.kernel) == state


def test_mmap_refuses_an_unknown_protection():
    """Is an unknown protection refused before what stands there is unmapped?"""
    process = app()
    fill(process, 0, 2)
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError, match=r"'rwx'.*none \| r \| rw"):
        process.mmap(ADDRESS, PAGE, "rwx")
    assert whole_state(process.mm.kernel) == state


def test_the_last_page_can_be_mapped():
    """May a mapping end exactly where the user's half ends?"""
    process = empty()
    process.mmap(TASK_SIZE - PAGE, PAGE)
    process.write(TASK_SIZE - PAGE, 5)
    assert process.read(TASK_SIZE - PAGE) == 5
    check(process.machine)
    process.exit()
    check(process.machine)


@pytest.mark.parametrize(
    ("start", "length"), [(ADDRESS + 1, PAGE), (ADDRESS, 0), (TASK_SIZE, PAGE), (TASK_SIZE - PAGE, 2 * PAGE)]
)
def test_munmap_refuses(start, length):
    """Which errno has munmap for a range that can't be one?"""
    process = app()
    state = whole_state(process.mm.kernel)
    with pytest.raises(KernelError) as caught:
        process.munmap(start, length)
    assert caught.value.errno == errno.EINVAL
    assert whole_state(process.mm.kernel) == state


@pytest.mark.parametrize(
    ("first", "end", "left"),
    [
        (0, 512, []),
        (0, 100, [(100, 512)]),
        (400, 512, [(0, 400)]),
        (100, 400, [(0, 100), (400, 512)]),
        (400, 900, [(0, 400)]),
        (600, 700, [(0, 512)]),
    ],
)
def test_munmap_cuts_vmas(first, end, left):
    """Which VMAs are left after an unmapping at the start, the end, in the middle, beside?"""
    process = app()
    fill(process)
    munmap(process, first, end)
    assert spans(process) == left
    assert process.mm.rss == sum(b - a for a, b in left)
    assert [process.read(ADDRESS + a * PAGE) for a, _ in left] == [a + 1 for a, _ in left]
    check(process.machine)


def test_munmap_over_holes():
    """Does one call unmap several VMAs with holes between them?"""
    process = empty()
    for first in (0, 100, 200):
        mmap(process, first, first + 50)
        process.write(ADDRESS + first * PAGE, 1)
    munmap(process, 25, 225)
    assert spans(process) == [(0, 25), (225, 250)]
    assert process.mm.rss == 1
    check(process.machine)


def test_munmap_frees_tables_that_nobody_needs():
    """When do the tables go: with the last page, or with the last VMA over their range?"""
    process = app(2)
    fill(process, 0, 2)
    process.write(ADDRESS + WINDOW, 1)
    assert process.mm.pgtables == 5
    munmap(process, 0, 510)
    assert process.mm.pgtables == 5  # (510, 512) is still mapped by the first table
    munmap(process, 510, 512)
    assert process.mm.pgtables == 4
    munmap(process, 512, 1024)
    assert process.mm.pgtables == 1
    check(process.machine)


def test_munmap_part_of_a_huge_page():
    """What is left of a huge page whose second half is unmapped?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    free = process.machine.vmstat("nr_free_pages")
    munmap(process, 256, 512)
    machine = process.machine
    assert (process.mm.rss, machine.vmstat("thp_split_pmd"), machine.vmstat("thp_deferred_split_page")) == (
        256,
        1,
        1,
    )
    assert machine.vmstat("nr_free_pages") == free  # the 2 MiB stay whole until the last page goes
    check(machine)
    munmap(process, 0, 256)
    assert machine.vmstat("nr_free_pages") == free + 512 + 3
    check(machine)


def test_mmap_over_a_mapping_replaces_it():
    """What does MAP_FIXED do to the pages that were there?"""
    process = app()
    fill(process)
    mmap(process, 100, 200)
    assert spans(process) == [(0, 512)]
    assert process.mm.rss == 412
    assert [process.read(ADDRESS + n * PAGE) for n in (99, 100, 199, 200)] == [100, 0, 0, 201]
    check(process.machine)


def test_mmap_over_a_mapping_that_differs():
    """How many VMAs are there after a read-only mapping in the middle of a writable one?"""
    process = app()
    mmap(process, 100, 200, "r")
    assert spans(process) == [(0, 100), (100, 200), (200, 512)]
    mmap(process, 100, 200, "rw")
    assert spans(process) == [(0, 512)]


def test_neighbours_join():
    """Do adjacent mappings of the same kind become one VMA, from below, above, between?"""
    process = empty()
    mmap(process, 0, 10)
    mmap(process, 10, 20)
    mmap(process, 30, 40)
    assert spans(process) == [(0, 20), (30, 40)]
    mmap(process, 20, 30)
    assert spans(process) == [(0, 40)]
    mmap(process, 40, 50, "r")
    assert spans(process) == [(0, 40), (40, 50)]


def test_different_anon_vmas_do_not_join():
    """Do two VMAs join that have each their own anon_vma?"""
    process = empty()
    mmap(process, 0, 10)
    mmap(process, 20, 30)
    process.write(ADDRESS, 1)
    process.write(ADDRESS + 20 * PAGE, 2)
    mmap(process, 10, 20)
    assert spans(process) == [(0, 20), (20, 30)]
    assert [process.read(ADDRESS + n * PAGE) for n in (0, 15, 20)] == [1, 0, 2]
    check(process.machine)


def test_joined_vma_takes_the_anon_vma():
    """Which anon_vma has a VMA that was joined out of an untouched and a touched one?"""
    process = empty()
    mmap(process, 10, 20)
    process.write(ADDRESS + 10 * PAGE, 1)
    anon_vma = process.mm.vmas[0].anon_vma
    mmap(process, 0, 10)
    assert spans(process) == [(0, 20)]
    assert process.mm.vmas[0].anon_vma is anon_vma
    assert anon_vma.vmas == process.mm.vmas
    check(process.machine)


def test_a_merge_registers():
    """Is an mm registered when its touched memory becomes part of an eligible VMA by a merge?"""
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    process = app(machine=machine)
    process.write(ADDRESS, 1)
    machine.write_sysfs("enabled", "always")
    assert machine.kernel.khugepaged.mm_head == ()
    mmap(process, 512, 1024)
    assert spans(process) == [(0, 1024)]
    assert [slot.mm for slot in machine.kernel.khugepaged.mm_head] == [process.mm]


def test_advice_on_a_part_splits_the_vma():
    """Which VMAs are there after an advice on the middle, and after the opposite one?"""
    process = app()
    process.madvise(ADDRESS + 100 * PAGE, 100 * PAGE, "hugepage")
    assert spans(process) == [(0, 100), (100, 200), (200, 512)]
    assert [bool(v.vm_flags & VM_HUGEPAGE) for v in process.mm.vmas] == [False, True, False]
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    assert spans(process) == [(0, 512)]
    assert process.mm.vmas[0].vm_flags & (VM_HUGEPAGE | VM_NOHUGEPAGE) == VM_NOHUGEPAGE


def test_cut_through_a_huge_page_splits_it():
    """Is a leaf split where a VMA is cut across it, and left alone where it is cut beside it?"""
    process = app(2)
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.write(ADDRESS + WINDOW, 2)
    process.madvise(ADDRESS + WINDOW, WINDOW, "nohugepage")
    assert process.machine.vmstat("thp_split_pmd") == 0
    process.madvise(ADDRESS, WINDOW // 2, "nohugepage")
    assert process.machine.vmstat("thp_split_pmd") == 1
    assert [(pmd(process, a) or 0) & 0x80 for a in (ADDRESS, ADDRESS + WINDOW)] == [0, 0x80]
    check(process.machine)


def test_advice_that_is_there_already_cuts_nothing():
    """Does MADV_HUGEPAGE on a part of an advised huge page split it?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS + PAGE, PAGE, "hugepage")
    assert spans(process) == [(0, 512)]
    assert process.machine.vmstat("thp_split_pmd") == 0


def test_lookup():
    """Which VMA does an address find: the one around it, the next one, none?"""
    process = empty()
    mmap(process, 10, 20)
    mm, vma = process.mm, process.mm.vmas[0]
    at = [ADDRESS + n * PAGE for n in (5, 10, 19, 20)]
    assert [find_vma(mm, a) for a in at] == [vma, vma, vma, None]
    assert [vma_lookup(mm, a) for a in at] == [None, vma, vma, None]


def test_processes_are_apart():
    """Do two processes with the same addresses have each their own memory?"""
    machine = Machine()
    first, second = app(machine=machine, name="a"), app(machine=machine, name="b")
    advise(first)
    first.write(ADDRESS, 1)
    second.write(ADDRESS, 2)
    assert (first.read(ADDRESS), second.read(ADDRESS)) == (1, 2)
    check(machine)
