"""One look of khugepaged, or one MADV_COLLAPSE, at a window: the verdict, and where the scan stopped."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from thplab.recording import record_scenario
from thplab.scenario import Scenario, ScenarioRun
from thplab.scenario.build import experiment
from thplab.scenario.observe import SCANNED


@dataclass(frozen=True, slots=True)
class Look:
    """What the trace line of the scan says.

    ``status``: the result's word; ``not looked at`` if there was no scan of this window at all. ``stopped``:
    the index of the entry at which the scan was given up; None if it read all entries, or none.
    """

    status: str
    stopped: int | None = None
    referenced: int = 0
    none_or_zero: int = 0
    unmapped: int = 0


def look(text: str, kernel: str = "6.18", **settings: Any) -> Look:
    """Paint one window (words of :func:`~thplab.scenario.build.window`) and wake khugepaged once."""
    return look_at(experiment(text, **settings), kernel)


def look_at(scenario: Scenario, kernel: str = "6.18") -> Look:
    """The first window that the last step of a scenario has scanned (or tried to collapse)."""
    run = ScenarioRun(scenario, kernel)
    seen: Mapping[str, Any] = {}
    for step in scenario.steps:
        seen = run.step(step)
    wakeups = seen.get("wakeups", [seen])
    events = [event for each in wakeups for event in each.get("events", ())]
    scans = [event for event in events if event["ev"] == SCANNED]
    if not scans:
        return Look("not looked at")
    first = scans[0]
    read = run.machine.kernel.khugepaged.collapse_control.ptes_read
    if len(scans) > 1:
        read = _read_by_the_first_scan(scenario, kernel)
    collapsing = any(event["ev"] == "collapse" for event in events)
    whole = collapsing or first["status"] in _AFTER_THE_LAST
    return Look(
        first["status"],
        None if whole or not read else read - 1,
        *(first[name] for name in ("referenced", "none_or_zero", "unmapped")),
    )


def _read_by_the_first_scan(scenario: Scenario, kernel: str) -> int:
    """How many entries the first of several scans looked at: seen in a recording, at its line."""
    recording = record_scenario(scenario, kernel, "events")
    scan = recording.find("event", 0, name="mm_khugepaged_scan_pmd")
    assert scan is not None
    return int(recording.state(scan).path("khugepaged.collapse_control.ptes_read"))


#: What is said when no entry spoke against the window: the loop has gone to its end.
_AFTER_THE_LAST = frozenset({"succeeded", "lack_referenced_page", "no_writable_page"})
