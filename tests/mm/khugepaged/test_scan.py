"""The daemon: units, the cursor, and when it runs at all."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, after, app, fill, knob, ready, statuses, written
from tests.mm.passes_lab import passes, processes, scan_of, units, windows
from thplab.machine import Machine
from thplab.mm.include.lock import down_write, up_write
from thplab.mm.include.mm_types import MMF_DISABLE_THP_COMPLETELY
from thplab.mm.khugepaged import collapse as collapse_module
from thplab.mm.khugepaged import scan as khugepaged_module


def test_default_budget_with_collapses():
    """How many windows does a pass collapse at 4096 units, and what do they cost?"""
    process = ready(20, pages=1)
    assert passes(process.machine) == [8]
    assert units(process.machine) == 8 * 513 == 4104
    assert scan_of(process.machine).pages_collapsed == 8
    assert scan_of(process.machine).scan_address == ADDRESS + 8 * WINDOW
    start = len(process.machine.trace)
    assert passes(process.machine, 2) == [8, 8]
    assert [n for _, n in windows(process.machine, start)] == [*range(8, 20), *range(4)]
    # 4 collapses, the end of the list, and on at the head over leaves: 4 * 513 + 1 + 1 + 4 * 512
    assert units(process.machine) == 4102
    assert scan_of(process.machine).full_scans == 1


def test_default_budget_without_collapses():
    """And if every window is refused?"""
    process = ready(20, pages=1)
    knob(process.machine, max_ptes_none=0)
    assert passes(process.machine) == [8]
    assert units(process.machine) == 1 + 8 * 512 == 4097


@pytest.mark.parametrize(
    ("budget", "number"),
    [(1, 1), (512, 1), (513, 1), (514, 2), (1024, 2), (1025, 2), (1026, 3), (2048, 4), (4096, 8)],
)
def test_windows_per_budget(budget, number):
    """How many refused windows fit into a budget: the first n with 1 + 512 n >= P?"""
    process = ready(12, pages=1)
    knob(process.machine, max_ptes_none=0, pages_to_scan=budget)
    assert passes(process.machine) == [number]
    assert units(process.machine) == 1 + 512 * number


@pytest.mark.parametrize("state", ["pmd_none", "page_pmd_mapped", "exceed_none_pte"])
def test_every_window_costs_the_same(state):
    """What does a window cost that is empty, huge already, or refused at its first entry?"""
    process = written(2, pages=1)
    if state == "pmd_none":
        process.madvise(ADDRESS, WINDOW, "dontneed")
    elif state == "page_pmd_mapped":
        process.madvise(ADDRESS, WINDOW, "collapse")
    else:
        process.madvise(ADDRESS, PAGE, "dontneed")
    start = len(process.machine.trace)
    knob(process.machine, pages_to_scan=513, max_ptes_none=0)
    advise(process, 2)
    process.machine.wake_khugepaged()
    assert statuses(process.machine)[-1:] == [state]
    assert len(process.machine.trace) == start + 1
    assert units(process.machine) == 1 + 512


def test_vmas_passed_over_cost_one_each():
    """What does a visit cost that finds 600 VMAs too small for a window: does the budget cut it?"""
    process = Machine().process("app")
    for number in range(600):
        process.mmap(ADDRESS + 2 * WINDOW + number * 2 * PAGE, PAGE)
    process.mmap(ADDRESS, WINDOW)
    fill(process, 0, 1)
    advise(process)
    machine = process.machine
    knob(machine, pages_to_scan=1, max_ptes_none=0)
    assert passes(machine) == [1]
    assert (units(machine), scan_of(machine).full_scans) == (513, 0)
    assert passes(machine) == [0]  # the rest: no window is left
    assert (units(machine), scan_of(machine).full_scans) == (601, 1)


def test_budget_is_not_looked_at_between_vmas():
    """How do 600 small VMAs before the windows change what three passes look at?"""
    process = Machine().process("app")
    for number in range(600):
        process.mmap(ADDRESS - 3 * WINDOW + number * 2 * PAGE, PAGE)
    process.mmap(ADDRESS, 16 * WINDOW)
    for number in range(16):
        fill(process, 0, 1, ADDRESS + number * WINDOW)
    advise(process, 16)
    machine = process.machine
    knob(machine, max_ptes_none=0)
    # 1 + 600 + 7 * 512 = 4185; then the small ones lie below the cursor: 1 + 8 * 512; one is left.
    assert passes(machine) == [7]
    assert units(machine) == 4185
    assert passes(machine) == [8]
    assert units(machine) == 4097
    # one window, the end of the list, and on at the head: 1 + 512, then 1 + 600 + 6 * 512
    start = len(machine.trace)
    machine.wake_khugepaged()
    assert windows(machine, start) == [("app", n) for n in (15, 0, 1, 2, 3, 4, 5)]
    assert units(machine) == 513 + 601 + 6 * 512


def test_ineligible_vma_costs_one():
    """What does a large VMA cost that may not have huge pages, beside one that may?"""
    process = app(6)
    process.write(ADDRESS, 1)
    process.madvise(ADDRESS + WINDOW, 5 * WINDOW, "nohugepage")
    advise(process)
    knob(process.machine, max_ptes_none=0)
    assert passes(process.machine) == [1]
    assert units(process.machine) == 1 + 512 + 1
    assert scan_of(process.machine).full_scans == 1


def test_short_list_is_walked_once():
    """Does a pass with much budget go round the list more than once?"""
    machine = Machine()
    processes(machine, "abc", 2)
    knob(machine, max_ptes_none=0, pages_to_scan=1_000_000)
    assert passes(machine) == [6]
    assert windows(machine) == [(name, n) for name in "abc" for n in (0, 1)]
    assert units(machine) == 3 * (1 + 2 * 512)
    assert scan_of(machine).full_scans == 1
    assert scan_of(machine).scan_mm_slot is None


def test_from_mid_list_twice_to_the_end():
    """How far does a pass go that begins in the middle, and how many full scans may it count?"""
    machine = Machine()
    processes(machine, "abc", 1)
    knob(machine, max_ptes_none=0, pages_to_scan=514)
    passes(machine)
    assert windows(machine) == [("a", 0), ("b", 0)]
    knob(machine, pages_to_scan=1_000_000)
    start = len(machine.trace)
    machine.wake_khugepaged()
    assert windows(machine, start) == [("c", 0), ("a", 0), ("b", 0), ("c", 0)]
    assert scan_of(machine).full_scans == 2


def test_the_end_of_an_mm_is_noticed_in_the_next_pass():
    """When is a full scan counted whose budget ended exactly on the last window?"""
    process = ready(2, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0, pages_to_scan=1025)
    assert passes(machine) == [2]
    assert (scan_of(machine).full_scans, scan_of(machine).scan_address) == (0, ADDRESS + 2 * WINDOW)
    assert passes(machine) == [2]
    assert (scan_of(machine).full_scans, units(machine)) == (1, 1 + 1025)


def test_cursor_skips_what_lies_behind():
    """Is a VMA mapped behind the cursor looked at before the next lap, and an unmapped window ahead?"""
    machine = Machine()
    process = machine.process("app")
    for number in (1, 2, 3, 4):
        process.mmap(ADDRESS + 2 * number * WINDOW, WINDOW)
        fill(process, 0, 1, ADDRESS + 2 * number * WINDOW)
        advise(process, 1, ADDRESS + 2 * number * WINDOW)
    knob(machine, max_ptes_none=0, pages_to_scan=513)
    passes(machine)
    process.mmap(ADDRESS, WINDOW)
    fill(process, 0, 1)
    advise(process)
    process.munmap(ADDRESS + 6 * WINDOW, WINDOW)
    start = len(machine.trace)
    for _ in range(3):
        machine.wake_khugepaged()
    assert windows(machine)[0] == ("app", 2)
    assert [n for _, n in windows(machine, start)] == [4, 8, 0]


def test_full_budget_cursor_inside_two_mms():
    """In which order are the windows of two processes looked at, pass by pass?"""
    machine = Machine()
    processes(machine, "ab", 3)
    knob(machine, max_ptes_none=0, pages_to_scan=1025)
    per_pass = []
    for _ in range(4):
        start = len(machine.trace)
        machine.wake_khugepaged()
        per_pass.append([f"{mm}{n}" for mm, n in windows(machine, start)])
    # 1+2*512 | 1+512+0, 1+512 | 1+2*512 (b1, b2) | 1, then from the head a0, a1
    assert per_pass == [["a0", "a1"], ["a2", "b0"], ["b1", "b2"], ["a0", "a1"]]


def test_exit_under_the_cursor():
    """Where does the daemon go on when the process under its cursor has ended, and who frees the slot?"""
    machine = Machine()
    first, _, _ = processes(machine, "abc", 3)
    knob(machine, max_ptes_none=0, pages_to_scan=513)
    passes(machine)
    assert scan_of(machine).scan_mm_slot.mm is first.mm
    first.exit()
    assert [slot.mm.name for slot in scan_of(machine).mm_head] == ["a", "b", "c"]
    start = len(machine.trace)
    machine.wake_khugepaged()
    assert windows(machine, start) == [("b", 0)]
    assert units(machine) == 1 + 513
    assert [slot.mm.name for slot in scan_of(machine).mm_head] == ["b", "c"]
    check(machine)


def test_exit_of_the_last_under_the_cursor():
    """Does a full scan count when the process that ended was the last of the list?"""
    process = ready(3, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0, pages_to_scan=513)
    passes(machine)
    process.exit()
    machine.wake_khugepaged()
    assert (scan_of(machine).full_scans, scan_of(machine).mm_head) == (1, ())
    check(machine)


def test_never_forgets_the_cursor():
    """Where does the daemon begin after it was stopped in the middle and started again?"""
    machine = Machine()
    processes(machine, "ab", 4)
    knob(machine, max_ptes_none=0, pages_to_scan=2049)
    passes(machine, 1)
    assert (scan_of(machine).scan_mm_slot.mm.name, scan_of(machine).scan_address) == (
        "a",
        ADDRESS + 4 * WINDOW,
    )
    old = scan_of(machine).thread
    machine.write_sysfs("enabled", "never")
    assert (scan_of(machine).thread, scan_of(machine).scan_mm_slot) == (None, None)
    start = len(machine.trace)
    machine.write_sysfs("enabled", "madvise")
    assert scan_of(machine).thread is not old
    assert windows(machine, start)[0] == ("a", 0)  # and at once


def test_never_frees_the_slot_of_a_dead_mm_under_the_cursor():
    """Who frees a dead slot when the daemon stops before it comes by?"""
    process = ready(3, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0, pages_to_scan=513)
    passes(machine)
    process.exit()
    machine.write_sysfs("enabled", "never")
    assert scan_of(machine).mm_head == ()
    check(machine)


def test_never_keeps_the_list():
    """Are living processes still registered after never and always?"""
    process = ready(pages=1)
    machine = process.machine
    machine.write_sysfs("enabled", "never")
    assert [slot.mm for slot in scan_of(machine).mm_head] == [process.mm]
    assert passes(machine) == [0]
    machine.write_sysfs("enabled", "always")
    assert statuses(machine) == ["succeeded"]


@pytest.mark.parametrize(
    ("enabled", "size", "runs"),
    [
        ("always", "inherit", True),
        ("madvise", "inherit", True),
        ("never", "inherit", False),
        ("never", "always", True),
        ("never", "madvise", True),
        ("madvise", "never", False),
    ],
)
def test_when_there_is_a_daemon(enabled, size, runs):
    """Under which words does the thread exist?"""
    machine = Machine()
    machine.write_sysfs("enabled", enabled)
    machine.write_sysfs("hugepages-2048kB/enabled", size)
    assert (scan_of(machine).thread is not None) is runs


def test_trylock_failure_skips_the_mm():
    """What does a process cost whose mmap_lock is held for writing, and when does its turn come?"""
    machine = Machine()
    first, _ = processes(machine, "ab", 1)
    knob(machine, max_ptes_none=0, pages_to_scan=1_000_000)
    down_write(first.mm.mmap_lock, "a")
    assert passes(machine) == [1]
    assert windows(machine) == [("b", 0)]
    assert (units(machine), scan_of(machine).full_scans) == (0 + 513, 1)
    up_write(first.mm.mmap_lock)
    start = len(machine.trace)
    machine.wake_khugepaged()
    assert windows(machine, start) == [("a", 0), ("b", 0)]


def test_trylock_failure_of_the_last_counts_a_full_scan():
    """Does a full scan count when the only process could not be locked?"""
    process = ready(pages=1)
    down_write(process.mm.mmap_lock, "app")
    assert passes(process.machine) == [0]
    assert (units(process.machine), scan_of(process.machine).full_scans) == (0, 1)
    up_write(process.mm.mmap_lock)


def test_thp_disabled_costs_one():
    """What does a process cost that switched THP off by prctl, and does it stay on the list?"""
    machine = Machine()
    first, _ = processes(machine, "ab", 1)
    first.mm.flags |= MMF_DISABLE_THP_COMPLETELY
    knob(machine, max_ptes_none=0)
    assert passes(machine) == [1]
    assert windows(machine) == [("b", 0)]
    assert units(machine) == 1 + 513
    assert [slot.mm.name for slot in scan_of(machine).mm_head] == ["a", "b"]


@pytest.mark.parametrize(("kernel", "units_spent"), [("6.1", 1 + 301), ("6.12", 1), ("6.18", 1), ("7.3", 1)])
def test_a_disabled_process_with_many_mappings(kernel, units_spent):
    """What does it cost, by version: one unit, or (6.1) one for each mapping as well?"""
    process = ready(1, kernel=kernel)
    for number in range(300):
        process.mmap(ADDRESS + 4 * WINDOW + number * 2 * PAGE, PAGE)
    process.machine.wake_khugepaged()
    process.prctl_thp_disable()
    process.machine.wake_khugepaged()
    assert units(process.machine) == units_spent


@pytest.mark.parametrize(
    ("kernel", "status", "laps"),
    [
        ("6.1", "vma_check_failed", 0),
        ("6.12", "no_process_for_page", 0),
        ("6.18", "no_process_for_page", 0),
        ("7.3", "no_process_for_page", 1),
    ],
)
def test_thp_disabled_while_no_lock_is_held(monkeypatch, kernel, status, laps):
    """With which result does a collapse end, and is the cursor still at the process after that visit?"""
    process = ready(2, kernel=kernel)
    machine = process.machine
    machine.kernel.knobs.pages_to_scan = 8
    after(monkeypatch, collapse_module, "_recheck_for_reading", process.prctl_thp_disable)
    machine.wake_khugepaged()
    assert statuses(machine) == [status]
    assert scan_of(machine).full_scans == laps
    assert (scan_of(machine).scan_mm_slot is None) == bool(laps)


def test_thp_disabled_in_the_middle_of_a_visit(monkeypatch):
    """Where does the visit end when THP is switched off after the first window?"""
    machine = Machine()
    process, _ = processes(machine, "ab", 3)
    knob(machine, max_ptes_none=0, pages_to_scan=10_000)
    calls = []
    original = khugepaged_module.scan_pmd

    def disable_after_the_first(*args):
        result = original(*args)
        calls.append(args[2])
        process.mm.flags |= MMF_DISABLE_THP_COMPLETELY
        return result

    monkeypatch.setattr(khugepaged_module, "scan_pmd", disable_after_the_first)
    machine.wake_khugepaged()
    assert windows(machine)[:2] == [("a", 0), ("b", 0)]
    assert units(machine) == 513 + 1 + 1 + 3 * 512  # a; a again: one unit; b
    check(machine)
