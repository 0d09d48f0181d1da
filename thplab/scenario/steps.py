"""The watched steps of a scenario: what each does to the machine, and what is seen of it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from thplab.mm.include.errors import KernelError
from thplab.scenario.intruders import INTRUDERS, intruding
from thplab.scenario.limits import refuse_collapse_into_smaller_sizes
from thplab.scenario.observe import window_text
from thplab.scenario.settings import SETTINGS, SETTINGS_VALUE
from thplab.scenario.spec import OPS_LIST, perform
from thplab.scenario.values import FLAG, LAST_PAGE, NAME, PAGES, Key, list_of, number, object_of

if TYPE_CHECKING:
    from thplab.scenario.run import ScenarioRun


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
    return {"events": events, "daemon_runs": scan.thread is not None, "full_scans": scan.full_scans - laps}


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


@dataclass(frozen=True)
class Step:
    """One step: ``run`` carries it out, and returns what was seen of it."""

    effect: str
    run: Callable[[ScenarioRun, Mapping[str, Any]], dict[str, Any]]
    keys: Mapping[str, Key]


_PROC = {"proc": Key(NAME, "the process", "the first one")}
_INTRUDERS = {"intruders": Key(INTRUDERS, "what other tasks do in between", "nothing")}
_TOUCH = object_of(
    {
        "page": Key(number(0, LAST_PAGE - 1), "the page", needed=True),
        "write": Key(FLAG, "write to it; else read it", False),
    }
)

STEPS: dict[str, Step] = {
    "khugepaged": Step(
        "Wake khugepaged up: it makes one pass for each wakeup.",
        _khugepaged,
        {**_PROC, "wakeups": Key(number(1, 100_000), "how often", 1), **_INTRUDERS},
    ),
    "madvise_collapse": Step(
        "A process calls madvise(MADV_COLLAPSE) for each range.",
        _madvise_collapse,
        {**_PROC, "ranges": Key(PAGES, "the page ranges", "the VMAs before the first step"), **_INTRUDERS},
    ),
    "fault": Step(
        "A process touches pages, one after the other.",
        _fault,
        {**_PROC, "touches": Key(list_of(_TOUCH), "the touches", needed=True)},
    ),
    "ops": Step(
        "A process does something.",
        _ops,
        {**_PROC, "ops": Key(OPS_LIST, "what it does", needed=True), **_INTRUDERS},
    ),
    "exit": Step("A process exits.", _exit, _PROC),
    "set": Step("Write settings.", _set, {"settings": Key(SETTINGS_VALUE, "setting and value", needed=True)}),
    "none": Step("Nothing happens: the photographs are the answer.", _none, _PROC),
    "sleep": Step(
        "Time passes; khugepaged wakes up by itself, and the two sleep settings count from here on.",
        _sleep,
        {"milliseconds": Key(number(1, 1 << 40), "how long", needed=True), **_INTRUDERS},
    ),
}
