"""What khugepaged's passes do, read from runs: windows, units of the budget, the cursor, the clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from thplab.mm.include.khugepaged import Khugepaged
from thplab.mm.include.sched import NSEC_PER_MSEC
from thplab.scenario import Scenario, ScenarioRun, scenario
from thplab.scenario.build import experiment
from thplab.scenario.observe import SCANNED
from thplab.sweeps import Rows, fairness_sweep
from thplab.table import Table

_WINDOW = 512
_MIB_PER_WINDOW = 2
_NO_MEMORY_SECONDS = 150


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass: ``scans`` are (process, window, status) in order, ``units`` what it spent of its budget.

    ``cursor``: the process and the window in which the next pass goes on; None at the list's head.
    """

    scans: tuple[tuple[str, int, str], ...]
    units: int
    cursor: tuple[str, int] | None
    full_scans: int

    @property
    def collapsed(self) -> int:
        """How many windows became huge."""
        return sum(status == "succeeded" for _, _, status in self.scans)

    @property
    def overhead(self) -> int:
        """Units that went into visits of processes and into VMAs that were passed over."""
        return self.units - _WINDOW * len(self.scans)


def passes(which: Scenario | str, kernel: str = "6.18") -> list[Pass]:
    """Run a scenario whose steps wake khugepaged; what each of its passes did."""
    run = ScenarioRun(scenario(which) if isinstance(which, str) else which, kernel)
    return list(_passes(run))


def _passes(run: ScenarioRun) -> Iterator[Pass]:
    for step in run.scenario.steps:
        for _ in range(step.get("wakeups", 1)):
            before = run.machine.kernel.khugepaged.passes
            seen = _pass(run, {**step, "wakeups": 1} if "wakeups" in step else step)
            if run.machine.kernel.khugepaged.passes != before:
                yield seen


def _pass(run: ScenarioRun, step: Mapping[str, Any]) -> Pass:
    scan: Khugepaged = run.machine.kernel.khugepaged
    first, laps = len(run.machine.trace), scan.full_scans
    run.step(step)
    events = [event for event in run.events_since(first) if event["ev"] == SCANNED]
    scans = tuple((event["proc"], event["window"], event["status"]) for event in events)
    return Pass(scans, scan.progress_of_pass, _cursor(run, scan), scan.full_scans - laps)


def _cursor(run: ScenarioRun, scan: Khugepaged) -> tuple[str, int] | None:
    slot = scan.scan_mm_slot
    if slot is None:
        return None
    size, region = run.machine.kernel.geometry.HPAGE_PMD_SIZE, run.scenario.machine.region
    return slot.mm.name, max(scan.scan_address - region, 0) // size


def passes_table(which: Scenario | str) -> Table:
    """Each pass: windows scanned and collapsed, and where its units went."""
    rows = []
    for number, each in enumerate(passes(which), 1):
        whose = ", ".join(dict.fromkeys(proc for proc, _, _ in each.scans)) or "nobody"
        goes_on = f"{each.cursor[0]}, window {each.cursor[1]}" if each.cursor else "the list's head"
        rows.append((number, whose, len(each.scans), each.collapsed, each.units, each.overhead, goes_on))
    heads = ("pass", "process", "windows", "collapsed", "units", "overhead", "next position")
    return Table.of(heads, rows, "A window costs 512 units; all else that was spent is overhead.")


def already_huge_table(windows: int = 24, kernels: tuple[str, ...] = ("6.18", "7.3")) -> Table:
    """The first pass over windows that are huge already, under the accounting of two kernels."""
    data = experiment(*["512x huge"] * windows, name="already huge", pages_to_scan=8 * _WINDOW)
    rows = []
    for kernel in kernels:
        first = passes(data, kernel)[0]
        rows.append((kernel, windows, len(first.scans), first.units))
    return Table.of(("kernel", "huge windows", "looked at in the first pass", "units"), rows)


def _timed(data: Scenario, milliseconds: int) -> list[tuple[float, str, int, str]]:
    """Let time go by; when (in seconds), whose, which window, with what result."""
    run = ScenarioRun(Scenario.from_data({**data.raw, "steps": [{"type": "none"}]}))
    first, begin = len(run.machine.trace), run.machine.kernel.clock.now
    run.step({"type": "sleep", "milliseconds": milliseconds})
    times = [
        e for e in run.machine.trace[first:] if e.name == "mm_khugepaged_scan_pmd" and e.mm in run.actors
    ]
    records = [e for e in run.events_since(first) if e["ev"] == SCANNED]
    return [
        ((event.time_ns - begin) / NSEC_PER_MSEC / 1000, record["proc"], record["window"], record["status"])
        for event, record in zip(times, records, strict=True)
    ]


def naps_table(name: str = "S06.naps", milliseconds: int = 20_000) -> Table:
    """When windows are collapsed: one row for each moment at which something happens."""
    done: dict[float, int] = {}
    for second, _, _, status in _timed(scenario(name), milliseconds):
        done[second] = done.get(second, 0) + (status == "succeeded")
    rows, total = [], 0
    for second, count in done.items():
        total += count
        rows.append((f"{second:g} s", count, total))
    return Table.of(("after", "windows collapsed", "in all"), rows)


