"""The lanes: the table of the course, row by row, and what recorded runs of real kernels have in common."""

from __future__ import annotations

import gzip
import json
from contextlib import nullcontext
from pathlib import Path

import pytest

from tests.invariants import check
from thplab.experiments.lanes import LANES, SIZE, WINDOW, run_lane
from thplab.mm.proc.task_mmu import huge_pages

CAPTURES = Path(__file__).parent.parent / "data" / "captures" / "lanes"
USED = 128  # used frames in a pageblock of the comb: the price of one free block

#: lane: result, pages moved, pages copied by a collapse, who compacted, who waited for it, free blocks
TABLE = {
    "A": ("small", 0, 0, "nobody", "nobody", 0),
    "B": ("huge", USED, 0, "P", "P", 0),
    "C": ("small", 0, 0, "nobody", "nobody", 0),
    "D": ("huge", USED, 512, "khugepaged", "khugepaged", 0),
    "E": ("failed", 0, 0, "nobody", "nobody", 0),
    "F": ("huge", USED, 512, "khugepaged", "khugepaged", 0),
    "G": ("blocks", 2 * USED, 0, "kcompactd0", "nobody", 2),
    "H": ("huge", USED, 512, "P", "P", 0),
}
#: Counters that are zero or not in a lane and in the recorded one.
FAMILIES = (
    "compact_stall",
    "compact_success",
    "compact_fail",
    "compact_daemon_wake",
    "thp_fault_fallback",
    "thp_collapse_alloc",
    "thp_collapse_alloc_failed",
)


def recorded(lane: str, kernel: str = "6.12") -> dict:
    """The row of a recorded lane."""
    with gzip.open(CAPTURES / f"lanes-{kernel}.jsonl.gz", "rt") as file:
        return next(row for row in map(json.loads, file) if row["lane"] == lane)


@pytest.fixture(scope="module")
def results():
    return {letter: run_lane(letter) for letter in LANES}


@pytest.mark.parametrize("letter", TABLE)
def test_the_table(results, letter):
    """Who produces the block, who consumes it, who waits, what it costs."""
    r = results[letter]
    assert (r.result, r.moved, r.collapsed, r.worked, r.waited, r.free_blocks) == TABLE[letter]
    assert r.huge_pages == (r.result == "huge")


#: Our lane and the recorded one that does the same to one window.
PAIRS = {"A": "A", "B": "B1", "C": "C", "D": "D", "E": "E60", "F": "F", "G": "G20", "H": "H"}


@pytest.mark.parametrize("kernel", ["6.12", "6.1"])
@pytest.mark.parametrize("letter", PAIRS)
def test_the_same_counters_move_on_a_real_kernel(results, letter, kernel):
    """Are the same counters zero and not zero as in the recorded lane?"""
    delta = recorded(PAIRS[letter], kernel)["delta"]
    ours = dict(results[letter].counters)
    if letter == "D":
        # The recorded lane counts the fault that fell back; ours happened before the comb was complete.
        ours["thp_fault_fallback"] = 1
    assert {n: bool(ours.get(n)) for n in FAMILIES} == {n: bool(delta.get(n)) for n in FAMILIES}


@pytest.mark.parametrize("letter", ["B", "F", "H"])
def test_one_stall_for_each_huge_page(results, letter):
    """In the recorded lanes each huge page costs one stall that succeeds; here too."""
    for kernel in ("6.12", "6.1"):
        delta = recorded(PAIRS[letter], kernel)["delta"]
        pages = delta.get("thp_fault_alloc", 0) + delta.get("thp_collapse_alloc", 0)
        assert delta["compact_stall"] == delta["compact_success"] == pages
    ours = results[letter].counters
    assert ours["compact_stall"] == ours["compact_success"] == results[letter].huge_pages == 1


@pytest.mark.parametrize("letter", ["A", "B", "C", "D", "F", "G", "H"])
def test_the_same_task_compacts(results, letter):
    """Who does the work: the toucher, khugepaged, kcompactd, the caller, or nobody?"""
    events = recorded(PAIRS[letter])["events"]["by_task"]
    tasks = {task.rpartition("-")[0] for task, counts in events.items() if "mm_compaction_begin" in counts}
    ours = {e.comm for e in results[letter].events if e.name == "mm_compaction_begin"}
    assert {"P" if task.startswith("python") else task for task in tasks} == ours


def test_khugepaged_sleeps_after_the_failure():
    """Lane E: the allocation failed; the daemon sleeps for 60 s, and goes on behind the window."""
    machines = []
    result = run_lane("E", around=lambda machine: machines.append(machine) or nullcontext())
    statuses = [e.value("status") for e in result.events if e.name == "mm_collapse_huge_page"]
    assert statuses == ["alloc_huge_page_failed"]
    scan = machines[0].kernel.khugepaged
    assert scan.thread.wait.queue == "khugepaged_alloc_sleep"
    failed = next(e for e in result.events if e.name == "mm_collapse_huge_page")
    assert scan.thread.wait.deadline - failed.time_ns == 60_000_000_000
    assert scan.scan_address == WINDOW + SIZE


def test_deferred_to_nobody_and_done_beforehand():
    """C: kswapd has nothing to reclaim and does not wake kcompactd. G: a later fault is huge for nothing."""
    names = [e.name for e in run_lane("C").events]
    assert "mm_vmscan_kswapd_wake" in names
    assert "mm_compaction_kcompactd_wake" not in names
    machines = []
    run_lane("G", around=lambda machine: machines.append(machine) or nullcontext())
    process = machines[0].process("later")
    process.mmap(WINDOW, SIZE)
    process.madvise(WINDOW, SIZE, "hugepage")
    stalls = machines[0].vmstat("compact_stall")
    process.write(WINDOW, 1)
    assert sum(huge_pages(vma)[0] for vma in process.mm.vmas) == 1
    assert machines[0].vmstat("compact_stall") == stalls


def test_no_such_lane():
    with pytest.raises(ValueError, match="no lane 'X'; there are A, B"):
        run_lane("X")


def test_a_lane_leaves_the_machine_whole():
    """Is everything in its place after a lane, and does the window read what was written?"""
    machines = []
    run_lane("F", around=lambda machine: machines.append(machine) or nullcontext())
    (machine,) = machines
    check(machine)
