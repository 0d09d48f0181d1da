"""A collapse of shared memory: what it does to the file and to all who map it."""

from __future__ import annotations

import errno

import pytest

from tests.invariants import check, page_of
from tests.mm.lab import ADDRESS, PAGE, WINDOW, eat, fill, knob, pmd, table
from tests.mm.shmem_lab import COLLAPSE_FILE, SCAN_FILE, reads_back, register, registered, results, shared
from thplab.machine import Machine
from thplab.mm.include.errors import KernelError

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