def no_memory(seconds: int) -> Scenario:
    """S06.nofree with time going by: no free block of order 9 anywhere."""
    raw = dict(scenario("S06.nofree").raw)
    raw["ops"] = [*raw["ops"], {"op": "advise", "advice": "hugepage"}]
    raw["machine"] = {**raw["machine"], "keeper": True}
    raw["steps"] = [{"type": "sleep", "milliseconds": seconds * 1000}]
    return Scenario.from_data(raw)


def nofree_table(seconds: int = _NO_MEMORY_SECONDS) -> Table:
    """No free block of order 9 anywhere: what is tried, and when."""
    seen = _timed(no_memory(seconds), seconds * 1000)
    rows = [(f"{second:g} s", window, status) for second, _, window, status in seen]
    return Table.of(("after", "window", "status"), rows, "Every window appears once in a lap of the list.")


def windows_in_a_pass(pages_to_scan: int) -> int:
    """How many windows a pass collapses, if all can be: a run's first pass."""
    return passes(touched(pages_to_scan // _WINDOW + 2, pages_to_scan))[0].collapsed


def touched(windows: int, pages_to_scan: int, wakeups: int = 1) -> Scenario:
    """One process with so many windows, one page of each in use, and so many passes."""
    return _alone(_one_page_each(windows), pages_to_scan, wakeups)


def _one_page_each(windows: int, first: int = 0) -> list[dict[str, Any]]:
    """Windows of which only the first page is touched, from page ``first`` on, all of it advised."""
    touched = [[first + _WINDOW * n, first + _WINDOW * n + 1] for n in range(windows)]
    return [
        {"op": "mmap", "start": first, "pages": _WINDOW * windows},
        {"op": "write", "pages": touched},
        {"op": "advise", "advice": "hugepage"},
    ]


def _alone(ops: list[dict[str, Any]], pages_to_scan: int, wakeups: int) -> Scenario:
    """The only process on the list: its advice, which comes last, wakes khugepaged for the first pass."""
    more = [{"type": "khugepaged", "wakeups": wakeups - 1}] if wakeups > 1 else []
    return Scenario.from_data({
        "name": "alone",
        "settings": {"pages_to_scan": pages_to_scan},
        "machine": {"keeper": False},
        "ops": ops[:-1],
        "steps": [{"type": "ops", "ops": ops[-1:]}, *more],
    })  # fmt: skip


def small_first(count: int, windows: int = 16) -> Scenario:
    """So many VMAs of one page, then windows that can be collapsed, and one pass of 4096 units."""
    first = (2 * count // _WINDOW + 1) * _WINDOW
    ops = [
        *({"op": "mmap", "start": 2 * number, "pages": 1} for number in range(count)),
        *_one_page_each(windows, first),
    ]
    return _alone(ops, 8 * _WINDOW, 1)


def two_tenants(first: int, second: int, wakeups: int) -> Scenario:
    """Tenant a before tenant b, with so many windows each, and so many passes."""
    procs = [
        {"name": name, "ops": _one_page_each(windows)} for name, windows in (("a", first), ("b", second))
    ]
    settings = {"pages_to_scan": 8 * _WINDOW}
    steps = [{"type": "khugepaged", "wakeups": wakeups}]
    return Scenario.from_data({"name": "two", "settings": settings, "procs": procs, "steps": steps})


def first_pass_of(which: Scenario | str, process: str) -> int:
    """The first pass, from 1 on, that collapses a window of ``process``. LookupError if none does."""
    for number, each in enumerate(passes(which), 1):
        if any(proc == process and status == "succeeded" for proc, _, status in each.scans):
            return number
    raise LookupError(f"no pass collapses a window of {process!r}")


def speed_table(
    gib: int = 64, knobs: tuple[tuple[int, int], ...] = ((4096, 10_000), (32_768, 10_000), (32_768, 1_000))
) -> Table:
    """How long one lap over so much memory takes: windows per pass are measured, the rest is division."""
    windows, rows = gib * 1024 // _MIB_PER_WINDOW, []
    for pages_to_scan, sleep in knobs:
        each = windows_in_a_pass(pages_to_scan)
        rounds = -(-windows // each)
        seconds = rounds * sleep / 1000
        speed = each * _MIB_PER_WINDOW * 1000 / sleep
        rows.append((pages_to_scan, f"{sleep} ms", each, rounds, _time(seconds), f"{speed:g} MiB/s"))
    heads = ("pages_to_scan", "scan_sleep", "windows in a pass", "passes", f"time for {gib} GiB", "speed")
    return Table.of(heads, rows, "Only naps are counted: the passes themselves take time on top.")


def _time(seconds: float) -> str:
    if seconds < 3600:
        return f"{seconds:g} s"
    hours, minutes = divmod(round(seconds / 60), 60)
    return f"{hours} h {minutes} min"


def wait_sweep(sizes: tuple[int, ...] = (8, 32, 128, 512), **knobs: Any) -> Rows[Any]:
    """B's wait for sizes of A in windows, in this process; ``knobs`` as of ``fairness_sweep``."""
    from thplab.sweeps import SerialExecutor

    return fairness_sweep(sizes, executor=SerialExecutor(), **knobs)
