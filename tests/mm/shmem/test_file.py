"""Shared memory and memfd: who sees what, faults, who is registered."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, fill, pmd, table
from tests.mm.shmem_lab import reads_back, results, shared
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError
from thplab.mm.include.mm_types import MMF_VM_HUGEPAGE

# who sees what ------------------------------------------------------------------------------------


def test_a_child_sees_what_its_parent_writes_later() -> None:
    parent = shared(1)
    child = parent.fork("child")
    parent.write(ADDRESS, 77)
    assert child.read(ADDRESS) == 77
    child.write(ADDRESS + PAGE, 78)
    assert parent.read(ADDRESS + PAGE) == 78
    check(parent.machine)


def test_fork_copies_no_entry_of_shared_memory() -> None:
    parent = shared(3)
    child = parent.fork("child")
    assert not pmd(child)
    assert parent.machine.vmstat("nr_shmem") == 3


def test_dontneed_drops_the_mapping_and_keeps_the_contents() -> None:
    process = shared(5)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    assert process.mm.rss == 0
    assert process.machine.vmstat("nr_shmem") == 5
    assert process.read(ADDRESS + 4 * PAGE) == 5


def test_the_file_is_gone_with_its_last_mapping() -> None:
    parent = shared(5)
    machine = parent.machine
    free = machine.vmstat("nr_free_pages")
    child = parent.fork("child")
    parent.munmap(ADDRESS, WINDOW)
    assert child.read(ADDRESS) == 1
    child.exit()
    assert machine.vmstat("nr_shmem") == 0
    assert machine.kernel.mappings == ()
    assert machine.vmstat("nr_free_pages") >= free + 5
    check(machine)


def test_a_part_that_is_unmapped_stays_in_the_file() -> None:
    """The file lives on with the rest, and with it all of its pages."""
    process = shared(512)
    process.munmap(ADDRESS, WINDOW // 2)
    assert process.machine.vmstat("nr_shmem") == 512
    check(process.machine)
    process.munmap(ADDRESS, WINDOW)
    assert process.machine.vmstat("nr_shmem") == 0


def test_two_processes_map_one_memfd() -> None:
    machine = Machine()
    one, two = machine.process("one"), machine.process("two")
    file = one.memfd_create("x", WINDOW)
    one.mmap(ADDRESS, WINDOW, shared=True, file=file)
    two.mmap(ADDRESS, WINDOW // 2, shared=True, file=file, pgoff=256)
    one.close(file)
    one.write(ADDRESS + 300 * PAGE, 9)
    assert two.read(ADDRESS + 44 * PAGE) == 9
    check(machine)


def test_a_private_mapping_of_a_file_copies_what_it_writes() -> None:
    machine = Machine()
    process = machine.process("app")
    file = process.memfd_create("x", WINDOW)
    process.mmap(ADDRESS, WINDOW, shared=True, file=file)
    process.mmap(ADDRESS + WINDOW, WINDOW, file=file)
    process.write(ADDRESS, 5)
    assert process.read(ADDRESS + WINDOW) == 5
    process.write(ADDRESS + WINDOW, 6)
    assert process.read(ADDRESS) == 5
    assert machine.vmstat("nr_anon_pages") == 1
    process.madvise(ADDRESS + WINDOW, WINDOW, "dontneed")
    assert process.read(ADDRESS + WINDOW) == 5
    process.close(file)
    check(machine)


def test_a_file_that_is_never_mapped_goes_when_it_is_closed() -> None:
    process = Machine().process("app")
    process.close(process.memfd_create("x", WINDOW))
    assert process.machine.kernel.mappings == ()


def test_a_pinned_page_outlives_its_file() -> None:
    process = shared(3)
    page = process.pin(ADDRESS)
    process.munmap(ADDRESS, WINDOW)
    check(process.machine, [page])
    process.unpin(page)
    check(process.machine)


# faults -------------------------------------------------------------------------------------------


def test_a_read_fault_maps_the_64_kib_around_that_are_in_the_cache() -> None:
    """fault_around_bytes: 16 pages, aligned; pages that the file does not have are not made."""
    parent = shared(40)
    child = parent.fork("child")
    child.read(ADDRESS + 20 * PAGE)
    assert [n for n in range(512) if table(child)[n]] == list(range(16, 32))
    child.read(ADDRESS + 39 * PAGE)
    assert [n for n in range(512) if table(child)[n]] == list(range(16, 40))
    assert child.mm.rss == 24


def test_a_write_fault_maps_one_page() -> None:
    parent = shared(40)
    child = parent.fork("child")
    child.write(ADDRESS + 20 * PAGE, 1)
    assert [n for n in range(512) if table(child)[n]] == [20]


def test_a_read_of_a_hole_makes_a_page() -> None:
    """There is no zero page in shared memory: somebody may write to it tomorrow."""
    process = shared(0)
    assert process.read(ADDRESS) == 0
    assert process.machine.vmstat("nr_shmem") == 1


@pytest.mark.parametrize(
    ("word", "size", "advised", "huge"),
    [
        ("never", "inherit", True, False),
        ("advise", "inherit", False, False),
        ("advise", "inherit", True, True),
        ("always", "inherit", False, True),
        ("within_size", "inherit", False, True),
        ("force", "inherit", False, True),
        ("deny", "always", True, False),
        ("never", "always", False, True),
        ("never", "advise", True, True),
        ("never", "advise", False, False),
        ("always", "never", True, False),
        ("force", "always", False, False),
    ],
)
def test_huge_at_fault(word: str, size: str, advised: bool, huge: bool) -> None:
    """shmem_allowable_huge_orders: deny, then force with inherit, then the size's word or the common one."""
    process = shared(0)
    process.machine.write_sysfs("shmem_enabled", word)
    process.machine.write_sysfs("hugepages-2048kB/shmem_enabled", size)
    if advised:
        process.madvise(ADDRESS, WINDOW, "hugepage")
    process.write(ADDRESS + 7 * PAGE, 5)
    assert bool((pmd(process) or 0) & 0x80) is huge
    assert process.machine.vmstat("thp_file_alloc") == huge
    assert process.machine.vmstat("thp_file_mapped") == huge
    assert process.mm.rss == (512 if huge else 1)
    assert process.read(ADDRESS + 7 * PAGE) == 5
    check(process.machine)


