"""Races: what happens if another task acts in a gap of a collapse, and whom it waits for.

The expected results follow from two tables: the locks that a collapse holds at each gap, and the one lock
that each kind of intruder needs. Whoever can act before the strict test sees it refuse; whoever must
wait finds the huge page when it gets its turn.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.invariants import check, tables_and_pages
from tests.sampling import some
from thplab.mm.include.lock import Lock
from thplab.mm.include.page import PG_locked
from thplab.phases import PHASES
from thplab.scenario import NAMED, Scenario, ScenarioError, intruders, run_scenario, scenario
from thplab.scenario.gaps import GAPS, probed
from thplab.scenario.named.nb08_races import OUTCOMES, RACES, WHERE
from thplab.scenario.run import ScenarioRun

DONE = "succeeded"
MOVED = "not_suitable_address_range"
GONE = "no_process_for_page"
PINNED = "not_suitable_page_count"

#: kind -> status of the collapse, gap by gap
STATUS = {
    "pin": [PINNED] * 5 + [DONE] * 3,
    "munmap": [MOVED] * 3 + [DONE] * 5,
    "mprotect": [MOVED] * 3 + [DONE] * 5,
    # Before the swap-in: the page is read in again with the others; from the fence on it can't be had.
    "swapout": ["pte_non_present"] * 2 + [DONE] + ["pte_non_present"] + [DONE] * 4,
    "fork": ["exceed_shared_pte"] * 3 + [DONE] * 5,
    # The second look comes after the write lock, and sees who is gone.
    "exit": [GONE] * 4 + [DONE] * 4,
    "fault_fills_hole": [DONE] * 8,
    # The table goes with the pages. It is missed first by who looks for it: PMD, swap-in, PMD again.
    "dontneed": ["pmd_none", "pmd_none", "pmd_null", "pmd_none"] + [DONE] * 4,
}

#: kind -> what it waits for, gap by gap; None: nothing
FOR_WRITING = [None] + ["mmap_lock a for writing"] * 7
FOR_READING = "mmap_lock a for reading"
WAITS = {
    "pin": [None] * 5 + [FOR_READING] * 3,
    "munmap": FOR_WRITING,
    "mprotect": FOR_WRITING,
    "swapout": [None] * 4 + ["anon_vma N for reading"] * 2 + [None] * 2,
    "fork": FOR_WRITING,
    "exit": FOR_WRITING,
    "fault_fills_hole": [None] * 4 + [FOR_READING] * 4,
    "dontneed": [None] * 4 + [FOR_READING] * 4,
}

#: Where no VMA has a lock of its own, these wait under the write lock too.
WITHOUT_VMA_LOCK = {"6.1": ("fault_fills_hole", "dontneed"), "6.12": ("dontneed",)}

GAPS_OF_RACES = tuple(WHERE)
MATRIX = [(kind, gap) for kind in RACES for gap in WHERE]


def first_scan(seen: dict[str, Any]) -> dict[str, Any]:
    """The event of the scan that was disturbed."""
    events = seen["steps"][0]["wakeups"][0]["events"]
    return next(event for event in events if (event["ev"], event["by"]) == ("scan_pmd", "khugepaged"))


def waited_for(seen: dict[str, Any]) -> str | None:
    """The lock that the intruder waited for."""
    (report,) = seen["steps"][0]["intruders"]
    assert "error" not in report
    if report["ran"] == "at once":
        return None
    waited = re.fullmatch("after waiting for (.*)", report["ran"])
    assert waited is not None, report["ran"]
    return re.sub(r"anon_vma \d+", "anon_vma N", waited[1])


@pytest.mark.parametrize(("kind", "gap"), MATRIX)
def test_each_race_at_each_gap(kind: str, gap: str) -> None:
    seen = run_scenario(scenario(f"S08.race.{kind}.{gap}"))
    assert first_scan(seen)["status"] == STATUS[kind][GAPS_OF_RACES.index(gap)]
    assert waited_for(seen) == WAITS[kind][GAPS_OF_RACES.index(gap)]
    assert all(each["ok"] for each in seen["verify"].values())


@pytest.mark.parametrize("kernel", ["6.1", "6.12"])
@pytest.mark.parametrize(("kind", "gap"), some(MATRIX, 20))
def test_each_race_under_older_kernels(kind: str, gap: str, kernel: str) -> None:
    """No lock of a VMA, or none for MADV_DONTNEED: those who needed only that wait at one gap more."""
    status, waits = STATUS[kind][GAPS_OF_RACES.index(gap)], WAITS[kind][GAPS_OF_RACES.index(gap)]
    if gap == "write_locked" and kind in WITHOUT_VMA_LOCK[kernel]:
        status, waits = DONE, FOR_READING
    if kind == "dontneed" and waits is None:
        status = "exceed_none_pte"  # the empty table is not freed: the strict test finds 512 holes
    seen = run_scenario(scenario(f"S08.race.{kind}.{gap}"), kernel)
    assert (first_scan(seen)["status"], waited_for(seen)) == (status, waits)
    assert all(each["ok"] for each in seen["verify"].values())


@pytest.mark.parametrize("status", OUTCOMES)
def test_each_status_that_needs_a_race(status: str) -> None:
    assert first_scan(run_scenario(scenario(f"S08.outcome.{status}")))["status"] == status


FROM_SCAN = ("page_not_in_lru", "page_locked")
FROM_ISOLATE = ("pte_non_present", "not_suitable_page_count", "exceed_shared_pte")


@pytest.mark.parametrize("status", OUTCOMES)
def test_where_the_status_comes_from(status: str) -> None:
    """From the scan itself, from a look after the lock was dropped, or from isolate."""
    events = run_scenario(scenario(f"S08.outcome.{status}"))["steps"][0]["wakeups"][0]["events"]
    said = {event["ev"] for event in events if event.get("status") == status}
    if status in FROM_SCAN:
        assert said == {"scan_pmd"}
    else:
        assert said == {"collapse", "scan_pmd"} | ({"isolate"} if status in FROM_ISOLATE else set())


# what is left behind --------------------------------------------------------------------------------


def started(name: str) -> ScenarioRun:
    return ScenarioRun(scenario(name))


def pins(run: ScenarioRun) -> list[int]:
    return [page for actor in run.actors.values() for pages in actor.pins.values() for page in pages]


@pytest.mark.parametrize(("kind", "gap"), MATRIX)
def test_the_machine_is_whole_afterwards(kind: str, gap: str) -> None:
    run = started(f"S08.race.{kind}.{gap}")
    run.step(run.scenario.steps[0])
    check(run.machine, pins(run))
    for mm in run.machine.kernel.mms:
        assert not mm.mmap_lock.waiters


REFUSED = [
    (kind, gap)
    for kind, gap in MATRIX
    if STATUS[kind][GAPS_OF_RACES.index(gap)] != DONE
    and WAITS[kind][GAPS_OF_RACES.index(gap)] is None
    and gap != "before_swapin"
]


@pytest.mark.parametrize(("kind", "gap"), REFUSED)
def test_a_refused_collapse_leaves_all_as_the_intruder_left_it(
    kind: str, gap: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Bit for bit: page tables, folios, VMAs, sizes; of the free memory the huge page is back."""
    run = started(f"S08.race.{kind}.{gap}")
    photographs: list[dict[str, Any]] = []
    plain = intruders._Intruder.act

    def act_and_look(self: Any) -> None:
        plain(self)
        photographs.append(tables_and_pages(run.machine.kernel))

    monkeypatch.setattr(intruders._Intruder, "act", act_and_look)
    run.step(run.scenario.steps[0])
    (before,) = photographs
    after = tables_and_pages(run.machine.kernel)
    assert after["free"] == before.pop("free") + 512
    for what, was in before.items():
        assert after[what] == was, what


