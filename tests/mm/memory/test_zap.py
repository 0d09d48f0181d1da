"""Taking mappings away, and the end of a process."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, fill, pmd, ready, table
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError


def free_pages(process) -> int:
    return process.machine.vmstat("nr_free_pages")


@pytest.mark.parametrize("kernel", ["6.18", "6.1"])
def test_dontneed_of_a_whole_window(kernel):
    """What becomes of the table when its window is discarded at once?"""
    process = app(kernel=kernel)
    fill(process)
    free = free_pages(process)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    table_freed = kernel == "6.18"
    assert (pmd(process) == 0) is table_freed
    assert free_pages(process) == free + 512 + table_freed
    assert process.mm.rss == 0
    assert process.read(ADDRESS) == 0
    check(process.machine)


def test_dontneed_in_two_halves_keeps_the_table():
    """And in two halves?"""
    process = app()
    fill(process)
    process.madvise(ADDRESS, WINDOW // 2, "dontneed")
    process.madvise(ADDRESS + WINDOW // 2, WINDOW // 2, "dontneed")
    assert not any(table(process))
    assert process.mm.rss == 0
    check(process.machine)


def test_dontneed_keeps_the_edges():
    """Which pages does MADV_DONTNEED over part of three windows discard?"""
    process = app(3)
    fill(process, 0, 3 * 512)
    process.madvise(ADDRESS + 100 * PAGE, 2 * WINDOW, "dontneed")
    assert process.mm.rss == 512
    assert [pmd(process, ADDRESS + n * WINDOW) == 0 for n in range(3)] == [False, True, False]
    expected = {99: 100, 100: 0, 600: 0, 1123: 0, 1124: 1125, 1535: 1536}
    assert {n: process.read(ADDRESS + n * PAGE) for n in expected} == expected
    check(process.machine)


def test_zero_pages_cost_nothing_and_free_nothing():
    """Does discarding zero pages change RSS or free memory?"""
    process = app()
    process.write(ADDRESS, 1)
    for number in range(1, 10):
        process.read(ADDRESS + number * PAGE)
    free = free_pages(process)
    process.madvise(ADDRESS + PAGE, 9 * PAGE, "dontneed")
    assert (process.mm.rss, free_pages(process)) == (1, free)
    check(process.machine)


def test_dontneed_of_a_huge_page():
    """What is freed with a whole huge page?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    free = free_pages(process)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    assert pmd(process) == 0
    assert free_pages(process) == free + 512 + 1  # and its deposited table
    assert process.machine.vmstat("thp_split_pmd") == 0
    check(process.machine)
    process.write(ADDRESS, 2)
    assert (pmd(process) or 0) & 0x80


@pytest.mark.parametrize("pages", [1, 256, 511])
def test_dontneed_of_part_of_a_huge_page(pages):
    """What is left after part of a huge page was discarded?"""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS + 511 * PAGE, 7)
    free = free_pages(process)
    process.madvise(ADDRESS, pages * PAGE, "dontneed")
    machine = process.machine
    assert (process.mm.rss, free_pages(process)) == (512 - pages, free)
    assert [machine.vmstat(n) for n in ("thp_split_pmd", "thp_deferred_split_page")] == [1, 1]
    assert process.read(ADDRESS + 511 * PAGE) == 7
    check(machine)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    assert free_pages(process) == free + 512 + 1
    check(machine)


def test_whole_folio_mapped_by_ptes_is_never_partly_mapped():
    """Is a huge page whose 512 PTEs go in one call counted as partially mapped?"""
    process = pte_mapped_huge_page()
    process.madvise(ADDRESS, WINDOW, "dontneed")
    assert process.mm.rss == 0
    assert process.machine.vmstat("thp_deferred_split_page") == 0
    check(process.machine)


def pte_mapped_huge_page():
    """One VMA, one huge page in it, mapped by 512 PTEs: advised twice, so that it was cut and joined."""
    process = app()
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS + 9 * PAGE, 10)
    process.madvise(ADDRESS + WINDOW // 2, WINDOW // 2, "nohugepage")
    process.madvise(ADDRESS + WINDOW // 2, WINDOW // 2, "hugepage")
    assert len(process.mm.vmas) == 1
    assert process.machine.vmstat("thp_split_pmd") == 1
    return process


def test_a_pinned_page_outlives_its_mapping():
    """What becomes of a pinned page when its mapping goes?"""
    process = app()
    process.write(ADDRESS, 5)
    page = process.pin(ADDRESS)
    process.munmap(ADDRESS, WINDOW)
    mem_map = process.mm.kernel.mem_map
    assert (mem_map.refcount[page], mem_map.mapcount[page], mem_map.contents[page]) == (1, 0, 5)
    check(process.machine, [page])
    process.exit()
    check(process.machine, [page])
    process.unpin(page)
    check(process.machine)


def test_exit_gives_everything_back():
    """Is all memory free after a process with base, huge, zero and huge zero pages has ended?"""
    machine = Machine()
    free = machine.vmstat("nr_free_pages")
    process = app(4, machine)
    process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    process.read(ADDRESS + WINDOW)
    process.write(ADDRESS + 2 * WINDOW, 1)
    process.read(ADDRESS + 3 * WINDOW)
    process.exit()
    assert machine.vmstat("nr_free_pages") == free - 512  # the huge zero page stays
    assert machine.kernel.mms == ()
    assert (process.mm.mm_users, process.mm.rss, process.mm.vmas) == (0, 0, ())
    check(machine)


def test_exit_takes_the_slot_off_the_list():
    """Is a registered process forgotten when it ends, and can its name be used again?"""
    process = ready()
    machine = process.machine
    process.exit()
    assert machine.kernel.khugepaged.mm_head == ()
    machine.process("app").mmap(ADDRESS, WINDOW)
    check(machine)


@pytest.mark.parametrize("call", ["read", "write", "mmap", "munmap", "madvise", "pin", "clear_refs", "exit"])
def test_a_dead_process_makes_no_calls(call):
    """Is a call of a process that has ended refused, and does it leave others alone?"""
    machine = Machine()
    dead = app(machine=machine, name="dead")
    dead.write(ADDRESS, 1)
    dead.exit()
    heir = app(machine=machine, name="heir")
    fill(heir)
    args = {
        "write": (ADDRESS, 7),
        "mmap": (ADDRESS, PAGE),
        "munmap": (ADDRESS, PAGE),
        "madvise": (ADDRESS, PAGE, "dontneed"),
        "clear_refs": (),
        "exit": (),
    }.get(call, (ADDRESS,))
    with pytest.raises(KernelError):
        getattr(dead, call)(*args)
    assert heir.read(ADDRESS) == 1
    check(machine)
