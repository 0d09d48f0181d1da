"""The meter: what was measured of whole windows and faults comes out again, and who pays is who did it."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from tests.mm.lab import ADDRESS, PAGE, WINDOW, advise, app, fill, knob, ready, written
from tests.sampling import some
from thplab.experiments.comb import comb34
from thplab.ledger import SHAPE, STEPS, Bill, Meter, bill_of, bill_of_counters, shipped_costs
from thplab.machine import Machine
from thplab.recording import Recorder, record_scenario
from thplab.scenario import ScenarioRun, scenario
from tools.costs import medians_ns, migrated_pages_and_seconds, timings

MEASURED = medians_ns(timings())
#: Each of the few figures of a sum is rounded to a hundredth of a ns, each charge to a whole one.
CLOSE = {"abs": 10}


def metered(process: Any, action: Any) -> Bill:
    machine: Machine = process.machine
    with Meter(machine) as meter:
        start = machine.kernel.clock.now
        action()
        assert machine.kernel.clock.now - start == meter.bill.ns()
    return meter.bill


def one_pass(process: Any) -> Bill:
    return metered(process, process.machine.wake_khugepaged)


@pytest.mark.parametrize(("pages", "name"), [(512, "512_present"), (1, "1_present_511_none")])
def test_a_collapse_takes_what_its_two_measured_parts_take(pages: int, name: str) -> None:
    bill = one_pass(ready(pages=pages))
    parts = [MEASURED[f"collapse_{name}:{part}"] for part in ("scan_alloc_isolate", "copy_and_map")]
    assert bill.ns("khugepaged") == bill.ns() == pytest.approx(sum(parts), **CLOSE)


@pytest.mark.parametrize(("pages", "name"), [(512, "512_present"), (1, "1_present_511_none")])
def test_a_scan_that_refuses_takes_what_was_measured(pages: int, name: str) -> None:
    process = written(pages=pages)
    knob(process.machine, max_ptes_none=511)
    process.clear_refs()  # nobody uses it: refused after all entries
    advise(process)
    assert one_pass(process).ns() == pytest.approx(MEASURED[f"scan_window_{name}"], **CLOSE)


def test_a_scan_that_stops_is_paid_to_where_it_stopped() -> None:
    process = written(pages=100)
    knob(process.machine, max_ptes_none=7)
    advise(process)
    bill = one_pass(process)
    assert (bill.count("scan_window"), bill.count("scan_pte_present"), bill.count("scan_pte_none")) == (
        1,
        99,
        8,
    )


@pytest.mark.parametrize(
    ("touch", "step"), [(False, "scan_window_pmd_none"), (True, "scan_window_already_huge")]
)
def test_windows_without_a_loop(touch: bool, step: str) -> None:
    process = app(4)
    advise(process, 4)
    process.write(ADDRESS + 3 * WINDOW, 1)  # an anon_vma, and something huge to skip
    if touch:
        for number in range(3):
            process.write(ADDRESS + number * WINDOW, 1)
    bill = one_pass(process)
    count = 4 if touch else 3
    assert bill.ns() == pytest.approx(
        count * MEASURED[step] + (4 - count) * MEASURED["scan_window_already_huge"], **CLOSE
    )


def test_faults() -> None:
    base = metered(process := app(), lambda: fill(process, 0, 8))
    assert base.ns("app") == pytest.approx(8 * MEASURED["fault_base_page_write"], **CLOSE)
    process = app()
    zero = metered(process, lambda: process.read(ADDRESS))
    assert zero.ns("app") == pytest.approx(MEASURED["fault_zero_page_read"], **CLOSE)
    advise(process := app())
    huge = metered(process, lambda: process.write(ADDRESS, 1))
    assert huge.count("fault_huge_page", "app") == 1
    assert huge.ns("app") == pytest.approx(MEASURED["fault_huge_page_write"], **CLOSE)


def test_one_huge_fault_takes_75_small_ones_and_saves_511() -> None:
    costs = shipped_costs()
    assert 70 < costs.ns("fault_huge_page") / costs.ns("fault_base_page") < 80
    assert costs.ns("fault_base_page", 512) > 6 * costs.ns("fault_huge_page")


def test_the_caller_of_madvise_collapse_pays_itself() -> None:
    process = written()
    bill = metered(process, lambda: process.madvise(ADDRESS, WINDOW, "collapse"))
    assert bill.parties() == ["app"]
    assert bill.waited() == bill.ns() > 600_000
    daemon = one_pass(ready())
    assert daemon.parties() == ["khugepaged"]
    assert daemon.waited() == 0


def test_isolation_and_copy_happen_under_mmap_lock_held_for_writing_and_nothing_else() -> None:
    locked = {row.step: (row.ns, row.locked_ns) for row in one_pass(ready(pages=100)).rows}
    for step, (ns, under_lock) in locked.items():
        assert under_lock == (ns if step in ("isolate_page", "copy_page", "clear_page") else 0)
    assert locked["clear_page"][0] > 0


def test_N16_the_pause_falls_as_emptiness_grows() -> None:
    pauses = [
        sum(row.locked_ns for row in one_pass(ready(pages=512 - empty)).rows)
        for empty in (0, 128, 256, 384, 511)
    ]
    assert pauses == sorted(pauses, reverse=True)
    assert pauses[-1] < pauses[1] / 2


def test_a_futile_collapse_is_paid_too() -> None:
    process = ready()
    process.pin(ADDRESS + 511 * PAGE)
    bill = one_pass(process)
    assert bill.count("scan_pte_present") == 511
    assert bill.count("alloc_huge_page") == 0  # the scan saw the pin


def test_swap_in_by_whoever_does_it() -> None:
    run = ScenarioRun(scenario("S07.swap64"))
    with Meter(run.machine) as meter:
        for step in run.scenario.steps:
            run.step(step)
    assert meter.bill.count("swap_in_page", "khugepaged") == 64


def per_migrated_page() -> float:
    pages, seconds = migrated_pages_and_seconds()
    return seconds * 1e9 / pages


def test_kcompactd_moves_pages_and_nobody_waits() -> None:
    machine, _ = comb34()
    with Meter(machine) as meter:
        machine.write_sysctl("compaction_proactiveness", 20)
        machine.run_for(1000)
    assert meter.bill.parties() == ["kcompactd0"]
    assert meter.bill.count("migrate_page") == 2 * 128  # two blocks of 128 pages each
    assert meter.bill.ns() == pytest.approx(256 * per_migrated_page(), rel=1e-4)
    assert meter.bill.waited() == 0


def test_direct_compaction_is_paid_by_the_fault() -> None:
    machine, _ = comb34()
    machine.write_sysfs("defrag", "always")
    process = machine.process("p")
    process.mmap(ADDRESS, WINDOW)
    process.madvise(ADDRESS, WINDOW, "hugepage")
    bill = metered(process, lambda: process.write(ADDRESS, 1))
    assert bill.count("fault_huge_page", "p") == 1
    assert bill.count("migrate_page", "p") == 128
    assert bill.count("fault_base_page") == 0
    assert bill.waited() == bill.ns("p")


def test_N14_a_huge_page_is_had_sooner_where_kcompactd_was_there_before() -> None:
    def fault(proactiveness: int) -> int:
        machine, _ = comb34()
        machine.write_sysfs("defrag", "always")
        machine.write_sysctl("compaction_proactiveness", proactiveness)
        machine.run_for(1000)
        process = app(1, machine)
        advise(process)
        bill = metered(process, lambda: process.write(ADDRESS, 1))
        assert bill.count("fault_huge_page", "app") == 1
        return bill.ns("app")

    assert fault(20) * 5 < fault(0)


SCENARIOS = ("note", "S07.none_411", "S07.swap64", "S07.shared256", "S07.pin", "S06.naps", "S12.collapse.ok")


@pytest.mark.parametrize("name", some(SCENARIOS, 3))
@pytest.mark.parametrize("depth", ["events", "functions"])
def test_a_recording_gives_the_same_bill_afterwards(name: str, depth: str) -> None:
    run = ScenarioRun(scenario(name))
    with Meter(run.machine) as meter, Recorder(run.machine.kernel, depth) as recorder:
        for step in run.scenario.steps:
            run.step(step)
    assert meter.bill.rows
    assert {(r.party, r.step, r.count) for r in bill_of(recorder.recording).rows} == {
        (r.party, r.step, r.count) for r in meter.bill.rows
    }


def test_a_bill_of_faults_from_a_recording() -> None:
    process = app(2)
    with Meter(process.machine) as meter, Recorder(process.mm.kernel, "events") as recorder:
        process.read(ADDRESS)
        fill(process, 0, 8)
        process.madvise(ADDRESS, 2 * WINDOW, "hugepage")
        process.write(ADDRESS + WINDOW, 1)
    found = bill_of(recorder.recording)
    assert found.count("fault_zero_page", "app") == 1
    assert found.count("fault_base_page", "app") == 8
    assert found.count("fault_huge_page", "app") == 1
    assert [(r.party, r.step, r.ns) for r in found.rows] == [(r.party, r.step, r.ns) for r in meter.bill.rows]


def test_a_scenario_is_recorded_with_time_going_on() -> None:
    still = record_scenario("note", depth="functions")
    moving = record_scenario("note", depth="functions", alongside=Meter)
    assert still.moment(len(still) - 1).time_ns == still.moment(0).time_ns
    took = moving.moment(len(moving) - 1).time_ns - moving.moment(0).time_ns
    assert took == bill_of(moving).ns() == bill_of(still).ns()


def test_a_bill_of_counters() -> None:
    before = {"pgfault": 10, "thp_fault_alloc": 1, "pgmigrate_success": 0}
    after = {"pgfault": 15, "thp_fault_alloc": 2, "pgmigrate_success": 128, "pswpin": 0}
    bill = bill_of_counters(before, after)
    assert {row.step: row.count for row in bill.rows} == {
        "fault_base_page": 4, "fault_huge_page": 1, "migrate_page": 128,
    }  # fmt: skip


def test_without_a_meter_no_step_takes_time() -> None:
    process = ready()
    process.machine.wake_khugepaged()
    process.write(ADDRESS + 1, 2)
    assert process.mm.kernel.clock.now == 0


def test_the_clock_never_runs_backwards() -> None:
    process = ready(8)
    with Meter(process.machine) as meter:
        process.machine.run_for(0.001)  # one microsecond, in which the daemon works for milliseconds
    assert process.mm.kernel.clock.now == meter.bill.ns() > 1_000_000


def test_another_machine_is_not_billed() -> None:
    mine, other = ready(), ready()
    with Meter(mine.machine) as meter:
        other.machine.wake_khugepaged()
        other.write(ADDRESS, 5)
        other.mmap(ADDRESS + WINDOW, WINDOW)
        other.write(ADDRESS + WINDOW, 5)
    assert meter.bill.rows == []
    assert other.mm.kernel.clock.now == 0


def test_a_profiler_goes_on_afterwards_and_two_meters_are_refused() -> None:
    process = app()

    def mine(*_: object) -> None:
        """A profiler."""

    sys.setprofile(mine)
    try:
        with Meter(process.machine), pytest.raises(RuntimeError, match="a meter runs already"):
            Meter(process.machine).__enter__()
        assert sys.getprofile() is mine
        with pytest.raises(ZeroDivisionError), Meter(process.machine):
            1 / 0  # noqa: B018
        assert sys.getprofile() is mine
    finally:
        sys.setprofile(None)


def test_the_table_sums_up_and_says_that_it_is_no_measurement() -> None:
    bill = one_pass(ready())
    assert SHAPE in str(bill)
    assert SHAPE in bill._repr_html_()
    assert "6.18.44" in str(bill)
    last = bill.table().rows[-1]
    assert last[:2] == ("khugepaged", "all together")
    assert float(last[3]) == pytest.approx(bill.ns() / 1000, abs=0.06)
    assert [row[1] for row in bill.table().rows[:-1]] == [STEPS[row.step] for row in bill.rows]