def test_pinned_page_sees_every_entry_restored() -> None:
    """The PMD is cleared, isolate refuses the last page, 511 are put back, the PMD points again."""
    run = started("S08.race.pin.before_fence")
    before = tables_and_pages(run.machine.kernel)
    run.step(run.scenario.steps[0])
    after = tables_and_pages(run.machine.kernel)
    assert after["tables"] == before["tables"]
    assert after["sizes"] == before["sizes"]
    assert after["free"] == before["free"]
    changed = [folio for folio, columns in after["folios"].items() if columns != before["folios"][folio]]
    assert len(changed) == 1  # the pinned one: one reference more, and marked as used


def test_who_waits_stands_in_the_queue_of_the_lock() -> None:
    run = started("S08.race.munmap.after_fence")
    queues = []
    lock = run.actors["a"].process.mm.mmap_lock
    with probed({"before_publish": lambda: queues.append([(w.who, w.op, w.write) for w in lock.waiters])}):
        run.step(run.scenario.steps[0])
    assert queues == [[("a", "munmap", 1)]]


def disturbed(*others: dict[str, Any], by: str = "khugepaged") -> dict[str, Any]:
    """What happens if these intrude on the collapse of a clean window."""
    data = {**scenario("S08.clean512").raw, "steps": [{"type": by, "intruders": list(others)}]}
    data.pop("action", None)
    return run_scenario(Scenario.from_data(data))