def test_a_huge_page_is_not_made_where_the_cache_holds_something() -> None:
    process = shared(1)
    process.machine.write_sysfs("shmem_enabled", "always")
    process.madvise(ADDRESS, WINDOW, "dontneed")
    process.write(ADDRESS + 5 * PAGE, 1)
    assert process.machine.vmstat("thp_file_alloc") == 0


def test_within_size_asks_for_the_end_of_the_file() -> None:
    """The second window is not all inside a file of one and a half, so only the first gets a huge page."""
    process = Machine().process("app")
    process.machine.write_sysfs("shmem_enabled", "within_size")
    file = process.memfd_create("x", WINDOW * 3 // 2)
    process.mmap(ADDRESS, 2 * WINDOW, shared=True, file=file)
    process.write(ADDRESS, 1)
    process.write(ADDRESS + WINDOW, 1)
    assert process.machine.vmstat("thp_file_alloc") == 1


def test_cutting_a_leaf_of_a_file_just_unmaps_it() -> None:
    """__split_huge_pmd of a file deposits no table: the page cache still knows the folio."""
    process = shared(0)
    process.machine.write_sysfs("shmem_enabled", "always")
    fill(process)
    tables = process.mm.pgtables
    process.madvise(ADDRESS, PAGE, "nohugepage")
    assert pmd(process) == 0
    assert process.mm.rss == 0
    assert process.mm.pgtables == tables
    assert process.machine.vmstat("thp_split_pmd") == 1
    assert reads_back(process)
    check(process.machine)


def test_a_folio_that_no_leaf_may_map_is_mapped_whole_by_entries() -> None:
    """Since 6.11 finish_fault maps all of a shmem folio; MADV_NOHUGEPAGE forbids the leaf."""
    process = shared(0)
    process.machine.write_sysfs("shmem_enabled", "always")
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    process.write(ADDRESS + 5 * PAGE, 2)
    assert all(table(process))
    assert process.mm.rss == 512
    check(process.machine)


def test_6_1_maps_one_page_of_it() -> None:
    process = shared(0, kernel="6.1")
    process.machine.write_sysfs("shmem_enabled", "always")
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS, WINDOW, "dontneed")
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    process.write(ADDRESS + 5 * PAGE, 2)
    assert process.mm.rss == 1


