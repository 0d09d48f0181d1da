"""Shared memory: who sees what, how it is mapped, what khugepaged and MADV_COLLAPSE make of it."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, page_of, read_back
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, eat, fill, knob, pmd, table
from thplab.machine import Machine, Process
from thplab.mm.errors import KernelError
from thplab.mm.mm_types import MMF_VM_HUGEPAGE

SCAN_FILE, COLLAPSE_FILE = "mm_khugepaged_scan_file", "mm_khugepaged_collapse_file"


def shared(pages: int = 512, *, name: str = "app", machine: Machine | None = None, **how: object) -> Process:
    """A process with one window of shared memory, ``pages`` of it written."""
    process = (machine or Machine(**how)).process(name)  # type: ignore[arg-type]
    process.mmap(ADDRESS, WINDOW, shared=True)
    fill(process, 0, pages)
    return process


def registered(pages: int = 512, **how: object) -> Process:
    """The same under shmem_enabled=advise, advised twice: the second advice registers.

    The daemon has not looked yet.
    """
    return register(shared(pages, **how))


def register(process: Process, windows: float = 1) -> Process:
    """Advise twice under shmem_enabled=advise; the daemon runs with the next system call."""
    process.machine.set_knobs([("shmem_enabled", "advise")])
    advise(process, windows)
    advise(process, windows)
    return process


def results(process: Process) -> list[tuple[str, str]]:
    """(event, result) of the file events."""
    return [
        (e.name, e.value("result")) for e in process.machine.trace if e.name in (SCAN_FILE, COLLAPSE_FILE)
    ]


def reads_back(process: Process, pages: int = 512) -> bool:
    """Do the pages hold what fill wrote, and the others nothing?"""
    return read_back(process, ADDRESS, 512) == [n + 1 if n < pages else 0 for n in range(512)]


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


# collapse -----------------------------------------------------------------------------------------


def test_khugepaged_collapses_the_file_and_leaves_the_mapping_to_the_next_fault() -> None:
    process = registered(500)
    machine = process.machine
    before = machine.vmstat("nr_free_pages")
    machine.wake_khugepaged()
    assert results(process) == [(COLLAPSE_FILE, "succeeded"), (SCAN_FILE, "succeeded")]
    assert pmd(process) == 0
    assert process.mm.rss == 0
    assert machine.kernel.khugepaged.pages_collapsed == 1
    # 500 pages became 512; the page table went.
    assert machine.vmstat("nr_free_pages") == before - 12 + 1
    assert reads_back(process, 500)
    check(machine)
    process.read(ADDRESS)
    assert (pmd(process) or 0) & 0x82 == 0x82
    assert process.mm.rss == 512
    check(machine)


def test_madv_collapse_maps_it_at_once_and_says_pte_mapped_hugepage() -> None:
    process = shared(500)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process) == [(COLLAPSE_FILE, "pte_mapped_hugepage"), (SCAN_FILE, "pte_mapped_hugepage")]
    assert (pmd(process) or 0) & 0x80
    assert process.machine.vmstat("thp_file_mapped") == 1
    assert process.machine.kernel.khugepaged.pages_collapsed == 0
    assert reads_back(process, 500)
    check(process.machine)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process)[2:] == [(SCAN_FILE, "pte_mapped_hugepage")]


def test_6_1_says_succeeded_and_has_one_event() -> None:
    process = shared(500, kernel="6.1")
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process) == [(SCAN_FILE, "succeeded")]
    assert (pmd(process) or 0) & 0x80
    check(process.machine)


def test_a_collapse_takes_away_the_tables_of_all_who_map_the_file() -> None:
    process = shared()
    child = process.fork("child")
    child.read(ADDRESS)
    register(process)
    process.machine.wake_khugepaged()
    assert pmd(process) == pmd(child) == 0
    assert child.read(ADDRESS + 511 * PAGE) == 512
    assert (pmd(child) or 0) & 0x80
    check(process.machine)


@pytest.mark.parametrize(("allowed", "result"), [(411, "exceed_none_pte"), (412, "succeeded")])
def test_holes(allowed: int, result: str) -> None:
    """present < 512 - max_ptes_none; holes are counted in the file, not in the page table."""
    process = registered(100)
    knob(process.machine, max_ptes_none=allowed)
    process.machine.wake_khugepaged()
    assert results(process)[-1] == (SCAN_FILE, result)
    assert process.machine.vmstat("thp_scan_exceed_none_pte") == (allowed == 411)
    assert reads_back(process, 100)


def test_madv_collapse_ignores_the_limit_but_not_an_empty_file() -> None:
    process = shared(0)
    knob(process.machine, max_ptes_none=0)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process) == [(COLLAPSE_FILE, "truncated"), (SCAN_FILE, "truncated")]
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert (pmd(process) or 0) & 0x80
    check(process.machine)


def test_nobody_asks_for_accessed_marks_or_sharers() -> None:
    process = shared()
    process.fork("child").read(ADDRESS)
    process.clear_refs()
    register(process)
    knob(process.machine, max_ptes_shared=0)
    process.machine.wake_khugepaged()
    assert results(process)[-1] == (SCAN_FILE, "succeeded")


@pytest.mark.parametrize(("slots", "result"), [(65, "exceed_swap_pte"), (64, "succeeded")])
def test_swapped_pages_stand_in_the_page_cache(slots: int, result: str) -> None:
    process = shared(512, swap_pages=100)
    process.madvise(ADDRESS, slots * PAGE, "pageout")
    machine = process.machine
    assert [n for n in range(512) if not table(process)[n]] == list(range(slots))
    assert machine.vmstat("pswpout") == slots
    assert machine.vmstat("nr_shmem") == 512 - slots
    check(machine)
    register(process)
    machine.wake_khugepaged()
    assert results(process)[-1] == (SCAN_FILE, result)
    assert machine.vmstat("pswpin") == (64 if slots == 64 else 0)
    assert machine.vmstat("thp_scan_exceed_swap_pte") == (slots == 65)
    assert reads_back(process)
    check(machine)


def test_a_fault_brings_a_swapped_page_back() -> None:
    process = shared(10, swap_pages=100)
    child = process.fork("child")
    process.madvise(ADDRESS, 10 * PAGE, "pageout")
    assert child.read(ADDRESS + 3 * PAGE) == 4
    assert process.machine.vmstat("pswpin") == 1
    check(process.machine)
    process.exit()
    child.exit()
    assert not any(process.machine.kernel.swap.swap_map)


def test_a_page_that_two_processes_map_is_not_paged_out() -> None:
    process = shared(10, swap_pages=100)
    process.fork("child").read(ADDRESS)
    process.madvise(ADDRESS, 10 * PAGE, "pageout")
    assert process.machine.vmstat("pswpout") == 0


def test_a_pinned_page_stops_the_scan() -> None:
    process = shared()
    page = process.pin(ADDRESS + 5 * PAGE)
    with pytest.raises(KernelError) as refused:
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert refused.value.errno == errno.EAGAIN
    assert results(process) == [(SCAN_FILE, "not_suitable_page_count")]
    check(process.machine, [page])


def test_a_private_copy_keeps_the_window_from_being_mapped_huge() -> None:
    """The file is collapsed; its pages' copies stay, so the PMD is not set: EINVAL."""
    process = Machine().process("app")
    file = process.memfd_create("x", WINDOW)
    process.mmap(ADDRESS, WINDOW, file=file)
    process.close(file)
    fill(process)
    with pytest.raises(KernelError, match="EINVAL"):
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process)[-1] == (SCAN_FILE, "pte_mapped_hugepage")
    assert process.machine.vmstat("nr_shmem_hugepages") == 1
    assert process.machine.vmstat("nr_anon_pages") == 512
    assert reads_back(process)
    check(process.machine)


