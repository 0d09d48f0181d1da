"""The arithmetic of the budget: 1 for each visit and each VMA passed over, 512 for each window.

A window that was tried costs 513, because the lock was dropped and the next one needs a new visit; the
default of 4096 units is reached in the eighth window: 8 * 513 = 4104.
"""

from __future__ import annotations

from typing import Any

import pytest

from thplab.machine import Machine
from thplab.mm.include.khugepaged import Khugepaged
from thplab.scenario import ScenarioRun, run_scenario, scenario


def passes(name: str) -> list[tuple[int, int]]:
    """For each pass of the scenario: windows collapsed, and units counted."""
    run = ScenarioRun(scenario(name))
    found = []
    scan: Khugepaged = run.machine.kernel.khugepaged
    for step in run.scenario.steps:
        for _ in range(step.get("wakeups", 1)):
            before = scan.pages_collapsed
            run.step({**step, "wakeups": 1} if "wakeups" in step else step)
            found.append((scan.pages_collapsed - before, scan.progress_of_pass))
    return found


def scans(seen: dict[str, Any], step: int, wakeup: int = 0) -> list[tuple[str, int, str]]:
    part = seen["steps"][step].get("wakeups", [seen["steps"][step]])[wakeup]
    return [(e["proc"], e["window"], e["status"]) for e in part["events"] if e["ev"] == "scan_pmd"]


def test_sixteen_windows() -> None:
    # 8 * 513 twice. The third pass finds the list's end at once (1), and goes on at its head: a visit and
    # eight windows that are huge already, 1 + 8 * 512.
    assert passes("S06.one16") == [(8, 4104), (8, 4104), (0, 4098)]


def test_six_hundred_small_vmas() -> None:
    # First pass: 600 + 7 * 513 = 4191. In the last pass the walk finds the end after one window and goes
    # round the list once more: the 600 small VMAs and the first windows, which are huge already.
    assert [collapsed for collapsed, _ in passes("S06.600vmas")] == [7, 8, 1]
    assert passes("S06.600vmas")[0] == (7, 4191)


@pytest.mark.long
def test_the_second_tenant_waits_513_passes() -> None:
    # 4096 windows of the first at 8 in each pass: 512 passes.
    wakeups = run_scenario(scenario("S06.AB"))["steps"][0]["wakeups"]
    collapsed = [[e["proc"] for e in w["events"] if e["ev"] == "collapse"] for w in wakeups]
    assert collapsed[:512] == [["a"] * 8] * 512
    assert collapsed[512] == ["b"] * 8


def test_a_busy_tenant_is_passed_over_and_begins_anew() -> None:
    seen = run_scenario(scenario("S06.busyA"))
    assert [proc for proc, _, _ in scans(seen, 1)][:2] == ["b", "b"]
    later = scans(seen, 3)
    assert ("a", 0, "succeeded") in later
    assert later[0] == ("a", 0, "succeeded")


def test_an_exiting_tenant_makes_room() -> None:
    seen = run_scenario(scenario("S06.exit"))
    assert {proc for proc, _, _ in scans(seen, 0)} == {"a"}
    assert scans(seen, 2)[:2] == [("b", 0, "succeeded"), ("b", 1, "succeeded")]


def test_without_free_huge_pages_two_windows_are_tried_in_each_pass() -> None:
    run = ScenarioRun(scenario("S06.nofree"))
    scan, clock = run.machine.kernel.khugepaged, run.machine.kernel.clock
    for number, step in enumerate(run.scenario.steps):
        begin, first = clock.now, len(run.machine.trace)
        run.step(step)
        run.machine.run_for(60_000)
        tried = [(e["window"], e["status"]) for e in run.events_since(first) if e["ev"] == "scan_pmd"]
        assert tried == [(2 * number + n, "alloc_huge_page_failed") for n in range(2)]
        assert scan.progress_of_pass == 2 * 513
        assert clock.now - begin >= 60_000 * 1_000_000


@pytest.mark.parametrize(
    ("name", "collapsed_at"),
    [
        # milliseconds after the first pass -> windows collapsed until then; n passes have n - 1 naps
        ("S06.naps", {0: 8, 9_999: 8, 10_000: 16, 19_999: 16, 20_000: 24}),
        ("S06.knobs", {0: 64, 999: 64, 1_000: 128, 2_000: 130}),
    ],
)
def test_naps(name: str, collapsed_at: dict[int, int]) -> None:
    run = ScenarioRun(scenario(name))
    begin = run.machine.kernel.clock.now
    run.step(run.scenario.steps[0])
    done = [e.time_ns - begin for e in run.machine.trace if _collapse(e)]
    for milliseconds, windows in collapsed_at.items():
        assert sum(1 for at in done if at <= milliseconds * 1_000_000) == windows


def _collapse(event: Any) -> bool:
    return event.mm == "a" and event.name == "mm_collapse_huge_page" and event.value("status") == "succeeded"


def test_without_a_nap_it_never_rests() -> None:
    seen = run_scenario(scenario("S06.sleep0"))
    assert seen["steps"][0]["passes"] >= 20


@pytest.mark.long
def test_sixty_four_gib_take_4096_passes() -> None:
    """32768 windows with one page in use, 8 in each pass; n passes have n - 1 naps of 10 s between them.

    Tables of 64 entries keep all ratios (the budget is 8 windows of base pages) and make the run short.
    """
    windows, entries = 32768, 64
    machine = Machine(memory_pages=(windows + 600) * (entries + 1), entries=entries)
    size = machine.kernel.geometry.HPAGE_PMD_SIZE
    tenant = machine.process("tenant")
    tenant.mmap(size, windows * size)
    for number in range(1, windows + 1):
        tenant.write(number * size, number)
    begin = machine.kernel.clock.now
    tenant.madvise(size, windows * size, "hugepage")
    scan = machine.kernel.khugepaged
    passes = scan.passes
    machine.run_for(4094 * 10_000)
    assert (scan.passes - passes + 1, scan.pages_collapsed) == (4095, 4095 * 8)
    machine.run_for(10_000)
    assert scan.pages_collapsed == windows
    collapses = [event.time_ns - begin for event in machine.trace if event.name == "mm_collapse_huge_page"]
    assert collapses[-1] == 4095 * 10 * 10**9
    assert tenant.mm.rss == windows * entries