def test_writing_to_a_private_view_of_a_huge_folio_copies_one_page() -> None:
    process = Machine().process("app")
    process.machine.write_sysfs("shmem_enabled", "always")
    file = process.memfd_create("x", WINDOW)
    process.mmap(ADDRESS, WINDOW, shared=True, file=file)
    process.mmap(ADDRESS + WINDOW, WINDOW, file=file)
    process.close(file)
    fill(process)
    assert process.read(ADDRESS + WINDOW) == 1
    assert (pmd(process, ADDRESS + WINDOW) or 0) & 0x82 == 0x80
    process.write(ADDRESS + WINDOW + 3 * PAGE, 99)
    assert process.read(ADDRESS + 3 * PAGE) == 4
    assert process.read(ADDRESS + WINDOW + 3 * PAGE) == 99
    assert process.machine.vmstat("nr_anon_pages") == 1
    check(process.machine)


# registration and eligibility ---------------------------------------------------------------------


def test_the_second_advice_registers_shared_memory() -> None:
    process = shared()
    process.machine.set_knobs([("shmem_enabled", "advise")])
    process.madvise(ADDRESS, WINDOW, "hugepage")
    assert not process.mm.flags & MMF_VM_HUGEPAGE
    process.madvise(ADDRESS, WINDOW, "hugepage")
    assert process.mm.flags & MMF_VM_HUGEPAGE


def test_mapping_registers_where_all_shared_memory_may_be_huge() -> None:
    machine = Machine()
    machine.write_sysfs("shmem_enabled", "always")
    assert shared(0, machine=machine).mm.flags & MMF_VM_HUGEPAGE


@pytest.mark.parametrize(
    ("word", "size", "runs"),
    [
        ("never", "inherit", False),
        ("advise", "inherit", True),
        ("deny", "always", False),
        ("never", "within_size", True),
        ("force", "inherit", True),
        ("always", "never", False),
    ],
)
def test_the_daemon_runs_for_shared_memory_alone(word: str, size: str, runs: bool) -> None:
    machine = Machine()
    machine.write_sysfs("enabled", "never")
    assert machine.kernel.khugepaged.thread is None
    machine.write_sysfs("hugepages-2048kB/shmem_enabled", size)
    machine.write_sysfs("shmem_enabled", word)
    assert (machine.kernel.khugepaged.thread is not None) is runs


def test_a_misaligned_offset_is_not_eligible() -> None:
    process = Machine().process("app")
    file = process.memfd_create("x", WINDOW + PAGE)
    process.mmap(ADDRESS, WINDOW, shared=True, file=file, pgoff=1)
    fill(process)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process) == []


@pytest.mark.parametrize("word", ["never", "deny"])
def test_madv_collapse_asks_only_whether_it_is_denied(word: str) -> None:
    process = shared()
    process.machine.write_sysfs("enabled", "never")
    process.machine.write_sysfs("shmem_enabled", word)
    if word == "deny":
        with pytest.raises(KernelError, match="EINVAL"):
            process.madvise(ADDRESS, WINDOW, "collapse")
    else:
        process.madvise(ADDRESS, WINDOW, "collapse")
        assert (pmd(process) or 0) & 0x80