def test_no_memory_for_the_folio() -> None:
    process = shared(512)
    machine = process.machine
    held = eat(machine, 9)
    with pytest.raises(KernelError) as refused:
        process.madvise(ADDRESS, WINDOW, "collapse")
    assert refused.value.errno == errno.ENOMEM
    assert results(process)[0] == (COLLAPSE_FILE, "alloc_huge_page_failed")
    assert reads_back(process)
    check(machine, held=held)


def test_a_folio_that_is_huge_already_only_loses_its_table() -> None:
    """MADV_COLLAPSE over a PTE-mapped folio allocates nothing and maps it by a leaf."""
    process = shared(0)
    machine = process.machine
    machine.write_sysfs("shmem_enabled", "always")
    process.madvise(ADDRESS, WINDOW, "nohugepage")
    fill(process)
    folio = page_of(machine.kernel, table(process)[0])
    machine.set_knobs([("shmem_enabled", "never")])
    process.madvise(ADDRESS, WINDOW, "hugepage")
    process.madvise(ADDRESS, WINDOW, "collapse")
    assert results(process) == [(SCAN_FILE, "pte_mapped_hugepage")]
    assert page_of(machine.kernel, pmd(process) or 0) == folio
    assert machine.vmstat("thp_collapse_alloc") == 0
    assert reads_back(process)
    check(machine)


def test_khugepaged_counts_a_folio_that_was_huge_already() -> None:
    process = shared(0)
    machine = process.machine
    machine.write_sysfs("shmem_enabled", "advise")
    process.madvise(ADDRESS, WINDOW, "hugepage")
    fill(process)
    process.madvise(ADDRESS, PAGE, "nohugepage")
    process.madvise(ADDRESS, PAGE, "hugepage")  # the VMAs are joined again, which registers
    assert results(process) == [(SCAN_FILE, "pte_mapped_hugepage")]
    assert machine.kernel.khugepaged.pages_collapsed == 1


def test_a_window_of_a_file_ends_the_visit() -> None:
    """mmap_lock is dropped for the scan, so each window costs the unit of a new visit too: 513."""
    process = Machine().process("app")
    process.mmap(ADDRESS, 4 * WINDOW, shared=True)
    process.write(ADDRESS, 1)
    register(process, 4)
    knob(process.machine, pages_to_scan=1026, max_ptes_none=0)
    process.machine.wake_khugepaged()
    assert [name for name, _ in results(process)] == [SCAN_FILE, SCAN_FILE]
    assert process.machine.kernel.khugepaged.progress_of_pass == 1026


def test_the_events_say_which_file() -> None:
    process = shared()
    process.madvise(ADDRESS, WINDOW, "collapse")
    texts = [event.text().partition(": mm_")[2] for event in process.machine.trace]
    assert "is_shmem=1, filename=dev/zero, nr=512, result=pte_mapped_hugepage" in texts[0]
    assert f"index=0, addr={ADDRESS:x}" in texts[0]
    assert "scan_pfn=0xffffffffffffffff, filename=dev/zero, present=512, swap=0" in texts[1]


# smaps --------------------------------------------------------------------------------------------


def test_smaps_tells_shared_huge_pages_from_anonymous_ones() -> None:
    process = shared(100)
    process.madvise(ADDRESS, WINDOW, "collapse")
    text = process.smaps()
    assert "rw-s 00000000 00:01" in text
    assert "/dev/zero (deleted)" in text
    assert "AnonHugePages:         0 kB" in text
    assert "ShmemPmdMapped:     2048 kB" in text
    assert "Rss:                2048 kB" in text