def test_two_who_wait_go_on_in_turn() -> None:
    seen = disturbed(
        {"at": "after_fence", "op": {"op": "write", "pages": [[3, 4]], "gen": 9}},
        {"at": "before_copy", "op": {"op": "advise", "advice": "dontneed", "pages": [[0, 256]]}},
        {"at": "before_publish", "op": {"op": "fork"}},
    )
    assert all(report["ran"].startswith("after waiting") for report in seen["steps"][0]["intruders"])
    assert seen["after"]["a"]["windows"] == [".256 d256"]
    assert seen["verify"]["a"]["ok"]


def test_a_gap_that_is_not_reached_is_told() -> None:
    seen = disturbed({"at": "before_swapin", "op": {"op": "clear_refs"}})
    assert seen["steps"][0]["intruders"][0]["ran"] == "never: the gap was not reached"


def test_what_a_system_call_refuses_is_told() -> None:
    step = {
        "type": "khugepaged",
        "intruders": [{"at": "after_alloc", "op": {"op": "unpin", "pages": [[1, 2]]}}],
    }
    data = {**scenario("S08.clean512").raw, "steps": [step]}
    data.pop("action", None)
    seen = run_scenario(Scenario.from_data(data))
    assert "page 1 is not pinned" in seen["steps"][0]["intruders"][0]["error"]


def test_madv_collapse_has_the_same_gaps() -> None:
    step = {
        "type": "madvise_collapse",
        "intruders": [{"at": "before_fence", "op": {"op": "pin", "pages": [[5, 6]]}}],
    }
    data = {**scenario("S08.clean512").raw, "steps": [step]}
    data.pop("action", None)
    seen = run_scenario(Scenario.from_data(data))
    assert seen["steps"][0]["calls"][0]["errno"] == "EAGAIN"


def test_the_daemon_does_not_run_within_itself() -> None:
    """An intruder that registers a process wakes the daemon, which is busy: it looks later."""
    seen = run_scenario(scenario("S08.race.fork.after_alloc"))
    procs = [event["proc"] for event in seen["steps"][0]["wakeups"][0]["events"] if event["ev"] == "scan_pmd"]
    assert procs == ["a", "a.k"]


# the probes -------------------------------------------------------------------------------------------


def functions() -> dict[str, Callable[..., Any]]:
    return {
        f"{name}.{bound}": value
        for name, module in sys.modules.items()
        if name.startswith("thplab.mm")
        for bound, value in vars(module).items()
        if callable(value)
    }


def test_all_is_as_before_after_a_run() -> None:
    before = functions()
    run_scenario(scenario("S08.race.pin.before_fence"))
    assert functions() == before


def test_all_is_as_before_after_an_error() -> None:
    before = functions()

    def fail() -> None:
        raise RuntimeError("stop")

    run = started("S08.clean512")
    with pytest.raises(RuntimeError), probed({"after_alloc": fail, "before_alloc": lambda: None}):
        run.step(run.scenario.steps[0])
    assert functions() == before


