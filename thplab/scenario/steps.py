"""The watched steps of a scenario: what each does to the machine, and what is seen of it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from thplab.mm.include.errors import KernelError
from thplab.scenario.intruders import intruding
from thplab.scenario.limits import refuse_collapse_into_smaller_sizes
from thplab.scenario.observe import window_text
from thplab.scenario.ops import perform
from thplab.scenario.settings import SETTINGS

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun

__all__ = ["STEPS"]


def _khugepaged(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    with intruding(run, step.get("intruders", ())) as reports:
        wakeups = [_wakeup(run) for _ in range(step.get("wakeups", 1))]
    return {"wakeups": wakeups, **_told(reports)}


def _told(reports: list[dict[str, Any]]) -> dict[str, Any]:
    return {"intruders": reports} if reports else {}


def _wakeup(run: ScenarioRun) -> dict[str, Any]:
    scan, first = run.machine.kernel.khugepaged, len(run.machine.trace)
    laps = scan.full_scans
    run.machine.wake_khugepaged()
    events = run.events_since(first)
    refuse_collapse_into_smaller_sizes(run, events)
    return {
        "events": events,
        "daemon_runs": scan.thread is not None,
        "full_scans": scan.full_scans - laps,
    }


def _madvise_collapse(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    first = len(run.machine.trace)
    ranges = step.get("ranges", _vma_ranges(run, step))
    with intruding(run, step.get("intruders", ())) as reports:
        calls = [_collapse_call(run, step, *each) for each in ranges]
    return {"calls": calls, "events": run.events_since(first), **_told(reports)}


def _vma_ranges(run: ScenarioRun, step: Mapping[str, Any]) -> list[tuple[int, int]]:
    """The VMAs of the process in the photograph taken before the first step."""
    vmas = run.before[run.free_actor(step).name]["vmas"]
    return [(vma["start"], vma["start"] + vma["pages"]) for vma in vmas]


def _collapse_call(run: ScenarioRun, step: Mapping[str, Any], first: int, end: int) -> dict[str, Any]:
    actor = run.free_actor(step)
    try:
        actor.process.madvise(*actor.place(first, end), "collapse")
    except KernelError as error:
        return {"pages": [first, end], "ret": -1, "errno": errno.errorcode[error.errno or 0]}
    return {"pages": [first, end], "ret": 0, "errno": 0}


def _fault(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    return {"touches": [_touch(run, step, touch) for touch in step["touches"]]}


def _touch(run: ScenarioRun, step: Mapping[str, Any], touch: Mapping[str, Any]) -> dict[str, Any]:
    actor = run.actor(step)
    page, write = touch["page"], bool(touch.get("write", False))
    perform(actor, {"op": "write" if write else "read", "pages": [(page, page + 1)]})
    pages_per_window = run.machine.kernel.geometry.HPAGE_PMD_NR
    window = page // pages_per_window
    state = window_text(actor.process, actor.address(window * pages_per_window))
    return {"page": page, "write": write, "window": window, "state": state}


def _ops(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    actor = run.actor(step)
    logged, first = len(actor.log), len(run.machine.trace)
    with intruding(run, step.get("intruders", ())) as reports:
        for op in step["ops"]:
            perform(actor, op)
    return {"log": actor.log[logged:], "events": run.events_since(first), **_told(reports)}


def _exit(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    run.free_actor(step).process.exit()
    return {}


def _set(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    run.store(step["settings"])
    return {}


def _sleep(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    """Time goes by. Writing the nap's length wakes the daemon at once: its first pass begins then."""
    scan, first = run.machine.kernel.khugepaged, len(run.machine.trace)
    passes, laps = scan.passes, scan.full_scans
    default = SETTINGS["scan_sleep_millisecs"].default
    run.store({"scan_sleep_millisecs": run.scenario.settings.get("scan_sleep_millisecs", default)})
    with intruding(run, step.get("intruders", ())) as reports:
        run.machine.run_for(step["milliseconds"])
    return {
        "passes": scan.passes - passes,
        "full_scans": scan.full_scans - laps,
        "events": run.events_since(first),
        **_told(reports),
    }


def _none(run: ScenarioRun, step: Mapping[str, Any]) -> dict[str, Any]:
    return {}


STEPS: dict[str, Callable[[ScenarioRun, Mapping[str, Any]], dict[str, Any]]] = {
    "khugepaged": _khugepaged,
    "madvise_collapse": _madvise_collapse,
    "fault": _fault,
    "ops": _ops,
    "exit": _exit,
    "set": _set,
    "none": _none,
    "sleep": _sleep,
}
