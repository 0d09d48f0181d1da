"""What must be true before khugepaged looks at a process: the same program, with one thing left out."""

from __future__ import annotations

from typing import Any

from thplab.recording import Recording, record_scenario
from thplab.scenario import Scenario, scenario
from thplab.table import Table

_MMAP = {"op": "mmap", "start": 0, "pages": 512}
_WRITE = {"op": "write", "pages": [[0, 512]]}
_ADVISE = {"op": "advise", "advice": "hugepage"}
_STEPS = [{"type": "khugepaged", "wakeups": 1}]

#: What is done, in words, and the changes to the note's scenario that do it.
VARIANTS: dict[str, dict[str, Any]] = {
    "write, then MADV_HUGEPAGE": {"ops": [_MMAP, _WRITE, _ADVISE]},
    "write only": {"ops": [_MMAP, _WRITE]},
    "MADV_HUGEPAGE, but nothing was ever written": {"ops": [_MMAP, _ADVISE]},
    "write, then MADV_HUGEPAGE; enabled is never": {
        "ops": [_MMAP, _WRITE, _ADVISE],
        "settings": {"enabled": "never"},
    },
}


def run_variant(name: str) -> Recording:
    """Record one pass of khugepaged after the program did what ``name`` says."""
    changes = VARIANTS[name]
    raw = {**scenario("note").raw, "steps": _STEPS, "settings": changes.get("settings", {})}
    del raw["action"]
    raw["procs"] = [{"name": "app", "ops": changes["ops"]}]
    # Somebody is registered already: a first registration would wake khugepaged before the pass we watch.
    raw["machine"] = {**raw["machine"], "keeper": True}
    return record_scenario(Scenario.from_data(raw), depth="events")


def windows_scanned(recording: Recording) -> int:
    """How many windows khugepaged looked at."""
    return sum(line["event"] == "mm_khugepaged_scan_pmd" for line in recording.header["trace"])


def registration_table() -> Table:
    """Every variant: does the thread run, how many windows did it look at, what did it collapse?"""
    rows = []
    for name in VARIANTS:
        recording = run_variant(name)
        start, end = recording.state(0), recording.state(len(recording) - 1)
        thread = "yes" if end.path("khugepaged.thread") is not None else "no"
        collapsed = end.path("khugepaged.pages_collapsed") - start.path("khugepaged.pages_collapsed")
        rows.append((name, thread, windows_scanned(recording), collapsed))
    heads = ("the program does", "thread khugepaged runs", "windows scanned", "huge pages made")
    return Table.of(heads, rows)