def test_the_gaps_come_in_their_order() -> None:
    order: list[str] = []
    run = started("S08.race.swapout.before_swapin")
    with probed({name: (lambda name=name: order.append(name)) for name in GAPS}):  # type: ignore[misc]
        run.step({"type": "khugepaged"})
    assert order == list(GAPS)
    numbers = [PHASES.index(gap.phase) for gap in GAPS.values()]
    assert numbers == sorted(numbers)


def locks_held(run: ScenarioRun) -> str:
    """The locks that are held now, as a gap says it."""
    mm = run.actors["a"].process.mm
    (vma,) = mm.vmas
    assert vma.anon_vma is not None
    locks: dict[str, Lock] = {"mmap_lock": mm.mmap_lock, "VMA": vma.vm_lock, "anon_vma": vma.anon_vma.lock}
    held = [
        f"{name} {'W' if lock.writer else 'R'}" for name, lock in locks.items() if lock.writer or lock.readers
    ]
    if any(flags & PG_locked for flags in run.machine.kernel.mem_map.flags):
        held.append("page locks")
    return ", ".join(held) or "nothing"


def test_the_locks_that_a_gap_names_are_those_that_are_held() -> None:
    run, seen = started("S08.race.swapout.before_swapin"), {}
    with probed({name: (lambda name=name: seen.update({name: locks_held(run)})) for name in GAPS}):  # type: ignore[misc]
        run.step({"type": "khugepaged"})
    # Other pages than the window's are locked by nobody; those of the window once they are isolated.
    assert seen == {name: gap.held for name, gap in GAPS.items()}


@pytest.mark.parametrize("name", ["before_scan", "recheck"])
def test_a_gap_is_in_its_caller_only(name: str) -> None:
    """MADV_COLLAPSE calls scan_pmd too; the look under the write lock asks for the PMD once more."""
    reached: list[str] = []
    run = started("S08.clean512")
    process = run.actors["a"].process
    with probed({name: lambda: reached.append(name)}):
        process.madvise(process.mm.vmas[0].vm_start, 512 * 4096, "collapse")
    assert reached == [name]


# what may stand in a scenario -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("intruder", "words"),
    [
        (5, ("an object",)),
        ({"op": {"op": "fork"}}, ("'at'", "missing")),
        ({"at": "after_alloc"}, ("'op'", "missing")),
        ({"at": "after_aloc", "op": {"op": "fork"}}, ("after_aloc", "did you mean after_alloc")),
        ({"at": "after_alloc", "op": {"op": "ksm_wait"}}, ("ksm_wait", "munmap")),
        ({"at": "after_alloc", "op": {"op": "pin", "pages": [[5, 5]]}}, ("[5, 5]", "first < end")),
        ({"at": "after_alloc", "op": {"op": "fork"}, "proc": "a b"}, ("a b", "a.k")),
        ({"at": "after_alloc", "op": {"op": "fork"}, "when": 1}, ("'when'", "proc")),
    ],
)
def test_a_wrong_intruder_is_refused(intruder: Any, words: tuple[str, ...]) -> None:
    data = {
        "ops": [{"op": "mmap", "start": 0, "pages": 512}],
        "action": {"type": "khugepaged", "intruders": [intruder]},
    }
    with pytest.raises(ScenarioError) as refused:
        Scenario.from_data(data)
    for word in ("intruders[0]", *words):
        assert word in str(refused.value)


def test_an_intruder_of_an_unknown_process_is_refused() -> None:
    with pytest.raises(ScenarioError, match="no process 'b'; there are a"):
        disturbed({"at": "after_alloc", "proc": "b", "op": {"op": "fork"}})


def test_every_race_has_a_story() -> None:
    races = [each for name, each in NAMED.items() if name.startswith(("S08.race.", "S08.outcome."))]
    assert len(races) == len(RACES) * len(WHERE) + len(OUTCOMES)
    assert len({race.story for race in races}) == len(races)
