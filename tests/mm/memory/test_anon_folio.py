"""mTHP: sizes between 4 KiB and 2 MiB at a fault."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, app, eat, fill, page_at, pmd, pte, statuses, table
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.page import PG_head


def sized(*sizes: int, word: str = "always", **how):
    """A process on a machine where these sizes (kB) are enabled and 2 MiB is not."""
    process = app(how.pop("windows", 1), **how)
    process.machine.write_sysfs("hugepages-2048kB/enabled", "never")
    for kb in sizes:
        process.machine.write_sysfs(f"hugepages-{kb}kB/enabled", word)
    return process


def mapped(process) -> list[int]:
    return [number for number, entry in enumerate(table(process)) if entry]


def test_one_fault_maps_an_aligned_block():
    """Which pages does a write to page 21 bring with 64 KiB enabled, and how are they mapped?"""
    process = sized(64)
    process.write(ADDRESS + 21 * PAGE, 9)
    assert mapped(process) == list(range(16, 32))
    mem_map, folio = process.mm.kernel.mem_map, page_at(process, ADDRESS + 16 * PAGE)
    assert mem_map.flags[folio] & PG_head
    assert (mem_map.order[folio], mem_map.refcount[folio], mem_map.large_mapcount[folio]) == (4, 16, 16)
    assert pte(process, ADDRESS + 31 * PAGE) & 0xFFF == 0x867
    assert process.mm.rss == 16
    assert [process.read(ADDRESS + n * PAGE) for n in (16, 21, 31)] == [0, 9, 0]
    check(process.machine)


def test_the_largest_block_without_an_entry():
    """Which size has each fault, where one page is there already?"""
    process = sized()
    process.write(ADDRESS + 100 * PAGE, 1)
    for kb in (16, 64, 256, 1024):
        process.machine.write_sysfs(f"hugepages-{kb}kB/enabled", "always")
    process.write(ADDRESS + 300 * PAGE, 2)
    process.write(ADDRESS + 101 * PAGE, 3)
    process.write(ADDRESS + 5 * PAGE, 4)
    orders = process.mm.kernel.mem_map.order
    sizes = [1 << orders[folio(process, n)] for n in (300, 101, 5)]
    assert sizes == [256, 1, 64]
    check(process.machine)


def folio(process, number: int) -> int:
    return int(process.mm.kernel.mem_map.compound_head[page_at(process, ADDRESS + number * PAGE)])


def test_the_block_must_lie_in_the_vma():
    """Is the block smaller at the VMA's edge?"""
    process = sized(16, 64, windows=10 / 512)
    process.write(ADDRESS + 5 * PAGE, 1)
    assert mapped(process) == [4, 5, 6, 7]
    process.write(ADDRESS + 9 * PAGE, 1)
    assert mapped(process) == [4, 5, 6, 7, 9]
    check(process.machine)


@pytest.mark.parametrize(
    ("word", "enabled", "advised", "large"),
    [
        ("always", "never", False, True),
        ("madvise", "always", False, False),
        ("madvise", "never", True, True),
        ("inherit", "always", False, True),
        ("inherit", "madvise", False, False),
        ("inherit", "madvise", True, True),
        ("inherit", "never", True, False),
        ("never", "always", True, False),
    ],
)
def test_who_may_have_them(word, enabled, advised, large):
    """Which words allow a size to which memory?"""
    process = sized(64, word=word)
    process.machine.write_sysfs("enabled", enabled)
    if advised:
        process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS, 1)
    assert len(mapped(process)) == (16 if large else 1)


@pytest.mark.parametrize("why", ["nohugepage", "prctl", "uffd", "read"])
def test_who_may_not(why):
    """Which faults stay small although the size is enabled?"""
    process = sized(64)
    if why == "nohugepage":
        process.madvise(ADDRESS, WINDOW, "nohugepage")
    elif why == "prctl":
        process.prctl_thp_disable()
    elif why == "uffd":
        process.uffd_register(ADDRESS, WINDOW)
    process.read(ADDRESS) if why == "read" else process.write(ADDRESS, 1)
    assert mapped(process) == [0]
    check(process.machine)


def test_no_block_is_free():
    """Is the next smaller size taken when memory has no block of the larger one?"""
    process = sized(16, 64)
    process.read(ADDRESS + 500 * PAGE)
    held = eat(process.machine, 4)
    process.write(ADDRESS, 1)
    assert len(mapped(process)) == 5
    check(process.machine, held=held)


def test_a_cgroup_without_room():
    """Is a smaller size taken when the limit does not allow the larger one?"""
    process = sized(16, 64)
    memcg = process.machine.cgroup("g")
    process.enter_cgroup(memcg)
    memcg.max = 10
    process.write(ADDRESS, 1)
    assert mapped(process) == [0, 1, 2, 3]
    check(process.machine)


def test_such_folios_collapse():
    """Do 32 folios of 64 KiB become one of 2 MiB, and does one pin refuse the first page of its folio?"""
    process = sized(64)
    fill(process)
    page = process.pin(ADDRESS + 17 * PAGE)
    with pytest.raises(KernelError, match="EAGAIN"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    process.unpin(page)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert statuses(process.machine) == ["not_suitable_page_count", "succeeded"]
    assert (pmd(process) or 0) & 0x80
    assert process.read(ADDRESS + 77 * PAGE) == 78
    check(process.machine)


def test_part_of_one_is_discarded():
    """Is RSS less and the folio partly mapped after half of it was discarded?"""
    process = sized(64)
    fill(process, 0, 16)
    process.madvise(ADDRESS, 8 * PAGE, "dontneed")
    assert process.mm.rss == 8
    assert process.mm.kernel.mem_map.nr_pages_mapped[folio(process, 8)] == 8
    assert process.machine.vmstat("thp_deferred_split_page") == 0  # that counts 2 MiB only
    check(process.machine)


def test_6_1_has_no_such_files():
    """Which errno has the file of a size in 6.1, which does not know sizes?"""
    machine = app(kernel="6.1").machine
    for path in ("hugepages-64kB/enabled", "hugepages-2048kB/enabled"):
        with pytest.raises(KernelError, match="ENOENT"):
            machine.write_sysfs(path, "always")


def test_a_small_table_has_fewer_sizes():
    """Are there only the sizes below a huge page?"""
    machine = Machine(entries=16, memory_pages=256)
    machine.write_sysfs("hugepages-32kB/enabled", "always")
    with pytest.raises(KernelError, match="ENOENT"):
        machine.write_sysfs("hugepages-64kB/enabled", "always")
