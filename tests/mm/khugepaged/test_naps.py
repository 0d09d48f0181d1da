"""The daemon's naps: between passes, and when no huge page is to be had."""

from __future__ import annotations

import pytest

from tests.invariants import check
from tests.mm.lab import ADDRESS, COLLAPSE, SCAN, WINDOW, advise, before, eat, knob, ready, statuses, written
from tests.mm.passes_lab import SECOND, processes, scan_of, units, windows
from thplab.machine import Machine
from thplab.mm.khugepaged import collapse as collapse_module


def test_two_failed_allocations_end_the_pass():
    """How does a pass go in which no huge page is to be had: naps, units, attempts?"""
    process = ready(4, pages=1)
    machine = process.machine
    held = eat(machine, 9)
    made = scan_of(machine).passes
    machine.wake_khugepaged()
    times = [(e.time_ns // SECOND, e.value("status")) for e in machine.trace if e.name == SCAN]
    assert times == [(0, "alloc_huge_page_failed"), (60, "alloc_huge_page_failed")]
    assert units(machine) == 2 * 513 == 1026
    assert scan_of(machine).passes == made + 1
    assert machine.vmstat("thp_collapse_alloc_failed") == 2
    assert machine.vmstat("thp_collapse_alloc") == 0
    check(machine, held=held)


def test_no_nap_when_the_budget_is_spent():
    """Does the daemon take the long nap when the failing window used up the budget?"""
    process = ready(4, pages=1)
    machine = process.machine
    knob(machine, pages_to_scan=513)
    eat(machine, 9)
    machine.wake_khugepaged()
    assert statuses(machine) == ["alloc_huge_page_failed"]
    assert machine.kernel.clock.now == 0
    assert scan_of(machine).thread.wait.queue == "khugepaged_wait"


def napping():
    """A machine whose daemon takes the long nap."""
    process = ready(4, pages=1)
    eat(process.machine, 9)
    knob(process.machine, alloc_sleep_millisecs=5000)
    process.machine.run_ready()
    assert scan_of(process.machine).thread.wait.queue == "khugepaged_alloc_sleep"
    assert scan_of(process.machine).thread.wait.deadline == 5 * SECOND
    return process.machine


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("khugepaged/scan_sleep_millisecs", 10000),
        ("khugepaged/alloc_sleep_millisecs", 60000),
        ("enabled", "always"),
    ],
)
def test_what_ends_the_long_nap(path, value):
    """Which writes wake the daemon out of the nap after a failed allocation?"""
    machine = napping()
    machine.write_sysfs(path, value)
    assert statuses(machine) == ["alloc_huge_page_failed"] * 2
    assert machine.kernel.clock.now == 0


@pytest.mark.parametrize(
    ("path", "value"), [("khugepaged/pages_to_scan", 100), ("khugepaged/max_ptes_none", 5)]
)
def test_what_does_not_end_the_long_nap(path, value):
    """Which do not?"""
    machine = napping()
    machine.write_sysfs(path, value)
    assert len(statuses(machine)) == 1


def test_never_ends_the_long_nap():
    """Can the daemon be stopped while it naps?"""
    machine = napping()
    machine.write_sysfs("enabled", "never")
    assert scan_of(machine).thread is None
    assert len(statuses(machine)) == 1


def test_naps_between_passes():
    """How long do n passes take?"""
    process = ready(30, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0)
    machine.run_for(35_000)
    started = sorted({e.time_ns for e in machine.trace})
    assert started == [0, 10 * SECOND, 20 * SECOND, 30 * SECOND]
    assert scan_of(machine).passes == 1 + 4  # the first one, at boot, had nothing to do
    assert machine.kernel.clock.now == 35 * SECOND


def test_the_nap_is_as_long_as_the_knob_says():
    """When does the daemon wake at scan_sleep_millisecs=250?"""
    process = ready(30, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0, scan_sleep_millisecs=250)
    machine.run_for(1000)
    assert sorted({e.time_ns // 1_000_000 for e in machine.trace}) == [0, 250, 500, 750, 1000]


def test_writing_the_nap_wakes_at_once():
    """Does a write to scan_sleep_millisecs begin a pass now, and one to pages_to_scan not?"""
    process = ready(30, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0)
    machine.run_ready()
    made = scan_of(machine).passes
    machine.write_sysfs("khugepaged/pages_to_scan", 4096)
    assert scan_of(machine).passes == made
    machine.write_sysfs("khugepaged/scan_sleep_millisecs", 10000)
    assert scan_of(machine).passes == made + 1
    assert machine.kernel.clock.now == 0


def test_busy_scanning(alarm):
    """Does a nap of 0 ms leave the machine usable, and does the daemon scan again and again?"""
    process = ready(3, pages=1)
    machine = process.machine
    knob(machine, max_ptes_none=0)
    with alarm(10):
        machine.write_sysfs("khugepaged/scan_sleep_millisecs", 0)
        machine.run_for(50)
    assert scan_of(machine).full_scans >= 2
    with alarm(10):
        machine.write_sysfs("khugepaged/scan_sleep_millisecs", 10000)
        assert process.read(ADDRESS) == 1


def test_nobody_registered_nobody_scanned():
    """Does time passing make the daemon do anything on an empty list?"""
    machine = Machine()
    made = scan_of(machine).passes
    machine.run_for(100_000)
    assert scan_of(machine).passes == made
    assert scan_of(machine).full_scans == 0


def test_pages_collapsed_counts_successes_only():
    """Which windows count in pages_collapsed: refused ones, huge ones, collapsed ones?"""
    process = written(3, pages=1)
    machine = process.machine
    page = process.pin(ADDRESS + WINDOW)
    advise(process, 3)
    machine.wake_khugepaged()
    assert statuses(machine) == ["succeeded", "not_suitable_page_count", "succeeded"]
    assert machine.read_sysfs("khugepaged/pages_collapsed") == "2\n"
    machine.wake_khugepaged()
    assert machine.read_sysfs("khugepaged/pages_collapsed") == "2\n"
    assert [e.value("isolated") for e in machine.trace if e.name == COLLAPSE] == ["1", "1"]
    check(machine, [page])


def test_exit_during_a_collapse(monkeypatch):
    """Does the daemon survive that its process ends while it allocates?"""
    machine = Machine()
    first, _ = processes(machine, "ab", 2)
    before(monkeypatch, collapse_module, "alloc_charge_folio", first.exit)
    machine.wake_khugepaged()
    assert statuses(machine)[0] == "no_process_for_page"
    assert windows(machine) == [("a", 0), ("b", 0), ("b", 1)]
    assert [slot.mm.name for slot in scan_of(machine).mm_head] == ["b"]
    check(machine)


def test_all_windows_seen_eventually():
    """Is every window of three processes huge after enough passes, each collapsed once?"""
    machine = Machine()
    processes(machine, "abc", 5)
    for _ in range(4):
        machine.wake_khugepaged()
    done = [(e.mm, e.address) for e in machine.trace if e.name == COLLAPSE]
    assert len(done) == len(set(done)) == 15
    assert scan_of(machine).pages_collapsed == 15
    check(machine)
